"""Garbage and live heaps for the studies of the collector; needs no NumPy and no operating system."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from garbology import collector
from garbology.recorders import PeakMemory, peak_memory

# Makes one specimen that refers once to the token (see garbology.recorders.waiting): a caller that ignores it drops it.
MakeAndDrop = Callable[[object], object]


# Where claims of several studies are expected to fail, and why: the arguments of Claim.expected_failure.
IN_INCREMENTS: dict[str, Any] = {
    "collector": "incremental",
    "reason": "each increment looks at a slice of the whole heap, and garbage waits until its slice comes",
    "reference": "python/cpython#142516, reverted in 3.14.5 by python/cpython#148726; PEP 848",
}
BY_SHARE_OF_THE_HEAP: dict[str, Any] = {
    "collector": "free-threaded",
    "reason": "new objects must also exceed a quarter of the live ones, whatever the threshold",
    "reference": "python/cpython#132917, python/cpython#148937",
}
ONE_GENERATION: dict[str, Any] = {
    "collector": "free-threaded",
    "reason": "there is one generation, and every collection looks at all of it",
    "reference": "PEP 703",
}


class Node:
    """An object like any other."""

    child: Node
    parent: Node
    token: object
    payload: bytearray


def make_pair(token: object, payload_bytes: int = 0) -> Node:
    """Two objects that hold each other: the smallest cycle of a program with back references.

    The payload is a buffer of the first one, which the collector neither tracks nor counts.
    """
    parent, child = Node(), Node()
    parent.child, child.parent, parent.token = child, parent, token
    if payload_bytes:
        parent.payload = bytearray(payload_bytes)
    return parent


def live_heap(objects: int) -> list[list[Any]]:
    """So many objects that the collector tracks, all reachable and all old: they have survived one collection."""
    heap: list[list[Any]] = [[] for _ in range(objects)]
    gc.collect()
    return heap


def objects_of(make_and_drop: MakeAndDrop) -> int:
    """How many objects the collector frees for one specimen, as it counts them itself."""
    return _each_of(make_and_drop, gc.collect)


def bytes_of(make_and_drop: MakeAndDrop) -> int:
    """How many bytes one specimen holds, all that Python allocated for it."""

    def collected_bytes() -> int:
        before = tracemalloc.get_traced_memory()[0]
        gc.collect()
        return before - tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        return _each_of(make_and_drop, collected_bytes)
    finally:
        tracemalloc.stop()


def _each_of(make_and_drop: MakeAndDrop, free_all: Callable[[], int], specimens: int = 20) -> int:
    with collector.paused():
        make_and_drop(None)  # what is cached at first use is none of the specimen
        gc.collect()
        for _ in range(specimens):
            make_and_drop(None)
        return round(free_all() / specimens)


@contextmanager
def peak_memory_if_known() -> Iterator[PeakMemory | None]:
    """The peak of resident memory in a block; None where psutil is missing, as in WebAssembly."""
    if find_spec("psutil") is None:
        yield None
        return
    with peak_memory() as peak:
        yield peak
