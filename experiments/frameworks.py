"""Other people's engines: who needs the cyclic collector to free a graph?

Every engine that defines its graph by running (DeZero, Chainer, PyTorch, tinygrad, micrograd, HIPS autograd, and
ours, autograd_core) builds a graph of objects in the forward pass and walks it in the backward pass. A training
loop drops one such graph at each step. If the graph has no reference cycle, reference counting frees it at once;
if it has one, it waits for the cyclic collector, and so does every array in it.

We do the same in each: multiply a number by itself in a chain, go backward, look at the derivative, drop it all
with the collector paused, and count what is still there. Then garbology says what only the collector can free,
names the edge that makes the cycle and tries the advice, and we let the collector run. Time and memory are given
for one node, an operation of the chain. In an engine "again" records the backward pass too, so that the gradient can be
differentiated again (`create_graph=True`, in Chainer `enable_double_backprop=True`): then the parameter's gradient
is part of a graph that the parameter is part of, and the question is asked anew.

PyTorch's graph is of C++ objects, which the collector does not see: a cycle through them is freed by nobody.
tinygrad only records, forward and backward, and computes when the number is asked for; its device is Python here.

What to do about it: let a function refer weakly to what it computed (DeZero, Chainer and autograd_core do), or not
at all; a closure can capture `weakref.ref(out)`. Where the gradient is recorded, take the gradients as results
(`torch.autograd.grad`, `autograd_core.grad`) in place of storing them, or set `parameter.grad = None` when done.

`pip install 'garbology[frameworks]'` installs all but PyTorch (`garbology[frameworks-torch]`) and Chainer. What
cannot live with the rest may have an environment of its own: the variable GARBOLOGY_FRAMEWORKS names a directory,
and DIRECTORY/torch/bin/python measures PyTorch if it is the same version of Python. It needs garbology's
dependencies too. What is not installed is shown as not measured.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments._elsewhere import measured_elsewhere, python_of
from experiments._engines import AGAIN, ENGINES, STRONG, WEAK, Engine, Program
from experiments._rows import side_by_side
from garbology import collector, watch
from garbology.study import (
    NotMeasured,
    Runs,
    Study,
    Table,
    Tile,
    Unavailable,
    bars,
    counted,
    median_tile,
    shown,
)

WARM_UP, PASSES = 3, 7
FILLS = 6
FEW = 0.1  # objects for an operation: entries of an engine's caches, but no graph

study = Study(
    title="Other people's engines",
    parameters={"engine": list(ENGINES), "operations": [100], "graphs": [30]},
    quick={
        "engine": [WEAK, STRONG, "micrograd", "HIPS autograd", "DeZero", "DeZero, again", "torch, again"],
        "operations": [50],
        "graphs": [100],
        "repeats": 1,
    },
    full={"operations": [100, 400], "graphs": [100]},
    repeats=5,
    most_repeats=5,
)


@dataclass(frozen=True)
class Dropped:
    """What is there of one graph: before it is dropped, after, and when the collector has run.

    `found_objects` is what garbology says that only the collector can free, `collected_objects` what
    `gc.collect()` returns, `leaked_objects` what garbology says that not even the collector frees. The times
    are those of one operation, the shortest of several passes, with the collector paused.
    """

    release: str
    derivative: float
    alive_objects: int
    surviving_objects: int
    collected_objects: int
    left_objects: int
    found_objects: int
    found_bytes: int
    leaked_objects: int
    shapes: list[dict[str, Any]]
    forward_seconds: float
    backward_seconds: float
    collect_seconds: float


@study.measure
def drop_a_graph(engine: str, operations: int) -> Dropped:
    """Go forward and backward and drop the graph: once to count, once for garbology, several times for the time."""
    elsewhere = python_of(ENGINES[engine].package)
    if elsewhere:
        return Dropped(**_ask(elsewhere, drop_a_graph, engine=engine, operations=operations))
    program = _warm(ENGINES[engine], operations)
    with collector.paused():
        counts = _counts(program, operations)
        found = _found(program, operations)
        gc.collect()
        seconds = _seconds(program, operations)
    return Dropped(release=ENGINES[engine].release(), **counts, **found, **seconds)


@dataclass(frozen=True)
class Held:
    """What an operation takes of the process's own memory (USS): in graphs that are held, and in dropped ones.

    The collector is paused. USS counts what C++ allocates as well, and is coarse: whole pages.
    """

    held_bytes: float
    waiting_bytes: float


@study.measure(quick={"engine": [WEAK, STRONG]})
def hold_graphs(engine: str, operations: int, graphs: int) -> Held:
    """Drop many graphs one after the other, then keep as many; the growth of the process each time."""
    elsewhere = python_of(ENGINES[engine].package)
    if elsewhere:
        return Held(**_ask(elsewhere, hold_graphs, engine=engine, operations=operations, graphs=graphs))
    program = _warm(ENGINES[engine], operations)

    def drop() -> None:
        for _ in range(graphs):
            _differentiate(program, operations)

    kept: list[Any] = []

    def keep() -> None:
        kept.extend(_differentiate(program, operations)[0] for _ in range(graphs))

    with collector.paused():
        for _ in range(FILLS):
            keep()  # in memory that was free before, so that what follows needs pages of its own
        return Held(
            held_bytes=_growth_bytes(keep) / graphs / operations,
            waiting_bytes=max(_growth_bytes(drop), 0) / graphs / operations,
        )


def _ask(python: Any, measure: Callable[..., Any], **case: Any) -> dict[str, Any]:
    return measured_elsewhere(python, study.target, measure.__name__, case)


def _warm(engine: Engine, operations: int) -> Program:
    """The engine's program, run until what is cached at first use is there."""
    program = engine.program()
    for _ in range(WARM_UP):
        _differentiate(program, operations)
    gc.collect()
    return program


