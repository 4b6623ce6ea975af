"""The whole heap, read backwards: who holds an object, who holds those, and so on up to what starts the chain."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from garbology.graph.edges import hidden_referents
from garbology.graph.naming.classes import COLLECTED_TYPE, flags_of, mro_of
from garbology.graph.snapshot import (
    Index,
    Referents,
    addresses_of,
    count_each,
    referents_in_chunks,
    types_of,
)
from garbology.interpreter.traversal import is_dangerous_to_traverse

_get_base = np.ndarray.__dict__["base"].__get__
_get_dtype = np.ndarray.__dict__["dtype"].__get__
_get_metadata = np.dtype.__dict__["metadata"].__get__


class Heap:
    """Objects that can hold others, and the references between them.

    Besides what the collector tracks these are what it leaves out: objects that the program froze, tuples and
    dictionaries not tracked yet, NumPy's object arrays and views.

    Parameters
    ----------
    seeds : objects that must be among them: the one that is asked for, running frames. The list is emptied.
    left_out : ids of objects that are not looked at, such as the lists of the one who asks.

    Attributes
    ----------
    objects : list of all objects. Object ``i`` below means ``objects[i]``.
    sources, targets : int64, shape (m,). One entry a reference.
    counted : bool, shape (m,). Whether that reference is one of those that the target's count counts.
    """

    def __init__(self, seeds: list[object], left_out: Iterable[int]) -> None:
        own = frozenset([id(self), id(seeds), *left_out])  # or the list of all objects would hold itself
        reader = _Reader(_tracked(seeds, own), own, addresses_of(seeds))
        seeds.clear()  # the call's own arguments are among the objects, and live on with them
        reader.read()
        self.objects = reader.objects
        self.sources, self.targets = reader.edges()
        self.counted = np.ones(len(self.sources), bool)
        self._index = Index(self.objects)

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

    def holders_of(self, place: int) -> NDArray[np.int64]:
        """Places of all that refer to an object, each as often as it does."""
        holders: NDArray[np.int64] = self.sources[self.targets == place]
        return holders

    def unaccounted(self, places: NDArray[np.integer]) -> NDArray[np.int64]:
        """References to each of these objects beyond those of the heap: int64, shape (len(places),)."""
        seen = np.bincount(self.targets[self.counted], minlength=len(self))[places]
        missing: NDArray[np.int64] = count_each([self.objects[place] for place in places.tolist()]) - seen
        return missing - 1  # one of them is this list's own

    def upstream(self, place: int, ignored: NDArray[np.bool_]) -> Upstream:
        """All from which an object can be reached, without the ``ignored`` references (bool, shape (m,))."""
        used = ~ignored
        n = len(self)
        ones = np.ones(int(used.sum()), np.int8)
        backwards: csr_matrix = csr_matrix((ones, (self.targets[used], self.sources[used])), shape=(n, n))
        order, nearer = breadth_first_order(backwards, place)
        return Upstream(order, nearer, backwards)


class Upstream:
    """What an object can be reached from.

    Attributes
    ----------
    order : int32. Places of all that can reach the object, nearest first; the object itself is the first.
    """

    def __init__(self, order: NDArray[np.int32], nearer: NDArray[np.int32], backwards: csr_matrix) -> None:
        self.order = order
        self._nearer = nearer
        self._backwards = backwards

    def path_from(self, place: int) -> list[int]:
        """A shortest way from there to the object, both ends included."""
        path = [place]
        while path[-1] != self.order[0]:
            path.append(int(self._nearer[path[-1]]))
        return path

    def cycle(self, referents: NDArray[np.integer]) -> list[int]:
        """A way from a cycle to the object: from the object itself if one of its ``referents`` leads back to it."""
        known = np.zeros(len(self._nearer), bool)
        known[self.order] = True
        back = set(referents[known[referents]].tolist())
        if back:
            nearest = next(place for place in self.order.tolist() if place in back)
            first = int(self.order[0])
            return [first, first] if nearest == first else [first, *self.path_from(nearest)]
        _, labels = connected_components(self._backwards, connection="strong")
        in_cycle = (np.bincount(labels)[labels] > 1) | (self._backwards.diagonal() > 0)
        places = self.order[in_cycle[self.order]].tolist()
        return self.path_from(places[0]) if places else [int(self.order[0])]


def _tracked(seeds: Sequence[object], left_out: frozenset[int]) -> list[object]:
    """What the collector tracks and the seeds, each once."""
    objects = gc.get_objects()
    dangerous = [id(module) for module in (sys.modules.get("_asyncio"),) if is_dangerous_to_traverse(module)]
    drop = np.isin(addresses_of(objects), [*left_out, *dangerous, *map(id, seeds)])
    distinct = {id(seed): seed for seed in seeds if not is_dangerous_to_traverse(seed)}
    return [*compress(objects, (~drop).tolist()), *distinct.values()]


class _Reader:
    """Reads referents, and whatever holder turns up among them that the collector did not list."""

    def __init__(self, objects: list[object], left_out: frozenset[int], seeds: NDArray[np.int64]) -> None:
        self.objects = objects
        self._index = Index(objects)
        self._left_out = left_out
        self._seeds = seeds
        self._more: dict[int, int] = {}  # place of what was found on the way, by address
        self._holds: dict[int, bool] = {}
        self._sources: list[NDArray[np.int64]] = []
        self._targets: list[NDArray[np.int64]] = []

    def read(self) -> None:
        done = 0
        while done < len(self.objects):
            batch = self.objects[done:]
            first = done
            done = len(self.objects)
            self._read_hidden(batch, first)
            for referents in referents_in_chunks(batch):
                self._take(referents, first)
                first += len(referents)
                del referents

    def edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        none = np.empty(0, np.int64)
        return np.concatenate([none, *self._sources]), np.concatenate([none, *self._targets])

    def _take(self, referents: Referents, first: int) -> None:
        types, kinds = types_of(referents.objects)
        holds = np.fromiter(map(self._can_hold, types), bool, len(types))[kinds]
        holds[referents.marks] = False
        holds |= np.isin(referents.addresses, self._seeds)
        entries = np.flatnonzero(holds)
        targets = self._index.find(referents.addresses[entries]).astype(np.int64)
        for at in np.flatnonzero(targets < 0).tolist():
            targets[at] = self._place_of_another(referents.objects[entries[at]])
        self._sources.append(first + referents.owners()[entries][targets >= 0])
        self._targets.append(targets[targets >= 0])

    def _read_hidden(self, batch: list[object], first: int) -> None:
        types, kinds = types_of(batch)
        hides = np.fromiter(map(_hides, types), bool, len(types))
        for at in np.flatnonzero(hides[kinds]).tolist() if hides.any() else ():
            targets = np.array(list(self._hidden_places(batch[at])), np.int64)
            self._sources.append(np.full(len(targets), first + at))
            self._targets.append(targets)

    def _hidden_places(self, holder: object) -> Iterator[int]:
        for _, referent in hidden_referents(holder):
            place = int(self._index.find(addresses_of([referent]))[0])
            if place < 0 and self._can_hold(type(referent)):
                place = self._place_of_another(referent)
            if place >= 0:
                yield place

    def _place_of_another(self, obj: object) -> int:
        address = id(obj)
        if address in self._left_out or not _holds_something(obj):
            return -1
        place = self._more.get(address)
        if place is None:
            place = self._more[address] = len(self.objects)
            self.objects.append(obj)
        return place

    def _can_hold(self, kind: type) -> bool:
        known = self._holds.get(id(kind))
        if known is None:
            known = self._holds[id(kind)] = bool(flags_of(kind) & COLLECTED_TYPE) or _hides(kind)
        return known


def _hides(kind: type) -> bool:
    return any(base is np.ndarray or base is np.dtype for base in mro_of(kind))


def _holds_something(obj: object) -> bool:
    """An array that owns plain numbers, of which a program may have millions, holds nothing."""
    if type(obj) is np.ndarray:
        dtype = _get_dtype(obj)
        return dtype.hasobject or _get_base(obj) is not None or _get_metadata(dtype) is not None
    return not is_dangerous_to_traverse(obj)
