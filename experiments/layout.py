"""What does an object cost: in bytes, in work of the collector, and in time where it is held weakly?

The same four values can live in a tuple, in a dict, in an instance of a class, with or without `__slots__`, and differ
by a factor of three in memory. An ordinary instance has a `__dict__`; from CPython 3.11 on it is not made until it is
asked for, and the values lie in an array beside the object. With `__slots__` each value has its place in the object.

Size is one price, the cyclic collector's work the other. In a full collection it visits every tracked object, one that
may hold others, and follows each of its references, so many small live objects make long pauses.

We make many objects of each kind, which all share the same four values, and weigh them three times: by `sys.getsizeof`,
which looks at one object only; by tracemalloc, which sees every allocation; and by what the operating system gave the
process. Then we count what the collector tracks, and let it run with nothing else to look at. At last we take weak
references, which is what our advice for cycles mostly comes to, so that you know what it costs.

What to do about it: nothing, for a few thousand objects. Where there are millions, write `@dataclass(slots=True)`, and
add `weakref_slot=True` (3.11 and newer) where you need weak references to the instances. Do not weigh objects with
`sys.getsizeof`. Do not read `obj.__dict__` or `vars(obj)` of every object in passing: the dictionary then stays. A weak
reference where it breaks a cycle is cheap for what it saves.
"""

import gc
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from experiments import _parts
from experiments._clock import fastest, seconds_of, timed
from experiments._garbage import grown, own_memory_bytes
from experiments._layouts import HOLD_AND_READ, MAKE, Plain, fill, references_visited
from garbology import collector
from garbology.recorders import traced_allocations
from garbology.study import Condition, Runs, Selection, Study, Table, run_study, table

MINUS = "\N{MINUS SIGN}"
UNMEASURABLE = "≤ 0, below what can be measured"  # a process that shrank had room for the objects
COLLECTIONS = 5  # of the same objects; the shortest counts, for other processes only add to it
# The values of every object, shared by all of them, so that they weigh nothing.
HELD: dict[str, tuple[Any, ...]] = {"numbers": (1, 2.5, None, "text"), "a list": (1, 2.5, None, [])}

study = Study(
    title="What an object costs: layout and weak references", part=_parts.WHAT_COST,
    parameters={
        "layout": list(MAKE), "holds": list(HELD), "reference": list(HOLD_AND_READ), "instances": [50_000],
    },
    quick={
        "layout": ["tuple", "dict", "__slots__", "class", "class, dict read", "dataclass", "dataclass, slots"],
        "reference": ["strong", "weakref.ref"], "instances": [10_000],
        "repeats": 1,  # of each: counts that are the same every time, and the shortest of some collections
    },
    full={"instances": [50_000, 500_000]},
    most_repeats=7,
)  # fmt: skip


