"""Finalizers: the witnesses and the order on single cycles, and that each claim can fail."""

import gc
import sys

import pytest

from experiments import finalizers
from garbology.interpreter import collector, runtime
from garbology.study.evaluation import except_from, judge
from garbology.study.loading import load_study
from garbology.study.runner import Plan, measure_study
from garbology.study.runs import Runs
from tests.study.samples import doctored, take

ONE, MANY = finalizers.collect_a_cycle, finalizers.collect_many_cycles


@pytest.fixture(scope="module")
def samples():
    """One sample of each small case, measured in this process."""
    single = [take(ONE, finalizer=finalizer) for finalizer in finalizers.BUILD]
    kinds = finalizers.study.parameters["timed"]
    return single + [take(MANY, timed=kind, cycles=1_000) for kind in kinds]


def of(samples, finalizer):
    return next(run for run in samples if run.case.get("finalizer") == finalizer)


def excepted(name):
    here = runtime.current().to_dict()
    fitting = (each for each in finalizers.study.exceptions if each.finding == name and each.applies(here))
    return next(fitting, None)


@pytest.mark.parametrize("name", finalizers.study.findings)
def test_every_claim_holds_here_or_is_excepted(samples, name):
    """On this interpreter a finding holds, unless it is declared not to on this version."""
    result = except_from(judge(finalizers.study.findings[name], Runs(samples), "here"), excepted(name))
    assert result.status == ("not on this version" if excepted(name) else "holds"), result.evidence
    assert result.evidence


def test_the_exceptions_are_those_of_the_versions():
    """Some releases count a generator that was never started, and 3.15 clears weak references later."""
    version = sys.version_info[:3]
    counted = (3, 12) <= version < (3, 13, 12) or (3, 14) <= version < (3, 14, 3)
    expected = {"unstarted_are_not_counted_either"} if counted else set()
    expected |= {"weak_references_are_cleared_first"} if version >= (3, 15) else set()
    assert {name for name in finalizers.study.findings if excepted(name)} == expected


def test_the_witnesses_agree_on_a_plain_cycle(samples):
    """Without a finalizer all four count the same objects: two, and up to 3.10 their dictionaries."""
    run = of(samples, "nothing")
    counts = {run.found_objects, run.returned_objects, run.saveall_objects, run.gone_objects}
    assert counts == {run.built_objects} == {4 if sys.version_info < (3, 11) else 2}


@pytest.mark.parametrize("finalizer", finalizers.SUSPENDED)
def test_garbology_alone_sees_the_suspended(samples, finalizer):
    """What is freed without being counted is found beforehand, to the object, and its edges are named."""
    run = of(samples, finalizer)
    assert run.found_objects == run.gone_objects == run.built_objects
    assert (run.returned_objects, run.saveall_objects) == (0, 0)
    labels = {edge["label"] for shape in run.shapes for edge in shape["edges"]}
    assert {".other", "local node"} <= labels


def test_the_order_of_all_three(samples):
    """The references are told first, the youngest of them first, then the finalizer is called."""
    assert of(samples, "all three").events == ["finalize a", "callback a", "__del__ b"]


def test_a_finalizer_is_not_run_to_prove_advice(samples):
    """The advice for a cycle with __del__ is not tried, because that would call it too early."""
    assert [shape["advice"]["verified"] for shape in of(samples, "__del__").shapes] == [False]


