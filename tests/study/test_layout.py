"""What an object costs: its measures on small cases, and that each claim can fail."""

import gc
import sys

import pytest

from experiments import layout
from garbology.interpreter import collector
from garbology.study.runs import Run, Runs
from tests.study.claims import doctored, one_of, take

INSTANCES = 5_000


@pytest.fixture(scope="module")
def small():
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


def test_the_exceptions_are_those_of_the_versions(quick):
    """3.10 has its dictionaries from the start, 3.14 and 3.15 track them all, and nothing else is excused."""
    expected = {
        (3, 10): {"reading_the_dict_makes_it", "one_visit_an_instance"},
        (3, 14): {"a_dict_of_numbers_is_no_work"},
        (3, 15): {"a_dict_of_numbers_is_no_work"},
    }
    assert quick.excepted == expected.get(sys.version_info[:2], set())


NUMBERS = {"holds": "numbers"}


# What breaks each finding.
DOCTORED = {
    "slots_weigh_less": {
        "heavy slots": doctored(layout.make_many, {"layout": "__slots__", **NUMBERS}, traced_bytes=150.0),
    },
    "a_dataclass_weighs_nothing_more": {
        "a heavy dataclass": doctored(
            layout.make_many, {"layout": "dataclass", **NUMBERS}, traced_bytes=300.0
        ),
    },
    "getsizeof_is_no_scale": {
        "a getsizeof that tells all": doctored(
            layout.make_many, {"layout": "class", **NUMBERS}, getsizeof_bytes=150
        ),
        "a getsizeof that tells little of a tuple": doctored(
            layout.make_many, {"layout": "tuple", **NUMBERS}, getsizeof_bytes=30
        ),
    },
    "reading_the_dict_makes_it": {
        "a dictionary that was there": doctored(
            layout.make_many, {"layout": "class, dict read", **NUMBERS}, traced_bytes=90.0
        ),
    },
    "one_visit_an_instance": {
        "a dictionary to visit": doctored(
            layout.make_many, {"layout": "class", "holds": "a list"}, tracked_objects=2.0
        ),
    },
    "a_tuple_of_numbers_is_no_work": {
        "tuples that stay tracked": doctored(
            layout.make_many, {"layout": "tuple", **NUMBERS}, tracked_objects=1.0
        ),
        "tuples that take time": doctored(
            layout.make_many, {"layout": "tuple", **NUMBERS}, collect_each_seconds=1.0
        ),
    },
    "a_dict_of_numbers_is_no_work": {
        "tracked dicts": doctored(layout.make_many, {"layout": "dict", **NUMBERS}, tracked_objects=1.0),
    },
    "a_weak_reference_is_an_object": {
        "a weak reference for nothing": doctored(
            layout.refer_to_many, {"reference": "weakref.ref"}, held_bytes=8.0
        ),
        "a weak reference that nobody visits": doctored(
            layout.refer_to_many, {"reference": "weakref.ref"}, tracked_objects=0.0
        ),
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tuple", "dict", "__slots__", "slots, weakref"])
def test_what_is_allocated_is_what_getsizeof_says_of_one_piece(small, kind):
    """Objects of one piece weigh what the interpreter says, so that the scale itself is right."""
    run = one_of(small, layout=kind, holds="numbers")
    assert run.traced_bytes == pytest.approx(run.getsizeof_bytes, rel=0.02)


def test_the_collector_follows_each_value_once(small):
    """Four values, and the class of an instance; nothing of what is not tracked."""
    visited = {
        kind: one_of(small, layout=kind, holds="a list").references_visited
        for kind in ("tuple", "dict", "__slots__")
    }
    assert visited == {"tuple": 4, "dict": 4, "__slots__": 5}
    assert one_of(small, layout="tuple", holds="numbers").references_visited == 0


def test_a_finalizer_costs_more_than_a_weak_reference(small):
    """weakref.finalize keeps a record beside its weak reference, a proxy does not."""
    bytes_of = {kind: one_of(small, reference=kind).held_bytes for kind in layout.HOLD_AND_READ}
    assert bytes_of["weakref.finalize"] > bytes_of["weakref.ref"] + 50
    assert bytes_of["weakref.proxy"] == pytest.approx(bytes_of["weakref.ref"], abs=16)
    assert one_of(small, reference="weakref.finalize").read_each_seconds is None


def test_the_verdict_quotes_the_samples(small):
    """The sentence has the bytes of an ordinary instance, told and real."""
    plain = one_of(small, layout="class", holds="numbers")
    verdict = layout.verdict(Runs(small))
    assert f"{plain.traced_bytes:.0f} bytes in an ordinary instance" in verdict
    assert f"says {plain.getsizeof_bytes})" in verdict


def test_the_collector_is_left_as_it_was():
    """No measure leaves a frozen object behind, or the collector switched off."""
    before = gc.isenabled(), collector.program_has_frozen(), gc.get_threshold()
    take(layout.make_many, layout="tuple", holds="numbers", instances=10)
    take(layout.refer_to_many, reference="weak dict value", instances=10)
    assert (gc.isenabled(), collector.program_has_frozen(), gc.get_threshold()) == before


def test_the_page_tells_the_bytes_of_an_instance(page):
    """Two tiles are compared across versions, and the verdict is about the plain class."""
    assert sum(tile.atlas for tile in page.tiles) == 2
    assert "bytes in an ordinary instance" in page.verdict


def test_no_object_is_shown_to_weigh_less_than_nothing(small):
    """A process that shrank had room for the objects: the figure draws 0, the table says that it is no measurement."""
    shrunk = Runs(Run(run.measure, run.case, dict(run.values), runtime=run.runtime) for run in small)
    for run in shrunk.of(layout.make_many):  # what so few objects weigh may itself come out below zero
        run.values["resident_bytes"] = -12.5 if (run.layout, run.holds) == ("tuple", "numbers") else 72.0
    rows = layout.bytes_an_object(shrunk).rows
    (drawn,) = (row for row in rows if (row["layout"], row["measured by"]) == ("tuple", "of the process"))
    assert drawn["object_bytes"] == 0
    cells = [cell for row in layout.medians(shrunk).rows for cell in row]
    assert cells.count(layout.UNMEASURABLE) == 1
    assert not [cell for cell in cells if cell.startswith(layout.MINUS)]
