"""Floating garbage: its measures on small cases, that each claim can fail, and where it is expected to."""

import gc

import pytest

from experiments import floating_garbage as floating
from garbology.interpreter import collector
from garbology.study.evaluation import judge
from garbology.study.loading import load_study
from garbology.study.runner import Plan, measure_study
from garbology.study.runs import Runs
from tests.study.samples import doctored, take

LIVE = 20_000


@pytest.fixture(scope="module")
def samples():
    """One sample of each small case, measured in this process."""
    taken = [take(floating.drop_garbage, garbage=kind, live_objects=LIVE) for kind in floating.GARBAGE]
    for threshold in (700, 2000):
        taken.append(take(floating.set_the_threshold, threshold=threshold, live_objects=LIVE))
    return [*taken, take(floating.grow_a_heap, heap_objects=400_000)]


def of(samples, **case):
    return next(run for run in samples if all(run.case.get(name) == case[name] for name in case))


@pytest.mark.parametrize("name", floating.study.findings)
def test_every_claim_holds_here_or_is_excepted(samples, name):
    """On this interpreter a finding holds, unless it is declared not to for this kind of collector."""
    result = judge(floating.study.findings[name], Runs(samples), "here")
    excepted = {
        each.finding for each in floating.study.exceptions if each.applies({"collector": collector.kind()})
    }
    assert result.status == ("does not hold" if name in excepted else "holds"), result.evidence
    assert result.evidence


DOCTORED = {
    "much young garbage": (
        "young_garbage_is_bounded_by_the_threshold",
        floating.drop_garbage,
        {"garbage": "classes"},
        {"peak_waiting_objects": 58_006 * 2},
    ),
    "no garbage at all": (
        "young_garbage_is_bounded_by_the_threshold",
        floating.drop_garbage,
        {"garbage": "pairs"},
        {"peak_waiting_objects": 0},
    ),
    "a threshold without effect": (
        "a_higher_threshold_lets_more_wait",
        floating.set_the_threshold,
        {"threshold": 2000},
        {"peak_waiting": 1},
    ),
    "light payloads": (
        "payloads_are_not_counted",
        floating.drop_garbage,
        {"garbage": "payloads"},
        {"peak_waiting_bytes": 100_000},
    ),
    "more cycles with a payload": (
        "payloads_are_not_counted",
        floating.drop_garbage,
        {"garbage": "payloads"},
        {"peak_waiting": 100_000},
    ),
    "old garbage freed soon": (
        "garbage_that_grew_old_waits_longest",
        floating.drop_garbage,
        {"garbage": "aged pairs"},
        {"peak_waiting": 500},
    ),
    "something that is never freed": (
        "one_collection_frees_all",
        floating.drop_garbage,
        {"garbage": "exceptions"},
        {"left_after_collection": 1},
    ),
    "a long pause of a young generation": (
        "the_longest_pause_is_a_full_collection",
        floating.grow_a_heap,
        {},
        {"generation_of_longest": 1},
    ),
}


@pytest.mark.parametrize(("name", "measure", "chosen", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_can_fail(samples, name, measure, chosen, values):
    """With doctored samples the finding does not hold, and shows the figure that broke it."""
    result = judge(floating.study.findings[name], doctored(samples, measure, chosen, **values), "here")
    assert result.status == "does not hold"
    assert result.evidence


def test_every_claim_is_doctored():
    """No finding goes untested."""
    assert {name for name, *_ in DOCTORED.values()} == set(floating.study.findings)


@pytest.mark.parametrize("name", floating.study.findings)
def test_no_claim_holds_where_nothing_was_measured(name):
    """Without samples every finding is not measured."""
    assert judge(floating.study.findings[name], Runs([]), "here").status == "not measured"


def test_waiting_bytes_are_real_memory(samples):
    """The process's own peak rose by most of what is said to have waited with payloads."""
    run = of(samples, garbage="payloads")
    assert run.peak_waiting_bytes > run.peak_waiting * floating.PAYLOAD_BYTES
    assert run.peak_above_baseline_bytes > 0.5 * run.peak_waiting_bytes


def test_the_objects_of_a_specimen_are_those_the_collector_frees(samples):
    """A pair is two objects, with their dictionaries up to 3.10; a payload adds none; a class is several."""
    pair = of(samples, garbage="pairs").objects_each
    assert pair in (2, 4)
    assert of(samples, garbage="payloads").objects_each == pair
    assert of(samples, garbage="classes").objects_each >= 4
    assert of(samples, garbage="exceptions").objects_each >= 3


def test_the_mean_wait_follows_from_what_waits(samples):
    """By Little's law nothing waits longer on average than all the work takes, and nothing waits no time."""
    for run in samples:
        if run.measure != "grow_a_heap":
            assert 0 < run.mean_wait_seconds <= run.work_seconds
            assert len(run.timeline) == floating.WINDOWS
            assert max(run.timeline) == run.peak_waiting_objects


def test_without_a_collector_all_of_it_waits():
    """With the collector off the peak is everything that was dropped, and the mean wait half of the work."""
    with collector.paused():
        run = take(floating.drop_garbage, garbage="pairs", live_objects=LIVE)
    assert run.peak_waiting == run.left_waiting == run.specimens == LIVE
    assert run.mean_wait_seconds == pytest.approx(run.work_seconds / 2, rel=0.001)


def test_the_collector_is_left_as_it_was(samples):
    """No measure leaves a threshold, a callback or a frozen object behind."""
    before = gc.get_threshold(), gc.isenabled(), len(gc.callbacks), collector.program_has_frozen()
    take(floating.set_the_threshold, threshold=123, live_objects=100)
    assert (gc.get_threshold(), gc.isenabled(), len(gc.callbacks), collector.program_has_frozen()) == before


def test_a_quick_run_in_fresh_interpreters_makes_a_whole_page(tmp_path):
    """The real run: every figure, tile and finding of the page is there, and holds or is excepted."""
    study = load_study("experiments.floating_garbage")
    outcome = measure_study(study, Plan(scale="quick", repeats=1), tmp_path)
    assert [sample for sample in outcome.record.samples if sample.status != "ok"] == []
    page = study.report([outcome.record])
    assert page.problems == []
    assert {figure.name for figure in page.figures} == set(study.figures)
    assert all(figure.rows for figure in page.figures)
    assert [tile.atlas for tile in page.tiles] == [True] * 4
    assert {finding.status for finding in page.findings} <= {"holds", "not on this version"}
    assert "pairs at most" in page.verdict
