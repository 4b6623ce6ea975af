"""Thresholds: each setting on a small heap, and that each claim can fail."""

import gc

import pytest

from experiments import thresholds
from garbology.interpreter import collector
from garbology.study.evaluation import judge
from garbology.study.runs import Runs
from tests.study.claims import doctored, take_each

OPERATIONS = 20_000


@pytest.fixture(scope="module")
def small():
    """One sample of each setting."""
    sizes = {"live_objects": 100_000, "operations": OPERATIONS}
    return take_each((thresholds.work, {"setting": name, **sizes}) for name in thresholds.SETTINGS)


def work_under(setting, **values):
    """What the work took and left under a setting, made up."""
    return doctored(thresholds.work, {"setting": setting}, **values)


# What breaks each finding.
DOCTORED = {
    "disabled_everything_waits": {
        "a collection while disabled": work_under("disabled", collections=1),
        "a pair freed while disabled": work_under("disabled", peak_waiting_pairs=lambda pairs: pairs - 1),
    },
    "by_hand_the_bound_is_exact": {
        "a collection too many": work_under("every 1k", collections=lambda collections: collections + 1),
        "a pair too many": work_under("every 1k", peak_waiting_pairs=1_001),
    },
    "the_threshold_sets_how_much_waits": {
        "a threshold without effect": work_under("threshold 10,000", peak_waiting_pairs=120),
    },
    "a_higher_threshold_collects_less_often": {
        "as many collections": work_under("threshold 10,000", collections=600),
        "no collection at all": work_under("threshold 10,000", collections=0),
    },
    "collecting_by_hand_needs_a_frozen_heap": {
        "a frozen heap that is looked at": work_under("every 1k, frozen", collector_seconds=100.0),
    },
}


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


@pytest.mark.slow
def test_by_hand_the_bound_is_exact_at_every_setting(small):
    """Also of the settings that a quick run leaves out."""
    assert thresholds.by_hand_the_bound_is_exact(Runs(small)) == "to the pair in 4 samples"


def test_speed_is_of_the_same_work_with_the_collector_off(small):
    """A setting that collects the whole heap often is far slower; the collector's time is part of the work's."""
    speed = {run.setting: run.speed_percent for run in small}
    assert speed["every 1k"] < 60
    assert speed["disabled"] > speed["every 1k"]
    assert all(0 <= run.collector_seconds < run.work_seconds for run in small)


def test_the_frontier_has_one_point_for_each_setting(small):
    """Speed against waiting garbage, a named point each."""
    rows = thresholds.frontier(Runs(small)).rows
    assert [row["setting"] for row in rows] == list(thresholds.SETTINGS)
    assert all(row["speed_percent"] > 0 and row["peak_waiting_pairs"] > 0 for row in rows)


def test_the_page_tells_the_way_out(page):
    """The verdict names the setting that leaves little and costs little."""
    assert len(page.tiles) == 5
    assert "frozen and collected every 1,000 operations" in page.verdict
