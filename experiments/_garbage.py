"""Garbage and live heaps for the studies of the collector; needs no NumPy and no operating system."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from itertools import cycle
from typing import Any

from garbology import collector, record_pauses
from garbology.recorders import Pauses, PeakMemory, WaitingGarbage, memory_usage, peak_memory, waiting_garbage

# Makes one specimen that refers once to the token (see garbology.recorders.waiting): a caller that ignores it drops it.
MakeAndDrop = Callable[[object], object]


PAYLOAD_BYTES = 64 * 1024
AGED_PAIRS = 20_000  # alive at a time, so that each survives several collections before it is dropped

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


def drop_exception(token: object) -> None:
    """An exception -> its traceback -> the frame -> its local variable -> the exception; token is a local, too."""
    try:
        raise ValueError(PAYLOAD_BYTES)
    except ValueError as error:
        kept = error  # noqa: F841  # this is the mistake


def drop_class(token: object) -> None:
    """A class made in a function: it is in its own method resolution order, so it is in a cycle."""
    type("Temporary", (), {"token": token})


def drop_aged_pairs() -> MakeAndDrop:
    """Each pair takes the place of the oldest of those alive, which is dropped."""
    alive: list[Any] = [None] * AGED_PAIRS
    places = cycle(range(AGED_PAIRS))

    def drop(token: object) -> None:
        alive[next(places)] = make_pair(token)

    return drop


# How to make it, how much of it for each live object, and how many specimens stay alive.
GARBAGE: dict[str, tuple[Callable[[], MakeAndDrop], float, int]] = {
    "pairs": (lambda: make_pair, 1.0, 0),
    "payloads": (lambda: partial(make_pair, payload_bytes=PAYLOAD_BYTES), 0.1, 0),
    "exceptions": (lambda: drop_exception, 0.25, 0),
    "classes": (lambda: drop_class, 0.05, 0),
    "aged pairs": (drop_aged_pairs, 1.0, AGED_PAIRS),
}


def live_heap(objects: int) -> list[list[Any]]:
    """So many objects that the collector tracks, all reachable and all old: they have survived one collection."""
    heap: list[list[Any]] = [[] for _ in range(objects)]
    gc.collect()
    return heap


def worth_of(make_and_drop: MakeAndDrop) -> tuple[int, int]:
    """How many objects the collector frees for one specimen, as it counts them itself, and all bytes that it holds."""

    def collected_bytes() -> int:
        before = tracemalloc.get_traced_memory()[0]
        gc.collect()
        return before - tracemalloc.get_traced_memory()[0]

    objects = _each_of(make_and_drop, gc.collect)
    tracemalloc.start()
    try:
        return objects, _each_of(make_and_drop, collected_bytes)
    finally:
        tracemalloc.stop()


def _each_of(make_and_drop: MakeAndDrop, free_all: Callable[[], int], specimens: int = 20) -> int:
    with collector.paused():
        make_and_drop(None)  # what is cached at first use is none of the specimen
        gc.collect()
        for _ in range(specimens):
            make_and_drop(None)
        return round(free_all() / specimens)


def garbage_of(build: Callable[[], object]) -> tuple[int, int]:
    """How many objects, and bytes, of what it builds only the collector can free."""
    from garbology import watch  # all of the instrument comes with it

    with watch() as found:
        build()
    garbage = found.garbage, found.garbage_bytes
    del found
    gc.collect()
    return garbage


def drop_in_a_loop(
    build: Callable[[], object], times: int, garbage: tuple[int, int]
) -> tuple[Pauses, WaitingGarbage]:
    """Build and drop so often, the collector as it is: its pauses, and what waited (one is such `garbage`)."""
    with record_pauses() as pauses, waiting_garbage(*garbage) as waiting:
        for _ in range(times):
            built = build()
            waiting.watch(built)
            del built
            waiting.dropped()
    return pauses, waiting


def own_memory_bytes() -> int | None:
    """The process's memory in RAM that no file stands behind; None where that cannot be asked."""
    try:
        return memory_usage().anonymous_bytes
    except ImportError:  # psutil, in WebAssembly
        return None


def grown(before: int | None, after: int | None) -> int | None:
    """How much more it is; None where one is not known."""
    return None if before is None or after is None else after - before


@contextmanager
def peak_memory_if_known() -> Iterator[PeakMemory | None]:
    """The peak of resident memory in a block; None where psutil is missing, as in WebAssembly."""
    if find_spec("psutil") is None:
        yield None
        return
    with peak_memory() as peak:
        yield peak
