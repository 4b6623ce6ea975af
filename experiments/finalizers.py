"""Finalizers and the collector: what is freed, in which order, and what is never counted?

Some objects want to do something at their end. A class has `__del__`; `weakref.finalize(obj, function)` calls a
function when an object goes; a weak reference may have a callback; a generator that stopped at a `yield` runs its
`finally` blocks. When the cyclic collector frees a cycle, several end at once, and each could still reach the others.

CPython finds the garbage first (PEP 442). It clears the weak references to it and calls their callbacks, if the
reference itself is not garbage. It calls the finalizers of all the objects, while every one of them is still intact.
Then it looks again: what is now reachable has been resurrected and lives on. The rest is taken apart, and only that is
counted: by `gc.collect()`, which returns the number, and by `gc.DEBUG_SAVEALL`, which lists it. A suspended generator
falls through that net: its finalizer closes it, the frame lets go of its variables, and reference counting frees it
all before it is counted.

We build one small cycle of each kind with the collector paused and drop it. We ask four witnesses how much garbage
there is: garbology, which looks before anything is collected; what `gc.collect()` returns; what DEBUG_SAVEALL lists;
and how many objects are gone afterwards. We write down what was called in which order. At last we collect thousands of
them and take the time, for finalizers run inside the pause.

What to do about it: use `with` and `close()` for what must end at a known time; a finalizer is the net below that.
Close a generator that you do not exhaust (`contextlib.closing`). Prefer `weakref.finalize` to `__del__`, and never give
it the object itself, or a bound method of it, as an argument: that keeps the object alive for ever. Do not take 0 from
`gc.collect()` as a proof that there was no cycle.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiments import _parts
from experiments._clock import seconds_of
from experiments._endings import BUILD, Log
from experiments._found import found_before_collecting, was_looked_at
from garbology import collector
from garbology.study import Study, every, run_study

COLLECTIONS = 5  # of as many cycles each; the shortest counts, for other processes only add to it
SUSPENDED = ["generator", "coroutine"]

study = Study(
    title="Finalizers, and what the collector never counts",
    part=_parts.WHO_FREES,
    parameters={
        "finalizer": list(BUILD),
        "timed": ["nothing", "__del__", "weakref.finalize", "callback outside", "generator"],
        "cycles": [20_000],
    },
    # of each once: counts that are the same every time
    quick={"timed": ["nothing", "__del__"], "cycles": [4_000], "repeats": 1},
    full={"cycles": [20_000, 200_000]},
)


@dataclass(frozen=True)
class Collected:
    """One dropped cycle, as different witnesses count it, and what was called in which order.

    `built_objects` is how many tracked objects there are more when the cycle has been dropped, with weak references and
    whatever else was made for it; `gone_objects` how many of them one collection takes away. `found_objects` is
    garbology's count before collecting, None where NumPy is missing. After the collection the program lets go of what
    was resurrected, and it is collected again: `events_again`.
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
        log.clean()
        found = found_before_collecting(lambda: build(log))
        log.clean()
        saveall_objects = listed_by_saveall(lambda: build(log))
        log.clean()
        with collector.frozen():
            before = len(gc.get_objects())
            build(log)
            built = len(gc.get_objects())
            returned_objects = gc.collect()
            left = len(gc.get_objects())
            resurrected_objects, called = len(log.saved), len(log.events)
            log.let_go()
            returned_again = gc.collect()
            left_in_the_end = len(gc.get_objects())
    return Collected(
        built_objects=built - before,
        found_objects=found.objects,
        returned_objects=returned_objects,
        saveall_objects=saveall_objects,
        gone_objects=built - left,
        resurrected_objects=resurrected_objects,
        returned_again=returned_again,
        gone_in_the_end=built - left_in_the_end,
        events=log.events[:called],
        events_again=log.events[called:],
        shapes=found.shapes,
    )


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

    collect_each_seconds: float


@study.measure
def collect_many_cycles(timed: str, cycles: int) -> Duration:
    """Build many cycles of one kind, drop them all, and collect once; a few times, of which the shortest counts."""
    build, log = BUILD[timed], Log()
    seconds = []
    with collector.paused():
        for _ in range(COLLECTIONS):
            log.clean()
            with collector.frozen():  # nothing else is looked at
                for _ in range(cycles):
                    build(log)
                seconds.append(seconds_of(gc.collect))
    return Duration(min(seconds) / cycles)


suspended, generator, coroutine, unstarted, nothing, revived, itself = collect_a_cycle.each(
    finalizer=[SUSPENDED, *SUSPENDED, "unstarted", "nothing", "resurrection", "finalize of itself"]
)
with_del, all_three, asking, outside, inside = collect_a_cycle.each(
    finalizer=["__del__", "all three", "__del__, asking", "callback outside", "callback inside"]
)
many = collect_many_cycles.largest("cycles")
plain, loud = many.each(timed=["nothing", "__del__"])
listed_fewer = collect_a_cycle.matching(lambda run: run.found_objects > run.saveall_objects).listed(
    "{finalizer}"
)

