"""What finding garbage takes, beside the `gc.collect()` that frees it; and what other tools take.

Each function is called in an interpreter of its own (`benchmarks.worker`). A heap is built inside `garbology.watch()`
with the collector paused; the end of the block and the text of the finding are timed. The advice is tried when the text
is asked for, which frees what it is tried on: so a finding with its text is compared with `gc.collect()` in another
process of the same round, one without text with the collection that follows in its own. What is older than the window
is frozen first, so that a collection's time is that of the window alone, except where the heap is that of a real
program. Times are those of the processor, which other work beside it changes little.

Memory is how far VmHWM, reset through /proc/self/clear_refs, rises above the resident memory at the end of the block.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import garbology
from benchmarks.heaps import HEAPS, KEPT, instance_pairs
from garbology.find import explain
from garbology.recorders.memory import peak_memory
from garbology.sizes.retained import RetainedSizes

PHASES = {
    "snapshot": ("snapshots", "take"),
    "garbage": ("", "unreachable"),
    "leaks": ("", "find_leaks"),
    "components": ("cycles", "cyclic_components"),
    "bytes": ("", "holdings"),
    "shapes": ("", "_shapes"),
}
SMALL_OBJECTS = 2_000
WARM_UP = 10


@contextmanager
def timed_phases() -> Iterator[dict[str, float]]:
    """Time the phases of an explanation as they are called."""
    places = {
        name: (getattr(explain, module) if module else explain, function)
        for name, (module, function) in PHASES.items()
    }
    seconds = dict.fromkeys(places, 0.0)
    originals = {name: getattr(*place) for name, place in places.items()}

    def timed(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            try:
                return originals[name](*args, **kwargs)
            finally:
                seconds[name] += time.process_time() - start

        return call

    for name, place in places.items():
        setattr(*place, timed(name))
    try:
        yield seconds
    finally:
        for name, place in places.items():
            setattr(*place, originals[name])


def units_of(heap: Callable[[int], None], objects: int) -> int:
    """How many units of a heap make about so many tracked objects (an instance's dict counts up to 3.10)."""
    before = gc.get_count()[0]
    heap(100)
    made = gc.get_count()[0] - before
    KEPT.clear()
    return max(1, round(objects * 100 / made))


def prepared(name: str, objects: int) -> tuple[Callable[[int], None], int]:
    """The heap and its units, with the collector off; all that was there before is frozen, or is alive beside it."""
    gc.disable()
    gc.collect()
    if name == "real_program":
        from benchmarks import real_program

        real_program.begin(min(objects, real_program.MOST_ALIVE))
        heap: Callable[[int], None] = real_program.orders
    else:
        heap = HEAPS[name]
    units = units_of(heap, objects)
    gc.collect()
    if name != "real_program":
        gc.freeze()
    return heap, units


class Peak:
    """How far the resident memory rises above what it is at the beginning; None where only samples could tell."""

    def __init__(self, *, wanted: bool = True) -> None:
        self._recorder = peak_memory() if wanted and sys.platform == "linux" else None

    def begin(self) -> None:
        """From here on."""
        self._seen = self._recorder.__enter__() if self._recorder else None

    def end(self) -> int | None:
        """In bytes."""
        if self._recorder is None:
            return None
        self._recorder.__exit__(None, None, None)
        return self._seen.above_baseline_bytes if self._seen else None


def imported_recorder() -> None:
    """What a recorder of memory imports is no part of the window."""
    peak = Peak()
    peak.begin()
    peak.end()


def whole(
    heap: str, objects: int, *, text: bool = True, weigh: bool = True, peak: bool = True
) -> dict[str, Any]:
    """Find the garbage of a heap, with bytes, shapes and advice, as text; then collect it.

    Asking for the text tries the advice, which frees the objects that it is tried on. Without ``weigh`` the bytes of
    what dies with the garbage are left out. Without ``peak`` the memory is not measured: for that the kernel is
    told to forget which pages were used, and each first use of a page then takes longer.
    """
    if not weigh:
        vars(explain)["holdings"] = _nothing_weighed
    imported_recorder()
    make, units = prepared(heap, objects)
    memory = Peak(wanted=peak)
    with timed_phases() as phases:
        with garbology.watch() as found:
            make(units)
            made = gc.get_count()[0]
            # What was read while the work went on is no part of the end.
            phases.update(dict.fromkeys(phases, 0.0))
            memory.begin()
            start = time.process_time()
        finding_seconds = time.process_time() - start
    lines = len(str(found).splitlines()) if text else 0
    whole_seconds = time.process_time() - start
    peak_bytes = memory.end()
    start = time.process_time()
    collected = gc.collect()
    collect_seconds = time.process_time() - start
    return {
        "objects": made,
        "garbage": found.garbage,
        "collected": collected,
        "shapes": len(found.shapes),
        "lines": lines,
        "finding_seconds": finding_seconds,
        "whole_seconds": whole_seconds,
        "collect_seconds": collect_seconds,
        "peak_bytes": peak_bytes,
        "bytes_each": None if peak_bytes is None else peak_bytes / made,
        **{f"{name}_phase_seconds": seconds for name, seconds in phases.items()},
    }


def _nothing_weighed(_: object, __: object, components: Any, *___: object) -> RetainedSizes:
    return RetainedSizes(0, components.sizes, components.sizes, 0)


def alone(heap: str, objects: int, tool: str) -> dict[str, Any]:
    """What another tool does of it, or `gc.collect()` itself: its seconds and its peak."""
    ask: Callable[[], Any] = {"gc.collect": gc.collect, "refcycle": _refcycle, "objgraph": _objgraph}[tool]
    imported_recorder()
    if tool != "gc.collect":
        __import__(tool)
    make, units = prepared(heap, objects)
    make(units)
    made = gc.get_count()[0]
    peak = Peak()
    peak.begin()
    start = time.process_time()
    answer = ask()
    seconds = time.process_time() - start
    peak_bytes = peak.end()
    del answer
    return {
        "whole_seconds": seconds,
        "peak_bytes": peak_bytes,
        "bytes_each": None if peak_bytes is None else peak_bytes / made,
    }


def _refcycle() -> Any:
    """Garbage (it collects to find out) and components; no shapes, no bytes, no advice."""
    import refcycle

    return refcycle.garbage().strongly_connected_components()


def _objgraph() -> Any:
    """How many objects of each type; it tells neither garbage nor cycles."""
    import objgraph

    return objgraph.typestats(gc.get_objects(generation=0))


def small(repeats: int = 9) -> dict[str, Any]:
    """The median seconds of findings of 2,000 objects each, without the text."""
    heap, units = prepared("instance_pairs", SMALL_OBJECTS)
    seconds = []
    for _ in range(repeats):
        with garbology.watch():
            heap(units)
            start = time.process_time()
        seconds.append(time.process_time() - start)
        gc.collect()
    return {"finding_seconds": statistics.median(seconds)}


def beside_many(live: int, objects: int = 100, repeats: int = 30) -> dict[str, Any]:
    """A window of a few objects beside many that are alive: what the watch adds to its block, and with its text."""
    gc.disable()
    alive: list[list[object]] = [[] for _ in range(live)]
    gc.collect()
    pairs = max(1, objects // 2)
    rounds = [_one_window(pairs, text=False) for _ in range(repeats + WARM_UP)][WARM_UP:]
    told = [_one_window(pairs, text=True) for _ in range(max(3, repeats // 10))]
    assert len(alive) == live
    start = time.process_time()
    gc.collect()
    collect_seconds = time.process_time() - start
    return {
        "watch_seconds": statistics.median(watched - bare for bare, watched in rounds),
        "whole_seconds": statistics.median(watched - bare for bare, watched in told),
        "collect_seconds": collect_seconds,
    }


def _one_window(pairs: int, *, text: bool) -> tuple[float, float]:
    """Seconds of the work alone, and of the watched work with what is said of it."""
    start = time.process_time()
    instance_pairs(pairs)
    bare = time.process_time() - start
    gc.collect(0)
    start = time.process_time()
    with garbology.watch() as found:
        instance_pairs(pairs)
    if text:
        str(found)
    watched = time.process_time() - start
    gc.collect(0)
    return bare, watched