LAZARUS = {"finalizer": "resurrection"}
DOCTORED = {
    "a generator that is counted": (
        "suspended_are_never_counted", ONE, {"finalizer": "generator"}, {"returned_objects": 2},
    ),
    "a coroutine that stays": (
        "suspended_are_never_counted", ONE, {"finalizer": "coroutine"}, {"gone_objects": 0},
    ),
    "no cycle": (
        "suspended_are_never_counted", ONE, {"finalizer": "generator"}, {"built_objects": 0},
    ),
    "an unstarted generator that is counted": (
        "unstarted_are_not_counted_either", ONE, {"finalizer": "unstarted"},
        {"returned_objects": 2},
    ),
    "a finding that misses what is listed": (
        "garbology_counts_before", ONE, {"finalizer": "callback inside"}, {"saveall_objects": 99},
    ),
    "a finding that misses all": (
        "garbology_counts_before", ONE, {"finalizer": "generator"}, {"found_objects": 0},
    ),
    "a finding of what is alive": (
        "garbology_counts_before", ONE, {"finalizer": "finalize of itself"}, {"found_objects": 2},
    ),
    "the dead that stay dead": (
        "resurrected_live_and_end_once", ONE, LAZARUS, {"resurrected_objects": 0},
    ),
    "a second call": ("resurrected_live_and_end_once", ONE, LAZARUS, {"events_again": ["__del__ a"]}),
    "a resurrection for ever": ("resurrected_live_and_end_once", ONE, LAZARUS, {"gone_in_the_end": 0}),
    "a broken partner": (
        "every_del_sees_its_partner", ONE, {"finalizer": "__del__"},
        {"events": ["__del__ a", "__del__ b, partner broken"]},
    ),
    "a finalizer before the callbacks": (
        "callbacks_come_first", ONE, {"finalizer": "all three"},
        {"events": ["__del__ b", "finalize a", "callback a"]},
    ),
    "a callback that is not called": (
        "garbage_is_not_called_back", ONE, {"finalizer": "callback outside"}, {"events": []},
    ),
    "garbage that is called back": (
        "garbage_is_not_called_back", ONE, {"finalizer": "callback inside"}, {"events": ["callback a"]},
    ),
    "a weak reference that still leads there": (
        "weak_references_are_cleared_first", ONE, {"finalizer": "__del__, asking"}, {"events": ["alive"]},
    ),
    "an object that is freed after all": (
        "finalize_of_itself_never_ends", ONE, {"finalizer": "finalize of itself"}, {"gone_in_the_end": 8},
    ),
    "finalizers for nothing": (
        "finalizers_lengthen_the_pause", MANY, {"timed": "__del__"}, {"collect_each_seconds": 1e-12},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "measure", "chosen", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_can_fail(samples, name, measure, chosen, values):
    """With doctored samples the finding does not hold, and shows the figure that broke it."""
    result = judge(finalizers.study.findings[name], doctored(samples, measure, chosen, **values), "here")
    assert (result.status, bool(result.evidence)) == ("does not hold", True)


def test_every_claim_is_doctored():
    """No finding goes untested."""
    assert {name for name, *_ in DOCTORED.values()} == set(finalizers.study.findings)


@pytest.mark.parametrize("name", finalizers.study.findings)
def test_no_claim_holds_where_nothing_was_measured(name):
    """Without samples every finding is not measured."""
    assert judge(finalizers.study.findings[name], Runs([]), "here").status == "not measured"


def test_without_numpy_only_what_garbology_finds_is_missing(samples):
    """The counts of the interpreter, the order and the times need no NumPy."""
    blind = doctored(samples, ONE, {}, found_objects=None, shapes=None)
    assert judge(finalizers.garbology_counts_before, blind, "here").status == "not measured"
    assert judge(finalizers.suspended_are_never_counted, blind, "here").status == "holds"
    assert finalizers.pictures(blind) == []
    assert "gc.collect() returns 0 for" in finalizers.verdict(blind)
    assert finalizers.witnesses(blind).rows


def test_the_collector_is_left_as_it_was():
    """No measure leaves a debug flag, listed garbage, a frozen object, or the collector switched off."""
    before = gc.get_debug(), gc.isenabled(), collector.program_has_frozen(), len(gc.garbage)
    take(ONE, finalizer="all three")
    assert (gc.get_debug(), gc.isenabled(), collector.program_has_frozen(), len(gc.garbage)) == before


def test_a_quick_run_in_fresh_interpreters_makes_a_whole_page(tmp_path):
    """The real run: every figure, tile, picture and finding is there, and holds or is excepted."""
    study = load_study("experiments.finalizers")
    outcome = measure_study(study, Plan(scale="quick"), tmp_path)
    assert [sample for sample in outcome.record.samples if sample.status != "ok"] == []
    page = study.report([outcome.record])
    assert page.problems == []
    assert {figure.name for figure in page.figures} == set(study.figures)
    assert all(figure.rows for figure in page.figures)
    assert [tile.atlas for tile in page.tiles].count(True) == 1
    assert len(page.pictures) == 2
    assert page.pictures[1]["advice"]["verified"]
    assert {finding.status for finding in page.findings} <= {"holds", "not on this version"}
    assert "gc.collect() returns 0 for the cycle of a suspended generator" in page.verdict
