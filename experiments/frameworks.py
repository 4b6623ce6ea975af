"""Other people's engines: which need the cyclic collector to free a graph?

Every engine that defines its graph by running (DeZero, Chainer, PyTorch, tinygrad, micrograd, HIPS autograd, and ours,
autograd_core) builds a graph of objects in the forward pass and walks it in the backward pass. A training loop drops
one such graph at each step. If it has a reference cycle, it waits for the cyclic collector, with every array in it.

We do the same in each: multiply a number by itself in a chain, go backward, look at the derivative, drop it all with
the collector paused, and count what is still there. Then garbology says what only the collector can free, names the
edge that makes the cycle and tries the advice, and we let the collector run. Time and memory are given for one
operation of the chain. In an engine "again" records the backward pass too, so that the gradient can be differentiated
again (`create_graph=True`, in Chainer `enable_double_backprop=True`). PyTorch's graph is of C++ objects, which the
collector does not see: a cycle through them is never freed. tinygrad only records, forward and backward, and computes
when the number is asked for; its device is Python here.

What to do about it: let a function refer weakly to what it computed (DeZero, Chainer and autograd_core do), or not at
all; a closure can capture `weakref.ref(out)`. Where the gradient is recorded, take the gradients as results
(`torch.autograd.grad`, `autograd_core.grad`) in place of storing them, or set `parameter.grad = None` when done.

`pip install 'garbology[frameworks]'` installs all but PyTorch (`garbology[frameworks-torch]`) and Chainer. What cannot
live with the rest may have an environment of its own: the variable GARBOLOGY_FRAMEWORKS names a directory, and
DIRECTORY/torch/bin/python measures PyTorch if it is the same version of Python and has garbology's dependencies too.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from experiments import _parts
from experiments._clock import timed
from experiments._elsewhere import measured_elsewhere, python_of
from experiments._engines import AGAIN, ENGINES, STRONG, WEAK, Program
from experiments._found import found_before_collecting
from experiments._garbage import grown, own_memory_bytes
from garbology import collector
from garbology.study import Claim, Run, Runs, Study, Unavailable, counted, every, run_study

PASSES, FILLS = 7, 6
FEW = 0.1  # objects for an operation: entries of an engine's caches, but no graph

study = Study(
    title="Other people's engines", part=_parts.FRAMEWORKS,
    parameters={"engine": list(ENGINES), "operations": [100], "graphs": [30]},
    quick={
        "engine": [WEAK, STRONG, "micrograd", "HIPS autograd", "DeZero", "DeZero, again", "torch, again"],
        "operations": [50], "graphs": [100], "repeats": 1,
    },
    full={"operations": [100, 400], "graphs": [100]},
    most_repeats=5,
)  # fmt: skip


@dataclass(frozen=True)
class Dropped:
    """What is there of one graph: before it is dropped, after, and when the collector has run.

    `found_objects` is what garbology says that only the collector can free, `collected_objects` what `gc.collect()`
    returns, `leaked_objects` what garbology says that not even the collector frees. The times are those of one
    operation, the shortest of several passes, with the collector paused.
    """

    release: str
    derivative: float
    alive_objects: int
    surviving_objects: int
    collected_objects: int
    left_objects: int
    found_objects: int
    leaked_objects: int
    shapes: list[dict[str, Any]]
    forward_seconds: float
    backward_seconds: float
    collect_seconds: float


@study.measure
def drop_a_graph(engine: str, operations: int) -> Dropped:
    """Go forward and backward and drop the graph: once to count, once for garbology, several times for the time."""
    if elsewhere := python_of(ENGINES[engine].package):
        return Dropped(**_ask(elsewhere, drop_a_graph, engine=engine, operations=operations))
    program = ENGINES[engine].warm(operations)
    with collector.paused():
        counts = _counts(program, operations)
        found = found_before_collecting(lambda: program.differentiate(operations))
        gc.collect()
        seconds = _seconds(program, operations)
    counts |= {"found_objects": found.objects, "leaked_objects": found.leaked, "shapes": found.shapes}
    return Dropped(release=ENGINES[engine].release(), **counts, **seconds)


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
    if elsewhere := python_of(ENGINES[engine].package):
        return Held(**_ask(elsewhere, hold_graphs, engine=engine, operations=operations, graphs=graphs))
    program = ENGINES[engine].warm(operations)
    kept: list[Any] = []

    def drop() -> None:
        for _ in range(graphs):
            program.differentiate(operations)

    def keep() -> None:
        kept.extend(program.differentiate(operations)[0] for _ in range(graphs))

    with collector.paused():
        for _ in range(FILLS):
            keep()  # in memory that was free before, so that what follows needs pages of its own
        return Held(
            held_bytes=_growth_bytes(keep) / graphs / operations,
            waiting_bytes=max(_growth_bytes(drop), 0) / graphs / operations,
        )


def _ask(python: Any, measure: Callable[..., Any], **case: Any) -> dict[str, Any]:
    return measured_elsewhere(python, study.target, measure.__name__, case)


def _counts(program: Program, operations: int) -> dict[str, Any]:
    """Objects that the collector tracks, more than before: held, dropped, and collected."""
    with collector.frozen():
        program.differentiate(operations)  # some lists and dictionaries of the interpreter are made anew
        gc.collect()
        before = len(gc.get_objects())
        graph, derivative = program.differentiate(operations)
        alive = len(gc.get_objects()) - before
        del graph
        surviving = len(gc.get_objects()) - before
        collected = gc.collect()
        left = len(gc.get_objects()) - before
    counts = {"surviving_objects": surviving, "collected_objects": collected, "left_objects": left}
    return {"derivative": derivative, "alive_objects": alive, **counts}


def _seconds(program: Program, operations: int) -> dict[str, Any]:
    """Forward, backward and collection of one operation; other processes only add to a time, so the least counts."""
    times = []
    with collector.frozen():
        for _ in range(PASSES):
            graph, forward = timed(lambda: program.forward(operations))
            _, backward = timed(partial(program.backward, graph))
            del graph
            times.append((forward, backward, timed(gc.collect)[1]))
    forward, backward, collect = (min(each) / operations for each in zip(*times, strict=True))
    return {"forward_seconds": forward, "backward_seconds": backward, "collect_seconds": collect}


def _growth_bytes(work: Callable[[], None]) -> int:
    before = own_memory_bytes()
    work()
    more = grown(before, own_memory_bytes())
    if more is None:
        raise Unavailable("this system does not tell a process's anonymous memory (/proc/self/smaps_rollup)")
    return more


graphs = drop_a_graph.with_values(  # the commonest cycle first
    shapes=lambda run: sorted(run.shapes, key=lambda shape: shape["count"], reverse=True)
)
longest, longest_held = graphs.largest("operations"), hold_graphs.largest("operations")
weak, strong, recorded, micrograd, torch_again = graphs.each(
    engine=[WEAK, STRONG, [AGAIN, "DeZero, again"], "micrograd", "torch, again"]
)
ours, ours_again, dezero_again, longest_micrograd, longest_torch_again = longest.each(
    engine=[WEAK, AGAIN, "DeZero, again", "micrograd", "torch, again"]
)
engine_count = drop_a_graph.count("engine")


def freed_by_counting(engine: str, text: str) -> Claim:
    """The claim that nothing but entries of caches is left of an engine's graph."""
    freed = graphs.where(engine=engine)
    return study.claim(
        text,
        every(freed, lambda run: run.surviving_objects <= FEW * run.operations),
        every(freed, found_objects=0, collected_objects=0, leaked_objects=0),
        evidence="{surviving_objects} of {alive_objects} objects left, 0 for the collector",
        of=freed.largest("operations"),
    )


