"""Trial deletion: what only the cyclic collector can free, without running it.

The collector's own rule (see "InternalDocs/garbage_collector.md" in CPython): take from each object's reference
count the references that come from the other objects. What is left is held from outside, and whatever cannot be
reached from an object that is held from outside is garbage.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.graphs import Graph, all_reached
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
    return all_reached(Graph(snapshot.starts, snapshot.targets), roots)
