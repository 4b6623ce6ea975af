"""What does an object cost: in bytes, in work of the collector, and in time where it is held weakly?

The same four values can live in a tuple, in a dict, in an instance of a class, with or without `__slots__`.
All do the same work, and they differ by a factor of three in memory. An ordinary instance has a `__dict__`, a
dictionary of its attributes; from CPython 3.11 on it is not there until somebody asks for it, and the values
lie in an array beside the object. A class with `__slots__` has no dictionary: each value has a fixed place in
the object.

Size is one price, the cyclic collector's work the other. The collector looks at tracked objects only, those
that may hold others. In a full collection it visits every one of them and follows each of its references, so
many small live objects make long pauses, whether there is garbage or not.

We make many objects of each kind, which all share the same four values, and weigh them three times: by
`sys.getsizeof`, which looks at one object only; by tracemalloc, which sees every allocation; and by what the
operating system gave the process. Then we count what the collector tracks, and let it run with nothing else
to look at. At last we take weak references, which is what our advice for cycles mostly comes to, so that you
know what it costs.

What to do about it: nothing, for a few thousand objects. Where there are millions, write
`@dataclass(slots=True)`, and add `weakref_slot=True` (3.11 and newer) where you need weak references to the
instances. Do not weigh objects with `sys.getsizeof`. Do not read `obj.__dict__` or `vars(obj)` of every object
in passing: the dictionary then stays. A weak reference where it breaks a cycle is cheap for what it saves.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from experiments._layouts import HOLD_AND_READ, MAKE, Plain
from experiments._rows import side_by_side
from garbology import collector
from garbology.recorders import memory_usage, traced_allocations
from garbology.study import Run, Runs, Study, Table, Tile, bars, median_tile, shown, table

MINUS = "\N{MINUS SIGN}"
UNMEASURABLE = "≤ 0, below what can be measured"  # a process that shrank had room for the objects
COLLECTIONS = 5  # of the same objects; the shortest counts, for other processes only add to it


# The values of every object, shared by all of them, so that they weigh nothing.
HELD: dict[str, tuple[Any, ...]] = {"numbers": (1, 2.5, None, "text"), "a list": (1, 2.5, None, [])}

study = Study(
    title="What an object costs: layout and weak references",
    parameters={
        "layout": list(MAKE),
        "holds": list(HELD),
        "reference": [
            "strong",
            "weakref.ref",
            "ref with callback",
            "weakref.proxy",
            "weakref.finalize",
            "weak dict value",
        ],
        "instances": [50_000],
    },
    quick={
        "layout": [
            "tuple",
            "dict",
            "__slots__",
            "class",
            "class, dict read",
            "dataclass",
            "dataclass, slots",
        ],
        "reference": ["strong", "weakref.ref"],
        "instances": [10_000],
        "repeats": 1,  # of each: counts that are the same every time, and the shortest of some collections
    },
    full={"instances": [50_000, 500_000]},
    repeats=5,
    most_repeats=7,
)


@dataclass(frozen=True)
class Weight:
    """What one object of many costs; all but `getsizeof_bytes` are averages, the values held left out.

    `tracked_objects` is how many objects the collector has to visit for each: 0, 1, or 2 where an instance's
    dictionary is one more. It is counted when they are made and after their first collection.
    `references_visited` are those that it follows.
    """

    getsizeof_bytes: int
    traced_bytes: float
    resident_bytes: float | None  # growth of the process's USS; None where the platform does not tell
    make_each_seconds: float
    tracked_objects_when_made: float
    tracked_objects: float
    references_visited: int
    collect_each_seconds: float  # of a full collection that has nothing else to look at


@study.measure
def make_many(layout: str, holds: str, instances: int) -> Weight:
    """Make many objects of one kind, collect them while they are alive, and make them again traced."""
    make, values = MAKE[layout], HELD[holds]
    objects: list[Any] = [None] * instances
    fill(objects[:2], make, values)
    resident_bytes()
    with collector.paused(), collector.frozen():  # with the list frozen, only the objects are looked at
        before_bytes, before_objects = resident_bytes(), len(gc.get_objects())
        make_seconds = fill(objects, make, values)
        after_bytes, made_objects = resident_bytes(), len(gc.get_objects())
        gc.collect()
        tracked_objects = len(gc.get_objects()) - before_objects
        collect_seconds = min(timed_collection() for _ in range(COLLECTIONS))
        size, visited = sys.getsizeof(objects[0]), references_visited(objects[0])
        objects[:] = [None] * instances
        with traced_allocations():  # what tracing itself makes at first use is none of the objects
            pass
        gc.collect()  # empties the free lists, so that every object is allocated anew
        with traced_allocations() as traced:
            fill(objects, make, values)
    grown = None if before_bytes is None or after_bytes is None else after_bytes - before_bytes
    return Weight(
        getsizeof_bytes=size,
        traced_bytes=traced.current_bytes / instances,
        resident_bytes=None if grown is None else grown / instances,
        make_each_seconds=make_seconds / instances,
        tracked_objects_when_made=(made_objects - before_objects) / instances,
        tracked_objects=tracked_objects / instances,
        references_visited=visited,
        collect_each_seconds=collect_seconds / instances,
    )


def fill(places: list[Any], make: Callable[..., Any], values: tuple[Any, ...]) -> float:
    """Put a new object into every place, and return the seconds it took."""
    started = time.perf_counter()
    for index in range(len(places)):
        places[index] = make(*values)
    return time.perf_counter() - started


def timed_collection() -> float:
    """The seconds of one full collection."""
    started = time.perf_counter()
    gc.collect()
    return time.perf_counter() - started


def references_visited(obj: object) -> int:
    """How many references the collector follows from an object, and from its dictionary if it has one."""
    if not gc.is_tracked(obj):
        return 0
    referents = gc.get_referents(obj)
    dictionaries = [each for each in referents if type(each) is dict and gc.is_tracked(each)]
    return len(referents) + sum(len(gc.get_referents(each)) for each in dictionaries)


def resident_bytes() -> int | None:
    """The heap's memory in RAM; None where that cannot be asked."""
    try:
        return memory_usage().anonymous_bytes
    except ImportError:  # psutil, in WebAssembly
        return None


