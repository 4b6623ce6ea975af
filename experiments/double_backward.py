"""Gradients of gradients: what frees a graph whose gradient is part of it?

A gradient is a function of what it was computed from, and so it has a gradient of its own: Newton's method, a
penalty on the size of a gradient, or a curvature need it. `y.backward(create_graph=True)` therefore records how
the gradient is computed, and leaves it in `x.grad` as a Variable with a graph behind it. That graph was made
from `x`. So `x` holds its gradient, the gradient holds the Functions that made it, and one of those holds `x`:

    x.grad -> Variable.creator -> Function.inputs -> ... -> x

That is a reference cycle, and this time no link from a Function to its output takes part in it: the weak
references that open the cycles of the ordinary graph (see the study "cycles") do not help. When the last
reference from outside goes, the whole graph, forward and backward, waits for the cyclic collector.

We compute second derivatives of a chain of layers, two operations each. The gradient stays where it is, or the
cycle is opened in one of four ways. Then we drop everything with the collector paused, look at what is left,
and let garbology name the edge to weaken. At last we do it many times with the collector as CPython starts it.

What to do about it: let the gradient be returned instead of stored; then there is nothing to open:

    first = grad(y, x, create_graph=True)
    second = grad(first, x)

Where `backward(create_graph=True)` has stored it, take it and call `x.cleargrad()` before you drop `x`. An
ordinary `backward()` opens the cycle as well: it puts an array in the Variable's place.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import truediv
from typing import Any

import numpy as np

from autograd_core import Variable, grad, output_references, tanh
from experiments._rows import side_by_side
from experiments._shared import unfolded
from garbology import collector, find_cycles, record_pauses, watch
from garbology.recorders import Growth, census, traced_allocations, waiting_garbage
from garbology.study import Runs, Study, Table, Tile, combined_tile, counted, line, median_tile, shown, table

KEPT, RETURNED = "stays in x.grad", "grad(y, x)"
OPENED: dict[str, Callable[[Variable, Variable], None]] = {
    "x.cleargrad()": lambda x, y: x.cleargrad(),
    "x.grad = None": lambda x, y: setattr(x, "grad", None),
    "y.backward()": lambda x, y: y.backward(),
}
WAYS = [KEPT, *OPENED, RETURNED]
OUTPUTS = ["weak", "none", "strong"]  # how Functions refer to them
WIDTH = 100  # numbers in each array
EXPLAINED_LAYERS = 5  # all of whose references can be told
LOOP_LAYERS, LOOP_WIDTH = 10, 2_000
TIMED_LAYERS, TURNS = 100, 7

study = Study(
    title="Gradients of gradients",
    parameters={
        "layers": [10, 30, 100, 300],
        "gradient": [KEPT, RETURNED],
        "steps": [30, 100, 300],
        "elements": [1, 100, 10_000],
    },
    quick={"layers": [10, 40], "steps": [60], "elements": [1], "repeats": 2},
    full={"layers": [10, 30, 100, 300, 1_000], "steps": [30, 100, 300, 1_000], "timeout_seconds": 300},
    most_repeats=8,
)


@dataclass(frozen=True)
class Leftovers:
    """What each way of dealing with the gradient leaves while the collector is paused.

    A row has the kind of references to `outputs`, the `gradient` (the way), the engine's objects (Variables
    and Functions) `built` and `left`, `garbage_objects` and `garbage_bytes` that only the collector can free,
    `collected_objects`, which is what gc.collect() then returned, and the `second` derivative's sum, to
    compare. `shapes` are the cycles of a small graph whose gradient stayed in `x.grad`, for each kind.
    """

    rows: list[dict[str, Any]]
    shapes: dict[str, list[dict[str, Any]]]


@study.measure
def drop_graphs(layers: int) -> Leftovers:
    """Compute a second derivative in each way and drop it; let garbology name the edges of the cycle."""
    rows, shapes = [], {}
    for outputs in OUTPUTS:
        with output_references(outputs), collector.paused(), collector.frozen():
            second_derivative(KEPT, 1, 1)
            gc.collect()
            rows += [{"outputs": outputs, **_dropped(way, layers)} for way in WAYS]
            found = find_cycles(second_derivative, KEPT, EXPLAINED_LAYERS, WIDTH)
            shapes[outputs] = found.to_dict()["shapes"][:1]
    return Leftovers(rows, shapes)


def second_derivative(way: str, layers: int, width: int) -> tuple[Any, ...]:
    """The second derivative of a chain of layers, after everything that it was computed from."""
    x = Variable(np.linspace(-1, 1, width), "x")
    y = model(x, layers)
    if way == RETURNED:
        first = grad(y, x, create_graph=True)
    else:
        y.backward(create_graph=True)
        first = x.grad
    second = grad(first, x)
    if way in OPENED:
        OPENED[way](x, y)
    return x, y, first, second


def model(x: Variable, layers: int) -> Variable:
    """As many layers of two operations."""
    for _ in range(layers):
        x = tanh(x * 0.9)
    return x


def _dropped(way: str, layers: int) -> dict[str, Any]:
    with census() as left:
        with census() as built:
            results = second_derivative(way, layers, WIDTH)
        second = float(results[-1].sum())
        del results
    gc.collect()
    with watch() as found:
        second_derivative(way, layers, WIDTH)
    row = {
        "gradient": way,
        "built": _of_the_engine(built),
        "left": _of_the_engine(left),
        "garbage_objects": found.garbage,
        "garbage_bytes": found.garbage_bytes,
        "second": second,
    }
    del found
    gc.collect()  # of the cycles found one was taken apart to try the advice
    second_derivative(way, layers, WIDTH)
    return {**row, "collected_objects": gc.collect()}


def _of_the_engine(growth: Growth) -> int:
    """How many Variables and Functions more."""
    return sum(more for name, more in growth.by_type.items() if name.startswith("autograd_core."))


@dataclass(frozen=True)
class Loop:
    """What waits for the collector, at its defaults, while second derivatives are computed again and again."""

    collections: int
    peak_waiting_graphs: int
    peak_waiting_bytes: int


@study.measure
def repeat_steps(gradient: str, steps: int) -> Loop:
    """Compute and drop a second derivative at every step, each of a new x."""
    second_derivative(gradient, 1, 1)
    with watch() as found:
        second_derivative(gradient, LOOP_LAYERS, LOOP_WIDTH)
    gc.collect()
    with record_pauses() as pauses, waiting_garbage(found.garbage, found.garbage_bytes) as waiting:
        for _ in range(steps):
            waiting.watch(second_derivative(gradient, LOOP_LAYERS, LOOP_WIDTH)[0])
            waiting.dropped()
    return Loop(
        collections=len(pauses),
        peak_waiting_graphs=waiting.peak_specimens,
        peak_waiting_bytes=waiting.peak_bytes,
    )


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
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(TURNS):
        for recorded in seconds:
            seconds[recorded].append(_backward_seconds(elements, recorded))
    ordinary_bytes, recorded_bytes = (_held_bytes(elements, recorded) for recorded in seconds)
    return Price(min(seconds[False]), min(seconds[True]), ordinary_bytes, recorded_bytes)


def _backward_seconds(elements: int, recorded: bool) -> float:
    x = Variable(np.linspace(-1, 1, elements))
    y = model(x, TIMED_LAYERS)
    started = time.perf_counter()
    y.backward(create_graph=recorded)
    seconds = time.perf_counter() - started
    x.cleargrad()
    return seconds


def _held_bytes(elements: int, recorded: bool) -> int:
    x = Variable(np.linspace(-1, 1, elements))
    with traced_allocations() as traced:
        y = model(x, TIMED_LAYERS)
        y.backward(create_graph=recorded)
    x.cleargrad()
    return traced.current_bytes


@study.finding
def a_stored_gradient_keeps_the_graph(runs: Runs) -> str:
    """With weak references to the outputs, or none, nearly every object is left if the gradient stays."""
    rows = _rows(runs, KEPT, ["weak", "none"])
    for row in rows:
        assert row.built >= 7 * row.layers, f"{row}: there was no graph to begin with"
        # What made y alone is free: no derivative of the last operation needs its result.
        assert row.built - 4 <= row.left < row.built, row
    deepest = max(rows, key=lambda row: row.layers)
    return f"{deepest.left:,} of {deepest.built:,} objects with {deepest.layers} layers"


@study.finding
def opening_the_cycle_frees_it(runs: Runs) -> str:
    """Clearing x.grad, an ordinary backward, or a gradient that is returned leaves nothing at all."""
    rows = [row for way in WAYS if way != KEPT for row in _rows(runs, way, ["weak", "none"])]
    for row in rows:
        assert row.built >= 7 * row.layers, f"{row}: there was no graph to begin with"
        assert row.left == row.garbage_objects == row.collected_objects == 0, row
    return f"0 objects left in {counted(len(rows), 'sample')}"


@study.finding
def every_way_gives_the_same_second_derivative(runs: Runs) -> str:
    """Opening the cycle costs no precision: the second derivative is the same to the last bit."""
    seconds: dict[int, set[float]] = {}
    for row in _all_rows(runs):
        seconds.setdefault(row.layers, set()).add(row.second)
    for layers, found in seconds.items():
        assert len(found) == 1, f"{layers} layers: {sorted(found)}"
    return f"one value at each of {len(seconds)} depths"


@study.finding
def strong_outputs_need_both(runs: Runs) -> str:
    """With strong references to the outputs opening this cycle is not enough: theirs are left."""
    rows = [row for way in WAYS for row in _rows(runs, way, ["strong"])]
    for row in rows:
        assert row.left >= 7 * row.layers, row
    return f"at least {min(row.left / row.built for row in rows):.0%} of the objects left in each way"


@study.finding
def trial_deletion_foretells_the_collector(runs: Runs) -> str:
    """What garbology finds without collecting is what gc.collect() then frees, to the object."""
    rows = _all_rows(runs)
    for row in rows:
        assert row.garbage_objects == row.collected_objects, row
    return f"the same number in {counted(len(list(rows)), 'sample')}"


@study.finding
def the_gradient_is_the_way_back(runs: Runs) -> str:
    """The one cycle runs through Variable.grad: no other reference on it can be given up."""
    for outputs, shapes in _explained(runs):
        assert len(shapes) == 1, f"{outputs}: {len(shapes)} cycles"
        labels = {edge["label"] for edge in shapes[0]["edges"]}
        assert {".grad", ".creator"} <= labels, f"{outputs}: {sorted(labels)}"
        assert not any(".outputs" in label for label in labels), f"{outputs}: {sorted(labels)}"
        advice = shapes[0]["advice"] or {"edges": [], "verified": False}
        weakened = {edge["label"] for edge in advice["edges"]}
        assert not advice["verified"] or weakened == {".grad"}, f"{outputs}: weaken {sorted(weakened)}"
        # Weak from the beginning, it would lose a gradient that nobody has taken yet: it is to be cleared.
    return "Variable.grad -> Variable, and no reference to an output"


@study.finding
def returned_gradients_never_wait(runs: Runs) -> str:
    """In a loop nothing waits for the collector if gradients are returned, and graphs do if they are stored."""
    cases = runs.of(repeat_steps).cases()
    for case in cases:
        waiting = case.median("peak_waiting_graphs")
        assert waiting >= 2 if case.gradient == KEPT else waiting == 0, (
            f"{case}: {counted(waiting, 'graph')} waited"
        )
    stored = _longest(runs, KEPT)
    waiting, held = stored.median("peak_waiting_graphs"), shown(stored.median("peak_waiting_bytes"), "bytes")
    return f"0 against {counted(round(waiting), 'graph')}, {held}, in {stored.steps} steps"


@study.finding
def recording_the_way_back_has_a_price(runs: Runs) -> str:
    """A recorded backward takes at least 1.3 times as long on small arrays and holds twice the memory."""
    for case in runs.of(price_a_backward).cases():
        times_the_bytes = case.median("recorded_bytes") / case.median("ordinary_bytes")
        assert times_the_bytes > 2, f"{case}: {times_the_bytes:.2f} times the bytes"
    small = _small(runs)
    slower = small.median("recorded_seconds") / small.median("ordinary_seconds")
    assert slower > 1.3, f"{small}: {slower:.2f} times the time"
    return f"{slower:.1f} times the time on arrays of {small.elements}"


@study.figure
def objects_left(runs: Runs) -> Any:
    """Variables and Functions left after the last reference to a graph went, with the collector paused."""
    return line(
        _all_rows(runs), x="layers", y="left", color="gradient", facet="outputs", x_scale="log", y_scale="symlog",
    )  # fmt: skip


@study.figure
def bytes_left(runs: Runs) -> Any:
    """Bytes that only the collector can free, each array counted once, with weak references to the outputs."""
    rows = _all_rows(runs).where(outputs="weak")
    return line(
        rows, x="layers", y="garbage_bytes", color="gradient", x_scale="log", y_scale="symlog",
    )  # fmt: skip


@study.figure
def waiting_bytes(runs: Runs) -> Any:
    """The most bytes that waited for the collector, at its defaults, in a loop of second derivatives."""
    return line(
        runs.of(repeat_steps), x="steps", y="peak_waiting_bytes", color="gradient", x_scale="log",
        y_scale="symlog",
    )  # fmt: skip


@study.figure
def seconds_of_a_backward(runs: Runs) -> Any:
    """How long backward takes through 100 layers, recorded and not, over the numbers in each array."""
    fields = {"backward()": "ordinary_seconds", "backward(create_graph=True)": "recorded_seconds"}
    timed = side_by_side(runs.of(price_a_backward), fields, by="call", value="backward_seconds")
    return line(
        timed, x="elements", y="backward_seconds", color="call", x_scale="log", y_scale="log",
        x_title="numbers in an array",
    )  # fmt: skip


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """The numbers of the deepest model and of the longest loop."""
    kept, returned = (_deepest(runs, way) for way in (KEPT, RETURNED))
    stored, small = _longest(runs, KEPT), _small(runs)
    seconds = (small, "recorded_seconds"), (small, "ordinary_seconds")
    held = (small, "recorded_bytes"), (small, "ordinary_bytes")
    return [
        median_tile("Left if the gradient stays", kept, "left", "objects"),
        median_tile("Left if it is returned", returned, "left", "objects"),
        median_tile("Only the collector can free", kept, "garbage_bytes", "bytes"),
        median_tile(
            "Waits at once in a loop", stored, "peak_waiting_bytes", "bytes", atlas=True, better="less"
        ),
        combined_tile("Recording the way back takes", truediv, *seconds, unit="times the time", atlas=True),
        combined_tile("Recording the way back holds", truediv, *held, unit="times the bytes"),
    ]


@study.verdict
def verdict(runs: Runs) -> str:
    """What the deepest model leaves."""
    kept, returned = (_deepest(runs, way) for way in (KEPT, RETURNED))
    cleared = _deepest(runs, "x.cleargrad()")
    return (
        f"A gradient with a graph that stays in x.grad leaves {kept.median('left'):,.0f} of "
        f"{kept.median('built'):,.0f} objects ({shown(kept.median('garbage_bytes'), 'bytes')}) of a model of "
        f"{kept.layers} layers to the cyclic collector, weak references to the outputs or not; "
        f"x.cleargrad() leaves {cleared.median('left'):,.0f}, a gradient that grad() returns "
        f"{returned.median('left'):,.0f}."
    )


@study.pictures
def pictures(runs: Runs) -> list[dict[str, Any]]:
    """The cycle through the gradient."""
    return next(shapes for outputs, shapes in _explained(runs) if outputs == "weak")


@study.table
def medians(runs: Runs) -> Table:
    """What each way leaves."""
    columns = ["built", "left", "garbage_objects", "garbage_bytes", "collected_objects"]
    caption = "After the last reference went, collector paused: engine objects, and what gc.collect() freed."
    return table(_all_rows(runs), columns, caption=caption)


def _all_rows(runs: Runs) -> Runs:
    return unfolded(runs.of(drop_graphs), "rows", ["outputs", "gradient"])


def _rows(runs: Runs, way: str, outputs: list[str]) -> Runs:
    return _all_rows(runs).where(gradient=way, outputs=outputs)


def _explained(runs: Runs) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The cycles of each sample without strong references to the outputs."""
    for run in runs.of(drop_graphs):
        for outputs in ("weak", "none"):
            yield outputs, run.shapes[outputs]


def _deepest(runs: Runs, way: str) -> Any:
    return max(_rows(runs, way, ["weak"]).cases(), key=lambda case: case.layers)


def _longest(runs: Runs, gradient: str) -> Any:
    return max(runs.of(repeat_steps).where(gradient=gradient).cases(), key=lambda case: case.steps)


def _small(runs: Runs) -> Any:
    """The case of the smallest arrays, where the engine's own work shows."""
    return min(runs.of(price_a_backward).cases(), key=lambda case: case.elements)


if __name__ == "__main__":
    raise SystemExit(study.main())
