"""Pauses: the measures on small heaps, and that each claim can fail."""

import gc

import pytest

from experiments import pauses
from garbology.interpreter import collector
from garbology.study.evaluation import judge
from garbology.study.loading import load_study
from garbology.study.runner import Plan, measure_study
from garbology.study.runs import Runs
from tests.study.samples import doctored, take

HEAPS = (5_000, 100_000)
BUFFERS = (16, 65_536)


@pytest.fixture(scope="module")
def samples():
    """One sample of each small case, measured in this process."""
    taken = [
        take(pauses.collect, collection=name, live_objects=objects)
        for name in pauses.COLLECTIONS
        for objects in HEAPS
    ]
    return taken + [take(pauses.wait_for_the_collector, payload_bytes=size) for size in BUFFERS]


@pytest.mark.parametrize("name", pauses.study.findings)
def test_every_claim_holds_here(samples, name):
    """On this interpreter each finding holds, and says on what evidence."""
    if collector.kind() == "free-threaded":
        pytest.skip("one generation: what is excepted is judged with the record")
    result = judge(pauses.study.findings[name], Runs(samples), "here")
    assert (result.status, bool(result.evidence)) == ("holds", True), result.evidence


LARGE, HEAVY = {"live_objects": HEAPS[1]}, {"payload_bytes": BUFFERS[1]}
DOCTORED = {
    "a full collection as short as of a small heap": (
        "a_full_collection_grows_with_the_heap",
        pauses.collect,
        {"collection": pauses.FULL, **LARGE},
        {"pause_seconds": 1e-6},
    ),
    "a young collection as long as a full one": (
        "a_young_collection_does_not",
        pauses.collect,
        {"collection": pauses.YOUNG, **LARGE},
        {"pause_seconds": 10.0},
    ),
    "no young objects": (
        "a_young_collection_does_not",
        pauses.collect,
        {"collection": pauses.YOUNG},
        {"young_objects": 0},
    ),
    "a long pause over a frozen heap": (
        "frozen_objects_are_not_looked_at",
        pauses.collect,
        {"collection": pauses.FROZEN},
        {"pause_seconds": 10.0},
    ),
    "a heap that was not frozen": (
        "frozen_objects_are_not_looked_at",
        pauses.collect,
        {"collection": pauses.FROZEN},
        {"frozen_objects": 7},
    ),
    "a collector that counts bytes": (
        "the_collector_does_not_count_bytes",
        pauses.wait_for_the_collector,
        HEAVY,
        {"cycles": 3},
    ),
    "a collector that never runs": (
        "the_collector_does_not_count_bytes",
        pauses.wait_for_the_collector,
        {},
        {"cycles": pauses.MOST_CYCLES},
    ),
    "buffers that hold nothing": (
        "so_few_cycles_hold_much",
        pauses.wait_for_the_collector,
        HEAVY,
        {"waiting_bytes": 1000},
    ),
    "bytes that are not the process's": (
        "so_few_cycles_hold_much",
        pauses.wait_for_the_collector,
        HEAVY,
        {"peak_above_baseline_bytes": 0},
    ),
}


@pytest.mark.parametrize(("name", "measure", "chosen", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_can_fail(samples, name, measure, chosen, values):
    """With doctored samples the finding does not hold, and shows the figure that broke it."""
    result = judge(pauses.study.findings[name], doctored(samples, measure, chosen, **values), "here")
    assert result.status == "does not hold"
    assert result.evidence


def test_every_claim_is_doctored():
    """No finding goes untested."""
    assert {name for name, *_ in DOCTORED.values()} == set(pauses.study.findings)


@pytest.mark.parametrize("name", pauses.study.findings)
@pytest.mark.parametrize("size", [0, 1])
def test_no_claim_is_broken_by_what_was_not_measured(samples, name, size):
    """With one size of heap and of buffer there is nothing to compare with, so nothing is refuted."""
    rest = Runs(run for run in samples if next(reversed(run.case.values())) in (HEAPS[size], BUFFERS[size]))
    assert judge(pauses.study.findings[name], rest, "here").status == "not measured"


def test_without_psutil_the_findings_do_without_the_process_s_memory(samples):
    """Where the operating system tells nothing, the bytes of the buffers alone are judged."""
    blind = doctored(samples, pauses.wait_for_the_collector, {}, peak_above_baseline_bytes=None)
    assert judge(pauses.study.findings["so_few_cycles_hold_much"], blind, "here").status == "holds"


def test_the_collector_is_left_as_it_was(samples):
    """No measure leaves a frozen object, a callback or a switched-off collector behind."""
    before = gc.get_threshold(), gc.isenabled(), len(gc.callbacks), collector.program_has_frozen()
    take(pauses.collect, collection=pauses.FROZEN, live_objects=100)
    assert (gc.get_threshold(), gc.isenabled(), len(gc.callbacks), collector.program_has_frozen()) == before


def test_a_quick_run_in_fresh_interpreters_makes_a_whole_page(tmp_path):
    """The real run: every figure, tile and finding of the page is there."""
    study = load_study("experiments.pauses")
    outcome = measure_study(study, Plan(scale="quick", repeats=1), tmp_path)
    assert [sample for sample in outcome.record.samples if sample.status != "ok"] == []
    page = study.report([outcome.record])
    assert page.problems == []
    assert {figure.name for figure in page.figures} == set(study.figures)
    assert all(figure.rows for figure in page.figures)
    assert len(page.tiles) == 4
    assert "300,000 live objects" in page.verdict