def _differentiate(program: Program, operations: int) -> tuple[Any, float]:
    graph = program.forward(operations)
    return graph, program.backward(graph)


def _counts(program: Program, operations: int) -> dict[str, Any]:
    """Objects that the collector tracks, more than before: held, dropped, and collected."""
    with collector.frozen():
        _differentiate(program, operations)  # some lists and dictionaries of the interpreter are made anew
        gc.collect()
        before = len(gc.get_objects())
        graph, derivative = _differentiate(program, operations)
        alive = len(gc.get_objects()) - before
        del graph
        surviving = len(gc.get_objects()) - before
        collected = gc.collect()
        left = len(gc.get_objects()) - before
    return {
        "derivative": derivative,
        "alive_objects": alive,
        "surviving_objects": surviving,
        "collected_objects": collected,
        "left_objects": left,
    }


def _found(program: Program, operations: int) -> dict[str, Any]:
    """What only the collector can free, and what nobody can; the advice is tried on one cycle, which is then gone."""
    with watch() as found:
        _differentiate(program, operations)
    return {
        "found_objects": found.garbage,
        "found_bytes": found.garbage_bytes,
        "leaked_objects": sum(leak.objects for leak in found.leaks),
        "shapes": found.to_dict()["shapes"],
    }


def _seconds(program: Program, operations: int) -> dict[str, float]:
    """Forward, backward and collection of one operation; other processes only add to a time, so the least counts."""
    times = []
    with collector.frozen():
        for _ in range(PASSES):
            started = time.perf_counter()
            graph = program.forward(operations)
            between = time.perf_counter()
            program.backward(graph)
            ended = time.perf_counter()
            del graph
            dropped = time.perf_counter()
            gc.collect()
            times.append((between - started, ended - between, time.perf_counter() - dropped))
    names = ("forward_seconds", "backward_seconds", "collect_seconds")
    return {name: min(each) / operations for name, each in zip(names, zip(*times, strict=True), strict=True)}


