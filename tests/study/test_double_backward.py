"""Gradients of gradients: what each way leaves of small graphs, and that each claim can fail."""

import copy

import pytest

from autograd_core import Variable, grad
from experiments import double_backward as study
from garbology.study import Runs
from garbology.study.evaluation import judge
from garbology.study.runs import Run
from tests.study.quick_runs import measure_quickly, samples_of
from tests.study.samples import doctored, take

FINDINGS = study.study.findings


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The quick scale, each case once in a fresh interpreter."""
    return measure_quickly("double_backward", tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def samples(measured):
    return samples_of(*measured)


@pytest.mark.parametrize("name", FINDINGS)
def test_every_claim_holds_here(samples, name):
    """On this interpreter each finding holds, and says on what evidence."""
    result = judge(FINDINGS[name], Runs(samples), "here")
    assert (result.status, bool(result.evidence)) == ("holds", True), result.evidence


def with_rows(samples, outputs, gradient, **values):
    """The samples with some values of some rows replaced."""

    def doctor(run):
        if "rows" not in run.values:
            return run
        rows = [
            {**row, **values} if (row["outputs"], row["gradient"]) == (outputs, gradient) else row
            for row in run.rows
        ]
        return Run(run.measure, run.case, {**run.values, "rows": rows})

    return Runs(map(doctor, samples))


# What is doctored: the finding, the kind of references, the way, the values.
DOCTORED_ROWS = {
    "nothing left": ("a_stored_gradient_keeps_the_graph", "weak", study.KEPT, {"left": 0}),
    "half of it left": ("a_stored_gradient_keeps_the_graph", "none", study.KEPT, {"left": 80}),
    "no graph": ("a_stored_gradient_keeps_the_graph", "weak", study.KEPT, {"built": 2, "left": 1}),
    "a Variable left when cleared": ("opening_the_cycle_frees_it", "weak", "x.cleargrad()", {"left": 1}),
    "garbage when returned": ("opening_the_cycle_frees_it", "none", study.RETURNED, {"garbage_objects": 3}),
    "no graph to open": ("opening_the_cycle_frees_it", "none", "x.grad = None", {"built": 0}),
    "another derivative": (
        "every_way_gives_the_same_second_derivative",
        "strong",
        "y.backward()",
        {"second": 0.0},
    ),
    "nothing left in strong mode": ("strong_outputs_need_both", "strong", study.RETURNED, {"left": 0}),
    "trial deletion that misses an object": (
        "trial_deletion_foretells_the_collector",
        "weak",
        study.KEPT,
        {"collected_objects": 299},
    ),
}


@pytest.mark.parametrize(("name", "outputs", "gradient", "values"), DOCTORED_ROWS.values(), ids=DOCTORED_ROWS)
def test_every_claim_about_what_is_left_can_fail(samples, name, outputs, gradient, values):
    """With doctored rows the finding does not hold, and shows the figure that broke it."""
    result = judge(FINDINGS[name], with_rows(samples, outputs, gradient, **values), "here")
    assert result.status == "does not hold"
    assert result.evidence


KEPT, RETURNED = {"gradient": study.KEPT}, {"gradient": study.RETURNED}
DOCTORED = {
    "returned and waiting": (
        "returned_gradients_never_wait",
        study.repeat_steps,
        RETURNED,
        {"peak_waiting_graphs": 1},
    ),
    "stored and freed at once": (
        "returned_gradients_never_wait",
        study.repeat_steps,
        KEPT,
        {"peak_waiting_graphs": 0},
    ),
    "a price that is none": (
        "recording_the_way_back_has_a_price",
        study.price_a_backward,
        {},
        {"recorded_seconds": 1e-9},
    ),
    "a graph without bytes": (
        "recording_the_way_back_has_a_price",
        study.price_a_backward,
        {},
        {"recorded_bytes": 10},
    ),
}


@pytest.mark.parametrize(("name", "measure", "chosen", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_about_time_can_fail(samples, name, measure, chosen, values):
    """The same for the loop and the price."""
    result = judge(FINDINGS[name], doctored(samples, measure, chosen, **values), "here")
    assert result.status == "does not hold"
    assert result.evidence


def without_grad(shapes):
    shapes[0]["edges"] = [edge for edge in shapes[0]["edges"] if edge["label"] != ".grad"]


def through_an_output(shapes):
    shapes[0]["edges"].append({**shapes[0]["edges"][0], "label": ".outputs[0]"})


def other_advice(shapes):
    edge = {"source": "Mul", "label": ".inputs[]", "target": "Variable"}
    shapes[0]["advice"] = {"edges": [edge], "remedy": "weakref", "verified": True, "reason": "made up"}


@pytest.mark.parametrize("change", [without_grad, through_an_output, other_advice, list.clear])
def test_the_claim_about_the_way_back_can_fail(samples, change):
    """A cycle without .grad, one through an output, a proof of other advice, and no cycle at all break it."""
    changed = [Run(run.measure, run.case, copy.deepcopy(run.values)) for run in samples]
    for run in changed:
        if "shapes" in run.values:
            change(run.shapes["none"])
    assert judge(FINDINGS["the_gradient_is_the_way_back"], Runs(changed), "here").status == "does not hold"


def test_every_claim_is_doctored():
    """No finding goes untested."""
    names = {name for name, *_ in [*DOCTORED_ROWS.values(), *DOCTORED.values()]}
    assert names | {"the_gradient_is_the_way_back"} == set(FINDINGS)


@pytest.mark.parametrize("name", FINDINGS)
def test_no_claim_holds_of_nothing(name):
    """Without samples every finding is not measured."""
    assert judge(FINDINGS[name], Runs([]), "here").status == "not measured"


def test_ways_of_a_small_graph():
    """All but the stored gradient are free at once, and the second derivative is that of differences."""
    run = take(study.drop_graphs, layers=3)
    left = {(row["outputs"], row["gradient"]): row["left"] for row in run.rows}
    for outputs in ("weak", "none"):
        assert left[outputs, study.KEPT] > 20
        assert {left[outputs, way] for way in study.WAYS if way != study.KEPT} == {0}
    assert min(left["strong", way] for way in study.WAYS) > 20


def first_derivative(array):
    x = Variable(array)
    return grad(study.model(x, 3), x)


@pytest.mark.parametrize("way", study.WAYS)
def test_the_second_derivative_is_right(way):
    """Each way agrees with central differences of the first derivative."""
    x, _, _, second = study.second_derivative(way, 3, 5)
    above, below = (first_derivative(x.data + step) for step in (1e-5, -1e-5))
    assert second == pytest.approx((above - below) / 2e-5, rel=1e-5, abs=1e-8)


def test_the_page_is_whole(measured):
    """Every figure has rows, the verdict has the numbers of the deepest model."""
    page = measured[0].report([measured[1]])
    assert page.problems == []
    assert {figure.name for figure in page.figures} == set(study.study.figures)
    assert all(figure.rows for figure in page.figures)
    assert "leaves 640 of 642 objects" in page.verdict
    assert [tile.value for tile in page.tiles[:2]] == [640, 0]
    assert sum(tile.atlas for tile in page.tiles) == 2
    assert len(page.pictures) == 1
    assert len(page.table.rows) == 30
