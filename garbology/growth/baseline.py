"""A first census, and what has changed at each later one."""

from __future__ import annotations

import gc
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from garbology.growth.attribution import Attribution, attribute, grown_themselves
from garbology.growth.census import Census
from garbology.growth.process import Process
from garbology.interpreter.traversal import safe_referents
from garbology.names.edges import named_referents
from garbology.names.hidden import hides, unseen_referents
from garbology.sizes.sizes import held_bytes, object_bytes
from garbology.snapshot.addresses import Index, addresses_of, types_of
from garbology.snapshot.arrays import blocks, distinct

_MOST_READ_OBJECTS = 8  # at a census, of which each referent is weighed
_MOST_READ_ENTRIES = 5_000
_MOST_LEAVES = 8  # of an object, at a census, from each end
_FEWEST_COMPARED = 2
_NOTHING = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class State:
    """A census and what has changed since the first one.

    Attributes
    ----------
    step : after how many steps, or seconds.
    live_bytes : of all objects that are there, garbage included; ``c_bytes`` is what `malloc` handed out for them.
    process : what was read of it as a whole.
    unheld_bytes : of new objects that no older one leads to: garbage, and what C code or a running function holds.
    waiting_bytes : of garbage; where that is not known, the same as ``unheld_bytes``.
    places : int32. Which objects of the first census have more or less than then, and ``gained`` by how much.
    entries : int32. How many more entries than then those have that are containers; 0 of others.
    leaves : of those of them that gained most by what is not tracked: bytes of each such referent, by its label.
    """

    step: float
    live_bytes: int
    c_bytes: int
    unheld_bytes: int
    waiting_bytes: int
    process: Process
    places: NDArray[np.int32]
    gained: NDArray[np.int64]
    entries: NDArray[np.int32]
    leaves: dict[int, dict[str, int]]

    def gained_at(self, place: int) -> int:
        """By how much an object of the first census has more than then."""
        return int(self.gained[self.places == place].sum())

    @property
    def beyond_bytes(self) -> int:
        """Anonymous memory of the process beyond what the allocators hold; 0 where that is not known."""
        return self.process.beyond_bytes

    @property
    def pythons_c_bytes(self) -> int:
        """What `malloc` handed out for Python: as it was traced, else for its objects."""
        return self.process.traced.in_c if self.process.traced else self.c_bytes


@dataclass
class Last:
    """A census with the objects; let it go soon, for it holds them all."""

    objects: list[object]
    census: Census
    attribution: Attribution
    first_lengths: NDArray[np.int32]

    def let_go(self) -> None:
        """What was asked of it is known; nothing can be asked any more."""
        self.objects.clear()
        del self.census, self.attribution, self.first_lengths

    def places_now(self, places: NDArray[np.int32]) -> NDArray[np.int32]:
        """Where the objects at some ``places`` of the first census are in this one; -1 of what has died."""
        before = self.attribution.before
        now = np.full(len(self.first_lengths), -1, np.int32)
        for block in blocks(len(before)):
            old = np.flatnonzero(before[block] >= 0) + block.start
            now[before[old]] = old
        return now[places]

    def entries_of_each(self, places: NDArray[np.int32]) -> NDArray[np.int32]:
        """How many more entries each container at some ``places`` of the first census has than then; 0 of others.

        int32, shape (len(places),).
        """
        now = self.places_now(places)
        more: NDArray[np.int32] = self.census.lengths[now] - self.first_lengths[places]
        return np.where(now < 0, np.int32(0), more)

    def entries_gained(self, place: int, now: int) -> int:
        """How many more entries the object at ``place`` of the first census has than then; of one that is no container,
        how many new objects it refers to. ``now`` is its place here.
        """
        if self.first_lengths[place] >= 0:
            return int(self.census.lengths[now] - self.first_lengths[place])
        return len(distinct(self.census.targets[self.census.sources == now]))


