"""What frees a dropped graph: reference counting, or the cyclic collector?

A define-by-run engine records a graph while it computes: each result (a Variable) holds the Function that made it, its
creator, and each Function holds its inputs. If the Function holds its output as well, the two hold each other: output
-> creator -> output. Reference counting never frees them; they wait until CPython's cyclic collector runs. If the
Function refers to its output weakly, or not at all, the loop is open.

We build a chain of operations on scalars, the training steps of a multilayer perceptron and a wide graph (many branches
that one Function sums up), drop them, and look at what is left: first with the collector paused, so that we see all
that it has to free, then with the collector as CPython starts it, so that we see what it costs. The collector counts
objects and not bytes, so at last we drop single operations on arrays of several sizes.

What to do about it: let a Function refer weakly to its outputs, `self.outputs = [weakref.ref(each) for each in
outputs]`, as DeZero and Chainer do, or keep no link at all where backward does not need one. Where the engine is not
yours, end an iteration without a name for the loss, and collect by hand between iterations.
"""

import gc
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autograd_core import Function, Variable, output_references, square
from autograd_core.config import OutputReferences
from experiments import _parts
from experiments._clock import timed
from experiments._garbage import drop_in_a_loop, garbage_of, grown
from experiments._graphs import BUILD, OPERATIONS_IN_A_STEP, OPERATIONS_OF_A_GRAPH
from experiments._shared import warm_up
from garbology import collector, reference_count
from garbology.recorders import census, memory_usage
from garbology.study import Study, every, proportional, run_study

MODELS, KINDS = list(BUILD), ["strong", "weak", "none"]
PROVED_OPERATIONS = 100
LARGE_ARRAY_GRAPHS = 600  # more objects than the highest default threshold, 2000, so that the collector runs

study = Study(
    title="Reference cycles in the computational graph", part=_parts.WHO_FREES,
    parameters={
        "model": MODELS, "outputs": KINDS, "operations": [1_000, 10_000, 100_000], "graphs": [100, 1_000],
        "array_bytes": [8, 100_000, 1_000_000],
    },
    quick={
        "model": ["chain"], "operations": [100, 1_000], "graphs": [100], "array_bytes": [8, 100_000], "repeats": 2,
    },
    full={
        "operations": [100, 1_000, 10_000, 100_000, 1_000_000], "graphs": [10, 100, 1_000, 10_000],
        "array_bytes": [8, 1_000, 100_000, 1_000_000], "most_repeats": 15, "timeout_seconds": 600,
    },
    opening="Graphs of operations are built, dropped and counted, to see what frees them: reference counting at "
    "once, or the cyclic collector later.",
    glossary={
        "chain": "operations on a scalar, each on the result of the one before",
        "perceptron": "training steps of a multilayer perceptron",
        "wide": "many branches from one scalar, summed up by one Function",
        "strong, weak, none": "how a Function refers to its outputs",
    },
    most_repeats=5,  # a round takes most of a minute; --full repeats until times are known
)  # fmt: skip


@dataclass(frozen=True)
class Leftover:
    """What one dropped graph leaves while the collector is paused, and what one collection does then.

    Reference counts leave out those of asking; of an object that is gone it is 0. `memory` has the process's RSS, USS,
    PSS and VmHWM in bytes "before" the graph, when it is "built", when its last reference is "dropped" and "collected",
    after one `gc.collect()`. The collector has nothing but the graph to look at: what was there before is frozen.
    """

    variables_built: int
    functions_built: int
    variables_left: int
    functions_left: int
    variables_after_collection: int
    functions_after_collection: int
    output_references_before: int
    output_references_after: int
    function_references_before: int
    function_references_after: int
    collect_seconds: float
    collected_objects: int  # what gc.collect() returned
    memory: dict[str, dict[str, int | None]]
    held_after_drop_bytes: int | None  # anonymous memory after the drop less that before the graph


