"""A graph made once and run many times, or made anew in every iteration: what does each cost?

Define-by-run (DeZero, PyTorch, this engine) runs a model as ordinary Python and makes the graph while it computes: new
Variables, Functions and arrays in every iteration, dropped at its end. Define-and-run (Theano, TensorFlow 1, a compiled
model) makes the graph once. It then knows how long each result is needed, so two results that are not needed at the
same time can share one buffer, and a run makes no objects at all. The price is control flow: where the model decides in
Python (`if x.data.sum() > 0`, `while`), the graph goes on taking the branch that its examples took.

The engine has both. `Plan(f, *examples)` runs `f` once, keeps the operations, and hands out buffers by lifetime. We
train the same perceptron both ways and compare results, objects, peak memory and time, over its depth and the size of
the batch. Then we run a branch and a loop on inputs that would go another way, and show what comes out.

What to do about it: stay with define-by-run while a model decides by its data, or has inputs of many shapes. Where
small arrays are computed again and again in the same way, plan them, and write decisions about elements as operations,
which a plan follows:

    y = x * 2.0 if x.data > 0 else -x    # frozen
    y = relu(x) * 2.0 + relu(-x)         # followed
"""

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograd_core import Plan, Variable
from experiments import _parts
from experiments._clock import fastest_by_turns, seconds_of
from experiments._models import MODELS, ByRun, Planned, branch, perceptron
from experiments._shared import functions_behind, peak_bytes
from garbology.recorders import census
from garbology.study import Study, every, run_study, some

BY_RUN, PLANNED = "define-by-run", "plan"
UNSHARED = "plan, a buffer for each result"
COMPARED_ITERATIONS, TIMED_ITERATIONS, TURNS = 20, 10, 7
PLANNED_FROM = 4.0
NUMBERS = [-4.0, -3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]

study = Study(
    title="Define-and-run against define-by-run",
    part=_parts.BEST_BUILT,
    parameters={"layers": [1, 2, 4, 8, 16], "batch": [8, 64, 512, 4_096]},
    quick={"layers": [2, 8], "batch": [8, 512], "repeats": 2},
    full={"layers": [1, 2, 4, 8, 16, 32], "batch": [8, 64, 512, 4_096, 16_384]},
    most_repeats=8,
)


