"""Finder: time and memory of the whole answer (bytes, shapes, advice, text), beside `gc.collect()` and other tools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.goals import Goal, Shown
from benchmarks.heaps import HEAPS
from benchmarks.rounds import Job
from benchmarks.rows import Estimate, Rows, highest, lowest
from benchmarks.settings import Settings

OURS, COLLECT = "garbology", "gc.collect"
TOOLS = (OURS, COLLECT, "refcycle", "objgraph")
MANY_SHAPES, REAL = "many_shapes", "real_program"
#: Of heaps that are smaller than the others: 100,000 shapes of four objects; what SQLAlchemy makes in some seconds.
MOST = {MANY_SHAPES: 400_000, REAL: 200_000}
LIBRARIES = ("pandas", "matplotlib", "sqlalchemy")
COMPARED = ("instance_pairs", "families", "tree")
WHOLE, PEERS, GROWTH, WINDOW = "whole answer", "beside other tools", "growth with size", "small window"


def jobs(settings: Settings) -> Iterator[Job]:
    """Every measurement of this section."""
    for heap in (*HEAPS, REAL):
        objects = min(settings.objects, MOST.get(heap, settings.objects))
        libraries = LIBRARIES if heap == REAL else ()
        for tool in (OURS, COLLECT):
            yield _job(WHOLE, heap, heap, objects, tool, libraries)
    for objects in settings.peer_objects:
        for heap in COMPARED:
            for tool in TOOLS:
                needs = () if tool in (OURS, COLLECT) else (tool,)
                yield _job(PEERS, f"{heap}, {objects:,} objects", heap, objects, tool, needs)
    for objects in settings.growing_objects:
        for tool in (OURS, COLLECT):
            yield _job(GROWTH, f"instance_pairs, {objects:,} objects", "instance_pairs", objects, tool)
    arguments = {"live": settings.live_objects, "repeats": settings.repeats}
    yield Job(
        WINDOW, f"100 objects beside {settings.live_objects:,}", OURS, "finding:beside_many", arguments,
        size=settings.live_objects,
    )  # fmt: skip


def _job(part: str, case: str, heap: str, objects: int, tool: str, needs: Sequence[str] = ()) -> Job:
    arguments: dict[str, Any] = {"heap": heap, "objects": objects}
    if tool != OURS:
        arguments["tool"] = tool
    call = "finding:whole" if tool == OURS else "finding:alone"
    return Job(part, case, tool, call, arguments, needs, size=objects, timeout_seconds=900)


def collections(rows: Rows, heap: str) -> Estimate | None:
    """The whole answer of a heap, in collections of the same round."""
    return rows.ratio(WHOLE, heap, OURS, COLLECT, "whole_seconds")


def _on_uniform_heaps(rows: Rows) -> Estimate | None:
    return highest([collections(rows, heap) for heap in rows.cases(WHOLE) if heap != MANY_SHAPES])


def _times_faster_than_refcycle(rows: Rows) -> Estimate | None:
    cases = rows.cases(PEERS)
    return lowest([rows.ratio(PEERS, case, "refcycle", OURS, "whole_seconds") for case in cases])


def _exponent(figure: str) -> Any:
    return lambda rows: rows.exponent(GROWTH, OURS, figure, rows.cases(GROWTH))


def _window(figure: str) -> Any:
    return lambda rows: rows.worst(WINDOW, OURS, figure)


GOALS = (
    Goal(
        "the whole answer in collections, at worst of all heaps but the heterogeneous one",
        4,
        _on_uniform_heaps,
    ),
    Goal(
        "the same on the heterogeneous heap (300 classes, 100,000 distinct shapes)",
        10,
        lambda rows: collections(rows, MANY_SHAPES),
    ),
    Goal(
        "peak memory an object, at worst of all heaps",
        100,
        lambda rows: rows.worst(WHOLE, OURS, "bytes_each"),
        "bytes",
    ),
    Goal(
        "times faster than refcycle, from 200,000 objects on, at worst",
        15,
        _times_faster_than_refcycle,
        is_least=True,
    ),
    Goal("exponent of the time over the size", 1.05, _exponent("whole_seconds")),
    Goal("exponent of the peak memory over the size", 1.05, _exponent("peak_bytes")),
    Goal("a watch of 100 objects beside 5,000,000 alive", 2e-3, _window("watch_seconds"), "seconds"),
    Goal("the same with its text (advice tried)", 2e-3, _window("whole_seconds"), "seconds"),
)

_TIME_AND_PEAK = {"whole_seconds": "time", "peak_bytes": "peak", "bytes_each": "peak an object"}
SHOWN = (
    Shown(
        WHOLE,
        {
            **_TIME_AND_PEAK,
            "finding_seconds": "of it the finding",
            "garbage": "objects of garbage",
            "shapes": "shapes",
        },
        COLLECT,
        "whole_seconds",
    ),
    Shown(PEERS, _TIME_AND_PEAK, OURS, "whole_seconds"),
    Shown(GROWTH, _TIME_AND_PEAK, COLLECT, "whole_seconds"),
    Shown(
        WINDOW,
        {
            "watch_seconds": "a watch",
            "whole_seconds": "with its text",
            "collect_seconds": "gc.collect() of all",
        },
    ),
)
SIZES = ("objects", "peer_objects", "growing_objects", "live_objects")
