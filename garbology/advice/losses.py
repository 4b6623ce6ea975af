"""What a window would lose at one moment if some of its edges were weak."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.reachability import reachable_from
from garbology.snapshot.arrays import among
from garbology.snapshot.snapshot import Snapshot

# What holds objects from outside the window at one moment, and what can be reached from there: bool, shape (n,) each.
Moment = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def would_lose(snapshot: Snapshot, removed: NDArray[np.int32]) -> Callable[[Moment], bool]:
    """Whether at a moment something that was reached would not have been, with some references weak."""
    left = _without(snapshot, removed)
    return lambda moment: bool((moment[1] & ~reachable_from(left, moment[0])).any())


def shared_variables(snapshot: Snapshot, places: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """What is in those cells that are among ``places``: a variable shared with an inner function."""
    of_cells = [kind for kind, each in enumerate(snapshot.types) if each is types.CellType]
    chosen = places[places >= 0]
    cells = chosen[among(snapshot.kinds[chosen], of_cells)]
    contents: NDArray[np.int32] = snapshot.targets[among(snapshot.sources, cells)]
    return contents


def _without(snapshot: Snapshot, edges: NDArray[np.int32]) -> Snapshot:
    """The snapshot with some references turned back to their own sources."""
    targets = snapshot.targets.copy()
    targets[edges] = snapshot.sources[edges]
    return replace(snapshot, targets=targets)
