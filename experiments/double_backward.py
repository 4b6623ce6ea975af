"""Gradients of gradients: what frees a graph whose gradient is part of it?

Newton's method, a penalty on the size of a gradient, or a curvature need the gradient of a gradient. So
`y.backward(create_graph=True)` records how the gradient is computed, and leaves it in `x.grad` as a Variable with a
graph behind it. That graph was made from `x`: a reference cycle,

    x.grad -> Variable.creator -> Function.inputs -> ... -> x

in which no link from a Function to its output takes part: the weak references that open the cycles of the ordinary
graph (see the study "cycles") do not help. The whole graph, forward and backward, waits for the cyclic collector.

We compute second derivatives of a chain of layers, two operations each. The gradient stays where it is, or the cycle is
opened in one of four ways. Then we drop everything with the collector paused, look at what is left, and let garbology
name the edge to weaken. At last we do it many times with the collector as CPython starts it.

What to do about it: let the gradient be returned instead of stored; then there is nothing to open:

    first = grad(y, x, create_graph=True)
    second = grad(first, x)

Where `backward(create_graph=True)` has stored it, take it and call `x.cleargrad()` before you drop `x`. An ordinary
`backward()` opens the cycle as well: it puts an array in the Variable's place.
"""

import gc
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograd_core import Variable, output_references
from autograd_core.config import OutputReferences
from experiments import _parts
from experiments._clock import fastest_by_turns, seconds_of
from experiments._garbage import drop_in_a_loop, garbage_of
from experiments._graphs import KEPT, RETURNED, WAYS, model, second_derivative
from garbology import collector
from garbology.recorders import Growth, census, traced_allocations
from garbology.study import Study, agree, every, run_study

OUTPUTS: list[OutputReferences] = ["weak", "none", "strong"]  # how Functions refer to them
WIDTH = 100  # numbers in each array
EXPLAINED_LAYERS = 5  # few enough that all references are named
LOOP_LAYERS, LOOP_WIDTH = 10, 2_000
TIMED_LAYERS, TURNS = 100, 7

study = Study(
    title="Gradients of gradients", part=_parts.WHO_FREES,
    parameters={
        "layers": [10, 30, 100, 300], "gradient": [KEPT, RETURNED], "steps": [30, 100, 300],
        "elements": [1, 100, 10_000],
    },
    quick={"layers": [10, 40], "steps": [60], "elements": [1], "repeats": 2},
    full={"layers": [10, 30, 100, 300, 1_000], "steps": [30, 100, 300, 1_000], "timeout_seconds": 300},
    most_repeats=8,
)  # fmt: skip


@dataclass(frozen=True)
class Leftovers:
    """What each way of dealing with the gradient leaves while the collector is paused.

    A row has the kind of references to `outputs`, the `gradient` (the way), the engine's objects (Variables and
    Functions) `built` and `left`, `garbage_objects` and `garbage_bytes` that only the collector can free,
    `collected_objects`, which is what gc.collect() then returned, and the `second` derivative's sum, to compare.
    `shapes` are the cycles of a small graph whose gradient stayed in `x.grad`, for each kind.
    """

    rows: list[dict[str, Any]]
    shapes: dict[str, list[dict[str, Any]]]


@study.measure
def drop_graphs(layers: int) -> Leftovers:
    """Compute a second derivative in each way and drop it; let garbology name the edges of the cycle."""
    from garbology import find_cycles

    left = Leftovers([], {})
    for outputs in OUTPUTS:
        with output_references(outputs), collector.paused(), collector.frozen():
            second_derivative(KEPT, 1, 1)
            gc.collect()
            left.rows.extend({"outputs": outputs, **_dropped(way, layers)} for way in WAYS)
            found = find_cycles(second_derivative, KEPT, EXPLAINED_LAYERS, WIDTH)
            left.shapes[outputs] = found.to_dict()["shapes"][:1]
    return left


def _dropped(way: str, layers: int) -> dict[str, Any]:
    with census() as left:
        with census() as built:
            results = second_derivative(way, layers, WIDTH)
        second = float(results[-1].sum())
        del results
    gc.collect()
    garbage_objects, garbage_bytes = garbage_of(partial(second_derivative, way, layers, WIDTH))
    second_derivative(way, layers, WIDTH)  # again: of the cycles found one was taken apart to try the advice
    return {
        "gradient": way,
        "built": _of_the_engine(built),
        "left": _of_the_engine(left),
        "garbage_objects": garbage_objects,
        "garbage_bytes": garbage_bytes,
        "second": second,
        "collected_objects": gc.collect(),
    }


