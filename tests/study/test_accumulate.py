"""Adding up in place: who sees it, what it costs, and that each claim can fail."""

import pytest

from experiments import accumulate
from garbology.study import NotMeasured, Runs
from garbology.study.evaluation import judge
from tests.study.quick_runs import measure_quickly, samples_of
from tests.study.samples import doctored, take

FINDINGS = accumulate.study.findings


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The quick scale, each case once in a fresh interpreter."""
    return measure_quickly("accumulate", tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def samples(measured):
    return samples_of(*measured)


@pytest.mark.parametrize("name", FINDINGS)
def test_every_claim_holds_here(samples, name):
    """On this interpreter each finding holds, and says on what evidence."""
    result = judge(FINDINGS[name], Runs(samples), "here")
    assert (result.status, bool(result.evidence)) == ("holds", True), result.evidence


DOUBLE, SHARE, ADD_UP = accumulate.double_an_array, accumulate.share_a_gradient, accumulate.add_up_gradients
ONE, LARGE = {"elements": 1}, {"elements": 200_000}


def row(way, gradient, holders=2):
    return {"way": way, "variable": "b", "gradient": gradient, "right": 1.0, "holders": holders}


# What is doctored: the finding, the measure, the cases, the values.
DOCTORED = {
    "in place, and another object": (
        "in_place_is_the_same_array",
        DOUBLE,
        ONE,
        {"in_place_same_object": False},
    ),
    "in place, and nobody sees it": ("in_place_is_the_same_array", DOUBLE, ONE, {"in_place_seen": False}),
    "a new array that is the old one": ("in_place_is_the_same_array", DOUBLE, ONE, {"new_same_object": True}),
    "a new array that others see": ("in_place_is_the_same_array", DOUBLE, ONE, {"new_seen": True}),
    "in place that allocates": (
        "in_place_allocates_nothing",
        DOUBLE,
        LARGE,
        {"in_place_peak_bytes": 1_600_000},
    ),
    "new that does not": ("in_place_allocates_nothing", DOUBLE, LARGE, {"new_peak_bytes": 900}),
    "in place, and right": (
        "in_place_into_a_shared_array_is_wrong",
        SHARE,
        {},
        {"rows": [row("in place", 1.0), row("new sums", 1.0)]},
    ),
    "a way out that is wrong": (
        "in_place_into_a_shared_array_is_wrong",
        SHARE,
        {},
        {"rows": [row("in place", 2.0), row("copy, then in place", 2.0)]},
    ),
    "wrong for another reason": (
        "in_place_into_a_shared_array_is_wrong",
        SHARE,
        {},
        {"rows": [row("in place", 2.0, holders=1)]},
    ),
    "nothing shared": ("sharing_alone_does_no_harm", SHARE, {}, {"rows": [row("new sums", 1.0, holders=1)]}),
    "shared and wrong": ("sharing_alone_does_no_harm", SHARE, {}, {"rows": [row("new sums", 2.0)]}),
    "a copy more": ("new_sums_make_an_array_each", ADD_UP, LARGE, {"copy_arrays": 2}),
    "nothing saved": ("new_sums_make_an_array_each", ADD_UP, LARGE, {"copy_peak_bytes": 4_800_000}),
    "one number, and faster": ("in_place_is_slower_on_one_number", DOUBLE, ONE, {"in_place_seconds": 1e-9}),
    "large, and slower": ("in_place_is_faster_on_large_arrays", DOUBLE, LARGE, {"in_place_seconds": 1.0}),
}


@pytest.mark.parametrize(("name", "measure", "chosen", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_can_fail(samples, name, measure, chosen, values):
    """With doctored samples the finding does not hold, and shows the figure that broke it."""
    result = judge(FINDINGS[name], doctored(samples, measure, chosen, **values), "here")
    assert result.status == "does not hold"
    assert result.evidence


def test_every_claim_is_doctored():
    """No finding goes untested."""
    assert {name for name, *_ in DOCTORED.values()} == set(FINDINGS)


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("in_place_allocates_nothing", 200_000),
        ("new_sums_make_an_array_each", 200_000),
        ("in_place_is_slower_on_one_number", 1),
        ("in_place_is_faster_on_large_arrays", 200_000),
    ],
)
def test_no_claim_without_its_size(samples, name, elements):
    """A run cut short by Ctrl-C, with one size left, refutes nothing."""
    with pytest.raises(NotMeasured):
        FINDINGS[name](Runs(run for run in samples if run.case.get("elements", 0) != elements))


def test_who_is_wrong_when_gradients_are_shared():
    """In place, y, a + b and b all have what only a should have, and all four hold one array."""
    rows = {(each["way"], each["variable"]): each for each in take(SHARE).rows}
    right = {"y": 1, "a + b": 1, "a": 2, "b": 1}
    for name, gradient in right.items():
        assert rows["in place", name]["gradient"] == 2
        assert rows["in place", name]["holders"] == 4
        assert rows["new sums", name]["gradient"] == gradient
        assert rows["copy, then in place", name]["gradient"] == gradient
        assert rows["copy, then in place", name]["holders"] == 1
        assert rows["new sums", name]["right"] == gradient


def test_the_engine_itself_shares_no_gradient():
    """The reference is right because no two of its gradients are one array."""
    variables = accumulate._shared_graph()
    variables["y"].backward(retain_grad=True)
    assert len({id(variable.grad) for variable in variables.values()}) == 4


def test_the_page_is_whole(measured):
    """Every figure has rows, the verdict has the wrong gradient."""
    study, record = measured
    page = study.report([record])
    assert page.problems == []
    assert {figure.name for figure in page.figures} == set(study.figures)
    assert all(figure.rows for figure in page.figures)
    assert "the gradient of b is 2 instead of 1, because 4 Variables share its array" in page.verdict
    assert page.tiles[0].value == 2
    assert len(page.table.rows) == 2
