"""Finalizers: the witnesses and the order on single cycles, and that each claim can fail."""

import gc
import sys

import pytest

from experiments import finalizers
from garbology.interpreter import collector
from garbology.study.evaluation import judge
from tests.study.claims import doctored, one_of, take

ONE, MANY = finalizers.collect_a_cycle, finalizers.collect_many_cycles


def test_the_exceptions_are_those_of_the_versions(quick):
    """Some releases count a generator that was never started, and 3.15 clears weak references later."""
    version = sys.version_info[:3]
    counted = (3, 12) <= version < (3, 13, 12) or (3, 14) <= version < (3, 14, 3)
    expected = {"unstarted_are_not_counted_either"} if counted else set()
    expected |= {"weak_references_are_cleared_first"} if version >= (3, 15) else set()
    assert quick.excepted == expected


def test_the_witnesses_agree_on_a_plain_cycle(samples):
    """Without a finalizer all four count the same objects: two, and up to 3.10 their dictionaries."""
    run = one_of(samples, finalizer="nothing")
    counts = {run.found_objects, run.returned_objects, run.saveall_objects, run.gone_objects}
    assert counts == {run.built_objects} == {4 if sys.version_info < (3, 11) else 2}


@pytest.mark.parametrize("finalizer", finalizers.SUSPENDED)
def test_garbology_alone_sees_the_suspended(samples, finalizer):
    """What is freed without being counted is found beforehand, to the object, and its edges are named."""
    run = one_of(samples, finalizer=finalizer)
    assert run.found_objects == run.gone_objects == run.built_objects
    assert (run.returned_objects, run.saveall_objects) == (0, 0)
    labels = {edge["label"] for shape in run.shapes for edge in shape["edges"]}
    assert {".other", "local node"} <= labels


def test_the_order_of_all_three(samples):
    """The references are told first, the youngest of them first, then the finalizer is called."""
    assert one_of(samples, finalizer="all three").events == ["finalize a", "callback a", "__del__ b"]


def test_a_finalizer_is_not_run_to_prove_advice(samples):
    """The advice for a cycle with __del__ is not tried, because that would call it too early."""
    assert [shape["advice"]["verified"] for shape in one_of(samples, finalizer="__del__").shapes] == [False]


LAZARUS = {"finalizer": "resurrection"}


# What breaks each finding.
DOCTORED = {
    "suspended_are_never_counted": {
        "a generator that is counted": doctored(ONE, {"finalizer": "generator"}, returned_objects=2),
        "a coroutine that stays": doctored(ONE, {"finalizer": "coroutine"}, gone_objects=0),
        "no cycle": doctored(ONE, {"finalizer": "generator"}, built_objects=0),
    },
    "unstarted_are_not_counted_either": {
        "an unstarted generator that is counted": doctored(
            ONE, {"finalizer": "unstarted"}, returned_objects=9
        ),
    },
    "garbology_counts_before": {
        "a finding that misses what is listed": doctored(
            ONE, {"finalizer": "callback inside"}, saveall_objects=99
        ),
        "a finding that misses all": doctored(ONE, {"finalizer": "generator"}, found_objects=0),
        "a finding of what is alive": doctored(ONE, {"finalizer": "finalize of itself"}, found_objects=2),
    },
    "resurrected_live_and_end_once": {
        "the dead that stay dead": doctored(ONE, LAZARUS, resurrected_objects=0),
        "a second call": doctored(ONE, LAZARUS, events_again=["__del__ a"]),
        "a resurrection for ever": doctored(ONE, LAZARUS, gone_in_the_end=0),
    },
    "every_del_sees_its_partner": {
        "a broken partner": doctored(
            ONE, {"finalizer": "__del__"}, events=["__del__ a", "__del__ b, partner broken"]
        ),
    },
    "callbacks_come_first": {
        "a finalizer before the callbacks": doctored(
            ONE, {"finalizer": "all three"}, events=["__del__ b", "finalize a", "callback a"]
        ),
    },
    "garbage_is_not_called_back": {
        "a callback that is not called": doctored(ONE, {"finalizer": "callback outside"}, events=[]),
        "garbage that is called back": doctored(ONE, {"finalizer": "callback inside"}, events=["callback a"]),
    },
    "weak_references_are_cleared_first": {
        "a weak reference that still leads there": doctored(
            ONE, {"finalizer": "__del__, asking"}, events=["alive"]
        ),
    },
    "finalize_of_itself_never_ends": {
        "an object that is freed after all": doctored(
            ONE, {"finalizer": "finalize of itself"}, gone_in_the_end=8
        ),
    },
    "finalizers_lengthen_the_pause": {
        "finalizers for nothing": doctored(MANY, {"timed": "__del__"}, collect_each_seconds=1e-12),
    },
}


def test_without_numpy_only_what_garbology_finds_is_missing(samples):
    """The counts of the interpreter, the order and the times need no NumPy."""
    blind = doctored(ONE, found_objects=None, shapes=None)(samples)
    assert judge(finalizers.garbology_counts_before, blind, "here").status == "not measured"
    assert judge(finalizers.suspended_are_never_counted, blind, "here").status == "holds"
    assert finalizers.study.summaries["pictures"](blind) == []
    assert "gc.collect() returns 0 for" in finalizers.verdict(blind)
    assert finalizers.witnesses(blind).rows


@pytest.mark.slow
def test_the_collector_is_left_as_it_was():
    """No measure leaves a debug flag, listed garbage, a frozen object, or the collector switched off."""
    before = gc.get_debug(), gc.isenabled(), collector.program_has_frozen(), len(gc.garbage)
    take(ONE, finalizer="all three")
    assert (gc.get_debug(), gc.isenabled(), collector.program_has_frozen(), len(gc.garbage)) == before


def test_the_page_draws_a_cycle_whose_advice_works(page):
    """The suspended generator's and the plain one; the verdict says which of them nobody counts."""
    assert [tile.atlas for tile in page.tiles].count(True) == 1
    assert len(page.pictures) == 2
    assert page.pictures[1]["advice"]["verified"]
    assert "gc.collect() returns 0 for a suspended generator's cycle" in page.verdict
