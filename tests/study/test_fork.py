"""Fork: the real quick run, what the child's answer is made of, and that each claim can fail."""

import os
import sys

import pytest

from experiments import fork
from garbology.study.evaluation import judge, runs_of
from garbology.study.loading import load_study
from garbology.study.runner import Plan, measure_study
from garbology.study.runs import Runs, Unavailable
from tests.study.samples import doctored

linux_only = pytest.mark.skipif(not fork.SMAPS.exists(), reason=f"there is no {fork.SMAPS} here")
BEFORE_IMMORTALS = sys.version_info < (3, 12)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """The quick scale once, in fresh interpreters: this one may have threads, which do not survive a fork."""
    study = load_study("experiments.fork")
    return measure_study(study, Plan(scale="quick", repeats=1), tmp_path_factory.mktemp("fork")).record


@pytest.fixture(scope="module")
def samples(record):
    return list(runs_of(fork.study, record))


@linux_only
def test_a_quick_run_makes_a_whole_page(record):
    """Every figure, tile and finding is there; only None's immortality is excepted, up to 3.11."""
    assert [sample for sample in record.samples if sample.status != "ok"] == []
    page = fork.study.report([record])
    assert page.problems == []
    assert [figure.name for figure in page.figures if figure.rows] == list(fork.study.figures)
    assert len(page.tiles) == 4
    assert "100,000 objects" in page.verdict
    excepted = {finding.name for finding in page.findings if finding.status == "not on this version"}
    assert excepted == ({"the_count_of_an_immortal_is_not_written"} if BEFORE_IMMORTALS else set())
    assert {finding.status for finding in page.findings} <= {"holds", "not on this version"}


DOCTORED = {
    "an idle child that copies": (
        "an_idle_child_copies_nothing",
        "does nothing",
        "not frozen",
        {"dirtied_share": 0.3},
    ),
    "a heap of nothing": ("an_idle_child_copies_nothing", "does nothing", "not frozen", {"heap_bytes": 1000}),
    "reading that copies nothing": (
        "reading_copies_the_heap",
        "reads the objects",
        "not frozen",
        {"dirtied_share": 0.2},
    ),
    "freezing that helps reading": (
        "freezing_does_not_keep_reading_from_it",
        "reads the objects",
        "frozen",
        {"dirtied_share": 0.01},
    ),
    "a collection that copies nothing": (
        "a_collection_copies_the_heap",
        "collects",
        "not frozen",
        {"dirtied_share": 0.01},
    ),
    "freezing that does not help": (
        "freezing_keeps_a_collection_from_it",
        "collects",
        "frozen",
        {"dirtied_share": 0.9},
    ),
    "a count that is written": (
        "the_count_of_an_immortal_is_not_written",
        "reads None",
        "frozen",
        {"counted_references": 1000},
    ),
}


@linux_only
@pytest.mark.parametrize(("name", "child", "parent", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_can_fail(samples, name, child, parent, values):
    """With a doctored sample the finding does not hold, and shows the figure that broke it."""
    wrong = doctored(samples, fork.fork_a_child, {"child": child, "parent": parent}, **values)
    result = judge(fork.study.findings[name], wrong, "here")
    assert result.status == "does not hold"
    assert result.evidence


def test_every_claim_is_doctored():
    """No finding goes untested."""
    assert {name for name, *_ in DOCTORED.values()} == set(fork.study.findings)


@pytest.mark.parametrize("name", fork.study.findings)
def test_no_claim_holds_where_nothing_was_measured(name):
    """Without samples every finding is not measured."""
    assert judge(fork.study.findings[name], Runs([]), "here").status == "not measured"


def test_where_there_is_no_fork_the_case_is_unavailable(monkeypatch):
    """On another system the measure says what it needs instead of failing."""
    monkeypatch.delattr(os, "fork", raising=False)
    with pytest.raises(Unavailable, match="run this study on Linux"):
        fork.fork_a_child(child="does nothing", parent="frozen", live_objects=10)


@linux_only
def test_the_kernel_s_sums_are_read_in_bytes():
    """Written pages are this process's own, whole kilobytes, and part of its resident set."""
    memory = fork.memory_of_this_process()
    assert 0 < memory["Private_Dirty"] <= memory["Rss"]
    assert memory["Pss"] <= memory["Rss"]
    assert all(value % 1024 == 0 for value in memory.values())


def test_more_references_to_none_are_counted_up_to_3_11():
    """A thousand more references raise its count by a thousand, or not at all where it is immortal."""
    assert fork.counted_references() == (1000 if BEFORE_IMMORTALS else 0)


@linux_only
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_fails_is_reported():
    """What a child cannot answer is an error in the parent, which goes on; the child runs nothing of the parent's."""
    with pytest.raises(RuntimeError, match="ended with status"):
        fork.in_a_child(lambda: {"unserialisable": object()})
