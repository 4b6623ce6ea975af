"""What an object costs: its measures on small cases, and that each claim can fail."""

import gc
import sys

import pytest

from experiments import layout
from garbology.interpreter import collector, runtime
from garbology.study.evaluation import except_from, judge
from garbology.study.loading import load_study
from garbology.study.runner import Plan, measure_study
from garbology.study.runs import Runs
from tests.study.samples import doctored, take

INSTANCES = 5_000


@pytest.fixture(scope="module")
def samples():
    """One sample of each small case, measured in this process."""
    kinds = layout.study.parameters
    taken = [
        take(layout.make_many, layout=kind, holds=holds, instances=INSTANCES)
        for kind in kinds["layout"]
        for holds in kinds["holds"]
    ]
    references = [
        take(layout.refer_to_many, reference=kind, instances=INSTANCES) for kind in kinds["reference"]
    ]
    return taken + references


def of(samples, **case):
    return next(run for run in samples if all(run.case.get(name) == case[name] for name in case))


def excepted(name):
    here = runtime.current().to_dict()
    fitting = (each for each in layout.study.exceptions if each.finding == name and each.applies(here))
    return next(fitting, None)


@pytest.mark.parametrize("name", layout.study.findings)
def test_every_claim_holds_here_or_is_excepted(samples, name):
    """On this interpreter a finding holds, unless it is declared not to on this version."""
    result = except_from(judge(layout.study.findings[name], Runs(samples), "here"), excepted(name))
    assert result.status == ("not on this version" if excepted(name) else "holds"), result.evidence
    assert result.evidence


def test_the_exceptions_are_those_of_the_versions():
    """3.10 has its dictionaries from the start, 3.14 and 3.15 track them all, and nothing else is excused."""
    expected = {
        (3, 10): {"reading_the_dict_makes_it", "one_visit_an_instance"},
        (3, 14): {"a_dict_of_numbers_is_no_work"},
        (3, 15): {"a_dict_of_numbers_is_no_work"},
    }
    here = {name for name in layout.study.findings if excepted(name)}
    assert here == expected.get(sys.version_info[:2], set())


NUMBERS = {"holds": "numbers"}
DOCTORED = {
    "heavy slots": ("slots_weigh_less", {"layout": "__slots__", **NUMBERS}, {"traced_bytes": 150.0}),
    "a heavy dataclass": (
        "a_dataclass_weighs_nothing_more",
        {"layout": "dataclass", **NUMBERS},
        {"traced_bytes": 300.0},
    ),
    "a getsizeof that tells all": (
        "getsizeof_is_no_scale",
        {"layout": "class", **NUMBERS},
        {"getsizeof_bytes": 150},
    ),
    "a getsizeof that tells little of a tuple": (
        "getsizeof_is_no_scale",
        {"layout": "tuple", **NUMBERS},
        {"getsizeof_bytes": 30},
    ),
    "a dictionary that was there": (
        "reading_the_dict_makes_it",
        {"layout": "class, dict read", **NUMBERS},
        {"traced_bytes": 90.0},
    ),
    "a dictionary to visit": (
        "one_visit_an_instance",
        {"layout": "class", "holds": "a list"},
        {"tracked_objects": 2.0},
    ),
    "tuples that stay tracked": (
        "a_tuple_of_numbers_is_no_work",
        {"layout": "tuple", **NUMBERS},
        {"tracked_objects": 1.0},
    ),
    "tuples that take time": (
        "a_tuple_of_numbers_is_no_work",
        {"layout": "tuple", **NUMBERS},
        {"collect_each_seconds": 1.0},
    ),
    "tracked dicts": (
        "a_dict_of_numbers_is_no_work",
        {"layout": "dict", **NUMBERS},
        {"tracked_objects": 1.0},
    ),
    "a weak reference for nothing": (
        "a_weak_reference_is_an_object",
        {"reference": "weakref.ref"},
        {"held_bytes": 8.0},
    ),
    "a weak reference that nobody visits": (
        "a_weak_reference_is_an_object",
        {"reference": "weakref.ref"},
        {"tracked_objects": 0.0},
    ),
}