@dataclass(frozen=True)
class Price:
    """What holding one object costs, on average over many: bytes, and seconds to make, to use, to end.

    The bytes are those of the reference and its place in a list (or in the dictionary), not of the object.
    `read_each_seconds` is reading an attribute through it, None where that is not what it is for.
    """

    held_bytes: float
    tracked_objects: float
    make_each_seconds: float
    read_each_seconds: float | None
    end_each_seconds: float  # freeing the object while the reference is there, and then the reference


@study.measure
def refer_to_many(reference: str, instances: int) -> Price:
    """Make objects, refer to each in one way, read an attribute through each reference, drop them all."""
    hold, read = HOLD_AND_READ[reference]
    with traced_allocations():
        hold([Plain(1, 2.5, None, "text")])
    with collector.paused(), collector.frozen():
        objects = [Plain(1, 2.5, None, "text") for _ in range(instances)]
        before_objects = len(gc.get_objects())
        holders, make_seconds = timed(lambda: hold(objects))
        tracked_objects = len(gc.get_objects()) - before_objects - 1  # less the container of them all
        read_seconds = None if read is None else timed(lambda: read(holders))[1]
        end_seconds = timed(lambda: (objects.clear(), holders.clear()))[1]
        objects = [Plain(1, 2.5, None, "text") for _ in range(instances)]
        with traced_allocations() as traced:
            holders = hold(objects)
    return Price(
        held_bytes=traced.current_bytes / instances,
        tracked_objects=tracked_objects / instances,
        make_each_seconds=make_seconds / instances,
        read_each_seconds=None if read_seconds is None else read_seconds / instances,
        end_each_seconds=end_seconds / instances,
    )


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work returned, and the seconds it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


@study.finding
def slots_weigh_less(runs: Runs) -> str:
    """An instance with __slots__ takes at most three quarters of the memory of an ordinary one."""
    slotted, plain = (weight(runs, layout, "traced_bytes") for layout in ("__slots__", "class"))
    assert slotted < 0.75 * plain, f"{slotted:.0f} B with slots, {plain:.0f} B without"
    return f"{slotted:.0f} B with slots, {plain:.0f} B without"


@study.finding
def a_dataclass_weighs_nothing_more(runs: Runs) -> str:
    """A dataclass weighs what the class written by hand does, with slots and without."""
    for data, written in (("dataclass", "class"), ("dataclass, slots", "__slots__")):
        one, other = weight(runs, data, "traced_bytes"), weight(runs, written, "traced_bytes")
        assert abs(one - other) < 1, f"{data} {one:.1f} B, {written} {other:.1f} B"
    return f"{weight(runs, 'dataclass', 'traced_bytes'):.0f} B, {one:.0f} B with slots"