@study.measure(quick={"operations": [1_000]})
def drop_a_graph(model: str, outputs: OutputReferences, operations: int) -> Leftover:
    """Build a graph and drop it with the collector paused, then collect once."""
    build = BUILD[model]
    with output_references(outputs), collector.paused(), collector.frozen():
        warm_up(lambda: build(OPERATIONS_IN_A_STEP))
        memory = {"before": asdict(memory_usage())}
        output = build(operations)
        memory["built"] = asdict(memory_usage())
        places: dict[str, weakref.ref[Any]] = {
            "output": weakref.ref(output),
            "function": weakref.ref(output.creator),
        }
        counts = _alive("built") | _references(places, "before")
        del output
        counts |= _references(places, "after")
        memory["dropped"] = asdict(memory_usage())
        counts |= _alive("left")
        collected_objects, collect_seconds = timed(gc.collect)
        memory["collected"] = asdict(memory_usage())
        counts |= _alive("after_collection")
    before_bytes, dropped_bytes = (memory[moment]["anonymous_bytes"] for moment in ("before", "dropped"))
    return Leftover(
        **counts,
        collect_seconds=collect_seconds,
        collected_objects=collected_objects,
        memory=memory,
        held_after_drop_bytes=grown(before_bytes, dropped_bytes),
    )


def _alive(moment: str) -> dict[str, int]:
    """How many Variables and Functions there are; `type`, because `isinstance` may run code of theirs."""
    kinds = [type(each) for each in gc.get_objects()]
    functions = sum(Function in type.__dict__["__mro__"].__get__(kind) for kind in kinds)
    return {f"variables_{moment}": kinds.count(Variable), f"functions_{moment}": functions}


def _references(places: dict[str, weakref.ref[Any]], moment: str) -> dict[str, int]:
    """The references to each object, those of asking left out; 0 when it is gone."""
    return {
        f"{name}_references_{moment}": 0 if place() is None else reference_count(place()) or 0
        for name, place in places.items()
    }


@dataclass(frozen=True)
class Explained:
    """What trial deletion finds in one dropped graph, before anything is collected."""

    garbage_objects: int
    garbage_bytes: int
    collected_objects: int  # what gc.collect() returned afterwards
    growth_by_type: dict[str, int]  # objects that the collector tracks, more than before the graph
    shapes: list[dict[str, Any]]


@study.measure(quick={"outputs": ["strong", "weak"]})
def explain_a_graph(model: str, outputs: OutputReferences, operations: int) -> Explained:
    """Find what only the collector can free, name the edges of its cycles, then let the collector do it."""
    from garbology import watch

    build = BUILD[model]
    with output_references(outputs), collector.paused(), collector.frozen():
        warm_up(lambda: build(OPERATIONS_IN_A_STEP))
        with census() as growth:
            build(operations)
        gc.collect()
        with watch() as found:  # apart: the watch keeps notes of its own while the work goes on
            build(operations)
        collected_objects = gc.collect()
        with watch() as proved:  # its cycles are still there, so that the advice can be tried on one
            build(min(operations, PROVED_OPERATIONS))
        tried = proved.to_dict()["shapes"]
    return Explained(
        garbage_objects=found.garbage,
        garbage_bytes=found.garbage_bytes,
        collected_objects=collected_objects,
        growth_by_type=growth.by_type,
        shapes=_with_advice(found.to_dict()["shapes"], tried)[:3],
    )


def _with_advice(shapes: list[dict[str, Any]], proved: list[dict[str, Any]]) -> list[dict[str, Any]]:
    advice = {frozenset(shape["types"].items()): shape["advice"] for shape in proved}
    return [
        {**shape, "advice": advice.get(frozenset(shape["types"].items()), shape["advice"])}
        for shape in shapes
    ]


