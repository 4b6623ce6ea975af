"""Trial deletion: what only the cyclic collector can free, without running it.

The collector's own rule (see "InternalDocs/garbage_collector.md" in CPython): take from each object's reference
count the references that come from the other objects. What is left is held from outside, and whatever cannot be
reached from an object that is held from outside is garbage.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.graphs import Graph, breadth_first
from garbology.snapshot.arrays import tally
from garbology.snapshot.snapshot import Snapshot


def held_from_outside(snapshot: Snapshot) -> NDArray[np.bool_]:
    """Which objects something beyond the snapshot holds, or somebody was using while it was taken.

    bool, shape (n,). A count that is *below* what the other objects hold cannot be explained, so that object
    counts as held as well: calling a live object garbage is the worse error.
    """
    inside = tally(snapshot.targets, len(snapshot))
    held: NDArray[np.bool_] = snapshot.counts != inside
    return held | snapshot.unsettled


def unreachable(snapshot: Snapshot) -> NDArray[np.bool_]:
    """Which objects only the cyclic collector can free: bool, shape (n,)."""
    roots = held_from_outside(snapshot)
    if not roots.any():
        return np.ones(len(snapshot), bool)
    return ~reachable_from(snapshot, roots)


def reachable_from(snapshot: Snapshot, roots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which objects can be reached from ``roots`` (bool, shape (n,)), the roots included."""
    reached = np.zeros(len(snapshot) + 1, bool)
    graph = graph_from(snapshot, roots)
    reached[breadth_first(graph, len(snapshot))[0]] = True
    return reached[:-1]


def graph_from(snapshot: Snapshot, roots: NDArray[np.bool_]) -> Graph:
    """The references as a graph with one more node, the last, that refers to all ``roots`` (bool, shape (n,))."""
    first = np.flatnonzero(roots).astype(np.int32)
    starts = np.append(snapshot.starts, snapshot.starts[-1:] + np.int32(len(first)))
    return Graph(starts, np.concatenate([snapshot.targets, first]))
