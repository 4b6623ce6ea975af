"""Finalizers and the collector: who is freed, in which order, and who is never counted?

Some objects want to do something at their end. A class has `__del__`; `weakref.finalize(obj, function)` calls a
function when an object goes; a weak reference may have a callback; a generator that stopped at a `yield` runs
its `finally` blocks. When reference counting frees an object this is simple: one object, one end. When the
cyclic collector frees a cycle there are several at once, and each could still reach the others.

CPython does it in this order (PEP 442). It finds the garbage. It clears the weak references to it and calls
their callbacks, if the reference itself is not garbage; `weakref.finalize` is one of these. It calls the
finalizers of all the objects, while every one of them is still intact. Then it looks again: who is now reachable
has been resurrected and lives on; its `__del__` is never called a second time. The rest is taken apart, and
only that is counted: by `gc.collect()`, which returns the number, and by `gc.DEBUG_SAVEALL`, which lists it.

A suspended generator falls through that net. Its finalizer closes it, the frame lets go of its variables, the
cycle is broken, and reference counting frees it all before anybody counts. `gc.collect()` returns 0, and a
tool that asks it sees no cycle.

We build one small cycle of each kind with the collector paused and drop it. We ask four witnesses how much
garbage there is: garbology, which looks before anything is collected; what `gc.collect()` returns; what
DEBUG_SAVEALL lists; and how many objects are gone afterwards. We write down what was called in which order.
At last we collect thousands of them and take the time, for finalizers run inside the pause.

What to do about it: use `with` and `close()` for what must end at a known time; a finalizer is the net below
that. Close a generator that you do not exhaust (`contextlib.closing`). Prefer `weakref.finalize` to `__del__`,
and never give it the object itself, or a bound method of it, as an argument: that keeps the object alive for
ever. Do not take 0 from `gc.collect()` as a proof that there was no cycle.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiments._endings import BUILD, Log
from experiments._found import found_before_collecting
from experiments._rows import side_by_side
from garbology import collector
from garbology.study import (
    Runs,
    Study,
    Table,
    Tile,
    Unavailable,
    bars,
    counted,
    median_tile,
    shown,
    table,
)

COLLECTIONS = 5  # of as many cycles each; the shortest counts, for other processes only add to it


SUSPENDED = ["generator", "coroutine"]

study = Study(
    title="Finalizers, and who the collector never counts",
    parameters={
        "finalizer": list(BUILD),
        "timed": ["nothing", "__del__", "weakref.finalize", "callback outside", "generator"],
        "cycles": [20_000],
    },
    quick={
        "timed": ["nothing", "__del__"],
        "cycles": [4_000],
        "repeats": 1,  # of each: counts that are the same every time
    },
    full={"cycles": [20_000, 200_000]},
    repeats=5,
)


@dataclass(frozen=True)
class Collected:
    """One dropped cycle, as different witnesses count it, and what was called in which order.

    `built_objects` is how many tracked objects there are more when the cycle has been dropped, with weak
    references and whatever else was made for it; `gone_objects` how many of them one collection takes away.
    `found_objects` is garbology's count before collecting, None where NumPy is missing. After the collection
    the program lets go of what was resurrected, and it is collected again: `events_again`.
    """

    built_objects: int
    found_objects: int | None
    returned_objects: int
    saveall_objects: int
    gone_objects: int
    resurrected_objects: int
    returned_again: int
    gone_in_the_end: int
    events: list[str]
    events_again: list[str]
    shapes: list[dict[str, Any]] | None


@study.measure
def collect_a_cycle(finalizer: str) -> Collected:
    """Build one cycle and drop it, count it, collect it, and do it again for each witness."""
    build, log = BUILD[finalizer], Log()
    with collector.paused():
        build(log)
        clean(log)
        found = found_before_collecting(lambda: build(log))
        clean(log)
        saveall_objects = listed_by_saveall(lambda: build(log))
        clean(log)
        with collector.frozen():
            before = len(gc.get_objects())
            build(log)
            built = len(gc.get_objects()) - before
            returned = gc.collect()
            left = len(gc.get_objects()) - before
            resurrected, called = len(log.saved), len(log.events)
            log.let_go()
            returned_again = gc.collect()
            left_in_the_end = len(gc.get_objects()) - before
    return Collected(
        built_objects=built,
        found_objects=found.objects,
        returned_objects=returned,
        saveall_objects=saveall_objects,
        gone_objects=built - left,
        resurrected_objects=resurrected,
        returned_again=returned_again,
        gone_in_the_end=built - left_in_the_end,
        events=log.events[:called],
        events_again=log.events[called:],
        shapes=found.shapes,
    )


def clean(log: Log) -> None:
    """Collect what an earlier cycle left; twice, for the resurrected."""
    gc.collect()
    log.let_go()
    gc.collect()
    log.events.clear()


def listed_by_saveall(function: Callable[[], None]) -> int:
    """How many objects `gc.DEBUG_SAVEALL` puts into `gc.garbage` in place of freeing them."""
    flags = gc.get_debug()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        function()
        gc.collect()
        return len(gc.garbage)
    finally:
        gc.set_debug(flags)
        gc.garbage.clear()


@dataclass(frozen=True)
class Duration:
    """What collecting one cycle of many takes on average, finalizers and callbacks included."""

    returned_objects: int
    collect_each_seconds: float


@study.measure
def collect_many_cycles(timed: str, cycles: int) -> Duration:
    """Build many cycles of one kind, drop them all, and collect once; a few times, of which the shortest counts."""
    build, log = BUILD[timed], Log()
    returned, seconds = 0, []
    with collector.paused():
        for _ in range(COLLECTIONS):
            clean(log)
            with collector.frozen():  # nothing else is looked at
                for _ in range(cycles):
                    build(log)
                started = time.perf_counter()
                returned = gc.collect()
                seconds.append(time.perf_counter() - started)
    return Duration(returned_objects=returned, collect_each_seconds=min(seconds) / cycles)


@study.finding
def suspended_are_never_counted(runs: Runs) -> str:
    """A cycle through a suspended generator or coroutine is freed, and gc.collect() returns 0."""
    for run in runs.of(collect_a_cycle).where(finalizer=SUSPENDED):
        assert run.built_objects >= 2, f"{run}: there was no cycle"
        assert run.gone_objects == run.built_objects, run
        assert run.returned_objects == run.saveall_objects == 0, run
    return f"{counted(run.gone_objects, 'object')} gone, gc.collect() returned 0 and DEBUG_SAVEALL listed 0"


@study.finding
def unstarted_are_not_counted_either(runs: Runs) -> str:
    """Nor is a cycle through a generator that was never started."""
    for run in runs.of(collect_a_cycle).where(finalizer="unstarted"):
        assert run.gone_objects == run.built_objects >= 2, run
        assert run.returned_objects == 0, run
    return f"{counted(run.gone_objects, 'object')} gone, gc.collect() returned 0"


for versions in ("3.12", "3.13.0-3.13.11", "3.14.0-3.14.2"):
    study.exception(
        unstarted_are_not_counted_either,
        versions=versions,
        reason="closing a generator that was never started did not clear its frame, so that the cycle was left "
        "to be counted",
        reference="python/cpython#142766",
    )


@study.finding
def garbology_counts_before(runs: Runs) -> str:
    """What garbology finds before collecting is never less than what gc.collect() counts of the cycle."""
    measured = runs.of(collect_a_cycle)
    for run in measured:
        if run.found_objects is None:
            raise Unavailable("find_cycles needs NumPy, which is not there")
        assert run.found_objects >= run.saveall_objects, run
        expected = run.finalizer != "finalize of itself"
        assert (run.found_objects >= 2) == expected, run
    more = [run for run in measured if run.found_objects > run.saveall_objects]
    names = ", ".join(dict.fromkeys(run.finalizer for run in more))
    return f"at least 2 objects of every cycle; DEBUG_SAVEALL lists fewer for: {names}"


@study.finding
def resurrected_live_and_end_once(runs: Runs) -> str:
    """Objects that __del__ makes reachable live on, and __del__ is not called when they go at last."""
    for run in runs.of(collect_a_cycle).where(finalizer="resurrection"):
        assert run.resurrected_objects == 2, run
        assert run.gone_objects == run.returned_objects == 0, run
        assert run.events == ["__del__ a", "__del__ b"], run.events
        assert run.events_again == [], run.events_again
        assert run.gone_in_the_end == run.built_objects == run.returned_again, run
    return "2 objects lived on, 2 calls of __del__ in all"


@study.finding
def every_del_sees_its_partner(runs: Runs) -> str:
    """Every __del__ of a cycle is called, once, before any of its objects is taken apart."""
    for run in runs.of(collect_a_cycle).where(finalizer="__del__"):
        assert sorted(run.events) == ["__del__ a", "__del__ b"], run.events
        assert run.returned_objects == run.gone_objects == run.built_objects, run
    return f"called: {', '.join(run.events)}; both partners intact"


@study.finding
def callbacks_come_first(runs: Runs) -> str:
    """weakref.finalize and callbacks of weak references are called before __del__."""
    for run in runs.of(collect_a_cycle).where(finalizer="all three"):
        assert len(run.events) == 3, run.events
        assert run.events[-1] == "__del__ b", run.events
    return f"called: {', '.join(run.events)}"


@study.finding
def garbage_is_not_called_back(runs: Runs) -> str:
    """The callback of a weak reference is called if the reference lives on, and not if it is garbage too."""
    for run in runs.of(collect_a_cycle).where(finalizer="callback outside"):
        assert run.events == ["callback a"], run.events
    for run in runs.of(collect_a_cycle).where(finalizer="callback inside"):
        assert run.events == [], run.events
        assert run.gone_objects == run.built_objects, run
    return "1 call from outside, 0 from inside"


@study.finding
def weak_references_are_cleared_first(runs: Runs) -> str:
    """When __del__ is called, a weak reference to its object is already dead."""
    for run in runs.of(collect_a_cycle).where(finalizer="__del__, asking"):
        assert run.events == ["dead"], run.events
    return "dead"


study.exception(
    weak_references_are_cleared_first,
    versions="3.15",
    reason="weak references without a callback are cleared after the finalizers from 3.15 on",
    reference="python/cpython#136189",
)


@study.finding
def finalize_of_itself_never_ends(runs: Runs) -> str:
    """An object that is an argument of its own weakref.finalize is never freed, and is no garbage."""
    for run in runs.of(collect_a_cycle).where(finalizer="finalize of itself"):
        assert run.built_objects >= 2, run
        assert run.gone_objects == run.gone_in_the_end == run.returned_objects == 0, run
    return f"{counted(run.built_objects, 'object')} left after two collections"


@study.finding
def finalizers_lengthen_the_pause(runs: Runs) -> str:
    """Finalizers run inside the collector's pause: with __del__ it is at least a quarter longer."""
    plain, loud = (many_of(runs, kind).median("collect_each_seconds") for kind in ("nothing", "__del__"))
    assert loud > 1.25 * plain, (
        f"{shown(loud, 'seconds')} a cycle with __del__, {shown(plain, 'seconds')} without"
    )
    return f"{shown(loud, 'seconds')} a cycle with __del__ on both objects, {shown(plain, 'seconds')} without"