def _of_the_engine(growth: Growth) -> int:
    """How many Variables and Functions more."""
    return sum(more for name, more in growth.by_type.items() if name.startswith("autograd_core."))


@dataclass(frozen=True)
class Loop:
    """What waits for the collector, at its defaults, while second derivatives are computed again and again."""

    peak_waiting_graphs: int
    peak_waiting_bytes: int


@study.measure
def repeat_steps(gradient: str, steps: int) -> Loop:
    """Compute and drop a second derivative at every step, each of a new x."""

    def build() -> Any:
        return second_derivative(gradient, LOOP_LAYERS, LOOP_WIDTH)[0]

    second_derivative(gradient, 1, 1)
    _, waiting = drop_in_a_loop(build, steps, garbage_of(build))
    return Loop(waiting.peak_specimens, waiting.peak_bytes)


@dataclass(frozen=True)
class Price:
    """What it costs to record the way back: the fastest of several turns, and the bytes that are held."""

    ordinary_seconds: float
    recorded_seconds: float
    ordinary_bytes: int  # the graph of the forward pass, and the gradient
    recorded_bytes: int  # and the graph of the gradient


@study.measure
def price_a_backward(elements: int) -> Price:
    """Run backward with and without create_graph by turns, and count what is held afterwards."""
    ways = {recorded: partial(_backward_seconds, elements, recorded) for recorded in (False, True)}
    seconds = fastest_by_turns(ways, TURNS)
    return Price(seconds[False], seconds[True], _held_bytes(elements, False), _held_bytes(elements, True))


def _backward_seconds(elements: int, recorded: bool) -> float:
    x = Variable(np.linspace(-1, 1, elements))
    y = model(x, TIMED_LAYERS)
    seconds = seconds_of(lambda: y.backward(create_graph=recorded))
    x.cleargrad()
    return seconds


def _held_bytes(elements: int, recorded: bool) -> int:
    x = Variable(np.linspace(-1, 1, elements))
    with traced_allocations() as traced:
        y = model(x, TIMED_LAYERS)
        y.backward(create_graph=recorded)
    x.cleargrad()
    return traced.current_bytes


def labels_of(edges: list[dict[str, str]]) -> list[str]:
    """What the edges are called."""
    return sorted({edge["label"] for edge in edges})


rows = drop_graphs.rows("rows", by=["outputs", "gradient"])
strong, weak, not_strong = rows.each(outputs=["strong", "weak", ["weak", "none"]])
stays, opened = not_strong.each(gradient=[KEPT, [way for way in WAYS if way != KEPT]])
kept, returned, cleared = (
    each.largest("layers") for each in weak.each(gradient=[KEPT, RETURNED, "x.cleargrad()"])
)
stored_steps, returned_steps = repeat_steps.each(gradient=[KEPT, RETURNED])
longest = stored_steps.largest("steps")
small = price_a_backward.smallest("elements")  # where the engine's own work shows
slower = small.recorded_seconds / small.ordinary_seconds
explained = drop_graphs.with_values(
    cycles=lambda run: [{"outputs": each, **cycle} for each in ("weak", "none") for cycle in run.shapes[each]]
)
cycles = explained.rows("cycles", by=["outputs"]).with_values(
    labels=lambda cycle: labels_of(cycle.edges),
    weakened=lambda cycle: (
        labels_of(cycle.advice["edges"]) if cycle.advice and cycle.advice["verified"] else None
    ),
)
left_of_strong = strong.least(lambda row: row.left / row.built)

