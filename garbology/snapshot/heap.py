"""The whole heap as arrays: all objects that can hold others, and the references between them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import compress
from types import CodeType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from garbology.interpreter.thread_stacks import RunningFrame, own_frame_ids, running_frames
from garbology.interpreter.traversal import is_dangerous_to_traverse
from garbology.names.classes import COLLECTED_TYPE, flags_of
from garbology.names.hidden import hides, holds_unseen, unseen_of_each
from garbology.names.secrets import has_secrets, secret_ids
from garbology.snapshot.arrays import among, at, blocks, tally
from garbology.snapshot.listing import Listing, listing
from garbology.snapshot.snapshot import (
    Index,
    Referents,
    addresses_of,
    count_each,
    referents_in_chunks,
    types_of,
)

_Scalar = TypeVar("_Scalar", bound=np.generic)


class Heap:
    """Objects that can hold others, and the references between them.

    Besides what the collector tracks these are what it leaves out: objects that the program froze, tuples and
    dictionaries not tracked yet, and what C types keep to themselves (:mod:`garbology.names.hidden`).

    Parameters
    ----------
    seeds : objects that must be among them: the one that is asked for, running frames. The list is emptied.
    left_out : ids of objects that are not looked at, such as the lists of the one who asks.

    Attributes
    ----------
    objects : list of all objects. Object ``i`` below means ``objects[i]``.
    sources, targets : int32, shape (m,). One entry a reference.
    counted : bool, shape (m,). Whether that reference is one of those that the target's count counts.
    hidden : bool, shape (m,). Whether the collector is not shown that reference.
    unseen_tuples : ids of tuples that nothing visible holds, by the id of each object that they refer to: arguments
        that C code keeps, a value stack. Empty where there is one thread, for then they are among the objects.
    """

    def __init__(self, seeds: list[object], left_out: Iterable[int]) -> None:
        module = sys.modules.get("_asyncio")
        own = frozenset([id(self), id(seeds), *left_out])  # or the list of all objects would hold itself
        if is_dangerous_to_traverse(module):
            own |= {id(module)}
        listed = listing()  # what is left out of it turns up where something visible refers to it
        reader = _Reader(_tracked(listed, seeds, own), own)
        seeds.clear()  # the call's own arguments are among the objects, and live on with them
        reader.read()
        self.objects, self._index = reader.objects, reader.index
        self.sources, self.targets, self.hidden = reader.edges()
        self.counted = np.ones(len(self.sources), bool)
        tuples = list(listed.left_out)
        self.unseen_tuples: dict[int, int] = {}
        for address, place in zip(tuples, self.places_of(tuples).tolist(), strict=True):
            if place < 0:
                self.unseen_tuples.update(dict.fromkeys(listed.left_out[address][1], address))

    def __len__(self) -> int:
        return len(self.objects)

    def place_of(self, obj: object) -> int:
        """Place of an object, -1 where it is not among them."""
        return int(self._index.find(addresses_of([obj]))[0])

    def places_of(self, ids: Sequence[int]) -> NDArray[np.int32]:
        """Places of the objects with these ids, -1 where there is none: int32, shape (len(ids),)."""
        return self._index.find(np.array(ids, np.int64))

    def add_edges(
        self, sources: NDArray[np.integer], targets: NDArray[np.integer], counted: Sequence[bool]
    ) -> None:
        """Add references that the collector does not see, all at once; a target of -1 is left out."""
        known = targets >= 0
        self.sources = np.append(self.sources, sources[known])
        self.targets = np.append(self.targets, targets[known])
        self.counted = np.append(self.counted, np.array(counted, bool)[known])
        self.hidden = np.append(self.hidden, np.zeros(int(known.sum()), bool))

    def holders_of(self, place: int) -> NDArray[np.int32]:
        """Places of all that refer to an object, each as often as it does."""
        holders: NDArray[np.int32] = self.sources[self.targets == place]
        return holders

    def come_from(self, places: Iterable[int]) -> NDArray[np.bool_]:
        """Which references are those of objects at some ``places``, of which -1 is none: bool, shape (m,)."""
        chosen = np.zeros(len(self) + 1, bool)
        chosen[list(places)] = True
        return at(chosen, self.sources)

    def unaccounted(self, places: NDArray[np.integer]) -> NDArray[np.int64]:
        """References to each of these objects beyond those of the heap: int64, shape (len(places),)."""
        seen = tally(self.targets, len(self)) - tally(self.targets[~self.counted], len(self))
        counts = count_each([self.objects[place] for place in places.tolist()])
        missing: NDArray[np.int64] = counts - seen[places]
        return missing - 1  # one of them is this list's own


def heap_with_frames(seeds: list[object], left_out: set[int]) -> tuple[Heap, list[RunningFrame]]:
    """The heap with the references of all running functions' variables, and these functions.

    ``left_out`` are ids of the caller's own objects; the instrument's frames are left out besides.
    """
    frames = running_frames()
    left_out = left_out | {id(seeds), id(frames), *map(id, frames), *own_frame_ids()}
    heap = Heap([*seeds, *(running.frame for running in frames)], left_out)
    variables = [(id(running.frame), variable) for running in frames for variable in running.variables]
    heap.add_edges(
        heap.places_of([holder for holder, _ in variables]),
        heap.places_of([variable.target_id for _, variable in variables]),
        [variable.counted for _, variable in variables],
    )
    return heap, frames


def _tracked(listed: Listing, seeds: Sequence[object], left_out: frozenset[int]) -> list[object]:
    """What the collector tracks and the seeds, each once."""
    objects = listed.without_gaps()
    drop = among(addresses_of(objects), [*left_out, *map(id, seeds)])
    distinct = {id(seed): seed for seed in seeds if not is_dangerous_to_traverse(seed)}
    return [*compress(objects, (~drop).tolist()), *distinct.values()]


class _Reader:
    """Reads referents, and whatever holder turns up among them that the collector did not list."""

    def __init__(self, objects: list[object], left_out: frozenset[int]) -> None:
        self.objects = objects
        self.index = Index(objects)
        self._left_out = left_out
        self._more: dict[int, int] = {}  # place of what was found on the way, by address
        self._holds: dict[int, bool] = {}
        self._sources: list[NDArray[np.int32]] = []
        self._targets: list[NDArray[np.int32]] = []
        self._hidden: list[NDArray[np.bool_]] = []
        self._secrets: list[tuple[int, list[int]]] = []  # place of a holder, words of its memory

    def read(self) -> None:
        done = 0
        while done < len(self.objects):
            first = done
            done = len(self.objects)
            self._read_hidden(first, done)
            for referents in referents_in_chunks(self.objects, first, done):
                for block in blocks(len(referents.addresses)):
                    self._take(referents, block, first)
                first += len(referents)
                del referents
        if self._more:
            del self.index  # before there is a second one
            self.index = Index(self.objects)

    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
        """Sources and targets of all references, and which are hidden; after :meth:`read`, once."""
        lengths = [len(words) for _, words in self._secrets]
        holders = np.repeat(np.array([place for place, _ in self._secrets], np.int32), lengths)
        words = np.array([word for _, words in self._secrets for word in words], np.uint64)
        found = self.index.find(words.astype(np.int64))
        self._add(holders[found >= 0], found[found >= 0], hidden=True)
        self._secrets.clear()
        return _joined(self._sources), _joined(self._targets), _joined(self._hidden)

    def _add(self, sources: NDArray[np.int32], targets: NDArray[np.int32], *, hidden: bool) -> None:
        self._sources.append(sources)
        self._targets.append(targets)
        self._hidden.append(np.full(len(sources), hidden))

    def _take(self, referents: Referents, block: slice, first: int) -> None:
        """Some entries of ``referents``, of objects of which the first stands at ``first``."""
        addresses, objects = referents.addresses[block], referents.objects[block]
        targets = self.index.find(addresses)
        entries = np.flatnonzero((targets < 0) & (addresses != referents.mark))
        _, begins, which = np.unique(addresses[entries], return_index=True, return_inverse=True)
        targets[entries] = self._places_of_others(objects, entries[begins])[which]
        sources = referents.owners(block)[targets >= 0]
        self._add(first + sources, targets[targets >= 0], hidden=False)

    def _places_of_others(self, objects: list[object], entries: NDArray[np.int64]) -> NDArray[np.int32]:
        """The places of what the collector did not list, at some ``entries`` of ``objects``; -1 of what holds nothing.

        Each object stands there once: of names and numbers, which are most, nothing but the type is asked.
        """
        types, kinds = types_of([objects[entry] for entry in entries.tolist()])
        holds = np.fromiter(map(self._can_hold, types), bool, len(types))[kinds]
        may = np.fromiter(map(_may_hold_nothing, types), bool, len(types))[kinds]
        places = np.full(len(entries), -1, np.int32)
        chosen = np.flatnonzero(holds)
        chosen = chosen[np.argsort(entries[chosen])]
        some = [objects[entry] for entry in entries[chosen].tolist()]
        places[chosen] = list(map(self._place_of_another, some, may[chosen].tolist()))
        return places

    def _read_hidden(self, first: int, end: int) -> None:
        batch = self.objects[first:end]
        types, kinds = types_of(batch)
        for number, kind in enumerate(types):
            knows, secret = hides(kind), has_secrets(kind)
            places = np.flatnonzero(kinds == number).tolist() if knows or secret else []
            if secret:
                self._secrets += [(first + at, secret_ids(batch[at])) for at in places]
            if knows:
                for at, unseen in zip(places, unseen_of_each(batch[at] for at in places), strict=True):
                    self._add_unseen(first + at, unseen)

    def _add_unseen(self, holder: int, unseen: list[object]) -> None:
        if not unseen:
            return
        targets = self.index.find(addresses_of(unseen))
        for entry in np.flatnonzero(targets < 0).tolist():
            kind = type(unseen[entry])
            if self._can_hold(kind):
                targets[entry] = self._place_of_another(unseen[entry], _may_hold_nothing(kind))
        targets = targets[targets >= 0]
        self._add(np.full(len(targets), holder, np.int32), targets, hidden=True)

    def _place_of_another(self, obj: object, may_hold_nothing: bool) -> int:
        address = id(obj)
        place = self._more.get(address)
        if place is None:
            if address in self._left_out or (may_hold_nothing and not holds_unseen(obj)):
                return -1
            place = self._more[address] = len(self.objects)
            self.objects.append(obj)
        return place

    def _can_hold(self, kind: type) -> bool:
        known = self._holds.get(id(kind))
        if known is None:
            known = self._holds[id(kind)] = _can_hold(kind)
        return known


def _joined(parts: list[NDArray[_Scalar]]) -> NDArray[_Scalar]:
    """The parts in one array; none of them is there afterwards."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _can_hold(kind: type) -> bool:
    """Whether instances may hold others. Code objects do (constants), and are of no interest here."""
    collected = bool(flags_of(kind) & COLLECTED_TYPE)
    return collected or (kind is not CodeType and (hides(kind) or has_secrets(kind)))


def _may_hold_nothing(kind: type) -> bool:
    """An array that owns plain numbers, of which a program may have millions, holds nothing."""
    return not flags_of(kind) & COLLECTED_TYPE and hides(kind) and not has_secrets(kind)