@study.figure
def witnesses(runs: Runs) -> Any:
    """One dropped cycle as each witness counts it: found before collecting, returned, listed, gone."""
    counts = side_by_side(
        runs.of(collect_a_cycle),
        {
            "garbology, before": "found_objects",
            "gc.collect()": "returned_objects",
            "DEBUG_SAVEALL": "saveall_objects",
            "gone": "gone_objects",
        },
        by="witness",
        value="objects",
    )
    return bars(counts, x="finalizer", y="objects", color="witness")


@study.figure
def duration(runs: Runs) -> Any:
    """What one cycle adds to the pause of the collection that frees it."""
    return bars(most_cycles(runs), x="timed", y="collect_each_seconds", x_title="finalizer")


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """The generator that nobody counts, the resurrected, and the price of __del__."""
    generator = case_of(runs, "generator")
    return [
        median_tile("Generator's cycle, found before", generator, "found_objects", "objects", better=""),
        median_tile(
            "The same, returned by gc.collect()", generator, "returned_objects", "objects", better=""
        ),
        median_tile(
            "Resurrected", case_of(runs, "resurrection"), "resurrected_objects", "objects", better=""
        ),
        median_tile("Pause a cycle", many_of(runs, "nothing"), "collect_each_seconds", "seconds"),
        median_tile(
            "Pause a cycle with __del__",
            many_of(runs, "__del__"),
            "collect_each_seconds",
            "seconds",
            atlas=True,
        ),
    ]