def _growth_bytes(work: Callable[[], None]) -> int:
    from garbology.recorders import memory_usage

    before = memory_usage().anonymous_bytes
    work()
    after = memory_usage().anonymous_bytes
    if before is None or after is None:
        raise Unavailable("this system does not tell a process's anonymous memory (/proc/self/smaps_rollup)")
    return after - before


@study.finding
def all_compute_the_same(runs: Runs) -> str:
    """Every engine finds the same derivative."""
    for run in runs.of(drop_a_graph):
        assert run.derivative == run.operations + 1, run
    return counted(len({run.engine for run in runs.of(drop_a_graph)}), "engine")


@study.finding
def ours_leaves_nothing(runs: Runs) -> str:
    """Our engine with weak outputs: reference counting frees every object of the graph."""
    for run in of(runs, WEAK):
        assert run.alive_objects > run.operations, f"{run}: there was no graph"
        assert run.surviving_objects == run.found_objects == run.collected_objects == 0, run
    return f"{run.alive_objects:,} objects, 0 left"


@study.finding
def ours_with_strong_outputs_leaves_all(runs: Runs) -> str:
    """Our engine with strong outputs: no operation of the graph is freed before the collector runs."""
    for run in of(runs, STRONG):
        assert run.surviving_objects >= 2 * run.operations, run
        assert run.found_objects == run.collected_objects >= 2 * run.operations, run
        assert run.left_objects == 0, run
    return f"{run.surviving_objects:,} of {run.alive_objects:,} objects wait"


@study.finding
def micrograd_leaves_its_graph(runs: Runs) -> str:
    """micrograd: every Value of the chain survives, in a cycle of its own, and the collector frees them all."""
    for run in of(runs, "micrograd"):
        assert run.surviving_objects > 0.9 * run.alive_objects, run
        assert run.found_objects == run.collected_objects, run
        assert any(shape["count"] == run.operations for shape in run.shapes), run
    return f"{run.found_objects:,} of {run.alive_objects:,} objects wait, {run.operations:,} cycles"


@study.finding
def micrograd_captures_its_result(runs: Runs) -> str:
    """The advice for micrograd names the captured variable, out, and weakening it frees the cycle."""
    for run in of(runs, "micrograd"):
        shape = max(run.shapes, key=lambda shape: shape["count"])
        edge = shape["advice"]["edges"][0]
        assert edge["label"].endswith("closure variable out"), edge
        assert (shape["advice"]["remedy"], shape["advice"]["verified"]) == ("weakref", True), shape["advice"]
    return f"{edge['source']} {edge['label']} -> {edge['target']}"


@study.finding
def dezero_needs_no_collector(runs: Runs) -> str:
    """DeZero, whose functions refer weakly to their outputs: reference counting frees the graph."""
    return _is_freed_by_counting(runs, "DeZero")


@study.finding
def chainer_needs_no_collector(runs: Runs) -> str:
    """Chainer, whose graph refers weakly to the variables: reference counting frees the graph."""
    return _is_freed_by_counting(runs, "Chainer")


@study.finding
def hips_autograd_needs_no_collector(runs: Runs) -> str:
    """HIPS autograd, whose nodes know their parents only: reference counting frees the graph."""
    return _is_freed_by_counting(runs, "HIPS autograd")


@study.finding
def tinygrad_needs_no_collector(runs: Runs) -> str:
    """tinygrad, whose operations know their sources only: reference counting frees the graph."""
    return _is_freed_by_counting(runs, "tinygrad")


@study.finding
def torch_needs_no_collector(runs: Runs) -> str:
    """PyTorch keeps its graph in C++: next to no Python object is left to be counted, none to be collected."""
    return _is_freed_by_counting(runs, "torch")