a_stored_gradient_keeps_the_graph = study.claim(
    "With weak references to the outputs, or none, nearly every object is left if the gradient stays.",
    every(stays, lambda row: row.built >= 7 * row.layers, "there was no graph to begin with"),
    # What made y alone is free: no derivative of the last operation needs its result.
    every(stays, lambda row: row.built - 4 <= row.left < row.built),
    evidence="{kept.left} of {kept.built} objects with {kept.layers} layers",
)
opening_the_cycle_frees_it = study.claim(
    "Clearing x.grad, an ordinary backward, or a gradient that is returned leaves nothing at all.",
    every(opened, lambda row: row.built >= 7 * row.layers, "there was no graph to begin with"),
    every(opened, left=0, garbage_objects=0, collected_objects=0),
    evidence="0 objects left in {samples}",
)
every_way_gives_the_same_second_derivative = study.claim(
    "Opening the cycle costs no precision: the second derivative is the same to the last bit.",
    agree(rows, "second", by=["layers"], across="gradient"),
)
strong_outputs_need_both = study.claim(
    "With strong references to the outputs opening this cycle is not enough: those through the outputs remain.",
    every(strong, lambda row: row.left >= 7 * row.layers),
    evidence="at least {left_of_strong:.0%} of the objects left in each way",
)
trial_deletion_predicts_the_collector = study.claim(
    "What garbology finds without collecting is what gc.collect() then frees, to the object.",
    every(rows, lambda row: row.garbage_objects == row.collected_objects),
)
the_gradient_is_the_way_back = study.claim(
    "The one cycle runs through Variable.grad: no other reference on it can be given up.",
    every(
        explained, lambda run: [each["outputs"] for each in run.cycles] == ["weak", "none"], "not one each"
    ),
    every(cycles, lambda cycle: {".grad", ".creator"} <= set(cycle.labels), "{labels}"),
    every(cycles, lambda cycle: not any(".outputs" in label for label in cycle.labels), "{labels}"),
    # Weak from the beginning, it would lose a gradient that has not been read yet: it is to be cleared.
    every(cycles, lambda cycle: cycle.weakened in (None, [".grad"]), "weaken {weakened}"),
    evidence="Variable.grad -> Variable, and no reference to an output",
)
returned_gradients_never_wait = study.claim(
    "In a loop nothing waits for the collector if gradients are returned, and graphs do if they are stored.",
    (stored_steps.peak_waiting_graphs >= 2).for_each("steps"),
    returned_steps.peak_waiting_graphs.equals(0).for_each("steps"),
    evidence="""0 against {longest.peak_waiting_graphs:.0f} graphs, {longest.peak_waiting_bytes}, in {longest.steps}
    steps""",
)
recording_the_way_back_has_a_price = study.claim(
    "A recorded backward takes at least 1.3 times as long on small arrays and holds twice the memory.",
    (price_a_backward.recorded_bytes > price_a_backward.ordinary_bytes * 2).for_each("elements"),
    slower > 1.3,
)

objects_left = study.line(
    "Variables and Functions left after the last reference to a graph went, with the collector paused.",
    rows, x="layers", y="left", color="gradient", facet="outputs", log="x", symlog="y",
    y_title="objects left")  # fmt: skip
waiting_bytes = study.line(
    "The most bytes that waited for the collector, at its defaults, in a loop of second derivatives.",
    repeat_steps, x="steps", y="peak_waiting_bytes", color="gradient", log="x", symlog="y",
    y_title="bytes that wait at most")  # fmt: skip
seconds_of_a_backward = study.line(
    "How long backward takes through 100 layers, recorded and not, over the numbers in each array.",
    price_a_backward, x="elements", y="backward_seconds", color="call", log="xy", x_title="numbers in an array",
    values={"backward()": "ordinary_seconds", "backward(create_graph=True)": "recorded_seconds"},
    y_title="time of one backward")  # fmt: skip

study.tile("Left if the gradient stays", kept.left, unit="objects")
study.tile("Left if it is returned", returned.left, unit="objects")
study.tile("Only the collector can free", kept.garbage_bytes)
study.tile("Waits at once in a loop", longest.peak_waiting_bytes, atlas=True)
study.tile("Recording the way back takes", slower, unit="times the time", atlas=True)
study.verdict("""A gradient recorded into x.grad leaves {kept.left:,.0f} of {kept.built:,.0f} objects
    ({kept.garbage_bytes}) to the collector; x.cleargrad() leaves {cleared.left:,.0f}, a gradient returned by grad()
    {returned.left:,.0f}.""")
study.table("After the last reference went, collector paused: engine objects, and what gc.collect() freed.",
    rows, ["built", "left", "garbage_objects", "garbage_bytes", "collected_objects"])  # fmt: skip
study.pictures(drop_graphs.with_values(shapes=lambda run: run.shapes["weak"]).first())


if __name__ == "__main__":
    raise SystemExit(run_study(study))
