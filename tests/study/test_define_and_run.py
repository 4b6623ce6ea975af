"""Define-and-run: both ways of training and deciding on small models, and that each claim can fail."""

import numpy as np
import pytest

from autograd_core import Plan, Variable
from experiments import define_and_run as study
from garbology.study import Runs
from garbology.study.evaluation import judge
from garbology.study.runs import Run
from tests.study.quick_runs import measure_quickly, samples_of
from tests.study.samples import doctored, take

FINDINGS = study.study.findings


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The quick scale, each case once in a fresh interpreter."""
    return measure_quickly("define_and_run", tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def samples(measured):
    return samples_of(*measured)


@pytest.mark.parametrize("name", FINDINGS)
def test_every_claim_holds_here(samples, name):
    """On this interpreter each finding holds, and says on what evidence."""
    result = judge(FINDINGS[name], Runs(samples), "here")
    assert (result.status, bool(result.evidence)) == ("holds", True), result.evidence


SMALLEST, LARGEST = {"layers": 2, "batch": 8}, {"layers": 8, "batch": 512}
# What is doctored: the finding, the cases of training, the values.
DOCTORED = {
    "another loss": ("both_ways_learn_the_same", SMALLEST, {"relative_difference": 1e-6}),
    "nothing learned": ("both_ways_learn_the_same", LARGEST, {"loss": float("nan")}),
    "an object in a run": ("a_plan_makes_no_objects", SMALLEST, {"plan_objects": 1}),
    "no graph": ("a_plan_makes_no_objects", LARGEST, {"by_run_objects": 3}),
    "buffers not shared": ("buffers_are_shared", LARGEST, {"plan_peak_bytes": 4_000_000}),
    "a higher peak": ("a_plan_peaks_lower", LARGEST, {"by_run_peak_bytes": 1_000_000}),
    "a slow plan": ("a_plan_is_faster_on_small_arrays", SMALLEST, {"plan_seconds": 1.0}),
}


@pytest.mark.parametrize(("name", "chosen", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_about_training_can_fail(samples, name, chosen, values):
    """With doctored samples the finding does not hold, and shows the figure that broke it."""
    result = judge(FINDINGS[name], doctored(samples, study.train, chosen, **values), "here")
    assert result.status == "does not hold"
    assert result.evidence


def with_rows(samples, model, **values):
    """The samples with some values of the rows of a model replaced."""

    def doctor(run):
        if run.measure != "follow_decisions":
            return run
        rows = [{**row, **values} if row["model"] == model else row for row in run.rows]
        return Run(run.measure, run.case, {**run.values, "rows": rows})

    return Runs(map(doctor, samples))


DOCTORED_ROWS = {
    "a branch that is followed": ("a_plan_repeats_the_traced_way", "a branch", {"planned": 4, "by_run": 4}),
    "a loop that is always wrong": ("a_plan_repeats_the_traced_way", "a loop", {"planned": 99}),
    "one way alone": ("a_plan_repeats_the_traced_way", "a loop", {"same_way": True}),
    "operations that are not followed": ("a_plan_follows_operations", "operations", {"planned": 99}),
}


@pytest.mark.parametrize(("name", "model", "values"), DOCTORED_ROWS.values(), ids=DOCTORED_ROWS)
def test_every_claim_about_decisions_can_fail(samples, name, model, values):
    """The same for the models that decide."""
    result = judge(FINDINGS[name], with_rows(samples, model, **values), "here")
    assert result.status == "does not hold"
    assert result.evidence


def test_another_shape_must_be_refused(samples):
    """A plan that takes an input of another shape breaks the claim."""
    changed = doctored(samples, study.follow_decisions, {}, refuses_another_shape=False)
    assert judge(FINDINGS["a_plan_follows_operations"], changed, "here").status == "does not hold"


def test_every_claim_is_doctored():
    """No finding goes untested."""
    assert {name for name, *_ in [*DOCTORED.values(), *DOCTORED_ROWS.values()]} == set(FINDINGS)


@pytest.mark.parametrize("name", FINDINGS)
def test_no_claim_holds_of_nothing(name):
    """Without samples every finding is not measured."""
    assert judge(FINDINGS[name], Runs([]), "here").status == "not measured"


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
    expected = study.branch(Variable(x)).data
    assert study.operations(Variable(x)).data == expected
    assert Plan(study.operations, np.full(1, -1.0)).run(x)[0] == expected
    assert 0.5 <= abs(study.loop(Variable(x)).data) <= 1


def test_the_page_is_whole(measured):
    """Every figure has rows, the verdict says how many inputs a planned branch is wrong for."""
    page = measured[0].report([measured[1]])
    assert page.problems == []
    assert {figure.name for figure in page.figures} == set(study.study.figures)
    assert all(figure.rows for figure in page.figures)
    assert "wrong for 5 of 12 inputs" in page.verdict
    assert len(page.tiles) == 5
    assert sum(tile.atlas for tile in page.tiles) == 2
    assert len(page.table.rows) == 4
