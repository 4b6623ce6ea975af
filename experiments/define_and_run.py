"""A graph made once and run many times, or made anew in every iteration: what does each cost?

There are two ways to train a model by automatic differentiation. Define-by-run (DeZero, PyTorch, this engine)
runs the model as ordinary Python and makes the graph while it computes: new Variables, new Functions and new
arrays in every iteration, dropped at its end. Define-and-run (Theano, TensorFlow 1, a compiled model) makes
the graph once. It then knows beforehand which results there are and how long each is needed, so two results that
are not needed at the same time can share one buffer, and a run makes no objects at all.

The engine has both. `Plan(f, *examples)` runs `f` once, keeps the operations, and hands out buffers by lifetime;
the backward pass is what `grad(loss, parameters, create_graph=True)` records inside `f`. We train the same
perceptron both ways and compare results, objects, peak memory and time, over its depth and the size of the batch.

The price is control flow. A plan repeats the operations that it saw. Where the model itself decides in Python
(`if x.data.sum() > 0`, `while`), a plan goes on taking the branch that its examples took: no error, another
number. We run a branch and a loop on inputs that would go another way, and show what comes out.

What to do about it: stay with define-by-run while a model decides by its data, or has inputs of many shapes. Where
small arrays are computed again and again in the same way, plan them, and write decisions about elements as
operations, which a plan follows:

    y = x * 2.0 if x.data > 0 else -x    # frozen
    y = relu(x) * 2.0 + relu(-x)         # followed
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import truediv
from typing import Any

import numpy as np

from autograd_core import Plan, Variable, grad, matmul, mean, relu, square, tanh
from experiments._rows import side_by_side
from experiments._shared import unfolded
from garbology.recorders import census, traced_allocations
from garbology.study import Runs, Study, Table, Tile, combined_tile, line, median_tile, shown, table

BY_RUN, PLANNED = "define-by-run", "plan"
UNSHARED = "plan, a buffer for each result"
WIDTH, RATE = 16, 0.1
COMPARED_ITERATIONS, TIMED_ITERATIONS, TURNS = 20, 10, 7

study = Study(
    title="Define-and-run against define-by-run",
    parameters={"layers": [1, 2, 4, 8, 16], "batch": [8, 64, 512, 4_096]},
    quick={"layers": [2, 8], "batch": [8, 512], "repeats": 2},
    full={"layers": [1, 2, 4, 8, 16, 32], "batch": [8, 64, 512, 4_096, 16_384]},
    most_repeats=8,
)


@dataclass(frozen=True)
class Training:
    """One perceptron trained both ways.

    Objects are those that the collector tracks and that an iteration still holds when its gradients are
    there. Peaks are above what model and data take, and that of the plan has its buffers in it. Times are
    those of one iteration, the fastest of several turns.
    """

    by_run_objects: int
    plan_objects: int
    by_run_peak_bytes: int
    plan_peak_bytes: int
    unshared_peak_bytes: int  # the plan's, if each result had a buffer of its own
    by_run_seconds: float
    plan_seconds: float
    making_seconds: float  # to trace and plan, once
    operations: int  # of one run of the plan
    loss: float  # of the last iteration in define-by-run
    relative_difference: float  # the greatest between the losses of the two ways


@study.measure
def train(layers: int, batch: int) -> Training:
    """Train by turns, from the same start on the same data."""
    by_run, planned = ByRun(*perceptron(layers, batch)), Planned(*perceptron(layers, batch))
    making_seconds = min(Planned(*perceptron(layers, batch)).making_seconds for _ in range(TURNS))
    losses = [(by_run.iterate(), planned.iterate()) for _ in range(COMPARED_ITERATIONS)]
    seconds: dict[Any, list[float]] = {by_run: [], planned: []}
    for _ in range(TURNS):
        for way, taken in seconds.items():
            taken.append(_seconds(way.iterate))
    plan = planned.plan
    run_peak_bytes = _peak_bytes(planned.iterate)
    return Training(
        by_run_objects=_objects(by_run.gradients),
        plan_objects=_objects(planned.gradients),
        by_run_peak_bytes=_peak_bytes(by_run.iterate),
        plan_peak_bytes=plan.buffer_bytes + run_peak_bytes,
        unshared_peak_bytes=plan.unshared_bytes + run_peak_bytes,
        by_run_seconds=min(seconds[by_run]),
        plan_seconds=min(seconds[planned]),
        making_seconds=making_seconds,
        operations=plan.operations,
        loss=losses[-1][0],
        relative_difference=max(abs(first - second) / abs(first) for first, second in losses),
    )


def perceptron(layers: int, batch: int) -> tuple[list[Any], list[Any]]:
    """Inputs and targets, and the parameters of a multilayer perceptron: weight and bias of each layer."""
    random = np.random.default_rng(0)
    data = [random.standard_normal((batch, WIDTH)) for _ in range(2)]
    parameters = []
    for _ in range(layers):
        parameters += [random.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH), np.zeros(WIDTH)]
    return data, parameters


def loss_of(inputs: Variable, targets: Variable, parameters: Sequence[Variable]) -> Variable:
    """The mean squared error of the perceptron."""
    hidden = inputs
    for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
        hidden = tanh(matmul(hidden, weight) + bias)
    return mean(square(hidden - targets))


class ByRun:
    """Training that makes a graph in every iteration."""

    def __init__(self, data: list[Any], parameters: list[Any]) -> None:
        self.data = [Variable(array) for array in data]
        self.parameters = [Variable(array) for array in parameters]

    def gradients(self) -> Variable:
        """Put a gradient into every parameter; return the loss, which holds the graph."""
        loss = loss_of(*self.data, self.parameters)
        loss.backward()
        return loss

    def iterate(self) -> float:
        """One iteration; the loss before it."""
        loss = float(self.gradients().data)
        for parameter in self.parameters:
            parameter.data -= RATE * parameter.grad
            parameter.cleargrad()
        return loss


class Planned:
    """Training by a plan, which is made here."""

    def __init__(self, data: list[Any], parameters: list[Any]) -> None:
        started = time.perf_counter()
        self.plan = Plan(_loss_and_gradients, *data, *parameters)
        self.making_seconds = time.perf_counter() - started
        self.parameters = self.plan.inputs[len(data) :]

    def gradients(self) -> tuple[Any, ...]:
        """Run the plan; return its outputs, the loss and the gradients."""
        return self.plan.run()

    def iterate(self) -> float:
        """One iteration; the loss before it."""
        loss, *gradients = self.gradients()
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter -= RATE * gradient
        return float(loss)


def _loss_and_gradients(inputs: Variable, targets: Variable, *parameters: Variable) -> tuple[Any, ...]:
    loss = loss_of(inputs, targets, parameters)
    return loss, *grad(loss, parameters, create_graph=True)


def _objects(work: Callable[[], Any]) -> int:
    gc.collect()
    with census() as growth:
        held = work()
    del held
    return growth.objects


def _peak_bytes(work: Callable[[], Any]) -> int:
    with traced_allocations() as traced:
        work()
    return traced.peak_bytes


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    for _ in range(TIMED_ITERATIONS):
        work()
    return (time.perf_counter() - started) / TIMED_ITERATIONS


@dataclass(frozen=True)
class Followed:
    """Models that decide, planned from one number and run on others.

    A row has the `model`, the input `x`, the result `by_run`, the result `planned`, and whether Python takes
    the `same_way` through the model as it did when the plan was made.
    """

    rows: list[dict[str, Any]]
    refuses_another_shape: bool


@study.measure
def follow_decisions() -> Followed:
    """Run a branch, a loop and a decision made of operations, in define-by-run and planned."""
    rows = [row for model in MODELS for row in _rows_of(model)]
    plan = Plan(branch, np.full(1, PLANNED_FROM))
    try:
        plan.run(np.ones(2))
    except ValueError:
        return Followed(rows, refuses_another_shape=True)
    return Followed(rows, refuses_another_shape=False)


PLANNED_FROM = 4.0
NUMBERS = [-4.0, -3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def branch(x: Variable) -> Variable:
    """Decides in Python which operation to record."""
    return x * 2.0 if x.data.sum() > 0 else -x


def loop(x: Variable) -> Variable:
    """Decides in Python how many operations to record."""
    while np.abs(x.data).max() > 1:
        x = x * 0.5
    return x


def operations(x: Variable) -> Variable:
    """The same as the branch, decided element by element by operations that are always recorded."""
    return relu(x) * 2.0 + relu(-x)


MODELS: dict[str, Callable[[Variable], Variable]] = {
    "a branch": branch,
    "a loop": loop,
    "operations": operations,
}


def _rows_of(model: str) -> Iterator[dict[str, Any]]:
    f = MODELS[model]
    plan = Plan(f, np.full(1, PLANNED_FROM))
    traced = _recorded(f(Variable(np.full(1, PLANNED_FROM))))
    for number in NUMBERS:
        result = f(Variable(np.full(1, number)))
        planned = plan.run(np.full(1, number))[0].item()
        same_way = _recorded(result) == traced
        yield {
            "model": model,
            "x": number,
            "by_run": result.data.item(),
            "planned": planned,
            "same_way": same_way,
        }


def _recorded(result: Variable) -> list[str]:
    """The Functions on the way to a result, the last one first."""
    names = []
    while result.creator is not None:
        names.append(type(result.creator).__name__)
        result = result.creator.inputs[0]
    return names


@study.finding
def both_ways_learn_the_same(runs: Runs) -> str:
    """The losses of both ways agree to rounding in every iteration."""
    greatest = 0.0
    for run in runs.of(train):
        assert 0 < run.loss < 10, f"{run}: nothing was learned"
        assert run.relative_difference < 1e-9, run
        greatest = max(greatest, run.relative_difference)
    return f"at most {greatest:.1g} apart, relatively, over {COMPARED_ITERATIONS} iterations"


@study.finding
def a_plan_makes_no_objects(runs: Runs) -> str:
    """Define-by-run makes at least three objects an operation in every iteration, a plan's run none."""
    for run in runs.of(train):
        assert run.by_run_objects >= 3 * 3 * run.layers, (
            f"{run}: there was no graph"
        )  # three operations a layer
        assert run.plan_objects == 0, run
    largest = _largest(runs)
    return f"{largest.median('by_run_objects'):,.0f} against 0 with {largest.layers} layers"