@dataclass(frozen=True)
class Collections:
    """What the collector does, at its defaults, while graphs are built and dropped one after another."""

    collections: int
    generation_0_collections: int
    generation_1_collections: int
    generation_2_collections: int
    pauses_seconds: float
    longest_pause_seconds: float
    peak_waiting_objects: int
    peak_waiting_bytes: int


@study.measure(quick={"outputs": ["strong"]})
def drop_graphs_in_a_loop(model: str, outputs: OutputReferences, graphs: int) -> Collections:
    """Build and drop small graphs, as a training loop does, and leave the collector as it is."""
    build, size = BUILD[model], OPERATIONS_OF_A_GRAPH[model]
    with output_references(outputs):
        return _loop(lambda: build(size), graphs)


@study.measure(quick={"outputs": ["strong"]})
def drop_large_arrays(outputs: OutputReferences, array_bytes: int) -> Collections:
    """Build and drop graphs of one operation on an array, and leave the collector as it is."""

    def build() -> Variable:
        return square(Variable(np.ones(array_bytes // 8)))

    with output_references(outputs):
        return _loop(build, LARGE_ARRAY_GRAPHS)


def _loop(build: Callable[[], Variable], graphs: int) -> Collections:
    warm_up(build)
    pauses, waiting = drop_in_a_loop(build, graphs, garbage_of(build))
    by_generation = pauses.by_generation
    return Collections(
        collections=len(pauses),
        generation_0_collections=by_generation.get(0, 0),
        generation_1_collections=by_generation.get(1, 0),
        generation_2_collections=by_generation.get(2, 0),
        pauses_seconds=pauses.total_seconds,
        longest_pause_seconds=pauses.longest_seconds,
        peak_waiting_objects=waiting.peak_objects,
        peak_waiting_bytes=waiting.peak_bytes,
    )


strong = drop_a_graph.where(outputs="strong")
weak_or_none = drop_a_graph.where(outputs="weak") | drop_a_graph.where(outputs="none")
most_strong, most_weak_or_none = strong.most("operations"), weak_or_none.most("operations")
explained_strong = explain_a_graph.where(outputs="strong")
arrays = drop_large_arrays.where(outputs="strong")
small_arrays = arrays.smallest("array_bytes", apart=1_000)
large_arrays = arrays.largest("array_bytes", apart=1_000)

weak_and_none_leave_nothing = study.claim(
    "With a weak reference to the output, or none, the whole graph is freed as soon as it is dropped.",
    every(weak_or_none, lambda run: run.variables_built >= 1, "there was no graph to begin with"),
    every(weak_or_none, variables_left=0, functions_left=0),
    every(explain_a_graph.where(outputs=["weak", "none"]), garbage_objects=0),
    evidence="0 Variables and 0 Functions left in {samples}, up to {most_weak_or_none} operations",
)
strong_leaves_the_whole_graph = study.claim(
    "With a strong reference to the output, every Variable and Function of the dropped graph is left.",
    every(strong, lambda run: run.functions_built >= 0.9 * run.operations, "the graph is too small"),
    every(strong, lambda run: run.variables_left == run.variables_built),
    every(strong, lambda run: run.functions_left == run.functions_built),
    every(strong, lambda run: run.output_references_after >= 1, "nothing holds the output"),
    evidence="every one left in {samples}, up to {most_strong} operations",
)
what_strong_leaves_grows_linearly = study.claim(
    "What strong references leave grows in proportion to the operations, in objects and in bytes.",
    proportional(explained_strong, "garbage_objects", over="operations").for_each("model"),
    proportional(explained_strong, "garbage_bytes", over="operations").for_each("model"),
)
one_collection_frees_it = study.claim(
    "One gc.collect() frees everything that strong references left.",
    every(strong, variables_after_collection=0, functions_after_collection=0),
    every(strong, lambda run: run.collected_objects >= run.variables_left + run.functions_left),
    evidence="0 Variables and 0 Functions after one collection in {samples}",
)
trial_deletion_predicts_the_collector = study.claim(
    "What garbology finds without collecting is what gc.collect() then frees, to the object.",
    every(explain_a_graph, lambda run: run.garbage_objects == run.collected_objects),
)
few_large_arrays_dwarf_the_threshold = study.claim(
    "A few cycles of large arrays hold bytes out of proportion to the objects that trigger the collector.",
    (large_arrays.peak_waiting_objects / small_arrays.peak_waiting_objects).between(0.5, 2),
    large_arrays.peak_waiting_bytes > small_arrays.peak_waiting_bytes * 100,
    evidence="""{large_arrays.peak_waiting_objects:,.0f} waiting objects hold {large_arrays.peak_waiting_bytes} with
    large arrays, {small_arrays.peak_waiting_objects:,.0f} hold {small_arrays.peak_waiting_bytes} with small ones""",
)

variables_left = study.line("Variables alive after the last reference to a graph went, with the collector paused.",
    drop_a_graph, x="operations", y="variables_left", color="outputs", facet="model", log="x", symlog="y",
    x_title="operations in the graph", y_title="Variables still alive")  # fmt: skip
garbage_bytes = study.line("Bytes that only the cyclic collector can free, each array counted once.",
    explain_a_graph, x="operations", y="garbage_bytes", color="outputs", facet="model", log="x", symlog="y",
    x_title="operations in the graph", y_title="bytes that wait")  # fmt: skip
collect_seconds = study.line("How long one gc.collect() takes after the drop, with nothing else for it to look at.",
    drop_a_graph, x="operations", y="collect_seconds", color="outputs", facet="model", log="xy",
    x_title="operations in the graph", y_title="time of one gc.collect()")  # fmt: skip
pauses = study.line("Time spent in the collector, at its defaults, while small graphs are built and dropped in a loop.",
    drop_graphs_in_a_loop, x="graphs", y="pauses_seconds", color="outputs", facet="model", log="x",
    x_title="graphs dropped", y_title="time in the collector")  # fmt: skip
waiting_bytes = study.line(
    "The most bytes that waited for the collector, at its defaults, over the size of a graph's array.",
    drop_large_arrays, x="array_bytes", y="peak_waiting_bytes", color="outputs", log="x", symlog="y",
    x_title="bytes of an array", y_title="bytes that wait at most")  # fmt: skip

chain_strong, chain_weak, chain_none = (
    drop_a_graph.where(model="chain", outputs=outputs).largest("operations") for outputs in KINDS
)
explained_chain = explain_a_graph.where(model="chain", outputs="strong").largest("operations")
loop = drop_graphs_in_a_loop.where(model="chain", outputs="strong").largest("graphs")
study.tile("Variables left, strong references", chain_strong.variables_left, unit="objects")
study.tile("Variables left, weak references", chain_weak.variables_left, unit="objects")
bytes_an_operation = explained_chain.garbage_bytes / explained_chain.operations
study.tile("Garbage an operation, strong references", bytes_an_operation, atlas=True)
study.tile("One collection of all of it", chain_strong.collect_seconds)
study.tile("Longest pause at the defaults", loop.longest_pause_seconds, atlas=True)
study.tile("Waits at once with large arrays", arrays.largest("array_bytes").peak_waiting_bytes)
verdict = study.verdict("""A dropped chain of {chain_strong.operations} operations leaves {chain_strong.variables_left}
    Variables ({explained_chain.garbage_bytes}) to the collector with strong output references,
    {chain_weak.variables_left} with weak, {chain_none.variables_left} with none.""")
study.table("After the last reference went, collector paused: what is left, and one gc.collect().", drop_a_graph,
    ["variables_left", "functions_left", "collected_objects", "collect_seconds", "held_after_drop_bytes"])  # fmt: skip
study.pictures(explained_strong.largest("operations"))


if __name__ == "__main__":
    raise SystemExit(run_study(study))
