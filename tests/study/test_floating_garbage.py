"""Floating garbage: its measures on small cases, that each claim can fail, and where it is expected to."""

import gc

import pytest

from experiments import _garbage
from experiments import floating_garbage as floating
from garbology.interpreter import collector
from tests.study.claims import doctored, one_of, take

LIVE = 20_000


# What breaks each finding.
DOCTORED = {
    "young_garbage_is_bounded_by_the_threshold": {
        "much young garbage": doctored(
            floating.drop_garbage, {"garbage": "classes"}, peak_waiting_objects=58_006 * 2
        ),
        "no garbage at all": doctored(floating.drop_garbage, {"garbage": "pairs"}, peak_waiting_objects=0),
    },
    "a_higher_threshold_lets_more_wait": {
        "a threshold without effect": doctored(
            floating.set_the_threshold, {"threshold": 2000}, peak_waiting=1
        ),
    },
    "payloads_are_not_counted": {
        "light payloads": doctored(
            floating.drop_garbage, {"garbage": "payloads"}, peak_waiting_bytes=100_000
        ),
        "more cycles with a payload": doctored(
            floating.drop_garbage, {"garbage": "payloads"}, peak_waiting=100_000
        ),
    },
    "garbage_that_grew_old_waits_longest": {
        "old garbage freed soon": doctored(
            floating.drop_garbage, {"garbage": "aged pairs"}, peak_waiting=500
        ),
    },
    "one_collection_frees_all": {
        "something that is never freed": doctored(
            floating.drop_garbage, {"garbage": "exceptions"}, left_after_collection=1
        ),
    },
    "the_longest_pause_is_a_full_collection": {
        "a long pause of a young generation": doctored(floating.grow_a_heap, generation_of_longest=1),
    },
}


def test_waiting_bytes_are_real_memory(samples):
    """The process's own peak rose by most of what is said to have waited with payloads."""
    run = one_of(samples, garbage="payloads")
    assert run.peak_waiting_bytes > run.peak_waiting * _garbage.PAYLOAD_BYTES
    assert run.peak_above_baseline_bytes > 0.5 * run.peak_waiting_bytes


def test_the_objects_of_a_specimen_are_those_the_collector_frees(samples):
    """A pair is two objects, with their dictionaries up to 3.10; a payload adds none; a class is several."""
    pair = one_of(samples, garbage="pairs").objects_each
    assert pair in (2, 4)
    assert one_of(samples, garbage="payloads").objects_each == pair
    assert one_of(samples, garbage="classes").objects_each >= 4
    assert one_of(samples, garbage="exceptions").objects_each >= 3


def test_the_mean_wait_follows_from_what_waits(samples):
    """By Little's law nothing waits longer on average than all the work takes, and nothing waits no time."""
    for run in samples:
        if run.measure != "grow_a_heap":
            assert 0 < run.mean_wait_seconds <= run.work_seconds
            assert len(run.timeline) == floating.WINDOWS
            assert max(run.timeline) == run.peak_waiting_objects


@pytest.mark.slow
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


def test_the_page_compares_all_it_says_first(page):
    """All four tiles are compared across versions."""
    assert [tile.atlas for tile in page.tiles] == [True] * 4
    assert "pairs at most" in page.verdict
