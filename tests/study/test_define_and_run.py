"""Define-and-run: both ways of training and deciding on small models, and that each claim can fail."""

import numpy as np
import pytest

from autograd_core import Plan, Variable
from experiments import _models
from experiments import define_and_run as study
from tests.study.claims import doctored, in_rows, take

SMALLEST, LARGEST = {"layers": 2, "batch": 8}, {"layers": 8, "batch": 512}


def decisions(model, **values):
    """The rows of a model that decides, made up."""
    return doctored(study.follow_decisions, rows=in_rows({"model": model}, **values))


# What breaks each finding.
DOCTORED = {
    "both_ways_learn_the_same": {
        "another loss": doctored(study.train, SMALLEST, relative_difference=1e-6),
        "nothing learned": doctored(study.train, LARGEST, loss=float("nan")),
    },
    "a_plan_makes_no_objects": {
        "an object in a run": doctored(study.train, SMALLEST, plan_objects=1),
        "no graph": doctored(study.train, LARGEST, by_run_objects=3),
    },
    "buffers_are_shared": {
        "buffers not shared": doctored(study.train, LARGEST, plan_peak_bytes=4_000_000),
    },
    "a_plan_peaks_lower": {
        "a higher peak": doctored(study.train, LARGEST, by_run_peak_bytes=1_000_000),
    },
    "a_plan_is_faster_on_small_arrays": {
        "a slow plan": doctored(study.train, SMALLEST, plan_seconds=1.0),
    },
    "a_plan_repeats_the_traced_way": {
        "a branch that is followed": decisions("a branch", planned=4, by_run=4),
        "a loop that is always wrong": decisions("a loop", planned=99),
        "one way alone": decisions("a loop", same_way=True),
    },
    "a_plan_follows_operations": {
        "operations that are not followed": decisions("operations", planned=99),
        "another shape that is taken": doctored(study.follow_decisions, refuses_another_shape=False),
    },
}


def test_both_ways_train():
    """The loss falls, and both ways end with the same parameters."""
    by_run = study.ByRun(*study.perceptron(2, 8))
    planned = study.Planned(*study.perceptron(2, 8))
    losses = [(by_run.iterate(), planned.iterate()) for _ in range(30)]
    assert losses[-1][0] < losses[0][0]
    for first, second in losses:
        assert first == pytest.approx(second, rel=1e-12)
    for parameter, array in zip(by_run.parameters, planned.parameters, strict=True):
        np.testing.assert_allclose(parameter.data, array, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_one_small_sample():
    """Objects are counted exactly, a plan has one call an operation that is no view."""
    run = take(study.train, layers=1, batch=4)
    assert run.plan_objects == 0
    # matmul, add, tanh, sub, square, mean: a Function, a Variable, a weak reference and the inputs' tuple each
    assert run.by_run_objects == 6 * 4
    assert run.operations > 6
    assert 0 < run.plan_peak_bytes < run.unshared_peak_bytes


@pytest.mark.parametrize("number", study.NUMBERS)
def test_models_that_decide(number):
    """The branch and its form in operations agree, and a plan follows the latter alone."""
    x = np.full(1, number)
    expected = _models.branch(Variable(x)).data
    assert _models.operations(Variable(x)).data == expected
    assert Plan(_models.operations, np.full(1, -1.0)).run(x)[0] == expected
    assert 0.5 <= abs(_models.loop(Variable(x)).data) <= 1


def test_the_page_tells_how_often_a_planned_branch_is_wrong(page):
    """The verdict counts the inputs, two tiles are compared across versions."""
    assert "wrong for 5 of 12 inputs" in page.verdict
    assert len(page.tiles) == 5
    assert sum(tile.atlas for tile in page.tiles) == 2
    assert len(page.table.rows) == 4
