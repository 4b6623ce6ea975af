"""Pauses: the measures on small heaps, and that each claim can fail."""

import gc

import pytest

from experiments import pauses
from garbology.interpreter import collector
from garbology.study.evaluation import judge
from garbology.study.runs import Runs
from tests.study.claims import doctored, take

HEAPS = pauses.study.settings("quick")[0]["live_objects"]
BUFFERS = pauses.study.settings("quick")[0]["payload_bytes"]


LARGE, HEAVY = {"live_objects": HEAPS[1]}, {"payload_bytes": BUFFERS[1]}


# What breaks each finding.
DOCTORED = {
    "a_full_collection_grows_with_the_heap": {
        "a full collection as short as of a small heap": doctored(
            pauses.collect, {"collection": pauses.FULL, **LARGE}, pause_seconds=1e-6
        ),
        "a full collection out of all proportion": doctored(
            pauses.collect, {"collection": pauses.FULL, **LARGE}, pause_seconds=10.0
        ),
    },
    "a_young_collection_does_not": {
        "a young collection as long as a full one": doctored(
            pauses.collect, {"collection": pauses.YOUNG, **LARGE}, pause_seconds=10.0
        ),
        "no young objects": doctored(pauses.collect, {"collection": pauses.YOUNG}, young_objects=0),
    },
    "frozen_objects_are_not_looked_at": {
        "a long pause over a frozen heap": doctored(
            pauses.collect, {"collection": pauses.FROZEN}, pause_seconds=10.0
        ),
        "a heap that was not frozen": doctored(
            pauses.collect, {"collection": pauses.FROZEN}, frozen_objects=7
        ),
    },
    "the_collector_does_not_count_bytes": {
        "a collector that counts bytes": doctored(pauses.wait_for_the_collector, HEAVY, cycles=3),
        "a collector that never runs": doctored(pauses.wait_for_the_collector, cycles=pauses.MOST_CYCLES),
    },
    "so_few_cycles_hold_much": {
        "buffers that hold nothing": doctored(pauses.wait_for_the_collector, HEAVY, waiting_bytes=1000),
        "bytes that are not the process's": doctored(
            pauses.wait_for_the_collector, HEAVY, peak_above_baseline_bytes=0
        ),
    },
}


@pytest.mark.parametrize("name", pauses.study.findings)
@pytest.mark.parametrize("size", [0, 1])
def test_no_claim_is_broken_by_what_was_not_measured(samples, name, size):
    """With one size of heap and of buffer there is nothing to compare with, so nothing is refuted."""
    rest = Runs(run for run in samples if next(reversed(run.case.values())) in (HEAPS[size], BUFFERS[size]))
    assert judge(pauses.study.findings[name], rest, "here").status == "not measured"


def test_without_psutil_the_findings_do_without_the_process_s_memory(samples):
    """Where the operating system tells nothing, the bytes of the buffers alone are judged."""
    blind = doctored(pauses.wait_for_the_collector, peak_above_baseline_bytes=None)(samples)
    assert judge(pauses.study.findings["so_few_cycles_hold_much"], blind, "here").status == "holds"


def test_the_collector_is_left_as_it_was(samples):
    """No measure leaves a frozen object, a callback or a switched-off collector behind."""
    before = gc.get_threshold(), gc.isenabled(), len(gc.callbacks), collector.program_has_frozen()
    take(pauses.collect, collection=pauses.FROZEN, live_objects=100)
    assert (gc.get_threshold(), gc.isenabled(), len(gc.callbacks), collector.program_has_frozen()) == before


def test_the_page_tells_the_heap(page):
    """The verdict is about the largest one."""
    assert len(page.tiles) == 4
    assert "300,000 live objects" in page.verdict
