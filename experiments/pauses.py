"""How long does the collector stop the program, and what does that depend on?

While CPython's cyclic collector runs, the program stands still: that is a pause. The collector has to look at
every object of the generations that it collects, for garbage can only be told from live objects by
following all references. Generation 0 has the objects made since the last run, generation 1 those that
survived one, generation 2 all others. So a collection of generation 0 is short whatever the program holds, and
one of generation 2, a full collection, is long in proportion to all live objects, even if there is no garbage at
all.

gc.freeze() moves every object that is alive now out of the generations: the collector does not look at it any
more, nor free it. A program that first loads much and then serves requests need not look at all that again.

The collector counts objects, not bytes: it runs when 700 more objects (2000 from CPython 3.13) were allocated
than freed. Fewer cycles than that are never looked at, whatever they hold. A few hundred cycles with a megabyte
each are hundreds of megabytes, a few thousand with an array each are gigabytes.

We put some young objects on a heap of old ones, collect one generation, and measure the pause between
the collector's own callbacks, with the old ones frozen and not. Then we make cycles with a buffer each, until
the collector runs for the first time, and count them.

What to do about it: call gc.freeze() once the program has loaded what it keeps (gc.collect() first, so that no
garbage is frozen). Let large buffers go by name (node.payload = None, close()) rather than leave them to a
cycle. If pauses matter more than memory, call gc.collect() between two requests instead of within one.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiments._garbage import Node, live_heap, peak_memory_if_known
from garbology import collector, record_pauses
from garbology.recorders import waiting_garbage
from garbology.study import Case, NotMeasured, Runs, Study, Table, Tile, bars, line, median_tile, shown, table

YOUNG_OBJECTS = 500  # fewer than any default threshold: what a collection of generation 0 finds
ROUNDS = 5  # collections of one sample, of which the median is taken
YOUNG, FULL, FROZEN = "generation 0", "generation 2", "generation 2, old ones frozen"
MOST_CYCLES = 20_000  # if nothing was collected until then, nothing will be
# Which generation is collected, and whether the old objects are frozen.
COLLECTIONS = {YOUNG: (0, False), "generation 1": (1, False), FULL: (2, False), FROZEN: (2, True)}

study = Study(
    title="Pauses of the collector, and what they depend on",
    parameters={
        "collection": list(COLLECTIONS),
        "live_objects": [10_000, 100_000, 1_000_000],
        "payload_bytes": [16, 16_384, 262_144],
    },
    quick={
        "collection": [YOUNG, FULL, FROZEN],
        "live_objects": [20_000, 300_000],
        "payload_bytes": [16, 65_536],
        "repeats": 2,
    },
    full={
        "live_objects": [10_000, 100_000, 1_000_000, 5_000_000],
        "payload_bytes": [16, 16_384, 262_144, 1_048_576],
    },
    repeats=5,
    most_repeats=10,
    timeout_seconds=180,
)


@dataclass(frozen=True)
class Pause:
    """One collection of a generation: how long the program stood still, the median of five."""

    pause_seconds: float
    frozen_objects: int
    young_objects: int  # that it looked at; all of them alive


@study.measure
def collect(collection: str, live_objects: int) -> Pause:
    """Collect one generation of a heap without garbage: old objects, frozen or not, and some young ones."""
    generation, frozen = COLLECTIONS[collection]
    pause_seconds = []
    with collector.paused(), collector.frozen():  # what the interpreter itself holds is none of the heap
        held_before = gc.get_freeze_count()
        heap = live_heap(live_objects)
        if frozen:
            gc.freeze()
        frozen_objects = gc.get_freeze_count() - held_before
        for _ in range(ROUNDS):
            young: list[list[Any]] = [[] for _ in range(YOUNG_OBJECTS)]
            with record_pauses() as recorded:
                gc.collect(generation)
            pause_seconds.append(recorded.longest_seconds)
    assert len(heap) == live_objects  # it was alive until here
    return Pause(statistics.median(pause_seconds), frozen_objects, len(young))


@dataclass(frozen=True)
class FirstCollection:
    """What waited when the collector ran for the first time: cycles of two objects, one of which has a buffer."""

    threshold_objects: int
    cycles: int
    waiting_bytes: int  # their buffers
    peak_above_baseline_bytes: int | None  # of the process's resident memory


@study.measure
def wait_for_the_collector(payload_bytes: int) -> FirstCollection:
    """Drop cycles that hold so many bytes each until the collector, at its defaults, runs."""
    with peak_memory_if_known() as memory, waiting_garbage(2, payload_bytes) as waiting:
        gc.collect()  # from here on the collector counts, so what the recorders made is counted no more
        with record_pauses() as recorded:
            while not len(recorded) and waiting.peak_specimens < MOST_CYCLES:
                drop_pair_with_buffer(waiting.token, payload_bytes)
                waiting.dropped()
    return FirstCollection(
        threshold_objects=gc.get_threshold()[0],
        cycles=waiting.peak_specimens,
        waiting_bytes=waiting.peak_bytes,
        peak_above_baseline_bytes=None if memory is None else memory.above_baseline_bytes,
    )


def drop_pair_with_buffer(token: object, payload_bytes: int) -> None:
    """Two objects that hold each other, and one of them bytes that the collector neither tracks nor counts."""
    parent, child = Node(), Node()
    parent.child, child.parent, parent.token = child, parent, token
    parent.payload = bytearray(payload_bytes)


@study.finding
def a_full_collection_grows_with_the_heap(runs: Runs) -> str:
    """A full collection, of generation 2, takes longer the more objects are alive, garbage or not: in proportion, and
    where they outgrow the processor's caches up to 20 times that."""
    small, large = _smallest_and_largest(runs, FULL)
    growth = large.median("pause_seconds") / small.median("pause_seconds")
    heaps = large.live_objects / small.live_objects
    text = f"{growth:.1f} times as long over {heaps:.0f} times the objects: {_pauses(small, large)}"
    assert heaps / 4 <= growth <= 20 * heaps, text
    return text


