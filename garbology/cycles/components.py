"""Strongly connected components of the garbage: the cycles, apart from what merely hangs off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.graphs import Graph
from garbology.cycles.reachability import reachable_from
from garbology.cycles.strong import strongly_connected
from garbology.snapshot.arrays import at, distinct, tally
from garbology.snapshot.snapshot import Snapshot

_Scalar = TypeVar("_Scalar", bound=np.generic)
_BLOCK = 65_536  # objects at a time, where a whole heap's temporary arrays would be the peak of memory


@dataclass(frozen=True)
class Components:
    """Which garbage belongs to which cycle.

    Attributes
    ----------
    count : how many cyclic components there are.
    labels : int32, shape (n,). The component of each object of the snapshot, from 0 to ``count - 1``; -1 for
        objects that are alive or in no cycle.
    sizes : int64, shape (count,). Objects in each component.
    """

    count: int
    labels: NDArray[np.int32]
    sizes: NDArray[np.int64]

    def only(self, chosen: NDArray[np.bool_]) -> Components:
        """Some of the components (bool, shape (count,)), numbered anew in their order."""
        numbers = np.append(np.where(chosen, np.cumsum(chosen) - 1, -1), -1).astype(np.int32)
        return Components(int(chosen.sum()), at(numbers, self.labels), self.sizes[chosen])

    def inside(self, snapshot: Snapshot) -> NDArray[np.bool_]:
        """Which edges of the snapshot begin and end in one component: bool, shape (m,)."""
        inside = np.empty(len(snapshot.targets), bool)
        for first in range(0, len(snapshot), _BLOCK):
            starts = snapshot.starts[first : first + _BLOCK + 1]
            own = np.repeat(self.labels[first : first + _BLOCK], np.diff(starts))
            within = slice(int(starts[0]), int(starts[-1]))
            inside[within] = (own == self.labels[snapshot.targets[within]]) & (own >= 0)
        return inside


@dataclass(frozen=True)
class Cycles:
    """The objects in cyclic components, and the references inside these.

    Attributes
    ----------
    members : int32, shape (k,). Places of the objects in the snapshot, ascending: object ``i`` below is the one at
        ``members[i]``. None where most objects are in cycles: then nothing is copied, and object ``i`` is that of the
        snapshot, whether it is in a cycle or not.
    starts, targets, positions : as those of a :class:`Snapshot`, of these objects.
    inside : bool, shape (m,). Which of the references are inside a component; None where all are.
    """

    members: NDArray[np.int32] | None
    starts: NDArray[np.int32]
    targets: NDArray[np.int32]
    positions: NDArray[Any]
    inside: NDArray[np.bool_] | None

    def of(self, values: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """What ``values``, one for each object of the snapshot, are for these objects."""
        return values if self.members is None else at(values, self.members)


def cycles_in(snapshot: Snapshot, components: Components) -> Cycles:
    """The part of a snapshot that is in cycles."""
    on_cycles = components.labels >= 0
    if components.count == 1 and on_cycles.all():
        return Cycles(None, snapshot.starts, snapshot.targets, snapshot.positions, None)
    inside = components.inside(snapshot)
    if 2 * np.count_nonzero(on_cycles) >= len(snapshot):
        some = None if inside.all() else inside
        return Cycles(None, snapshot.starts, snapshot.targets, snapshot.positions, some)
    members = np.flatnonzero(on_cycles).astype(np.int32)
    ends = np.append(np.int32(0), np.cumsum(inside, dtype=np.int32))[snapshot.starts[1:][members]]
    place = np.full(len(snapshot), -1, np.int32)
    place[members] = np.arange(len(members), dtype=np.int32)
    targets = at(place, snapshot.targets[inside])
    return Cycles(members, np.append(np.int32(0), ends), targets, snapshot.positions[inside], None)


def cyclic_components(snapshot: Snapshot, garbage: NDArray[np.bool_]) -> Components:
    """The cyclic components among ``garbage`` (bool, shape (n,)).

    A component is cyclic when it has more than one object, or one that refers to itself.
    """
    # No reference leads from live objects to garbage, so no component is of both: the live ones are just left out.
    count, labels = strongly_connected(Graph(snapshot.starts, snapshot.targets))
    sizes = tally(labels, count).astype(np.int64)
    cyclic = sizes > 1
    cyclic[labels[_referring_to_themselves(snapshot, (sizes == 1)[labels])]] = True
    cyclic[labels[~garbage]] = False
    renumbered = np.cumsum(cyclic, dtype=np.int32) - np.int32(1)
    renumbered[~cyclic] = -1
    return Components(int(cyclic.sum()), at(renumbered, labels), sizes[cyclic])


def _referring_to_themselves(snapshot: Snapshot, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Which of the ``chosen`` objects (bool, shape (n,)) are among their own referents: their places."""
    if not chosen.any():
        return np.empty(0, np.int64)
    return distinct(snapshot.targets[snapshot.sources == snapshot.targets])


def without_dropped(snapshot: Snapshot, garbage: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``garbage`` less what another thread let go since the objects were listed: their list alone held it."""
    dropped = np.flatnonzero(garbage & (snapshot.counts == 0))
    if not len(dropped):
        return garbage
    if (snapshot.starts[dropped] == snapshot.starts[dropped + 1]).all():  # nothing hangs off them
        garbage = garbage.copy()
        garbage[dropped] = False
        return garbage
    on_cycles = cyclic_components(snapshot, garbage).labels >= 0
    return garbage & reachable_from(snapshot, on_cycles & garbage)