@dataclass(frozen=True)
class Training:
    """One perceptron trained both ways.

    Objects are those that the collector tracks and that an iteration still holds when its gradients are there. Peaks
    are above what model and data take, and that of the plan has its buffers in it. Times are those of one iteration,
    the fastest of several turns.
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
    ways = {"by_run_seconds": by_run.iterate, "plan_seconds": planned.iterate}
    turns = {way: partial(seconds_of, iterate, TIMED_ITERATIONS) for way, iterate in ways.items()}
    seconds = fastest_by_turns(turns, TURNS)
    run_peak_bytes = peak_bytes(planned.iterate)
    return Training(
        by_run_objects=_objects(by_run.gradients),
        plan_objects=_objects(planned.gradients),
        by_run_peak_bytes=peak_bytes(by_run.iterate),
        plan_peak_bytes=planned.plan.buffer_bytes + run_peak_bytes,
        unshared_peak_bytes=planned.plan.unshared_bytes + run_peak_bytes,
        **seconds,
        making_seconds=making_seconds,
        operations=planned.plan.operations,
        loss=losses[-1][0],
        relative_difference=max(abs(first - second) / abs(first) for first, second in losses),
    )


def _objects(work: Callable[[], Any]) -> int:
    gc.collect()
    with census() as growth:
        held = work()
    del held
    return growth.objects


@dataclass(frozen=True)
class Followed:
    """Models that decide, planned from one number and run on others.

    A row has the `model`, the input `x`, the result `by_run`, the result `planned`, and whether Python takes the
    `same_way` through the model as it did when the plan was made.
    """

    rows: list[dict[str, Any]]
    refuses_another_shape: bool


@study.measure
def follow_decisions() -> Followed:
    """Run a branch, a loop and a decision made of operations, in define-by-run and planned."""
    rows, refused = [row for model in MODELS for row in _rows_of(model)], False
    try:
        Plan(branch, np.full(1, PLANNED_FROM)).run(np.ones(2))
    except ValueError:
        refused = True
    return Followed(rows, refused)


def _rows_of(model: str) -> Iterator[dict[str, Any]]:
    f = MODELS[model]
    plan = Plan(f, np.full(1, PLANNED_FROM))
    traced = _recorded(f(Variable(np.full(1, PLANNED_FROM))))
    for number in NUMBERS:
        result = f(Variable(np.full(1, number)))
        planned = plan.run(np.full(1, number))[0].item()
        way = {"by_run": result.data.item(), "planned": planned, "same_way": _recorded(result) == traced}
        yield {"model": model, "x": number, **way}


def _recorded(result: Variable) -> list[str]:
    """The Functions on the way to a result, the last one first."""
    return [type(function).__name__ for function in functions_behind(result)]


largest = train.largest("layers").largest("batch")
small = train.smallest("batch").smallest("layers")
faster = small.by_run_seconds / small.plan_seconds
difference = train.most("relative_difference")
rows = follow_decisions.rows("rows", by=["model", "x"])
branch_rows, decided, followed_rows = rows.each(model=["a branch", ["a branch", "a loop"], "operations"])
wrong = decided.matching(lambda row: not row.same_way).first()
inputs = followed_rows.count("x")
branch_inputs = branch_rows.count("x")
branch_wrong = branch_rows.matching(lambda row: row.planned != row.by_run).count("x")

both_ways_learn_the_same = study.claim(
    "The losses of both ways agree to rounding in every iteration.",
    every(train, lambda run: 0 < run.loss < 10, "nothing was learned"),
    difference < 1e-9,
    evidence="at most {difference:.1g} apart, relatively, over {COMPARED_ITERATIONS} iterations",
)
a_plan_makes_no_objects = study.claim(
    "Define-by-run makes at least three objects an operation in every iteration, a plan's run none.",
    every(train, lambda run: run.by_run_objects >= 9 * run.layers, "no graph of three operations a layer"),
    every(train, plan_objects=0),
    evidence="{largest.by_run_objects:,.0f} against 0 with {largest.layers} layers",
)
buffers_are_shared = study.claim(
    "With buffers shared by lifetime a plan needs less than half the memory of a buffer for each result.",
    largest.plan_peak_bytes < largest.unshared_peak_bytes / 2,
)
a_plan_peaks_lower = study.claim(
    "A planned iteration has the lower peak, buffers included: define-by-run keeps all results to the end.",
    largest.plan_peak_bytes < largest.by_run_peak_bytes * 0.9,
)
a_plan_is_faster_on_small_arrays = study.claim(
    "Where the engine's own work takes the time, on small arrays, a planned iteration takes at most 3/4 of it.",
    faster.called("{:.1f} times as fast") > 4 / 3,
)
a_plan_repeats_the_traced_way = study.claim(
    "Where Python would decide as it did for the examples, a plan is right; elsewhere it is wrong, silently.",
    some(decided, lambda row: row.same_way, "an input that goes the same way").for_each("model"),
    some(decided, lambda row: not row.same_way, "an input that goes another way").for_each("model"),
    every(decided, lambda row: (row.planned == row.by_run) is row.same_way),
    evidence="{wrong.model} at {wrong.x:g}: {wrong.planned:g} instead of {wrong.by_run:g}",
)
a_plan_follows_operations = study.claim(
    "The branch written as operations is right for every input; an input of another shape is refused.",
    every(followed_rows, lambda row: row.planned == row.by_run),
    every(follow_decisions, refuses_another_shape=True),
    evidence="{inputs} inputs",
)

seconds_of_an_iteration = study.line("How long one iteration takes, over the number of examples in the batch.",
    train, x="batch", y="iteration_seconds", color="way", facet="layers", log="xy", x_title="examples in the batch",
    values={BY_RUN: "by_run_seconds", PLANNED: "plan_seconds"}, y_title="time of an iteration")  # fmt: skip
peak_over_layers = study.line("The most memory that an iteration holds beside model and data, with the largest batch.",
    train.largest("batch"), x="layers", y="peak_bytes", color="way", y_title="most bytes held",
    values={BY_RUN: "by_run_peak_bytes", PLANNED: "plan_peak_bytes", UNSHARED: "unshared_peak_bytes"})  # fmt: skip
objects_over_layers = study.line("Objects that an iteration makes and holds until it ends.",
    train.smallest("batch"), x="layers", y="iteration_objects", color="way", y_title="objects made",
    values={BY_RUN: "by_run_objects", PLANNED: "plan_objects"})  # fmt: skip
decisions = study.line("What a model gives that was planned from x = 4, and what it should give.",
    rows, x="x", y="result", color="way", facet="model", values={BY_RUN: "by_run", PLANNED: "planned"},
    x_title="input x", y_title="result of the model")  # fmt: skip

study.tile("A plan is, on small arrays", faster, unit="times as fast", atlas=True, better="")
made_up_for = small.making_seconds / (small.by_run_seconds - small.plan_seconds)
higher = largest.by_run_peak_bytes / largest.plan_peak_bytes
study.tile("Made up for after", made_up_for, unit="iterations")
study.tile("Peak, planned", largest.plan_peak_bytes)
study.tile("Define-by-run's peak is", higher, unit="times as high", atlas=True, better="")
study.tile("Objects an iteration, define-by-run", largest.by_run_objects, unit="objects")
study.verdict("""Planned once, a small perceptron trains {faster:.1f} times as fast without new objects; a planned
    branch is silently wrong for {branch_wrong} of {branch_inputs} inputs.""")
study.table("One iteration of training, define-by-run and planned.", train, [
        "by_run_seconds", "plan_seconds", "by_run_peak_bytes", "plan_peak_bytes", "by_run_objects", "plan_objects",
    ])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
