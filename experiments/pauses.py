"""How long does the collector stop the program, and what does that depend on?

While CPython's cyclic collector runs, the program stands still: that is a pause. It can only tell garbage from live
objects by following all references, so it looks at every object of the generations that it collects. Generation 0 has
the objects made since the last run, generation 1 those that survived one, generation 2 all others. gc.freeze() moves
every object that is alive now out of the generations: the collector neither looks at it any more nor frees it.

The collector counts objects, not bytes: it runs when 700 more objects (2000 from CPython 3.13) were allocated than
freed. Fewer cycles than that are never looked at, whatever they hold.

We put some young objects on a heap of old ones, frozen or not, collect one generation, and measure the pause between
the collector's own callbacks. Then we make cycles with a buffer each, and count them when the collector first runs.

What to do about it: call gc.freeze() once the program has loaded what it keeps (gc.collect() first, so that no garbage
is frozen). Let large buffers go by name (node.payload = None, close()) rather than leave them to a cycle. If pauses
matter more than memory, call gc.collect() between two requests instead of within one.
"""

import gc
import statistics
from dataclasses import dataclass
from typing import Any

from experiments import _parts
from experiments._garbage import ONE_GENERATION, live_heap, make_pair, peak_memory_if_known
from garbology import collector, record_pauses
from garbology.recorders import waiting_garbage
from garbology.study import Run, Study, every, growth, run_study

YOUNG_OBJECTS = 500  # fewer than any default threshold: what a collection of generation 0 finds
ROUNDS = 5  # collections of one sample, of which the median is taken
YOUNG, FULL, FROZEN = "generation 0", "generation 2", "generation 2, old ones frozen"
MOST_CYCLES = 20_000  # if nothing was collected until then, nothing will be
# Which generation is collected, and whether the old objects are frozen.
COLLECTIONS = {YOUNG: (0, False), "generation 1": (1, False), FULL: (2, False), FROZEN: (2, True)}

study = Study(
    title="Pauses of the collector, and what they depend on", part=_parts.WHAT_COST,
    parameters={
        "collection": list(COLLECTIONS), "live_objects": [10_000, 100_000, 1_000_000],
        "payload_bytes": [16, 16_384, 262_144],
    },
    quick={
        "collection": [YOUNG, FULL, FROZEN], "live_objects": [20_000, 300_000], "payload_bytes": [16, 65_536],
        "repeats": 2,
    },
    full={
        "live_objects": [10_000, 100_000, 1_000_000, 5_000_000], "payload_bytes": [16, 16_384, 262_144, 1_048_576],
    },
    most_repeats=10,
    timeout_seconds=180,
)  # fmt: skip


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
                make_pair(waiting.token, payload_bytes)
                waiting.dropped()
    return FirstCollection(
        cycles=waiting.peak_specimens,
        waiting_bytes=waiting.peak_bytes,
        peak_above_baseline_bytes=None if memory is None else memory.above_baseline_bytes,
    )


def grew_with_what_waits(run: Run) -> bool:
    """Whether the process took at least half of the memory that waits; true where that is unknown."""
    risen = run.peak_above_baseline_bytes
    return risen is None or risen >= 0.5 * run.waiting_bytes


young, full, frozen = (
    collect.where(collection=kind).largest("live_objects", among=2) for kind in (YOUNG, FULL, FROZEN)
)
light = wait_for_the_collector.smallest("payload_bytes", among=2)
heavy = wait_for_the_collector.largest("payload_bytes", among=2)

a_full_collection_grows_with_the_heap = study.claim(
    """A full collection (generation 2) takes longer the more objects are alive, garbage or not: in proportion, or up to
    20 times that where they outgrow the processor's caches.""",
    growth(collect.where(collection=FULL), "pause_seconds", over="live_objects").between(1 / 4, 20),
)
a_young_collection_does_not = study.claim(
    "A collection of generation 0 takes less than a fifth of a full one over the largest heap.",
    every(young, lambda run: run.young_objects > 0, "there were no young objects to look at"),
    young.pause_seconds < full.pause_seconds * 0.2,
)
frozen_objects_are_not_looked_at = study.claim(
    "After gc.freeze() a full collection over the largest heap takes less than a tenth of the time.",
    every(frozen, lambda run: run.frozen_objects >= run.live_objects, "the heap was not frozen"),
    frozen.pause_seconds < full.pause_seconds * 0.1,
)
the_collector_does_not_count_bytes = study.claim(
    "The collector first runs after the same number of cycles (within 10 %), whatever they hold.",
    every(light | heavy, lambda run: run.cycles < MOST_CYCLES, "the collector never ran"),
    (heavy.cycles / light.cycles).between(1 / 1.1, 1.1),
)
so_few_cycles_hold_much = study.claim(
    "What waits grows with the bytes in each cycle, at least half as fast, and nothing bounds it.",
    growth(wait_for_the_collector, "waiting_bytes", over="payload_bytes") >= 0.5,
    every(heavy, grew_with_what_waits, "the process did not grow with it"),
    evidence="{heavy.waiting_bytes} in {heavy.cycles} cycles, {light.waiting_bytes} in {light.cycles}",
)
a_young_collection_does_not.expected_failure(**ONE_GENERATION)

pauses = study.line("The pause of one collection over a heap of old live objects without garbage.",
    collect, x="live_objects", y="pause_seconds", color="collection", log="xy",
    y_title="pause of one collection")  # fmt: skip
waiting_bytes = study.bars("What dropped cycles hold, by the bytes in each, when the collector first looks at them.",
    wait_for_the_collector, x="payload_bytes", y="waiting_bytes", log=True, x_title="bytes in a payload",
    y_title="bytes that wait")  # fmt: skip

study.tile("Full collection over {full.live_objects} objects", full.pause_seconds, atlas=True)
study.tile("The same after gc.freeze()", frozen.pause_seconds)
study.tile("Young collection over the same", young.pause_seconds)
study.tile("{heavy.payload_bytes} each: waits for the first collection", heavy.waiting_bytes, atlas=True)
study.verdict("""Over {full.live_objects} live objects a full collection stops the program for {full.pause_seconds},
    {frozen.pause_seconds} after gc.freeze(); a young one takes {young.pause_seconds}.""")
study.table("One collection of a generation, over old objects without garbage and 500 young ones.",
    collect, ["pause_seconds"])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