@study.finding
def a_young_collection_does_not(runs: Runs) -> str:
    """A collection of generation 0 takes less than a fifth of a full one over the largest heap."""
    young, full = (_smallest_and_largest(runs, kind)[1] for kind in (YOUNG, FULL))
    assert all(run.young_objects > 0 for run in young.samples), "there were no young objects to look at"
    share = young.median("pause_seconds") / full.median("pause_seconds")
    text = f"{share:.2%} of a full one over {full.live_objects:,} objects: {_pauses(young, full)}"
    assert share < 0.2, text
    return text


@study.finding
def frozen_objects_are_not_looked_at(runs: Runs) -> str:
    """After gc.freeze() a full collection over the largest heap takes less than a tenth."""
    thawed, frozen = (_smallest_and_largest(runs, kind)[1] for kind in (FULL, FROZEN))
    for run in frozen.samples:
        assert run.frozen_objects >= run.live_objects, f"{run}: the heap was not frozen"
    text = f"over {frozen.live_objects:,} objects {_pauses(thawed, frozen)} after gc.freeze()"
    assert frozen.median("pause_seconds") < 0.1 * thawed.median("pause_seconds"), text
    return text


@study.finding
def the_collector_does_not_count_bytes(runs: Runs) -> str:
    """The collector first runs after the same number of cycles (within 10 %), whatever they hold."""
    light, heavy = _lightest_and_heaviest(runs)
    for case in (light, heavy):
        for run in case.samples:
            assert run.cycles < MOST_CYCLES, f"{run}: the collector never ran"
    few, many = sorted(case.median("cycles") for case in (light, heavy))
    text = (
        f"after {light.median('cycles'):,} cycles of {shown(light.payload_bytes, 'bytes')}, "
        f"{heavy.median('cycles'):,} of {shown(heavy.payload_bytes, 'bytes')}"
    )
    assert many <= 1.1 * few, text
    return text