def _is_freed_by_counting(runs: Runs, engine: str) -> str:
    for run in of(runs, engine):
        few = FEW * run.operations
        assert run.surviving_objects <= few, run
        assert run.found_objects == run.collected_objects == run.leaked_objects == 0, run
    return f"{run.surviving_objects:,} of {run.alive_objects:,} objects left, 0 for the collector"


@study.finding
def a_recorded_gradient_is_a_cycle(runs: Runs) -> str:
    """DeZero and our engine leave the graph to the collector if the gradient in it is recorded."""
    told = []
    for run in of(runs, [AGAIN, "DeZero, again"]):
        assert run.surviving_objects > 0.9 * run.alive_objects, run
        assert run.found_objects == run.collected_objects > run.operations, run
        told.append(f"{run.engine}: {counted(run.found_objects, 'object')}")
    return "; ".join(dict.fromkeys(told))


@study.finding
def chainer_escapes_it(runs: Runs) -> str:
    """Chainer does not: its graph is of nodes beside the variables, which it refers to weakly."""
    return _is_freed_by_counting(runs, "Chainer, again")


@study.finding
def torch_leaks_it(runs: Runs) -> str:
    """In PyTorch nobody frees it: the collector counts nothing, and the tensors are still there."""
    for run in of(runs, "torch, again"):
        assert run.found_objects == run.collected_objects == 0, run
        assert run.left_objects >= run.operations, run
        assert run.leaked_objects >= run.operations, run
    return f"{counted(run.leaked_objects, 'object')} that not even the collector frees"


@study.finding
def the_process_shows_it(runs: Runs) -> str:
    """The process's memory agrees: dropped graphs keep at least 80 % of their bytes in cycles, else at most 20 %."""
    kept = []
    for case in longest(runs, hold_graphs).cases():
        share = case.median("waiting_bytes") / case.median("held_bytes")
        dropped = _case(runs, case.engine)
        waits = dropped.median("found_objects") + dropped.median("leaked_objects") > 0
        assert share >= 0.8 if waits else share <= 0.2, f"{case}: {share:.0%} of its bytes are left"
        kept.append(f"{case.engine} {share:.0%}")
    return f"left of the bytes: {', '.join(kept)}"


@study.figure
def who_frees(runs: Runs) -> Any:
    """Objects of one graph that the collector tracks: held, after dropping it, and after a collection."""
    fields = {
        "held": "alive_objects", "dropped": "surviving_objects", "collected": "left_objects",
    }  # fmt: skip
    counted = side_by_side(longest(runs), fields, by="when", value="objects")
    return bars(counted, x="engine", y="objects", color="when", y_scale="symlog")


@study.figure
def bytes_of_a_node(runs: Runs) -> Any:
    """What one operation takes of the process's memory: in graphs that are held, and in dropped ones."""
    fields = {"held": "held_bytes", "dropped": "waiting_bytes"}
    held = side_by_side(longest(runs, hold_graphs), fields, by="when", value="node_bytes")
    return bars(held, x="engine", y="node_bytes", color="when")


@study.figure
def time_of_a_node(runs: Runs) -> Any:
    """How long one operation takes: forward, backward, and in the collector's pause that frees the graph."""
    fields = {"forward": "forward_seconds", "backward": "backward_seconds", "collect": "collect_seconds"}
    timed = side_by_side(longest(runs), fields, by="pass", value="node_seconds")
    return bars(timed, x="engine", y="node_seconds", color="pass", y_scale="log")


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """Ours in both modes, and one of each kind among the others that were measured."""
    wanted: Mapping[str, tuple[str, str, str]] = {
        WEAK: ("Left of a graph, autograd_core", "surviving_objects", "objects"),
        "micrograd": ("Left of a graph, micrograd", "surviving_objects", "objects"),
        "torch, again": ("Never freed, torch with create_graph", "leaked_objects", "objects"),
    }
    made = []
    for engine, (label, field, unit) in wanted.items():
        case = _case(runs, engine)
        if case:
            made.append(median_tile(label, case, field, unit, better="less" if engine == WEAK else ""))
    ours = _case(runs, WEAK)
    for field, label in (("forward_seconds", "Forward"), ("backward_seconds", "Backward")) if ours else ():
        made.append(median_tile(f"{label} a node, autograd_core", ours, field, "seconds", atlas=True))
    return made


