"""Engine: what one operation takes, forward and backward, in time and memory, beside other engines and beside none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.engines import DEZERO, ENGINES, FLOOR, MICROGRAD, NEEDS, NONE, STRONG, TORCH, WEAK
from benchmarks.goals import Goal, Shown
from benchmarks.graphs import LARGE_OPERATIONS, STEP, TRAINING_STEP
from benchmarks.rounds import Job
from benchmarks.rows import Estimate, Rows
from benchmarks.settings import Settings

TIME, COLLECTOR, MEMORY = "an operation", "with the collector on", "memory of an operation"
GROWTH = {"y * x": "growth with a chain's length", "wide": "growth with a graph's width"}
CHAIN, LARGE = "y * x", "large arrays"
SMALL_GRAPHS = (CHAIN, "y + x", "y * 0.5 + 1.0", "wide", "ladder")
COLLECTED = (WEAK, STRONG, NONE, DEZERO, TORCH)  # those that are asked with the collector on


def jobs(settings: Settings) -> Iterator[Job]:
    """Every measurement of this section."""
    for engine in ENGINES:
        arguments = {
            "engine": engine,
            "graphs": list(_graphs(engine, settings)),
            "has_step": engine not in (FLOOR, MICROGRAD),
        }
        needs = (*NEEDS.get(engine, ()), "pyperf")
        yield Job(
            TIME, "all graphs", engine, "graphs:timed", arguments, needs, settings.operations, has_parts=True
        )
    for engine in ENGINES:
        arguments = {"engine": engine, "operations": settings.operations}
        yield Job(
            MEMORY, CHAIN, engine, "graphs:memory", arguments, NEEDS.get(engine, ()), settings.operations, 2
        )
    for graph, sizes in ((CHAIN, settings.growing_operations), ("wide", settings.growing_branches)):
        for operations in sizes:
            part, case = GROWTH[graph], f"{graph}, {operations:,}"
            graphs = [{"part": part, "case": case, "graph": graph, "operations": operations}]
            arguments = {"engine": WEAK, "graphs": graphs}
            yield Job(part, case, WEAK, "graphs:timed", arguments, ("pyperf",), operations, has_parts=True)


def _graphs(engine: str, settings: Settings) -> Iterator[dict[str, Any]]:
    """What one engine is asked."""
    for graph in SMALL_GRAPHS if engine != FLOOR else (CHAIN,):
        operations = settings.wide_operations if graph == "wide" else settings.operations
        yield {"part": TIME, "case": graph, "graph": graph, "operations": operations}
    if engine != MICROGRAD:
        yield {
            "part": TIME,
            "case": LARGE,
            "graph": LARGE,
            "operations": LARGE_OPERATIONS,
            "items": settings.array_items,
        }
    if engine in COLLECTED:
        yield {
            "part": COLLECTOR,
            "case": CHAIN,
            "graph": CHAIN,
            "operations": settings.operations,
            "collector": True,
        }


def _beside(other: str) -> Any:
    return lambda rows: rows.ratio(TIME, CHAIN, WEAK, other, "together_seconds")


def _exponent(graph: str) -> Any:
    def read(rows: Rows) -> Estimate | None:
        """Of the whole graph: one more than that of an operation."""
        part = GROWTH[graph]
        found = rows.exponent(part, WEAK, "together_seconds", rows.cases(part))
        if found is None:
            return None
        return Estimate(1 + found.value, 1 + found.low, 1 + found.high, found.rounds)

    return read


def _step_beside_torch(rows: Rows) -> Estimate | None:
    return rows.ratio(STEP, TRAINING_STEP, WEAK, TORCH, "step_seconds")


GOALS = (
    Goal("forward and backward of a chain, of DeZero's time", 0.48, _beside(DEZERO)),
    Goal("the same, of torch's time", 0.45, _beside(TORCH)),
    Goal("the same, in floors (bare NumPy calls, one object an operation)", 2.2, _beside(FLOOR)),
    Goal("exponent of the time over a chain's length", 1.1, _exponent(CHAIN)),
    Goal("exponent of the time over a graph's width", 1.1, _exponent("wide")),
    Goal("a perceptron's step, of torch's on one thread", 1, _step_beside_torch),
)

_TIMES = {"forward_seconds": "forward", "backward_seconds": "backward", "together_seconds": "together"}
SHOWN = (
    Shown(TIME, _TIMES, WEAK, "together_seconds"),
    Shown(COLLECTOR, _TIMES, WEAK, "together_seconds"),
    Shown(STEP, {"step_seconds": "a step"}, WEAK, "step_seconds"),
    Shown(
        MEMORY,
        {"traced_bytes": "tracemalloc", "resident_bytes": "resident", "tracked_objects": "tracked objects"},
        WEAK,
        "traced_bytes",
    ),
    *(Shown(part, _TIMES) for part in GROWTH.values()),
)
SIZES = ("operations", "growing_operations", "growing_branches", "wide_operations", "array_items")