all_compute_the_same = study.claim(
    "Every engine finds the same derivative.",
    every(drop_a_graph, lambda run: run.derivative == run.operations + 1),
    evidence="{engine_count} engines",
)
ours_leaves_nothing = study.claim(
    "Our engine with weak outputs: reference counting frees every object of the graph.",
    every(weak, lambda run: run.alive_objects > run.operations, "there was no graph"),
    every(weak, surviving_objects=0, found_objects=0, collected_objects=0),
    evidence="{ours.alive_objects} objects, 0 left",
)
ours_with_strong_outputs_leaves_all = study.claim(
    "Our engine with strong outputs: no operation of the graph is freed before the collector runs.",
    every(strong, lambda run: run.surviving_objects >= 2 * run.operations),
    every(strong, lambda run: run.found_objects == run.collected_objects >= 2 * run.operations),
    every(strong, left_objects=0),
    evidence="{surviving_objects} of {alive_objects} objects wait",
    of=strong.largest("operations"),
)
micrograd_leaves_its_graph = study.claim(
    "micrograd: every Value of the chain survives, in a cycle of its own, and the collector frees them all.",
    every(micrograd, lambda run: run.surviving_objects > 0.9 * run.alive_objects),
    every(micrograd, lambda run: run.found_objects == run.collected_objects, "not all is collected"),
    every(micrograd, lambda run: any(shape["count"] == run.operations for shape in run.shapes)),
    evidence="{found_objects} of {alive_objects} objects wait, {operations} cycles",
    of=longest_micrograd,
)


@study.finding
def micrograd_captures_its_result(runs: Runs) -> str:
    """The advice for micrograd names the captured variable, out, and weakening it frees the cycle."""
    for run in micrograd.of(runs):
        advice = run.shapes[0]["advice"]
        edge = advice["edges"][0]
        assert edge["label"].endswith("closure variable out"), edge
        assert (advice["remedy"], advice["verified"]) == ("weakref", True), advice
    return f"{edge['source']} {edge['label']} -> {edge['target']}"


