"""Inference recorded and not: the peaks on small models, and that each claim can fail."""

import pytest

from experiments import no_grad
from garbology.study import NotMeasured, Runs
from tests.study.claims import doctored, take

FINDINGS = no_grad.study.findings


INFER, TIME, EVALUATE = no_grad.infer, no_grad.time_a_pass, no_grad.evaluate_batches
RECORDED, BARE = {"mode": "recorded"}, {"mode": "no_grad"}


# What breaks each finding.
DOCTORED = {
    "no_grad_is_constant": {
        "a peak that grows": doctored(INFER, {**BARE, "depth": 80}, traced_peak_bytes=2_000_000),
        "a peak of nothing": doctored(INFER, BARE, traced_peak_bytes=0),
    },
    "recording_is_linear": {
        "recorded for nothing": doctored(INFER, {**RECORDED, "depth": 80}, traced_peak_bytes=8_010_000),
        "much bookkeeping": doctored(INFER, {**RECORDED, "depth": 80}, traced_peak_bytes=40_000_000),
    },
    "only_the_graph_makes_the_difference": {
        "a graph without recording": doctored(INFER, BARE, recorded_functions=20),
        "a graph that is not there": doctored(INFER, RECORDED, recorded_functions=0),
        "another result": doctored(INFER, BARE, output_sum=0.125),
    },
    "the_process_really_grows": {
        "counted and never resident": doctored(INFER, RECORDED, resident_peak_bytes=900_000),
        "resident all the same": doctored(INFER, BARE, resident_peak_bytes=30_000_000),
    },
    "recording_costs_time": {
        "recording for free": doctored(TIME, recorded_seconds=1e-9),
    },
    "a_total_that_is_a_variable_holds_every_batch": {
        "a total that holds nothing": doctored(EVALUATE, RECORDED, held_bytes=300),
        "a total that holds all without recording": doctored(EVALUATE, BARE, held_bytes=3_000_000),
    },
}


@pytest.mark.parametrize("name", ["no_grad_is_constant", "recording_is_linear"])
def test_one_depth_shows_no_growth(samples, name):
    """Growth is not claimed of a run that was cut short."""
    with pytest.raises(NotMeasured, match=r"one depth|depth 80 alone"):
        FINDINGS[name](Runs(run for run in samples if run.case.get("depth") != 20))


def test_one_mode_compares_with_nothing(samples):
    """Equal results are not claimed where only one mode was measured."""
    with pytest.raises(NotMeasured, match="recorded alone"):
        no_grad.only_the_graph_makes_the_difference(
            Runs(run for run in samples if run.case.get("mode", "recorded") == "recorded")
        )


def test_large_arrays_say_nothing_about_the_engine(samples):
    """The time is not judged where the arrays' own work hides the engine's."""
    large = [take(TIME, elements=10_000)]
    with pytest.raises(NotMeasured, match="at most 100 numbers"):
        no_grad.recording_costs_time(Runs(large))


@pytest.mark.parametrize("mode", no_grad.MODES)
def test_a_pass_is_counted_in_whole_arrays(mode):
    """Recorded, an array for each layer and at most two more; without, a few."""
    run = take(INFER, mode=mode, depth=12, width=10_000)
    arrays = run.traced_peak_bytes / run.array_bytes
    assert 12 <= arrays < 15 if mode == "recorded" else 1 <= arrays < 4
    assert run.recorded_functions == (12 if mode == "recorded" else 0)


@pytest.mark.parametrize("mode", no_grad.MODES)
def test_a_total_that_is_a_number_holds_nothing(mode):
    """The same mean loss, and no graph, recorded or not."""
    number = take(EVALUATE, mode=mode, total="a number", batches=6)
    variable = take(EVALUATE, mode=mode, total="a Variable", batches=6)
    assert number.mean_loss == pytest.approx(variable.mean_loss)
    assert number.held_bytes < number.batch_bytes / 10
    assert (variable.held_bytes > 5 * number.batch_bytes) is (mode == "recorded")


def test_the_page_tells_the_numbers_of_the_deepest_model(page):
    """The verdict has its layers, one array's bytes and their sum."""
    assert "80 layers of 400 kB peaks at 32 MB" in page.verdict
    assert len(page.tiles) == 5
    assert len(page.table.rows) == 4