@study.verdict
def verdict(runs: Runs) -> str:
    """How many of the freed are counted, and how many live on."""
    generator, plain = case_of(runs, "generator"), case_of(runs, "nothing")
    revived = case_of(runs, "resurrection").median("resurrected_objects")
    return (
        f"gc.collect() returns {generator.median('returned_objects')} for the cycle of a suspended generator, "
        f"though it frees {counted(generator.median('gone_objects'), 'object')} (garbology finds "
        f"{shown(generator.median('found_objects'))} before); of a plain cycle it counts "
        f"{plain.median('returned_objects')} of {plain.median('gone_objects')}. {revived} of 2 objects that "
        "resurrect themselves live on, and end once."
    )


@study.pictures
def pictures(runs: Runs) -> list[dict[str, Any]]:
    """The cycle of a suspended generator, which nobody counts, and that of two objects."""
    shapes = []
    for finalizer in ("generator", "nothing"):
        shapes += (case_of(runs, finalizer).samples[0].shapes or [])[:1]
    return shapes


@study.table
def orders(runs: Runs) -> Table:
    """The counts, and what was called in which order."""
    measured = runs.of(collect_a_cycle)
    columns = [
        "built_objects",
        "found_objects",
        "returned_objects",
        "saveall_objects",
        "gone_objects",
        "gone_in_the_end",
    ]
    numbers = table(measured, columns)
    samples = [case.samples[0] for case in measured.cases()]
    rows = [
        [*row, ", ".join(sample.events) or "nothing"]
        for row, sample in zip(numbers.rows, samples, strict=True)
    ]
    caption = (
        "One dropped cycle: objects by each witness, and what was called while it was collected, in order."
    )
    return Table([*numbers.columns, "called"], rows, caption)


def case_of(runs: Runs, finalizer: str) -> Any:
    """The case of one kind of cycle."""
    return runs.of(collect_a_cycle).where(finalizer=finalizer).only_case()


def most_cycles(runs: Runs) -> Runs:
    """The runs that collected most cycles."""
    measured = runs.of(collect_many_cycles)
    return measured.where(cycles=max(run.cycles for run in measured))


def many_of(runs: Runs, kind: str) -> Any:
    """The case of most cycles of one kind."""
    return most_cycles(runs).where(timed=kind).only_case()


if __name__ == "__main__":
    raise SystemExit(study.main())
