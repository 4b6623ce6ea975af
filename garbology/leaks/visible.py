"""Whether the program can still reach an object: from a module, a running function, a context."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from garbology.cycles.upstream import Upstreams
from garbology.snapshot.arrays import among
from garbology.snapshot.heap import heap_with_frames
from garbology.snapshot.roots import named_roots


def any_is_in_use(objects: Sequence[object]) -> bool:
    """Whether modules, running functions, contexts or what C code is known to hold lead to any of ``objects``."""
    if not objects:
        return False
    heap, frames = heap_with_frames(list(objects), {id(objects)})
    roots = np.array(list(named_roots(heap, frames)), np.int64)
    upstreams, none = Upstreams(heap), np.zeros(len(heap.sources), bool)
    # No generator: it would hold the heap in a cell, and the heap holds every cell.
    for obj in objects:  # noqa: SIM110
        if among(roots, upstreams.of(heap.place_of(obj), none).order).any():
            return True
    return False
