"""Thresholds: each setting on a small heap, and that each claim can fail."""

import gc

import pytest

from experiments import thresholds
from garbology.interpreter import collector
from garbology.study.evaluation import judge
from garbology.study.loading import load_study
from garbology.study.runner import Plan, measure_study
from garbology.study.runs import Runs
from tests.study.samples import doctored, take

OPERATIONS = 20_000


@pytest.fixture(scope="module")
def samples():
    """One sample of each setting, measured in this process."""
    return [
        take(thresholds.work, setting=name, live_objects=100_000, operations=OPERATIONS)
        for name in thresholds.SETTINGS
    ]


@pytest.mark.parametrize("name", thresholds.study.findings)
def test_every_claim_holds_here_or_is_excepted(samples, name):
    """On this interpreter a finding holds, unless it is declared not to for this kind of collector."""
    result = judge(thresholds.study.findings[name], Runs(samples), "here")
    excepted = {
        each.finding for each in thresholds.study.exceptions if each.applies({"collector": collector.kind()})
    }
    assert result.status == ("does not hold" if name in excepted else "holds"), result.evidence
    assert result.evidence


DOCTORED = {
    "a collection while disabled": ("disabled_everything_waits", "disabled", {"collections": 1}),
    "a pair freed while disabled": (
        "disabled_everything_waits",
        "disabled",
        {"peak_waiting_pairs": OPERATIONS - 1},
    ),
    "a collection too many": (
        "by_hand_the_bound_is_exact",
        "every 1k",
        {"collections": OPERATIONS // 1000 + 1},
    ),
    "a pair too many": ("by_hand_the_bound_is_exact", "every 10k", {"peak_waiting_pairs": 10_001}),
    "a threshold without effect": (
        "the_threshold_sets_how_much_waits",
        "threshold 10,000",
        {"peak_waiting_pairs": 120},
    ),
    "as many collections": (
        "a_higher_threshold_collects_less_often",
        "threshold 10,000",
        {"collections": 600},
    ),
    "no collection at all": (
        "a_higher_threshold_collects_less_often",
        "threshold 10,000",
        {"collections": 0},
    ),
    "a frozen heap that is looked at": (
        "collecting_by_hand_needs_a_frozen_heap",
        "every 1k, frozen",
        {"collector_seconds": 100.0},
    ),
}


@pytest.mark.parametrize(("name", "setting", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_can_fail(samples, name, setting, values):
    """With a doctored sample the finding does not hold, and shows the figure that broke it."""
    wrong = doctored(samples, thresholds.work, {"setting": setting}, **values)
    result = judge(thresholds.study.findings[name], wrong, "here")
    assert result.status == "does not hold"
    assert result.evidence


def test_every_claim_is_doctored():
    """No finding goes untested."""
    assert {name for name, *_ in DOCTORED.values()} == set(thresholds.study.findings)


@pytest.mark.parametrize("name", thresholds.study.findings)
def test_no_claim_is_broken_by_what_was_not_measured(samples, name):
    """A run that was cut short after the default setting refutes nothing."""
    rest = Runs(run for run in samples if run.setting == "default")
    assert judge(thresholds.study.findings[name], rest, "here").status == "not measured"


@pytest.mark.parametrize("name", thresholds.SETTINGS)
def test_a_setting_is_undone_at_its_end(name):
    """Afterwards the collector is as it was: on, with its thresholds, nothing frozen."""
    before = gc.get_threshold(), gc.isenabled(), collector.program_has_frozen(), len(gc.callbacks)
    with thresholds.set_up(thresholds.SETTINGS[name]):
        during = gc.get_threshold(), gc.isenabled(), collector.program_has_frozen(), len(gc.callbacks)
    assert (gc.get_threshold(), gc.isenabled(), collector.program_has_frozen(), len(gc.callbacks)) == before
    assert (during == before) == (name == "default")


def test_speed_is_of_the_same_work_with_the_collector_off(samples):
    """A setting that collects the whole heap often is far slower; the collector's time is part of the work's."""
    speed = {run.setting: run.speed_percent for run in samples}
    assert speed["every 1k"] < 60
    assert speed["disabled"] > speed["every 1k"]
    assert all(0 <= run.collector_seconds < run.work_seconds for run in samples)


def test_the_frontier_has_one_point_for_each_setting(samples):
    """Speed against waiting garbage, a named point each."""
    rows = thresholds.frontier(Runs(samples)).rows
    assert [row["setting"] for row in rows] == list(thresholds.SETTINGS)
    assert all(row["speed_percent"] > 0 and row["peak_waiting_pairs"] > 0 for row in rows)


def test_a_quick_run_in_fresh_interpreters_makes_a_whole_page(tmp_path):
    """The real run: every figure, tile and finding of the page is there."""
    study = load_study("experiments.thresholds")
    outcome = measure_study(study, Plan(scale="quick", repeats=1), tmp_path)
    assert [sample for sample in outcome.record.samples if sample.status != "ok"] == []
    page = study.report([outcome.record])
    assert page.problems == []
    assert {figure.name for figure in page.figures} == set(study.figures)
    assert all(figure.rows for figure in page.figures)
    assert len(page.tiles) == 5
    assert "every 1k, frozen" in page.verdict
