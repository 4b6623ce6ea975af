"""The graphs that every engine builds from one number, and what one operation of them takes.

Times are those of the processor, which other work beside it changes little; pyperf warms up and repeats.
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import ENGINES, Build, Engine

ROOT_HALF = 0.5**0.5
LARGE_OPERATIONS = 100
STEPS = 200
STEP, TRAINING_STEP = "perceptron", "a training step"


def chain(number: Any, operations: int) -> Any:
    """Multiply by the number again and again; the loop is in here so that a call is not measured with it."""
    result = number
    for _ in range(operations):
        result = result * number
    return result


def sums(number: Any, operations: int) -> Any:
    """Add the number again and again."""
    result = number
    for _ in range(operations):
        result = result + number
    return result


def constants(number: Any, operations: int) -> Any:
    """Multiply by a number and add a number, in turn: constants are operands too."""
    result = number
    for _ in range(operations // 2):
        result = result * 0.5 + 1.0
    return result


def wide(number: Any, operations: int) -> Any:
    """Products side by side, summed two by two."""
    level = [number * number for _ in range(max(1, (operations + 1) // 2))]
    while len(level) > 1:
        level = [
            level[place] + level[place + 1] if place + 1 < len(level) else level[place]
            for place in range(0, len(level), 2)
        ]
    return level[0]


def ladder(number: Any, operations: int) -> Any:
    """Two rails: each rung needs both ends of the one before. Lengths stay as they are, forward and backward."""
    left, right = number * 1.0, number * 0.5
    for _ in range(operations // 4):
        left, right = (left + right) * ROOT_HALF, (left - right) * ROOT_HALF
    return left + right


GRAPHS: dict[str, Build] = {
    "y * x": chain,
    "y + x": sums,
    "y * 0.5 + 1.0": constants,
    "wide": wide,
    "ladder": ladder,
    "large arrays": chain,
}


def timed(
    engine: str, graphs: Sequence[Mapping[str, Any]], *, has_step: bool = False
) -> list[dict[str, Any]]:
    """Seconds of one operation of each graph, forward and backward, and of a perceptron's step, as pyperf takes them.

    A graph is its `part` and `case`, its name in `GRAPHS`, its `operations`; `items` of its arrays, where it is not of
    numbers; whether the `collector` is on.
    """
    import pyperf

    runner = pyperf.Runner()
    runner.parse_args(["--worker", "--loops=1", "--values=3", "--warmups=1", "--quiet"])
    used = _ready(engine)
    result = []
    for place, each in enumerate(graphs):
        figures = _of_graph(runner, used, place, each)
        result.append({"part": each["part"], "case": each["case"], "figures": figures})
    if has_step:
        figures = {"step_seconds": _taken(runner, "step", _steps(used))}
        result.append({"part": STEP, "case": TRAINING_STEP, "figures": figures})
    return result


def _of_graph(runner: Any, used: Engine, place: int, graph: Mapping[str, Any]) -> dict[str, float]:
    build, operations, items = GRAPHS[graph["graph"]], graph["operations"], graph.get("items", 0)
    value = np.ones(items) if items else np.array(1.0)
    (gc.enable if graph.get("collector") else gc.disable)()
    times: dict[str, float] = {}
    for name, once in (("forward", _forward), ("backward", _backward)):
        work = partial(once, used, build, value, operations)
        times[name] = _taken(runner, f"{place} {name}", work) / operations
    gc.disable()
    return {
        **{f"{name}_seconds": each for name, each in times.items()},
        "together_seconds": sum(times.values()),
    }


def _taken(runner: Any, name: str, function: Callable[[int], float]) -> float:
    """The median of pyperf's values, after its warm-up."""
    return float(statistics.median(runner.bench_time_func(name, function).get_values()))


def _ready(name: str) -> Engine:
    """The engine, all that it brought frozen, the collector off."""
    warnings.simplefilter("ignore")
    engine = ENGINES[name]()
    gc.disable()
    gc.collect()
    gc.freeze()
    return engine


def _forward(engine: Engine, build: Build, value: Any, operations: int, _: int) -> float:
    start = time.process_time()
    graph = engine.forward(build, value, operations)
    seconds = time.process_time() - start
    del graph
    gc.collect()
    return seconds


def _backward(engine: Engine, build: Build, value: Any, operations: int, _: int) -> float:
    graph = engine.forward(build, value, operations)
    start = time.process_time()
    engine.backward(graph)
    seconds = time.process_time() - start
    del graph
    gc.collect()
    return seconds


def _steps(engine: Engine) -> Callable[[int], float]:
    """Training steps of a perceptron, forward and backward: the seconds of one, as a mean over some."""
    assert engine.step is not None
    dice = np.random.default_rng(0)
    shapes = ((64, 16), (64, 1), (16, 32), (32,), (32, 1), (1,))
    step = engine.step([dice.standard_normal(shape) for shape in shapes])

    def steps(loops: int) -> float:
        start = time.process_time()
        for _ in range(STEPS * loops):
            step()
        return (time.process_time() - start) / STEPS

    return steps


def memory(engine: str, operations: int) -> dict[str, Any]:
    """Bytes and tracked objects of one operation of a chain: what tracemalloc counts, and what becomes resident."""
    used = _ready(engine)
    held = used.forward(chain, np.array(1.0), 10)
    del held
    before = resident_bytes()
    held = used.forward(chain, np.array(1.0), operations)
    resident = resident_bytes() - before
    objects = len(gc.get_objects())
    del held
    gc.collect()
    objects -= len(gc.get_objects())
    traced = _traced(lambda: used.forward(chain, np.array(1.0), operations))
    return {
        "traced_bytes": traced / operations,
        "resident_bytes": resident / operations,
        "tracked_objects": objects / operations,
    }


def _traced(build: Callable[[], Any]) -> int:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = build()
    traced = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del held
    return traced


def resident_bytes() -> int:
    """Of this process, now."""
    words = Path("/proc/self/statm").read_text().split()
    return int(words[1]) * resource.getpagesize()
