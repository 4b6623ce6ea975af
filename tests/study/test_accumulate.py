"""Adding up in place: who sees it, what it costs, and that each claim can fail."""

import pytest

from experiments import accumulate
from garbology.study import NotMeasured, Runs
from tests.study.claims import doctored, take

FINDINGS = accumulate.study.findings


DOUBLE, SHARE, ADD_UP = accumulate.double_an_array, accumulate.share_a_gradient, accumulate.add_up_gradients
ONE, LARGE = {"elements": 1}, {"elements": 200_000}


def row(way, gradient, holders=2):
    return {"way": way, "variable": "b", "gradient": gradient, "right": 1.0, "holders": holders}


# What breaks each finding.
DOCTORED = {
    "in_place_is_the_same_array": {
        "in place, and another object": doctored(DOUBLE, ONE, in_place_same_object=False),
        "in place, and nobody sees it": doctored(DOUBLE, ONE, in_place_seen=False),
        "a new array that is the old one": doctored(DOUBLE, ONE, new_same_object=True),
        "a new array that others see": doctored(DOUBLE, ONE, new_seen=True),
    },
    "in_place_allocates_nothing": {
        "in place that allocates": doctored(DOUBLE, LARGE, in_place_peak_bytes=1_600_000),
        "new that does not": doctored(DOUBLE, LARGE, new_peak_bytes=900),
    },
    "in_place_into_a_shared_array_is_wrong": {
        "in place, and right": doctored(SHARE, rows=[row("in place", 1.0), row("new sums", 1.0)]),
        "a way out that is wrong": doctored(
            SHARE, rows=[row("in place", 2.0), row("copy, then in place", 2.0)]
        ),
        "wrong for another reason": doctored(SHARE, rows=[row("in place", 2.0, holders=1)]),
    },
    "sharing_alone_does_no_harm": {
        "nothing shared": doctored(SHARE, rows=[row("new sums", 1.0, holders=1)]),
        "shared and wrong": doctored(SHARE, rows=[row("new sums", 2.0)]),
    },
    "new_sums_make_an_array_each": {
        "a copy more": doctored(ADD_UP, LARGE, copy_arrays=2),
        "nothing saved": doctored(ADD_UP, LARGE, copy_peak_bytes=4_800_000),
    },
    "in_place_is_slower_on_one_number": {
        "one number, and faster": doctored(DOUBLE, ONE, in_place_seconds=1e-9),
    },
    "in_place_is_faster_on_large_arrays": {
        "large, and slower": doctored(DOUBLE, LARGE, in_place_seconds=1.0),
    },
}


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


def test_the_page_tells_the_wrong_gradient(page):
    """The verdict says which one it is and why, and the first tile how large."""
    assert "the gradient of b is 2 instead of 1, because 4 Variables share its array" in page.verdict
    assert page.tiles[0].value == 2
    assert len(page.table.rows) == 2