@study.verdict
def verdict(runs: Runs) -> str:
    """Who left what, of the engines that were measured."""
    freed, waiting, lost = [], [], []
    for case in longest(runs).cases():
        found, leaked, alive = map(case.median, ("found_objects", "leaked_objects", "alive_objects"))
        if leaked:
            lost.append(f"{case.engine} ({counted(leaked, 'object')})")
        elif found:
            waiting.append(f"{case.engine} ({shown(found)} of {shown(alive)} objects)")
        else:
            freed.append(case.engine)
    said = {
        "Reference counting alone frees the graph of": freed,
        "the cyclic collector has to free that of": waiting,
        "nobody frees that of": lost,
    }
    return "; ".join(f"{text} {' · '.join(names)}" for text, names in said.items() if names) + "."


@study.pictures
def pictures(runs: Runs) -> list[dict[str, Any]]:
    """The commonest cycle of each engine that leaves one, with the edge to weaken."""
    samples = [case.samples[0] for case in longest(runs).cases()]
    return [max(run.shapes, key=lambda shape: shape["count"]) for run in samples if run.shapes]


@study.table
def engines(runs: Runs) -> Table:
    """Who frees the graph, the edge that makes the cycle, and the price of a node."""
    held = {case.engine: case.median("held_bytes") for case in _cases_or_none(runs)}
    rows = [_row(case, held.get(case.engine)) for case in longest(runs).cases()]
    headings = [
        "engine", "release", "held", "dropped", "collected", "leaked", "edge to weaken", "tried",
        "node", "forward", "backward", "collect",
    ]  # fmt: skip
    caption = (
        "Objects of one graph that the collector tracks: held, left after dropping it, collected, and leaked; "
        "then bytes and time of one operation."
    )
    return Table(headings, rows, caption)


def _row(case: Any, held_bytes: float | None) -> list[str]:
    run = case.samples[0]
    edge, tried = _advice(run.shapes)
    names = ("alive_objects", "surviving_objects", "collected_objects", "leaked_objects")
    times = ("forward_seconds", "backward_seconds", "collect_seconds")
    return [
        case.engine, run.release, *(shown(case.median(name)) for name in names), edge, tried,
        shown(held_bytes, "bytes"), *(shown(case.median(name), "seconds") for name in times),
    ]  # fmt: skip


def _advice(shapes: list[dict[str, Any]]) -> tuple[str, str]:
    """The edges to weaken in the commonest cycle, and whether that freed it."""
    advice = max(shapes, key=lambda shape: shape["count"])["advice"] if shapes else None
    if not advice:
        return "", ""
    edges = (f"{edge['source']} {edge['label']}" for edge in advice["edges"])
    return ", ".join(edges), "freed all of it" if advice["verified"] else "no"


def of(runs: Runs, engine: str | list[str]) -> Runs:
    """The dropped graphs of an engine."""
    return runs.of(drop_a_graph).where(engine=engine)


def longest(runs: Runs, measure: Callable[..., Any] = drop_a_graph) -> Runs:
    """The runs with the longest chain."""
    measured = runs.of(measure)
    return measured.where(operations=max(run.operations for run in measured))


def _case(runs: Runs, engine: str) -> Any:
    """The engine's case with the longest chain, None where it was not measured."""
    return next((case for case in longest(runs).cases() if case.engine == engine), None)


def _cases_or_none(runs: Runs) -> list[Any]:
    try:
        return longest(runs, hold_graphs).cases()
    except NotMeasured:
        return []


if __name__ == "__main__":
    raise SystemExit(study.main())