dezero_needs_no_collector = freed_by_counting(
    "DeZero", "DeZero, whose functions refer weakly to their outputs: reference counting frees the graph."
)
chainer_needs_no_collector = freed_by_counting(
    "Chainer", "Chainer, whose graph refers weakly to the variables: reference counting frees the graph."
)
hips_autograd_needs_no_collector = freed_by_counting(
    "HIPS autograd", "HIPS autograd, whose nodes know their parents only: reference counting frees the graph."
)
tinygrad_needs_no_collector = freed_by_counting(
    "tinygrad", "tinygrad, whose operations know their sources only: reference counting frees the graph."
)
torch_needs_no_collector = freed_by_counting(
    "torch",
    "PyTorch keeps its graph in C++: next to no Python object is left to be counted, none to be collected.",
)
a_recorded_gradient_is_a_cycle = study.claim(
    "DeZero and our engine leave the graph to the collector if the gradient in it is recorded.",
    every(recorded, lambda run: run.surviving_objects > 0.9 * run.alive_objects),
    every(recorded, lambda run: run.found_objects == run.collected_objects > run.operations),
    evidence="{AGAIN}: {ours_again.found_objects} objects; DeZero, again: {dezero_again.found_objects} objects",
)
chainer_escapes_it = freed_by_counting(
    "Chainer, again",
    "Chainer leaves nothing of a recorded gradient either: its graph is of nodes that refer weakly to the variables.",
)
torch_leaks_it = study.claim(
    "PyTorch leaks a graph whose gradient is recorded: the collector counts nothing, and the tensors are still there.",
    every(torch_again, found_objects=0, collected_objects=0),
    every(torch_again, lambda run: min(run.left_objects, run.leaked_objects) >= run.operations),
    evidence="{leaked_objects} objects that not even the collector frees",
    of=longest_torch_again,
)


@study.finding
def the_process_shows_it(runs: Runs) -> str:
    """The process agrees: a graph that waits or leaks keeps at least 80 % of its bytes, others at most 20 %."""
    kept = []
    for case in longest_held.of(runs).cases():
        held, dropped = (each.where(engine=case.engine) for each in (longest_held, longest))
        share = (held.waiting_bytes / held.held_bytes).read(runs)[0]
        waits = (dropped.found_objects + dropped.leaked_objects).read(runs)[0] > 0
        assert share >= 0.8 if waits else share <= 0.2, f"{case}: {share:.0%} of its bytes are left"
        kept.append(f"{case.engine} {share:.0%}")
    return f"left of the bytes: {', '.join(kept)}"


who_frees = study.bars(
    "Objects of one graph that the collector tracks: held, after dropping it, and after a collection.",
    longest, x="engine", y="objects", color="when", symlog=True,
    values={"held": "alive_objects", "dropped": "surviving_objects", "collected": "left_objects"},
    y_title="objects")  # fmt: skip
bytes_of_a_node = study.bars(
    "What one operation takes of the process's memory: in graphs that are held, and in dropped ones.",
    longest_held, x="engine", y="node_bytes", color="when",
    values={"held": "held_bytes", "dropped": "waiting_bytes"}, y_title="bytes an operation")  # fmt: skip
time_of_a_node = study.bars(
    "How long one operation takes: forward, backward, and in the collector's pause that frees the graph.",
    longest, x="engine", y="node_seconds", color="pass", log=True,
    values={"forward": "forward_seconds", "backward": "backward_seconds", "collect": "collect_seconds"},
    y_title="time an operation")  # fmt: skip
study.tile("Left of a graph, autograd_core", ours.surviving_objects, unit="objects")
left_of_micrograd, leaked_by_torch = longest_micrograd.surviving_objects, longest_torch_again.leaked_objects
study.tile("Left of a graph, micrograd", left_of_micrograd, unit="objects", better="", optional=True)
study.tile("Never freed, torch with create_graph", leaked_by_torch, unit="objects", better="", optional=True)
study.tile("Forward a node, autograd_core", ours.forward_seconds, atlas=True)
study.tile("Backward a node, autograd_core", ours.backward_seconds, atlas=True)


@study.verdict
def verdict(runs: Runs) -> str:
    """How many graphs reference counting frees, and which it does not."""
    cases = longest.of(runs).cases()
    leaked = [case.engine for case in cases if case.median("leaked_objects")]
    waiting = [case.engine for case in cases if case.median("found_objects") and case.engine not in leaked]
    freed = f"Reference counting frees {len(cases) - len(waiting) - len(leaked)} of {counted(len(cases), 'graph')}"
    for text, names in {"the collector has to free": waiting, "nothing frees": leaked}.items():
        freed += f"; {text} {', '.join(name.replace(',', '') for name in names)}" if names else ""
    return f"{freed}."


def _edges_to_weaken(run: Run) -> list[str]:
    advice = run.shapes and run.shapes[0]["advice"]
    return [f"{edge['source']} {edge['label']}" for edge in advice["edges"]] if advice else []


engines = study.table(
    "Objects of one graph: alive, surviving the drop, collected, leaked; the edge that makes the cycle; one operation.",
    longest.with_values(edge_to_weaken=_edges_to_weaken, release=lambda run: run.release or "ours"), [
        "release", "alive_objects", "surviving_objects", "collected_objects", "leaked_objects", "edge_to_weaken",
        "forward_seconds", "backward_seconds", "collect_seconds",
    ])  # fmt: skip
pictures = study.pictures(longest)


if __name__ == "__main__":
    raise SystemExit(run_study(study))