suspended_are_never_counted = study.claim(
    "A cycle through a suspended generator or coroutine is freed, and gc.collect() returns 0.",
    every(suspended, lambda run: run.built_objects >= 2, "there was no cycle"),
    every(suspended, lambda run: run.gone_objects == run.built_objects),
    every(suspended, returned_objects=0, saveall_objects=0),
    evidence="{coroutine.gone_objects} objects gone, gc.collect() returned 0 and DEBUG_SAVEALL listed 0",
)
unstarted_are_not_counted_either = study.claim(
    "A cycle through a generator that was never started is not counted by gc.collect() either.",
    every(unstarted, lambda run: run.gone_objects == run.built_objects >= 2),
    every(unstarted, returned_objects=0),
    evidence="{unstarted.gone_objects} objects gone, gc.collect() returned 0",
)
for _versions in ("3.12", "3.13.0-3.13.11", "3.14.0-3.14.2"):
    unstarted_are_not_counted_either.expected_failure(
        versions=_versions,
        reason="closing a generator that was never started did not clear its frame, so that the cycle was left "
        "to be counted",
        reference="python/cpython#142766",
    )
garbology_counts_before = study.claim(
    "What garbology finds before collecting is never less than what gc.collect() counts of the cycle.",
    every(collect_a_cycle, was_looked_at),
    every(collect_a_cycle, lambda run: run.found_objects >= run.saveall_objects),
    every(collect_a_cycle, lambda run: (run.found_objects < 2) == (run.finalizer == "finalize of itself")),
    evidence="at least 2 objects of every cycle; DEBUG_SAVEALL lists fewer for: {listed_fewer}",
)
resurrected_live_and_end_once = study.claim(
    "Objects that __del__ makes reachable live on, and __del__ is not called when they go at last.",
    every(revived, resurrected_objects=2, gone_objects=0, returned_objects=0),
    every(revived, events=["__del__ a", "__del__ b"], events_again=[]),
    every(revived, lambda run: run.gone_in_the_end == run.built_objects == run.returned_again),
    evidence="2 objects lived on, 2 calls of __del__ in all",
)
every_del_sees_its_partner = study.claim(
    "Every __del__ of a cycle is called, once, before any of its objects is taken apart.",
    every(with_del, lambda run: sorted(run.events) == ["__del__ a", "__del__ b"], "called {events}"),
    every(with_del, lambda run: run.returned_objects == run.gone_objects == run.built_objects),
    evidence="called: {with_del.events}; both partners intact",
)
callbacks_come_first = study.claim(
    "weakref.finalize and callbacks of weak references are called before __del__.",
    every(all_three, lambda run: len(run.events) == 3 and run.events[-1] == "__del__ b", "called {events}"),
    evidence="called: {all_three.events}",
)
garbage_is_not_called_back = study.claim(
    "The callback of a weak reference is called if the reference lives on, and not if it is garbage too.",
    every(outside, events=["callback a"]),
    every(inside, events=[]),
    every(inside, lambda run: run.gone_objects == run.built_objects),
    evidence="1 call from outside, 0 from inside",
)
weak_references_are_cleared_first = study.claim(
    "When __del__ is called, a weak reference to its object is already dead.",
    every(asking, events=["dead"]),
    evidence="{asking.events}",
)
weak_references_are_cleared_first.expected_failure(
    versions="3.15",
    reason="weak references without a callback are cleared after the finalizers from 3.15 on",
    reference="python/cpython#136189",
)
finalize_of_itself_never_ends = study.claim(
    "An object that is an argument of its own weakref.finalize is never freed, and is no garbage.",
    every(itself, lambda run: run.built_objects >= 2, "nothing was made"),
    every(itself, gone_objects=0, gone_in_the_end=0, returned_objects=0),
    evidence="{itself.built_objects} objects left after two collections",
)
finalizers_lengthen_the_pause = study.claim(
    "Finalizers run inside the collector's pause: with __del__ it is at least a quarter longer.",
    loud.collect_each_seconds > plain.collect_each_seconds * 1.25,
    evidence="{loud.collect_each_seconds} a cycle with __del__ on both objects, {plain.collect_each_seconds} without",
)

witnesses = study.bars("One dropped cycle as each witness counts it: found before collecting, returned, listed, gone.",
    collect_a_cycle, x="finalizer", y="objects", color="witness",
    values={
        "garbology, before": "found_objects", "gc.collect()": "returned_objects",
        "DEBUG_SAVEALL": "saveall_objects", "gone": "gone_objects",
    }, y_title="objects counted")  # fmt: skip
duration = study.bars("What one cycle adds to the pause of the collection that frees it.",
    many, x="timed", y="collect_each_seconds", x_title="finalizer", y_title="pause a cycle")  # fmt: skip

study.tile("Generator's cycle, found before", generator.found_objects, unit="objects", better="")
study.tile("The same, returned by gc.collect()", generator.returned_objects, unit="objects", better="")
study.tile("Resurrected", revived.resurrected_objects, unit="objects", better="")
study.tile("Pause a cycle", plain.collect_each_seconds)
study.tile("Pause a cycle with __del__", loud.collect_each_seconds, atlas=True)
verdict = study.verdict("""gc.collect() returns {generator.returned_objects} for a suspended generator's cycle, though
    it frees {generator.gone_objects} objects; garbology finds {generator.found_objects} beforehand.""")
study.pictures(generator | nothing)  # one that is never counted, and a plain one
study.table(
    "One dropped cycle: objects by each witness, and the events while it was collected, in order.", collect_a_cycle,
    ["built_objects", "found_objects", "returned_objects", "saveall_objects", "gone_objects", "gone_in_the_end",
     "events"])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