@study.finding
def getsizeof_is_no_scale(runs: Runs) -> str:
    """Of an ordinary instance sys.getsizeof sees less than two thirds; of a tuple, a dict, slots all of it."""
    for layout in ("tuple", "dict", "__slots__"):
        told, real = weight(runs, layout, "getsizeof_bytes"), weight(runs, layout, "traced_bytes")
        assert abs(told / real - 1) < 0.02, f"{layout}: {told:.0f} B told, {real:.1f} B allocated"
    told, real = weight(runs, "class", "getsizeof_bytes"), weight(runs, "class", "traced_bytes")
    assert told < 0.67 * real, f"class: {told:.0f} B told, {real:.1f} B allocated"
    return f"{told:.0f} B of {real:.0f} B of an ordinary instance"


@study.finding
def reading_the_dict_makes_it(runs: Runs) -> str:
    """An instance grows by more than a quarter when its __dict__ is read once, and does not shrink again."""
    before, after = (weight(runs, layout, "traced_bytes") for layout in ("class", "class, dict read"))
    assert after > 1.25 * before, f"{before:.0f} B before, {after:.0f} B after"
    return f"{before:.0f} B before, {after:.0f} B after"


study.exception(
    reading_the_dict_makes_it,
    versions="3.10",
    reason="every instance has its dictionary from the beginning there; values beside the object came in 3.11",
    reference="bpo-45340",
)


@study.finding
def one_visit_an_instance(runs: Runs) -> str:
    """An instance that holds a list is one object to the collector, and its dictionary is none of its own."""
    visits = weight(runs, "class", "tracked_objects", "a list")
    assert round(visits) == 1, f"{visits:.2f} tracked objects an instance"
    return f"{visits:.2f} tracked objects an instance"


study.exception(
    one_visit_an_instance,
    versions="3.10",
    reason="the dictionary of an instance is a second tracked object there as soon as it holds a container",
    reference="bpo-45340",
)


@study.finding
def a_tuple_of_numbers_is_no_work(runs: Runs) -> str:
    """The collector stops tracking a tuple of numbers; an instance of numbers it visits again and again."""
    left = weight(runs, "tuple", "tracked_objects")
    assert round(left, 2) == 0, f"{left:.2f} tracked objects a tuple"
    for layout in ("__slots__", "class"):
        assert round(weight(runs, layout, "tracked_objects")) == 1, f"{layout} is not tracked"
    spent, wanted = (weight(runs, layout, "collect_each_seconds") for layout in ("tuple", "__slots__"))
    assert wanted > 3 * spent, f"{shown(wanted, 'seconds')} an instance, {shown(spent, 'seconds')} a tuple"
    return f"{shown(wanted, 'seconds')} of a collection an instance with slots, {shown(spent, 'seconds')} a tuple"


@study.finding
def a_dict_of_numbers_is_no_work(runs: Runs) -> str:
    """The collector does not track a dict of numbers."""
    tracked = weight(runs, "dict", "tracked_objects")
    assert round(tracked) == 0, f"{tracked:.2f} tracked objects a dict"
    return f"{tracked:.2f} tracked objects a dict"


study.exception(
    a_dict_of_numbers_is_no_work,
    versions="3.14-3.15",
    reason="every dict is tracked from 3.14 on, whatever it holds",
    reference="python/cpython#127010",
)


@study.finding
def a_weak_reference_is_an_object(runs: Runs) -> str:
    """A weak reference is an object of 64 to 120 bytes that the collector visits; a strong one is 8 bytes."""
    strong, weak = (price(runs, reference, "held_bytes") for reference in ("strong", "weakref.ref"))
    assert strong < 16, f"a strong reference of {strong:.1f} B"
    assert 64 <= weak - strong <= 120, f"a weak reference of {weak - strong:.1f} B"
    assert round(price(runs, "weakref.ref", "tracked_objects")) == 1, "it is not tracked"
    assert round(price(runs, "strong", "tracked_objects")) == 0, "a strong reference is tracked"
    return f"{weak - strong:.0f} B more than a strong one"


study.exception(
    a_weak_reference_is_an_object,
    platform="emscripten",
    reason="pointers have 32 bits there, and the object is half as large",
    reference="https://docs.python.org/3/c-api/structures.html",
)


@study.figure
def bytes_an_object(runs: Runs) -> Any:
    """Bytes of an object with four attributes: told by sys.getsizeof, allocated, and grown by the process (0: by
    less than can be measured)."""
    weights = side_by_side(
        largest(runs.of(make_many)).where(holds="numbers"),
        {"sys.getsizeof": "getsizeof_bytes", "allocated": "traced_bytes", "of the process": "resident_bytes"},
        by="told by",
        value="object_bytes",
    )
    return bars(not_below_zero(weights), x="layout", y="object_bytes", color="told by")


