"""What dies with the garbage: everything that only garbage holds, and which cycle it hangs off.

The collector tracks containers alone; the strings, numbers and arrays that a cycle keeps are freed with it when
every one of their references comes from what is freed. So the same rule counts here as for the garbage itself:
an object belongs to the garbage when its reference count is what the garbage holds.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.components import Components
from garbology.cycles.graphs import Graph, breadth_first, origins
from garbology.names.hidden import hides, unseen_referents
from garbology.sizes.sizes import Kinds, bytes_of_each
from garbology.snapshot.addresses import among
from garbology.snapshot.snapshot import (
    Referents,
    Snapshot,
    addresses_of,
    count_each,
    referents_in_chunks,
    types_of,
)


@dataclass(frozen=True)
class RetainedSizes:
    """What the garbage weighs.

    Attributes
    ----------
    total_bytes : bytes of all garbage and of all that dies with it, each object and each buffer once.
    component_bytes : int64, shape (components.count,). What each cycle and what hangs off it weighs; what hangs
        off several cycles counts with one of them.
    component_objects : int64, likewise: how many of the garbage's objects each cycle is and has hanging off it.
    dependents : further tracked objects that the collector frees with the garbage: what is older than the window, and
        what only that holds. What arrays hold dies with it too, but the collector does not see and count it.
    """

    total_bytes: int
    component_bytes: NDArray[np.int64]
    component_objects: NDArray[np.int64]
    dependents: int


def holdings(
    snapshot: Snapshot,
    garbage: NDArray[np.bool_],
    components: Components,
    ending: list[object],
    ending_counts: NDArray[np.int64],
) -> RetainedSizes:
    """Weigh ``garbage`` (bool, shape (n,)) and what dies with it; for ``ending`` see :func:`explain.explain`."""
    owners = _nearest_component(snapshot, garbage, components)
    objects, kinds = snapshot.objects, snapshot.kinds
    if not garbage.all():
        owners, objects = owners[garbage], list(compress(objects, garbage.tobytes()))
        kinds = kinds[garbage]
    garbage_of_each = np.bincount(owners + 1, minlength=components.count + 1)[1:]
    dependents = _Dependents(snapshot, garbage)
    dependents.add_referents(objects, owners)
    tracked = sum(map(gc.is_tracked, dependents.objects))
    dependents.add_hidden(objects, owners, (snapshot.types, kinds))
    of_garbage = bytes_of_each(objects, kinds=(snapshot.types, kinds))
    sizes = np.concatenate([of_garbage, bytes_of_each(dependents.objects)])
    owners = np.concatenate([owners, dependents.owners])
    total = int(sizes.sum())
    per_component = np.bincount(owners + 1, weights=sizes, minlength=components.count + 1)[1:].astype(
        np.int64
    )
    return RetainedSizes(
        total, per_component, garbage_of_each, tracked + dependents.left_by(ending, ending_counts)
    )


def _nearest_component(
    snapshot: Snapshot, garbage: NDArray[np.bool_], components: Components
) -> NDArray[np.int32]:
    """The cycle that each object belongs to or hangs off: int32, shape (n,), -1 where there is none."""
    labels = components.labels
    if not (garbage & (labels < 0)).any():
        return labels
    _, before = breadth_first(Graph(snapshot.starts, snapshot.targets), np.flatnonzero(labels >= 0))
    return labels[origins(before)]


class _Dependents:
    """Objects other than the garbage, as references to them are found; those that nothing else holds are kept.

    ``_waiting`` holds what some, but not yet all, of its references are found of: its address, the object, the
    references found, the cycle it would hang off, and how often the window lists it, once or never.
    """

    def __init__(self, snapshot: Snapshot, garbage: NDArray[np.bool_]) -> None:
        self._index = snapshot.index
        self._garbage = garbage
        # A class of the window's objects that is older than the window is not theirs alone: its __mro__ holds it.
        self._types = np.sort(addresses_of(snapshot.types))
        self._waiting: dict[int, tuple[object, int, int, int]] = {}
        self.objects: list[object] = []
        self._owners: list[NDArray[np.int32]] = []

    @property
    def owners(self) -> NDArray[np.int32]:
        """The cycle that each of ``objects`` hangs off: int32."""
        return np.concatenate([np.empty(0, np.int32), *self._owners])

    def add_hidden(self, holders: list[object], owners: NDArray[np.int32], kinds: Kinds) -> None:
        """Take in what the arrays among ``holders``, and among those found so far, hold without the collector."""
        first, parts = len(self.objects), len(self._owners)
        self._take_hidden(holders, owners, kinds)
        self._take_hidden(self.objects, self.owners)
        self._settle()
        self.add_referents(*self._since(first, parts), hidden=True)

    def _since(self, first: int, parts: int) -> tuple[list[object], NDArray[np.int32]]:
        return self.objects[first:], np.concatenate([np.empty(0, np.int32), *self._owners[parts:]])

    def add_referents(
        self, holders: list[object], owners: NDArray[np.int32], *, hidden: bool = False
    ) -> None:
        """Take in everything that ``holders`` refer to, and what that refers to, as long as it is theirs alone."""
        while holders:
            first, parts = len(self.objects), len(self._owners)
            done = 0
            for referents in referents_in_chunks(holders):
                self._take(referents, owners[done : done + len(referents)])
                done += len(referents)
                del referents
            if hidden:
                self._take_hidden(holders, owners)
            self._settle()
            holders, owners = self._since(first, parts)

    def _take(self, referents: Referents, owners: NDArray[np.int32]) -> None:
        outside = ~among(referents.addresses, self._types)
        outside[referents.marks] = False
        places = np.flatnonzero(outside)
        places = places[~self._are_garbage(referents.addresses[places])]
        if not len(places):
            return
        addresses, first, times = np.unique(
            referents.addresses[places], return_index=True, return_counts=True
        )
        places = places[first]
        objects = [referents.objects[place] for place in places.tolist()]
        owners = owners[referents.owners()[places]]
        # Most are held by one object alone; each of their references stands once more in the list of referents.
        listed = (self._index.find(addresses) >= 0).astype(np.int64)
        settled = count_each(objects) - times - listed == times
        self.objects.extend(compress(objects, settled.tolist()))
        self._owners.append(owners[settled])
        for place in np.flatnonzero(~settled).tolist():
            self._wait(objects[place], int(times[place]), int(owners[place]), int(listed[place]))

    def _are_garbage(self, addresses: NDArray[np.int64]) -> NDArray[np.bool_]:
        found = self._index.find(addresses)
        return (found >= 0) & self._garbage[found]

    def _wait(self, obj: object, times: int, owner: int, listed: int) -> None:
        known = self._waiting.get(id(obj))
        if known is not None:
            times, owner = known[1] + times, known[2]
        self._waiting[id(obj)] = (obj, times, owner, listed)

    def _take_hidden(
        self, holders: list[object], owners: NDArray[np.int32], kinds: Kinds | None = None
    ) -> None:
        """What arrays hold without the collector's knowledge: the array that a view looks at, elements."""
        for place in places_of_hiding(holders, kinds):
            for referent in unseen_referents(holders[place]):
                address = addresses_of([referent])
                if not self._are_garbage(address)[0]:
                    self._wait(referent, 1, int(owners[place]), int(self._index.find(address)[0] >= 0))

    def left_by(self, ending: list[object], counts: NDArray[np.int64]) -> int:
        """How many of ``ending`` the garbage alone holds beyond the references they had (``counts``)."""
        now = count_each(ending)
        found = [self._waiting.get(id(obj), (None, 0, -1, 0))[1] for obj in ending]
        # Being waited for is one reference more.
        return sum(
            n > 0 and int(after - before) == n + 1
            for n, before, after in zip(found, counts, now, strict=True)
        )

    def _settle(self) -> None:
        entries = list(self._waiting.items())
        objects = [obj for _, (obj, _, _, _) in entries]
        ours = np.fromiter((times + listed for _, (_, times, _, listed) in entries), np.int64, len(entries))
        settled = np.flatnonzero(count_each(objects) - 1 == ours)  # the entry itself holds it once more
        for place in settled.tolist():
            del self._waiting[entries[place][0]]
        self.objects.extend(objects[place] for place in settled.tolist())
        self._owners.append(np.array([entries[place][1][2] for place in settled.tolist()], np.int32))


def places_of_hiding(objects: list[object], kinds: Kinds | None = None) -> list[int]:
    """Which of ``objects`` have hidden referents: arrays, dtypes, dates and the like.

    ``kinds`` are their types, where these are known.
    """
    types, numbers = kinds or types_of(objects)
    hiding = [hides(kind) for kind in types]
    return np.flatnonzero(np.array(hiding, bool)[numbers]).tolist() if any(hiding) else []
