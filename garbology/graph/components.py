"""Strongly connected components of the garbage: the cycles, apart from what merely hangs off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from garbology.graph.reachability import graph_of
from garbology.graph.snapshot import Snapshot

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

    def edges(self, snapshot: Snapshot) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """The edges inside components, as the snapshot has them: ends, int32, shape (n + 1,), that is where the
        edges of each object end and those of the next begin, targets and positions, int32, shape (k,) each.
        """
        inside = self._inside(snapshot)
        if inside.all():
            return snapshot.starts, snapshot.targets, snapshot.positions
        ends = np.append(np.int32(0), np.cumsum(inside, dtype=np.int32))[snapshot.starts]
        return ends, snapshot.targets[inside], snapshot.positions[inside]

    def _inside(self, snapshot: Snapshot) -> NDArray[np.bool_]:
        """Which edges of the snapshot begin and end in one component: bool, shape (m,)."""
        inside = np.empty(len(snapshot.targets), bool)
        for first in range(0, len(snapshot), _BLOCK):
            starts = snapshot.starts[first : first + _BLOCK + 1]
            own = np.repeat(self.labels[first : first + _BLOCK], np.diff(starts))
            within = slice(int(starts[0]), int(starts[-1]))
            inside[within] = (own == self.labels[snapshot.targets[within]]) & (own >= 0)
        return inside


def cyclic_components(snapshot: Snapshot, garbage: NDArray[np.bool_]) -> Components:
    """The cyclic components among ``garbage`` (bool, shape (n,)).

    A component is cyclic when it has more than one object, or one that refers to itself.
    """
    # No reference leads from live objects to garbage, so no component is of both: the live ones are just left out.
    count, labels = connected_components(
        graph_of(snapshot.starts, _without_repeats(snapshot)), directed=True, connection="strong"
    )
    sizes = np.bincount(labels, minlength=count)
    cyclic = sizes > 1
    cyclic[labels[_referring_to_themselves(snapshot, (sizes == 1)[labels])]] = True
    cyclic[labels[~garbage]] = False
    renumbered = np.cumsum(cyclic, dtype=np.int32) - np.int32(1)
    renumbered[~cyclic] = -1
    return Components(int(cyclic.sum()), renumbered[labels], sizes[cyclic])


def _referring_to_themselves(snapshot: Snapshot, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Which of the ``chosen`` objects (bool, shape (n,)) are among their own referents: their places."""
    if not chosen.any():
        return np.empty(0, np.int64)
    return np.unique(snapshot.targets[snapshot.sources == snapshot.targets])


def _without_repeats(snapshot: Snapshot) -> NDArray[np.int32]:
    """The targets, with a reference of each source to itself in place of its second ones to the same target.

    SciPy's search takes a repeated edge as a new one and then runs in circles for ever.
    """
    sources, targets = snapshot.sources, snapshot.targets
    several = np.diff(snapshot.starts) > 1
    shared = np.bincount(targets, minlength=len(snapshot)) > 1
    chosen = np.flatnonzero(several[sources] & shared[targets])
    if not len(chosen):
        return targets
    pairs: NDArray[np.int64] = sources[chosen].astype(np.int64) << 32 | targets[chosen]
    order = np.argsort(pairs, kind="stable")
    again = chosen[order[1:][pairs[order[1:]] == pairs[order[:-1]]]]
    single: NDArray[np.int32] = targets.copy()
    single[again] = sources[again]
    return single