class Baseline:
    """The census from which growth is counted, and the states since; the first of them is its own."""

    __slots__ = ("_first", "states")

    def __init__(self, first: Census, step: float, process: Process, waiting_bytes: int = 0) -> None:
        self._first = replace(first, sources=_NOTHING[0], targets=_NOTHING[0])
        size, in_c = first.total_bytes, first.c_bytes
        self.states = [State(step, size, in_c, 0, waiting_bytes, process, *_NOTHING, {})]

    @property
    def began(self) -> float:
        """After how many steps, or seconds, the first census was taken."""
        return self.states[0].step

    @property
    def addresses(self) -> NDArray[np.int64]:
        """Of the objects of the first census, int64, shape (n,)."""
        return self._first.addresses

    def places_of(self, objects: Sequence[object]) -> NDArray[np.int32]:
        """Where each of ``objects`` is in the first census: int32, shape (n,).

        -1 where nothing of its type had its address then.
        """
        places = Index.of(self._first.addresses).find(addresses_of(objects))
        types, kinds = types_of(objects)
        numbers = Index.of(self._first.types).find(addresses_of(types))
        for block in blocks(len(places)):
            known = self._first.kinds[places[block]] == numbers[kinds[block]]
            places[block] = np.where(known, places[block], np.int32(-1))
        return places

    def compare(self, objects: list[object], census: Census, places: NDArray[np.int32]) -> Last:
        """What ``census``, of ``objects``, has more; ``places`` as :meth:`places_of` has them, -1 of what is new."""
        return Last(objects, census, attribute(self._first, census, places), self._first.lengths)

    def add(self, last: Last, step: float, process: Process, waiting_bytes: int | None = None) -> None:
        """The state of a later census."""
        gained = last.attribution.gained
        places = np.flatnonzero(gained).astype(np.int32)
        self.states.append(
            State(
                step,
                last.census.total_bytes,
                last.census.c_bytes,
                last.attribution.unheld,
                last.attribution.unheld if waiting_bytes is None else waiting_bytes,
                process,
                places,
                gained[places],
                last.entries_of_each(places),
                self._leaves_of(last),
            )
        )

    def close(self) -> None:
        """Nothing will be compared with the first census any more; the states stay."""
        del self._first

    def kept(self) -> list[object]:
        """What is the instrument's own of it."""
        leaves = [state.leaves for state in self.states]
        below = [each for of_state in leaves for each in of_state.values()]
        read = [each for state in self.states for each in (state.process, state.process.traced)]
        return [self, self.states, *self.states, *leaves, *below, *read, self._first]

    def _leaves_of(self, last: Last) -> dict[int, dict[str, int]]:
        """Of the objects that gained most themselves, what they have that is not tracked."""
        before = last.attribution.before
        grown = [
            (places[more > 0], more[more > 0])
            for places, more in grown_themselves(self._first, last.census, before)
        ]
        places, more = map(np.concatenate, zip(*grown, strict=True)) if grown else _NOTHING[:2]
        most = places[np.argsort(-more)[:_MOST_READ_OBJECTS]].tolist()
        return {
            int(before[place]): leaf_bytes(last.objects[place])
            for place in most
            if last.census.lengths[place] < _MOST_READ_ENTRIES
        }


class Leaf(NamedTuple):
    """What is not tracked and has grown most, of an object of the first census.

    Attributes
    ----------
    label : how the object holds it; empty if unknown.
    is_most : whether it has grown, after it was there, by the greater part of what the object gained meanwhile.
    """

    label: str
    is_most: bool


def growing_leaf(states: Sequence[State], place: int) -> Leaf:
    """See :class:`Leaf`; ``place`` is that of the object."""
    seen = [state for state in states if place in state.leaves]
    if len(seen) < _FEWEST_COMPARED:
        return Leaf("", False)
    first, last = seen[0].leaves[place], seen[-1].leaves[place]
    grown = {label: size - first.get(label, 0) for label, size in last.items()}
    label = max(grown, key=grown.__getitem__, default="")
    if grown.get(label, 0) <= 0:
        return Leaf("", False)
    there = next(state for state in seen if label in state.leaves[place])
    since = last[label] - there.leaves[place][label]
    return Leaf(label, since > max(seen[-1].gained_at(place) - there.gained_at(place), 0) / 2)


def leaf_bytes(obj: object) -> dict[str, int]:
    """The largest that an object has of what is not tracked, with what that holds in turn: bytes by label.

    Of many that are equally large the first and the last: a list is read from its end, a dictionary from its beginning.
    """
    sizes = [
        (object_bytes(referent) + _bytes_below(referent), number, label)
        for number, (label, referent) in enumerate(named_referents(obj))
        if not gc.is_tracked(referent)
    ]
    first = heapq.nlargest(_MOST_LEAVES, sizes, key=lambda leaf: (leaf[0], -leaf[1]))
    last = heapq.nlargest(_MOST_LEAVES, sizes)
    return {label: size for size, _, label in [*first, *last]}


def _bytes_below(leaf: object) -> int:
    below = [*safe_referents(leaf), *(unseen_referents(leaf) if hides(type(leaf)) else ())]
    return held_bytes(each for each in below if not gc.is_tracked(each))
