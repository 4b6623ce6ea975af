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

# Makes one specimen that refers once to the token (see garbology.recorders.waiting) and drops it.
MakeAndDrop = Callable[[object], None]


class Node:
    """An object like any other."""


def drop_pair(token: object) -> None:
    """Two objects that hold each other: the smallest cycle of a program with back references."""
    parent, child = Node(), Node()
    parent.child, child.parent, parent.token = child, parent, token


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