def not_below_zero(weights: Runs) -> Runs:
    """The weights, 0 where the process shrank: the objects took room that it had, none of them weighs less."""
    return Runs(
        Run(
            run.measure,
            run.case,
            {"object_bytes": None if run.object_bytes is None else max(run.object_bytes, 0)},
            runtime=run.runtime,
        )
        for run in weights
    )


@study.figure
def collector_work(runs: Runs) -> Any:
    """What a full collection spends on each live object, by what the objects hold."""
    return bars(largest(runs.of(make_many)), x="layout", y="collect_each_seconds", color="holds")


@study.figure
def price_of_a_reference(runs: Runs) -> Any:
    """Seconds to make a reference, to read an attribute through it, and to end it with its object."""
    prices = side_by_side(
        largest(runs.of(refer_to_many)),
        {"make": "make_each_seconds", "read": "read_each_seconds", "end": "end_each_seconds"},
        by="to",
        value="each_seconds",
    )
    return bars(prices, x="reference", y="each_seconds", color="to")


@study.figure
def bytes_of_a_reference(runs: Runs) -> Any:
    """Bytes of a reference and its place in a list or dictionary, the object itself left out."""
    return bars(largest(runs.of(refer_to_many)), x="reference", y="held_bytes")


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """An ordinary instance against one with slots, in bytes and in the collector's time."""
    plain, slotted = (case_of(runs, layout) for layout in ("class", "__slots__"))
    weak = largest(runs.of(refer_to_many)).where(reference="weakref.ref").only_case()
    return [
        median_tile("An ordinary instance", plain, "traced_bytes", "bytes", atlas=True),
        median_tile("The same with __slots__", slotted, "traced_bytes", "bytes"),
        median_tile("What sys.getsizeof says", plain, "getsizeof_bytes", "bytes", better=""),
        median_tile("Collector's time an instance", plain, "collect_each_seconds", "seconds", atlas=True),
        median_tile("A weak reference and its place", weak, "held_bytes", "bytes"),
    ]


@study.verdict
def verdict(runs: Runs) -> str:
    """The bytes of an instance, told and real, and the price of a weak reference."""
    plain, told, read, slotted, small = (
        f"{weight(runs, layout, field):.0f}"
        for layout, field in (
            ("class", "traced_bytes"),
            ("class", "getsizeof_bytes"),
            ("class, dict read", "traced_bytes"),
            ("__slots__", "traced_bytes"),
            ("tuple", "traced_bytes"),
        )
    )
    made = [price(runs, reference, "make_each_seconds") for reference in ("strong", "weakref.ref")]
    more = price(runs, "weakref.ref", "held_bytes") - price(runs, "strong", "held_bytes")
    return (
        f"Four attributes take {plain} bytes in an ordinary instance (sys.getsizeof says {told}; {read} once "
        f"its __dict__ was read), {slotted} with __slots__ and {small} in a tuple; a weak reference to it adds "
        f"{more:.0f} bytes and {shown(made[1] - made[0], 'seconds')}."
    )


@study.table
def medians(runs: Runs) -> Table:
    """Bytes and collector work of every kind."""
    columns = [
        "getsizeof_bytes",
        "traced_bytes",
        "resident_bytes",
        "tracked_objects_when_made",
        "tracked_objects",
        "references_visited",
        "make_each_seconds",
        "collect_each_seconds",
    ]
    made = table(runs.of(make_many), columns, caption="One object of many with four attributes, on average.")
    resident = made.columns.index("resident")
    rows = [
        [
            UNMEASURABLE if place == resident and cell.startswith(MINUS) else cell
            for place, cell in enumerate(row)
        ]
        for row in made.rows
    ]
    return replace(made, rows=rows)


def largest(runs: Runs) -> Runs:
    """The runs with most instances."""
    return runs.where(instances=max(run.instances for run in runs))


def case_of(runs: Runs, layout: str, holds: str = "numbers") -> Any:
    """The case of a layout."""
    return largest(runs.of(make_many)).where(layout=layout, holds=holds).only_case()


def weight(runs: Runs, layout: str, field: str, holds: str = "numbers") -> float:
    """The median of a field for a layout."""
    return float(case_of(runs, layout, holds).median(field))


def price(runs: Runs, reference: str, field: str) -> float:
    """The median of a field for a kind of reference."""
    return float(largest(runs.of(refer_to_many)).where(reference=reference).only_case().median(field))


if __name__ == "__main__":
    raise SystemExit(study.main())
