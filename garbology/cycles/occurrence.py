"""One cycle of the garbage, object by object: its members and the references between them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.components import Cycles
from garbology.cycles.graphs import Graph, all_reached, graph_of_pairs
from garbology.cycles.strong import strongly_connected
from garbology.interpreter.once import cached_property
from garbology.snapshot.arrays import at, blocks, tally
from garbology.snapshot.snapshot import Index, Snapshot

_MANY_OBJECTS = 400
_MANY_REFERENCES = 4_096
_BLOCK = 65_536


@dataclass(frozen=True)
class Occurrence:
    """Some objects, mostly those of one strongly connected component, and the references between them.

    Attributes
    ----------
    objects : its objects, in the order in which they were made.
    starts, targets : int32, shapes (n + 1,) and (m,). The objects that object ``i`` refers to stand at
        ``targets[starts[i]:starts[i + 1]]``.
    positions : int32 or uint16, shape (m,). Where each reference stands among all referents of its source.
    edges : int32, shape (m,). Where each reference stands among all of the snapshot; empty where nobody asks.
    types, kinds : the distinct types, and which of them each object has: int32, shape (n,).
    find : from addresses to places in ``objects``, -1 where there is none: int32.
    enclosed : nothing else refers to any of them, so that they die when their own cycles are cut.
    """

    objects: Sequence[object] = field(repr=False)
    starts: NDArray[np.int32]
    targets: NDArray[np.int32]
    positions: NDArray[Any]
    edges: NDArray[np.int32]
    types: list[type] = field(repr=False)
    kinds: NDArray[np.int32] = field(repr=False)
    find: Callable[[NDArray[np.int64]], NDArray[np.int32]] = field(repr=False)
    enclosed: bool = True

    @cached_property
    def sources(self) -> NDArray[np.int32]:
        """The source of each reference: int32, shape (m,)."""
        return np.repeat(np.arange(len(self.objects), dtype=np.int32), np.diff(self.starts))

    @property
    def is_large(self) -> bool:
        """Whether only some of its references are named, and the others taken to be like them."""
        return len(self.objects) > _MANY_OBJECTS or len(self.targets) > _MANY_REFERENCES

    def in_degrees(self) -> NDArray[np.int32]:
        """References to each object from inside: int32, shape (n,)."""
        return tally(self.targets, len(self.objects))

    def is_acyclic_without(self, removed: NDArray[np.bool_]) -> bool:
        """Whether no cycle is left once the ``removed`` references (bool, shape (m,)) are gone."""
        left = self.targets.copy()
        younger = older = False
        for first in range(0, len(self.objects), _BLOCK):
            starts = self.starts[first : first + _BLOCK + 1]
            own = np.repeat(np.arange(first, first + len(starts) - 1, dtype=np.int32), np.diff(starts))
            within = slice(int(starts[0]), int(starts[-1]))
            if ((left[within] == own) & ~removed[within]).any():
                return False
            np.copyto(left[within], own, where=removed[within])
            younger |= bool((left[within] > own).any())
            older |= bool((left[within] < own).any())
        if not (
            younger and older
        ):  # what only refers to younger objects, or only to older ones, has no cycle
            return True
        count, _ = strongly_connected(Graph(self.starts, left))
        return bool(count == len(self.objects))


class _Chosen(Sequence[object]):
    """Some objects of a list, without a list of their own."""

    def __init__(self, objects: list[object], places: NDArray[np.int32]) -> None:
        self._objects = objects
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: Any) -> Any:
        return self._objects[self._places[place]]

    def __iter__(self) -> Iterator[object]:
        return map(self._objects.__getitem__, self._places.tolist())


def occurrence_of(snapshot: Snapshot, members: NDArray[np.integer[Any]]) -> Occurrence:
    """The part of a snapshot whose objects stand at ``members`` (ascending)."""
    edges, ends = _rows(snapshot.starts, members)
    places = _places_among(members, snapshot.targets[edges])
    inside = places >= 0
    return Occurrence(
        objects=list(map(snapshot.objects.__getitem__, members.tolist())),
        starts=np.append(np.int32(0), np.cumsum(inside, dtype=np.int32))[ends],
        targets=places[inside],
        positions=snapshot.positions[edges[inside]],
        edges=edges[inside],
        types=snapshot.types,
        kinds=snapshot.kinds[members],
        find=functools.partial(_find, snapshot.index, members),
        enclosed=int(inside.sum()) == int(snapshot.counts[members].sum()),
    )


def occurrence_in(snapshot: Snapshot, cycles: Cycles, places: NDArray[np.int32]) -> Occurrence:
    """One component of ``cycles``, whose objects stand at ``places`` (ascending) in them; without ``edges``."""
    members = places if cycles.members is None else at(cycles.members, places)
    starts, targets, positions = _within(cycles, places)
    whole = len(members) == len(snapshot)
    chosen = _Chosen(snapshot.objects, members)
    return Occurrence(
        objects=snapshot.objects if whole else list(chosen) if len(chosen) <= _MANY_OBJECTS else chosen,
        starts=starts,
        targets=targets,
        positions=positions,
        edges=np.empty(0, np.int32),
        types=snapshot.types,
        kinds=snapshot.kinds if whole else at(snapshot.kinds, members),
        find=snapshot.index.find if whole else functools.partial(_find, snapshot.index, members),
        enclosed=len(targets) == int(at(snapshot.counts, members).sum(dtype=np.int64)),
    )


def _within(
    cycles: Cycles, places: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[Any]]:
    """Starts, targets and positions of the references between the objects at ``places``, all of one component."""
    starts, inside = cycles.starts, cycles.inside
    first, last = int(places[0]), int(places[-1]) + 1
    own = slice(int(starts[first]), int(starts[last]))
    if last - first == len(places) and (
        inside is None or inside[own].all()
    ):  # in a row: next to nothing is copied
        starts, targets = starts[first : last + 1], cycles.targets[own]
        return (
            starts - np.int32(own.start),
            targets - np.int32(first) if first else targets,
            cycles.positions[own],
        )
    edges, starts = _rows(starts, places)
    if inside is not None:
        kept = at(inside, edges)
        if not kept.all():
            starts, edges = np.append(np.int32(0), np.cumsum(kept, dtype=np.int32))[starts], edges[kept]
    targets = at(cycles.targets, edges)
    if len(places) <= _MANY_OBJECTS:
        return starts, np.searchsorted(places, targets).astype(np.int32), cycles.positions[edges]
    place = np.empty(len(cycles.starts) - 1, np.int32)
    place[places] = np.arange(len(places), dtype=np.int32)
    for block in blocks(len(targets)):
        targets[block] = place[targets[block]]
    del place
    return starts, targets, at(cycles.positions, edges)


def _rows(
    starts: NDArray[np.int32], places: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Where the references of the objects at ``places`` stand, and the starts of those of each among them."""
    begins = starts[places]
    degrees = starts[places + 1] - begins
    own = np.zeros(len(places) + 1, np.int32)
    np.cumsum(degrees, out=own[1:])
    edges = np.arange(own[-1], dtype=np.int32)
    edges += np.repeat(begins - own[:-1], degrees)
    return edges, own


def _places_among(members: NDArray[np.integer[Any]], targets: NDArray[np.int32]) -> NDArray[np.int32]:
    """Where each of ``targets`` stands among ``members`` (ascending, at least one); -1 where it does not."""
    places = np.searchsorted(members, targets).astype(np.int32)
    places[places == len(members)] = 0
    places[members[places] != targets] = -1
    return places


def _find(index: Index, members: NDArray[np.integer[Any]], addresses: NDArray[np.int64]) -> NDArray[np.int32]:
    return _places_among(members, index.find(addresses))


def with_all_that_holds_it(
    snapshot: Snapshot, garbage: NDArray[np.bool_], members: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """``members`` (places in the snapshot) and all garbage from which they can be reached, ascending."""
    kept = garbage[snapshot.sources] & garbage[snapshot.targets]
    backwards = graph_of_pairs(snapshot.targets[kept], snapshot.sources[kept], len(snapshot))
    among_members = np.zeros(len(snapshot), bool)
    among_members[members] = True
    return np.flatnonzero(all_reached(backwards, among_members))
