"""Fork: the real quick run, what the child's answer is made of, and that each claim can fail."""

import os
import sys

import pytest

from experiments import fork
from garbology.study.runs import Unavailable
from tests.study.claims import doctored

linux_only = pytest.mark.skipif(not fork.SMAPS.exists(), reason=f"there is no {fork.SMAPS} here")
BEFORE_IMMORTALS = sys.version_info < (3, 12)


@linux_only
def test_only_the_immortality_of_none_is_excepted(quick, page):
    """Up to 3.11 its count is written, too; everything else holds on every version."""
    assert len(page.tiles) == 4
    assert "A forked child that reads " in page.verdict
    assert quick.excepted == ({"the_count_of_an_immortal_is_not_written"} if BEFORE_IMMORTALS else set())


def child_that(does, parent, **values):
    """What a child that does something to its parent's heap answers, made up."""
    return doctored(fork.fork_a_child, {"child": does, "parent": parent}, **values)


# What breaks each finding.
DOCTORED = {
    "an_idle_child_copies_nothing": {
        "an idle child that copies": child_that("does nothing", "not frozen", dirtied_share=0.3),
        "a heap of nothing": child_that("does nothing", "not frozen", heap_bytes=1000),
    },
    "reading_copies_the_heap": {
        "reading that copies nothing": child_that("reads the objects", "not frozen", dirtied_share=0.2),
    },
    "freezing_does_not_keep_reading_from_it": {
        "freezing that helps reading": child_that("reads the objects", "frozen", dirtied_share=0.01),
    },
    "a_collection_copies_the_heap": {
        "a collection that copies nothing": child_that("collects", "not frozen", dirtied_share=0.01),
    },
    "freezing_keeps_a_collection_from_it": {
        "freezing that does not help": child_that("collects", "frozen", dirtied_share=0.9),
    },
    "the_count_of_an_immortal_is_not_written": {
        "a count that is written": child_that("reads None", "frozen", counted_references=1000),
    },
}


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