@study.finding
def buffers_are_shared(runs: Runs) -> str:
    """With buffers shared by lifetime a plan needs less than half the memory of a buffer for each result."""
    largest = _largest(runs)
    shared, unshared = (largest.median(f"{kind}_peak_bytes") for kind in ("plan", "unshared"))
    told = f"{shown(shared, 'bytes')} against {shown(unshared, 'bytes')} with {largest.layers} layers"
    assert shared < unshared / 2, f"{largest}: {told}"
    return told


@study.finding
def a_plan_peaks_lower(runs: Runs) -> str:
    """A planned iteration has the lower peak, buffers included: define-by-run keeps all results to the end."""
    largest = _largest(runs)
    planned, by_run = (largest.median(f"{kind}_peak_bytes") for kind in ("plan", "by_run"))
    told = f"{shown(planned, 'bytes')} against {shown(by_run, 'bytes')} with {largest.layers} layers"
    assert planned < 0.9 * by_run, f"{largest}: {told}"
    return told


@study.finding
def a_plan_is_faster_on_small_arrays(runs: Runs) -> str:
    """Where the engine's own work takes the time, on small arrays, a planned iteration takes at most 3/4 of it."""
    small = _smallest(runs)
    faster = _times_as_fast(small)
    assert faster > 4 / 3, f"{small}: {faster:.2f} times as fast"
    return f"{faster:.1f} times as fast with {small.batch} examples"