@pytest.mark.parametrize(("name", "chosen", "values"), DOCTORED.values(), ids=DOCTORED)
def test_every_claim_can_fail(samples, name, chosen, values):
    """With doctored samples the finding does not hold, and shows the figure that broke it."""
    measure = layout.refer_to_many if "reference" in chosen else layout.make_many
    result = judge(layout.study.findings[name], doctored(samples, measure, chosen, **values), "here")
    assert (result.status, bool(result.evidence)) == ("does not hold", True)


def test_every_claim_is_doctored():
    """No finding goes untested."""
    assert {name for name, *_ in DOCTORED.values()} == set(layout.study.findings)


@pytest.mark.parametrize("name", layout.study.findings)
def test_no_claim_holds_where_nothing_was_measured(name):
    """Without samples every finding is not measured."""
    assert judge(layout.study.findings[name], Runs([]), "here").status == "not measured"


@pytest.mark.parametrize("kind", ["tuple", "dict", "__slots__", "slots, weakref"])
def test_what_is_allocated_is_what_getsizeof_says_of_one_piece(samples, kind):
    """Objects of one piece weigh what the interpreter says, so that the scale itself is right."""
    run = of(samples, layout=kind, holds="numbers")
    assert run.traced_bytes == pytest.approx(run.getsizeof_bytes, rel=0.02)


def test_the_collector_follows_each_value_once(samples):
    """Four values, and the class of an instance; nothing of what is not tracked."""
    visited = {
        kind: of(samples, layout=kind, holds="a list").references_visited
        for kind in ("tuple", "dict", "__slots__")
    }
    assert visited == {"tuple": 4, "dict": 4, "__slots__": 5}
    assert of(samples, layout="tuple", holds="numbers").references_visited == 0


def test_a_finalizer_costs_more_than_a_weak_reference(samples):
    """weakref.finalize keeps a record beside its weak reference, a proxy does not."""
    bytes_of = {kind: of(samples, reference=kind).held_bytes for kind in layout.HOLD_AND_READ}
    assert bytes_of["weakref.finalize"] > bytes_of["weakref.ref"] + 50
    assert bytes_of["weakref.proxy"] == pytest.approx(bytes_of["weakref.ref"], abs=16)
    assert of(samples, reference="weakref.finalize").read_each_seconds is None


def test_the_verdict_quotes_the_samples(samples):
    """The sentence has the bytes of an ordinary instance, told and real."""
    plain = of(samples, layout="class", holds="numbers")
    verdict = layout.verdict(Runs(samples))
    assert f"{plain.traced_bytes:.0f} bytes in an ordinary instance" in verdict
    assert f"says {plain.getsizeof_bytes};" in verdict


def test_the_collector_is_left_as_it_was():
    """No measure leaves a frozen object behind, or the collector switched off."""
    before = gc.isenabled(), collector.program_has_frozen(), gc.get_threshold()
    take(layout.make_many, layout="tuple", holds="numbers", instances=10)
    take(layout.refer_to_many, reference="weak dict value", instances=10)
    assert (gc.isenabled(), collector.program_has_frozen(), gc.get_threshold()) == before


def test_a_quick_run_in_fresh_interpreters_makes_a_whole_page(tmp_path):
    """The real run: every figure, tile and finding of the page is there, and holds or is excepted."""
    study = load_study("experiments.layout")
    outcome = measure_study(study, Plan(scale="quick"), tmp_path)
    assert [sample for sample in outcome.record.samples if sample.status != "ok"] == []
    page = study.report([outcome.record])
    assert page.problems == []
    assert {figure.name for figure in page.figures} == set(study.figures)
    assert all(figure.rows for figure in page.figures)
    assert sum(tile.atlas for tile in page.tiles) == 2
    assert {finding.status for finding in page.findings} <= {"holds", "not on this version"}
    assert "bytes in an ordinary instance" in page.verdict