@dataclass(frozen=True)
class Weight:
    """What one object of many costs; all but `getsizeof_bytes` are averages, the values held left out.

    `tracked_objects` is how many objects the collector has to visit for each: 0, 1, or 2 where an instance's dictionary
    is one more. It is counted when they are made and after their first collection. `references_visited` are those that
    it follows.
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
    own_memory_bytes()
    with collector.paused(), collector.frozen():  # with the list frozen, only the objects are looked at
        before_bytes, before_objects = own_memory_bytes(), len(gc.get_objects())
        make_seconds = seconds_of(lambda: fill(objects, make, values))
        after_bytes, made_objects = own_memory_bytes(), len(gc.get_objects())
        gc.collect()
        tracked_objects = len(gc.get_objects()) - before_objects
        collect_seconds = fastest(gc.collect, COLLECTIONS)
        size, visited = sys.getsizeof(objects[0]), references_visited(objects[0])
        objects[:] = [None] * instances
        with traced_allocations():  # what tracing itself makes at first use is none of the objects
            pass
        gc.collect()  # empties the free lists, so that every object is allocated anew
        with traced_allocations() as traced:
            fill(objects, make, values)
    more_bytes = grown(before_bytes, after_bytes)
    return Weight(
        getsizeof_bytes=size,
        traced_bytes=traced.current_bytes / instances,
        resident_bytes=None if more_bytes is None else more_bytes / instances,
        make_each_seconds=make_seconds / instances,
        tracked_objects_when_made=(made_objects - before_objects) / instances,
        tracked_objects=tracked_objects / instances,
        references_visited=visited,
        collect_each_seconds=collect_seconds / instances,
    )


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
        hold([Plain(*HELD["numbers"])])
    with collector.paused(), collector.frozen():
        objects = [Plain(1, 2.5, None, "text") for _ in range(instances)]
        before_objects = len(gc.get_objects())
        holders, make_seconds = timed(lambda: hold(objects))
        tracked_objects = len(gc.get_objects()) - before_objects - 1  # less the container of them all
        read_seconds = None if read is None else seconds_of(partial(read, holders))
        end_seconds = seconds_of(objects.clear) + seconds_of(holders.clear)
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


most, most_references = make_many.largest("instances"), refer_to_many.largest("instances")
of_numbers = most.where(holds="numbers")
tuples, dicts, slotted, plain, plain_read, data, data_slotted = of_numbers.each(
    layout=["tuple", "dict", "__slots__", "class", "class, dict read", "dataclass", "dataclass, slots"]
)
plain_of_lists = most.where(layout="class", holds="a list")
strong, weak = most_references.each(reference=["strong", "weakref.ref"])
weak_bytes = weak.held_bytes - strong.held_bytes


def is_tracked(objects: Selection) -> Condition:
    """Each is one object to the collector; what else the process made meanwhile is less than half of one each."""
    return objects.tracked_objects.called("{:.2f} tracked objects each").between(0.5, 1.5)


slots_weigh_less = study.claim(
    "An instance with __slots__ takes at most three quarters of the memory of an ordinary one.",
    slotted.traced_bytes < plain.traced_bytes * 0.75,
)
a_dataclass_weighs_nothing_more = study.claim(
    "A dataclass weighs what the class written by hand does, with slots and without.",
    (data.traced_bytes - plain.traced_bytes).between(-1, 1),
    (data_slotted.traced_bytes - slotted.traced_bytes).between(-1, 1),
    evidence="{data.traced_bytes:.0f} B, {slotted.traced_bytes:.0f} B with slots",
)
getsizeof_is_no_scale = study.claim(
    "Of an ordinary instance sys.getsizeof sees less than two thirds; of a tuple, a dict, slots all of it.",
    *((kind.getsizeof_bytes / kind.traced_bytes).between(0.98, 1.02) for kind in (tuples, dicts, slotted)),
    plain.getsizeof_bytes < plain.traced_bytes * 0.67,
    evidence="{plain.getsizeof_bytes:.0f} B of {plain.traced_bytes:.0f} B of an ordinary instance",
)
reading_the_dict_makes_it = study.claim(
    "An instance grows by more than a quarter when its __dict__ is read once, and does not shrink again.",
    plain_read.traced_bytes > plain.traced_bytes * 1.25,
)
one_visit_an_instance = study.claim(
    "An instance that holds a list is one object to the collector, and its dictionary is none of its own.",
    is_tracked(plain_of_lists),
)
a_tuple_of_numbers_is_no_work = study.claim(
    "The collector stops tracking a tuple of numbers; an instance of numbers it visits again and again.",
    tuples.tracked_objects < 0.005,
    is_tracked(slotted),
    is_tracked(plain),
    slotted.collect_each_seconds > tuples.collect_each_seconds * 3,
    evidence="""{slotted.collect_each_seconds} of a collection an instance with slots, {tuples.collect_each_seconds}
    a tuple""",
)
a_dict_of_numbers_is_no_work = study.claim(
    "The collector does not track a dict of numbers.",
    dicts.tracked_objects.called("{:.2f} tracked objects a dict") < 0.5,
)
a_weak_reference_is_an_object = study.claim(
    "A weak reference is an object of 64 to 120 bytes that the collector visits; a strong one is 8 bytes.",
    strong.held_bytes < 16,
    weak_bytes.between(64, 120),
    is_tracked(weak),
    strong.tracked_objects < 0.5,
    evidence="{weak_bytes:.0f} B more than a strong one",
)

reading_the_dict_makes_it.expected_failure(
    versions="3.10",
    reason="every instance has its dictionary from the beginning there; values beside the object came in 3.11",
    reference="bpo-45340",
)
one_visit_an_instance.expected_failure(
    versions="3.10",
    reason="the dictionary of an instance is a second tracked object there as soon as it holds a container",
    reference="bpo-45340",
)
a_dict_of_numbers_is_no_work.expected_failure(
    versions="3.14-3.15",
    reason="every dict is tracked from 3.14 on, whatever it holds",
    reference="python/cpython#127010",
)
a_weak_reference_is_an_object.expected_failure(
    platform="emscripten",
    reason="pointers have 32 bits there, and the object is half as large",
    reference="https://docs.python.org/3/c-api/structures.html",
)

# 0 where the process shrank: the objects took room that it had, none of them weighs less.
weights = of_numbers.with_values(grown_bytes=lambda run: run.resident_bytes and max(run.resident_bytes, 0))
bytes_an_object = study.bars(
    """Bytes of an object with four attributes: by sys.getsizeof, allocated, and grown by the process (0: by
    less than can be measured).""",
    weights, x="layout", y="object_bytes", color="measured by",
    values={"sys.getsizeof": "getsizeof_bytes", "allocated": "traced_bytes", "of the process": "grown_bytes"},
    y_title="bytes an object")  # fmt: skip
collector_work = study.bars("What a full collection spends on each live object, by what the objects hold.",
    most, x="layout", y="collect_each_seconds", color="holds", y_title="collection time an object")  # fmt: skip
price_of_a_reference = study.bars(
    "Seconds to make a reference, to read an attribute through it, and to end it with its object.",
    most_references, x="reference", y="each_seconds", color="to",
    values={"make": "make_each_seconds", "read": "read_each_seconds", "end": "end_each_seconds"},
    y_title="time each")  # fmt: skip
bytes_of_a_reference = study.bars(
    "Bytes of a reference and its place in a list or dictionary, the object itself left out.",
    most_references, x="reference", y="held_bytes", y_title="bytes a reference")  # fmt: skip

study.tile("An ordinary instance", plain.traced_bytes, atlas=True)
study.tile("The same with __slots__", slotted.traced_bytes)
study.tile("What sys.getsizeof says", plain.getsizeof_bytes, better="")
study.tile("Collector's time an instance", plain.collect_each_seconds, atlas=True)
study.tile("A weak reference and its place", weak.held_bytes)
verdict = study.verdict("""Four attributes take {plain.traced_bytes:.0f} bytes in an ordinary instance (sys.getsizeof
    says {plain.getsizeof_bytes:.0f}), {slotted.traced_bytes:.0f} with __slots__, {tuples.traced_bytes:.0f} in a tuple;
    a weak reference adds {weak_bytes:.0f} bytes.""")


@study.table
def medians(runs: Runs) -> Table:
    """Bytes and collector work of every kind."""
    columns = [
        "getsizeof_bytes", "traced_bytes", "resident_bytes", "tracked_objects_when_made", "tracked_objects",
        "references_visited", "make_each_seconds", "collect_each_seconds",
    ]  # fmt: skip
    made = table(runs.of(make_many), columns, caption="One object of many with four attributes, on average.")
    resident, rows = made.columns.index("resident"), [list(row) for row in made.rows]
    for row in rows:
        if row[resident].startswith(MINUS):
            row[resident] = UNMEASURABLE
    return replace(made, rows=rows)


if __name__ == "__main__":
    raise SystemExit(run_study(study))