@study.finding
def a_plan_repeats_the_traced_way(runs: Runs) -> str:
    """Where Python would decide as it did for the examples, a plan is right; elsewhere it is wrong, silently."""
    rows = unfolded(runs.of(follow_decisions), "rows", ["model", "x"])
    decided = rows.where(model=["a branch", "a loop"])
    for model in ("a branch", "a loop"):
        ways = {row.same_way for row in decided.where(model=model)}
        assert ways == {True, False}, f"{model}: every input went the same way, {ways}"
    for row in decided:
        assert (row.planned == row.by_run) is row.same_way, row
    wrong = next(row for row in decided if not row.same_way)
    return f"{wrong.model} at {wrong.x:g}: {wrong.planned:g} instead of {wrong.by_run:g}"


@study.finding
def a_plan_follows_operations(runs: Runs) -> str:
    """The branch written as operations is right for every input; an input of another shape is refused."""
    rows = unfolded(runs.of(follow_decisions), "rows", ["model", "x"]).where(model="operations")
    for row in rows:
        assert row.planned == row.by_run, row
    for run in runs.of(follow_decisions):
        assert run.refuses_another_shape, run
    return f"{len({row.x for row in rows})} inputs"


@study.figure
def seconds_of_an_iteration(runs: Runs) -> Any:
    """How long one iteration takes, over the number of examples in the batch."""
    return line(
        _both(runs, "seconds"), x="batch", y="iteration_seconds", color="way", facet="layers", x_scale="log",
        y_scale="log", x_title="examples",
    )  # fmt: skip


