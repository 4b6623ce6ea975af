"""Gradients of gradients: what each way leaves of small graphs, and that each claim can fail."""

import pytest

from autograd_core import Variable, grad
from experiments import double_backward as study
from tests.study.claims import doctored, in_rows, take


def rows(outputs, gradient, **values):
    """What is left with a kind of references to the outputs and a way to the gradient, made up."""
    return doctored(study.drop_graphs, rows=in_rows({"outputs": outputs, "gradient": gradient}, **values))


def shapes(change):
    """The cycles without references to the outputs, changed in place."""

    def changed(found):
        change(found["none"])
        return found

    return doctored(study.drop_graphs, shapes=changed)


def without_grad(found):
    found[0]["edges"] = [edge for edge in found[0]["edges"] if edge["label"] != ".grad"]


def through_an_output(found):
    found[0]["edges"].append({**found[0]["edges"][0], "label": ".outputs[0]"})


def other_advice(found):
    edge = {"source": "Mul", "label": ".inputs[]", "target": "Variable"}
    found[0]["advice"] = {"edges": [edge], "remedy": "weakref", "verified": True, "reason": "made up"}


# What breaks each finding.
DOCTORED = {
    "a_stored_gradient_keeps_the_graph": {
        "nothing left": rows("weak", study.KEPT, left=0),
        "half of it left": rows("none", study.KEPT, left=80),
        "no graph": rows("weak", study.KEPT, built=2, left=1),
    },
    "opening_the_cycle_frees_it": {
        "a Variable left when cleared": rows("weak", "x.cleargrad()", left=1),
        "garbage when returned": rows("none", study.RETURNED, garbage_objects=3),
        "no graph to open": rows("none", "x.grad = None", built=0),
    },
    "every_way_gives_the_same_second_derivative": {
        "another derivative": rows("strong", "y.backward()", second=0.0),
    },
    "strong_outputs_need_both": {"nothing left in strong mode": rows("strong", study.RETURNED, left=0)},
    "trial_deletion_predicts_the_collector": {
        "trial deletion that misses an object": rows("weak", study.KEPT, collected_objects=299),
    },
    "the_gradient_is_the_way_back": {
        "a cycle without .grad": shapes(without_grad),
        "a cycle through an output": shapes(through_an_output),
        "a proof of other advice": shapes(other_advice),
        "no cycle at all": shapes(list.clear),
    },
    "returned_gradients_never_wait": {
        "returned and waiting": doctored(
            study.repeat_steps, {"gradient": study.RETURNED}, peak_waiting_graphs=1
        ),
        "stored and freed at once": doctored(
            study.repeat_steps, {"gradient": study.KEPT}, peak_waiting_graphs=0
        ),
    },
    "recording_the_way_back_has_a_price": {
        "a price that is none": doctored(study.price_a_backward, recorded_seconds=1e-9),
        "a graph without bytes": doctored(study.price_a_backward, recorded_bytes=10),
    },
}


@pytest.mark.slow
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


def test_the_page_tells_the_numbers_of_the_deepest_model(page):
    """The verdict and the tiles have what is left of it, the table a row for each way."""
    assert "leaves 640 of 642 objects" in page.verdict
    assert [tile.value for tile in page.tiles[:2]] == [640, 0]
    assert sum(tile.atlas for tile in page.tiles) == 2
    assert len(page.pictures) == 1
    assert len(page.table.rows) == 30