@study.finding
def so_few_cycles_hold_much(runs: Runs) -> str:
    """So what waits grows with the bytes in each cycle, at least half as fast, and nothing bounds it."""
    light, heavy = _lightest_and_heaviest(runs)
    ratio = heavy.median("waiting_bytes") / light.median("waiting_bytes")
    text = f"{shown(heavy.median('waiting_bytes'), 'bytes')} in {heavy.median('cycles'):,} cycles"
    assert ratio >= 0.5 * heavy.payload_bytes / light.payload_bytes, text
    for run in heavy.samples:
        risen = run.peak_above_baseline_bytes
        assert risen is None or risen >= 0.5 * run.waiting_bytes, f"{run}: the process did not grow with it"
    return text


study.exception(
    a_young_collection_does_not,
    collector="free-threaded",
    reason="there is one generation, and every collection looks at all of it",
    reference="PEP 703",
)


@study.figure
def pauses(runs: Runs) -> Any:
    """The pause of one collection over a heap of old live objects without garbage."""
    return line(
        runs.of(collect), x="live_objects", y="pause_seconds", color="collection",
        x_scale="log", y_scale="log",
    )  # fmt: skip


@study.figure
def waiting_bytes(runs: Runs) -> Any:
    """What dropped cycles hold, by the bytes in each, when the collector first looks at them."""
    return bars(runs.of(wait_for_the_collector), x="payload_bytes", y="waiting_bytes", y_scale="log")


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """Three pauses over the largest heap, and what waits for the first."""
    full, frozen = (_smallest_and_largest(runs, kind)[1] for kind in (FULL, FROZEN))
    young = _smallest_and_largest(runs, YOUNG)[1]
    heavy = _lightest_and_heaviest(runs)[1]
    over = f"{full.live_objects:,} objects"
    waiting = f"{shown(heavy.payload_bytes, 'bytes')} each: waits for the first collection"
    return [
        median_tile(f"Full collection over {over}", full, "pause_seconds", "seconds", atlas=True),
        median_tile("The same after gc.freeze()", frozen, "pause_seconds", "seconds"),
        median_tile("Young collection over the same", young, "pause_seconds", "seconds"),
        median_tile(waiting, heavy, "waiting_bytes", "bytes", atlas=True),
    ]


@study.verdict
def verdict(runs: Runs) -> str:
    """The pauses over the largest heap, and the bytes that no pause comes for."""
    full, frozen = (_smallest_and_largest(runs, kind)[1] for kind in (FULL, FROZEN))
    young = _smallest_and_largest(runs, YOUNG)[1]
    heavy = _lightest_and_heaviest(runs)[1]
    return (
        f"Over {full.live_objects:,} live objects a full collection stops the program for {_pause(full)}, "
        f"{_pause(frozen)} after gc.freeze(), and one of the young generation for {_pause(young)}; "
        f"{heavy.median('cycles'):,} cycles with {shown(heavy.payload_bytes, 'bytes')} each wait as "
        f"{shown(heavy.median('waiting_bytes'), 'bytes')} before the collector runs at all."
    )


@study.table
def medians(runs: Runs) -> Table:
    """The pauses of all cases."""
    caption = "One collection of a generation, over old objects without garbage and 500 young ones."
    return table(runs.of(collect), ["pause_seconds"], caption=caption)


def _smallest_and_largest(runs: Runs, collection: str) -> tuple[Case, Case]:
    return _extremes(runs.of(collect).where(collection=collection), lambda case: case.live_objects)


def _lightest_and_heaviest(runs: Runs) -> tuple[Case, Case]:
    return _extremes(runs.of(wait_for_the_collector), lambda case: case.payload_bytes)


def _extremes(runs: Runs, size: Callable[[Case], int]) -> tuple[Case, Case]:
    cases = sorted(runs.cases(), key=size)
    if len(cases) < 2:
        raise NotMeasured(f"{cases[0]} alone: there is nothing to compare")
    return cases[0], cases[-1]


def _pause(case: Case) -> str:
    return shown(case.median("pause_seconds"), "seconds")


def _pauses(one: Case, other: Case) -> str:
    return f"{_pause(one)}, then {_pause(other)}"


if __name__ == "__main__":
    raise SystemExit(study.main())