@study.figure
def peak_over_layers(runs: Runs) -> Any:
    """The most memory that an iteration holds beside model and data, with the largest batch."""
    fields = {BY_RUN: "by_run_peak_bytes", PLANNED: "plan_peak_bytes", UNSHARED: "unshared_peak_bytes"}
    batch = max(run.batch for run in runs.of(train))
    peaks = side_by_side(runs.of(train).where(batch=batch), fields, by="way", value="peak_bytes")
    return line(peaks, x="layers", y="peak_bytes", color="way", y_title="peak")


@study.figure
def objects_over_layers(runs: Runs) -> Any:
    """Objects that an iteration makes and holds until it ends."""
    batch = min(run.batch for run in runs.of(train))
    objects = _both(runs, "objects").where(batch=batch)
    return line(objects, x="layers", y="iteration_objects", color="way", y_title="objects")


@study.figure
def decisions(runs: Runs) -> Any:
    """What a model gives that was planned from x = 4, and what it should give."""
    rows = unfolded(runs.of(follow_decisions), "rows", ["model", "x"])
    both = side_by_side(rows, {BY_RUN: "by_run", PLANNED: "planned"}, by="way", value="result")
    return line(both, x="x", y="result", color="way", facet="model")


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """The numbers of the smallest and of the largest case."""
    small, largest = _smallest(runs), _largest(runs)
    seconds = (small, "by_run_seconds"), (small, "plan_seconds")
    peaks = (largest, "by_run_peak_bytes"), (largest, "plan_peak_bytes")
    return [
        combined_tile(
            "A plan is, on small arrays", truediv, *seconds, unit="times as fast", atlas=True, better=""
        ),
        combined_tile(
            "Made up for after",
            lambda making, by_run, plan: making / (by_run - plan),
            (small, "making_seconds"),
            *seconds,
            unit="iterations",
        ),
        median_tile("Peak, planned", largest, "plan_peak_bytes", "bytes"),
        combined_tile(
            "Define-by-run's peak is", truediv, *peaks, unit="times as high", atlas=True, better=""
        ),
        median_tile("Objects an iteration, define-by-run", largest, "by_run_objects", "objects"),
    ]


@study.verdict
def verdict(runs: Runs) -> str:
    """Time, memory and the price."""
    small, largest = _smallest(runs), _largest(runs)
    planned, by_run = (shown(largest.median(f"{kind}_peak_bytes"), "bytes") for kind in ("plan", "by_run"))
    rows = unfolded(runs.of(follow_decisions), "rows", ["model", "x"]).where(model="a branch")
    wrong = {row.x for row in rows if row.planned != row.by_run}
    return (
        f"A graph made once trains a small perceptron {_times_as_fast(small):.1f} times as fast as one made in "
        f"every iteration, without a single new object, and a large one with a peak of {planned} instead of "
        f"{by_run}; the price is control flow: a planned branch is wrong for {len(wrong)} of "
        f"{len({row.x for row in rows})} inputs, and says nothing."
    )


@study.table
def medians(runs: Runs) -> Table:
    """Both ways side by side."""
    columns = [
        "by_run_seconds",
        "plan_seconds",
        "by_run_peak_bytes",
        "plan_peak_bytes",
        "by_run_objects",
        "plan_objects",
    ]
    return table(runs.of(train), columns, caption="One iteration of training, define-by-run and planned.")


def _both(runs: Runs, quantity: str) -> Runs:
    fields = {BY_RUN: f"by_run_{quantity}", PLANNED: f"plan_{quantity}"}
    return side_by_side(runs.of(train), fields, by="way", value=f"iteration_{quantity}")


def _times_as_fast(case: Any) -> float:
    return float(case.median("by_run_seconds") / case.median("plan_seconds"))


def _largest(runs: Runs) -> Any:
    """The deepest model on the largest batch."""
    return max(runs.of(train).cases(), key=lambda case: (case.layers, case.batch))


def _smallest(runs: Runs) -> Any:
    """The smallest batch, in the shallowest model that had it."""
    return min(runs.of(train).cases(), key=lambda case: (case.batch, case.layers))


if __name__ == "__main__":
    raise SystemExit(study.main())
