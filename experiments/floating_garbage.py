"""Floating garbage: how much of it waits for the collector at once, and for how long?

Objects that hold each other in a cycle are not freed when the last reference from outside goes. They float: they are
dead, yet keep their memory, and whatever they refer to (a file's contents, an array, a stack frame), until CPython's
cyclic collector looks at them. It runs when the threshold is reached: 700 objects (2000 from CPython 3.13) allocated
and not freed since it ran last. It mostly looks at young objects; one that survives is promoted to an older generation,
which is looked at rarely.

CPython 3.14.0 to 3.14.4 had another collector, an incremental one: each run looked at a slice of the whole heap, so
that no run was long. But garbage could wait until the collector had been once round the heap, and programs took up to
five times the memory. CPython 3.14.5 put the generational collector back.

We fill a heap with live objects, then make garbage and drop it at once: pairs of objects that hold each other, pairs
with a payload of 64 KiB, exceptions that a frame of their own traceback holds, classes made in a function (a class is
always part of a cycle), and pairs that live a while before they are dropped. After every drop we count what waits.
Lastly we show what the incremental collector was good for: the longest pause while a large heap grows.

What to do about it: leave no cycles where memory counts. Hold parents weakly (weakref.ref), write del error or leave
the function after keeping an exception, make classes once. Where there must be cycles that hold much memory, break them
when you are done (node.parent = None), or call gc.collect() when you choose. Run CPython 3.14.5 or newer.
"""

import gc
from dataclasses import dataclass
from typing import Any

from experiments import _garbage, _parts
from experiments._clock import timed
from experiments._garbage import GARBAGE, MakeAndDrop, make_pair
from garbology import collector, record_pauses
from garbology.recorders import waiting_garbage
from garbology.study import Run, Study, every, run_study

FULL_COLLECTION_OBJECTS = 250_000  # at 2000 objects, 10 times 10 young collections later, and then some
WINDOWS = 20  # the timeline's: the most that waited in each of so many parts of the work

study = Study(
    title="Floating garbage: what waits for the collector", part=_parts.HOW_LONG,
    parameters={
        "garbage": ["pairs", "payloads", "exceptions", "classes", "aged pairs"], "threshold": [700, 2000],
        "live_objects": [200_000], "heap_objects": [150_000, 500_000, 1_500_000],
    },
    quick={"live_objects": [40_000], "heap_objects": [300_000], "repeats": 2},
    full={"live_objects": [200_000, 1_000_000], "heap_objects": [150_000, 500_000, 1_500_000, 5_000_000]},
    most_repeats=8,
    timeout_seconds=180,
)  # fmt: skip


@dataclass(frozen=True)
class Waiting:
    """What waited while specimens (pairs, exceptions, classes) were made and dropped, one at a time.

    `timeline` has the most objects that waited in each twentieth of the work. `mean_wait_seconds` is the time from a
    specimen's drop to its end, by Little's law: how many wait on average, divided by how many are dropped a second.
    """

    threshold_objects: int
    specimens: int
    objects_each: int  # that the collector tracks
    bytes_each: int
    peak_waiting: int  # specimens
    peak_waiting_objects: int
    peak_waiting_bytes: int
    left_waiting: int  # specimens, when the work was done: nothing frees them until objects are made again
    left_after_collection: int
    mean_wait_seconds: float
    work_seconds: float
    longest_pause_seconds: float
    peak_above_baseline_bytes: int | None  # of the process's resident memory
    timeline: list[int]


@study.measure
def drop_garbage(garbage: str, live_objects: int) -> Waiting:
    """Make and drop one kind of garbage, with the thresholds that CPython starts with."""
    return _drop(garbage, live_objects)


@study.measure
def set_the_threshold(threshold: int, live_objects: int) -> Waiting:
    """Make and drop pairs, with another first threshold."""
    with collector.threshold(threshold):
        return _drop("pairs", live_objects)


def _drop(garbage: str, live_objects: int) -> Waiting:
    factory, share, alive = GARBAGE[garbage]
    specimens = int(live_objects * share)
    objects_each, bytes_each = _garbage.worth_of(make_pair if alive else factory())
    heap = _garbage.live_heap(live_objects)
    with _garbage.peak_memory_if_known() as memory, waiting_garbage(objects_each, bytes_each) as waiting:
        make_and_drop = factory()
        for _ in range(alive):
            make_and_drop(waiting.token)
        with record_pauses() as pauses:
            (timeline, total), work_seconds = timed(lambda: _work(make_and_drop, specimens, waiting, alive))
    left_waiting = waiting.alive_specimens - alive
    gc.collect()
    left_after_collection = waiting.alive_specimens - alive
    assert len(heap) == live_objects  # it was alive until here
    return Waiting(
        threshold_objects=gc.get_threshold()[0],
        specimens=specimens,
        objects_each=objects_each,
        bytes_each=bytes_each,
        peak_waiting=waiting.peak_specimens,
        peak_waiting_objects=waiting.peak_objects,
        peak_waiting_bytes=waiting.peak_bytes,
        left_waiting=left_waiting,
        left_after_collection=left_after_collection,
        mean_wait_seconds=total / specimens * work_seconds / specimens,
        work_seconds=work_seconds,
        longest_pause_seconds=pauses.longest_seconds,
        peak_above_baseline_bytes=None if memory is None else memory.above_baseline_bytes,
        timeline=timeline,
    )


def _work(make_and_drop: MakeAndDrop, specimens: int, waiting: Any, alive: int) -> tuple[list[int], int]:
    """The timeline of waiting objects, and the sum of the specimens that waited after each drop."""
    timeline, total = [], 0
    for _ in range(WINDOWS):
        highest = 0
        for _ in range(specimens // WINDOWS):
            make_and_drop(waiting.token)
            now = waiting.dropped(alive)
            total += now
            highest = max(highest, now)
        timeline.append(highest * waiting.objects_each)
    return timeline, total


@dataclass(frozen=True)
class Growth:
    """The collector's pauses while a heap of live objects grows, and those of one full collection of all of it."""

    longest_pause_seconds: float
    generation_of_longest: int  # the oldest is 2; the incremental collector always says 1
    full_collection_seconds: float  # gc.collect()'s


@study.measure
def grow_a_heap(heap_objects: int) -> Growth:
    """Make live objects and no garbage, the collector as CPython starts it; then collect once."""
    gc.collect()
    with record_pauses() as pauses:
        heap: list[list[Any]] = [[] for _ in range(heap_objects)]
    with record_pauses() as full:
        gc.collect()
    assert len(heap) == heap_objects
    longest = max(pauses, key=lambda pause: pause.duration_seconds)
    return Growth(
        longest_pause_seconds=longest.duration_seconds,
        generation_of_longest=longest.generation,
        full_collection_seconds=full.longest_seconds,
    )


pairs, payloads, aged = drop_garbage.each(garbage=["pairs", "payloads", "aged pairs"])
low, high = set_the_threshold.each(threshold=[700, 2000])
young = drop_garbage.where(garbage=[kind for kind in GARBAGE if kind != "aged pairs"]) | set_the_threshold
everything = drop_garbage | set_the_threshold
heap = grow_a_heap.largest("heap_objects")
large_heap = grow_a_heap.largest("heap_objects", at_least=FULL_COLLECTION_OBJECTS)
thresholds_that_wait = young.most(lambda run: run.peak_waiting_objects / run.threshold_objects)
left_waiting = everything.most("left_waiting")

young_garbage_is_bounded_by_the_threshold = study.claim(
    "Garbage that dies young never waits in more objects than two and a half times the threshold.",
    every(young, lambda run: run.peak_waiting_objects > run.objects_each, "nothing waited"),
    thresholds_that_wait.called("{:.2f} times the threshold, at any time") <= 2.5,
)
a_higher_threshold_lets_more_wait = study.claim(
    "With a threshold of 2000 instead of 700, two to four times as many pairs wait.",
    (high.peak_waiting / low.peak_waiting).between(2, 4).for_each("live_objects"),
)
payloads_are_not_counted = study.claim(
    "Pairs with 64 KiB each hold at least 20 times the bytes of plain ones: the collector counts objects only.",
    (payloads.peak_waiting <= pairs.peak_waiting * 2).for_each("live_objects"),
    (payloads.peak_waiting_bytes >= pairs.peak_waiting_bytes * 20).for_each("live_objects"),
)
garbage_that_grew_old_waits_longest = study.claim(
    "Pairs that lived a while before they were dropped wait in at least three times the number of young ones.",
    (aged.peak_waiting >= pairs.peak_waiting * 3).for_each("live_objects"),
)
one_collection_frees_all = study.claim(
    "One gc.collect() frees everything that waits, however long it would have waited.",
    every(everything, left_after_collection=0),
    left_waiting > 0,
    evidence="up to {left_waiting} waited when the work was done, 0 after gc.collect()",
)
the_longest_pause_is_a_full_collection = study.claim(
    "While a heap of live objects grows, the longest pause is a collection of all of it: generation 2.",
    large_heap.generation_of_longest.equals(2),
    evidence="""{heap.longest_pause_seconds} in generation {heap.generation_of_longest}, and gc.collect()
    {heap.full_collection_seconds}, {heap.heap_objects} objects""",
)

for _claim in (young_garbage_is_bounded_by_the_threshold, a_higher_threshold_lets_more_wait):
    _claim.expected_failure(**_garbage.IN_INCREMENTS)
    _claim.expected_failure(**_garbage.BY_SHARE_OF_THE_HEAP)
garbage_that_grew_old_waits_longest.expected_failure(
    collector="incremental",
    reason="the increments go round the whole heap, so young garbage waits as long as old",
    reference="PEP 848",
)
garbage_that_grew_old_waits_longest.expected_failure(**_garbage.ONE_GENERATION)
the_longest_pause_is_a_full_collection.expected_failure(
    collector="incremental",
    reason="no increment looks at the whole heap, so its pauses are shorter: its merit",
    reference="PEP 848",
)
the_longest_pause_is_a_full_collection.expected_failure(**_garbage.ONE_GENERATION)


def moments(run: Run) -> list[dict[str, float]]:
    """The timeline with how much of the work was done."""
    return [
        {"work_done": 100 * window / WINDOWS, "dropped": run.specimens * window // WINDOWS,
         "waiting_objects": waiting, "waiting": waiting // run.objects_each}
        for window, waiting in enumerate(run.timeline, 1)
    ]  # fmt: skip


timeline_by_garbage = study.line("Objects that wait, as the work goes on: the most in each twentieth of it.",
    drop_garbage.with_values(moments=moments).rows("moments", by=["work_done"]), x="work_done", y="waiting_objects",
    color="garbage", facet="live_objects", facet_alone=False, log="y", x_title="work done, percent",
    intervals=False, y_title="objects that wait")  # fmt: skip
waiting_bytes = study.bars("The most bytes that wait at once, with the thresholds that CPython starts with.",
    drop_garbage, x="garbage", y="peak_waiting_bytes", facet="live_objects", facet_alone=False, log=True,
    x_title="kind of garbage", y_title="bytes that wait at most")  # fmt: skip
longest_pauses = study.line("The longest pause while a heap without garbage grows to so many objects.",
    grow_a_heap, x="heap_objects", y="longest_pause_seconds", log="xy", x_title="live objects",
    y_title="longest pause")  # fmt: skip

study.front(
    "CPython {worst} let {most} dropped pairs of objects wait in memory. No other version lets more than {rest}.",
    """Two objects that refer to each other are not freed when a program drops them: they stay in memory until CPython's
    cyclic collector comes round. Here {whole} such pairs are made and dropped, one after another.""",
    pairs.smallest("live_objects").with_values(moments=moments).rows("moments", by=["dropped"]),
    x="dropped", y="waiting", x_title="pairs dropped so far", y_title="dropped pairs that wait in memory")  # fmt: skip

few_pairs, few_payloads = (each.smallest("live_objects") for each in (pairs, payloads))
every_byte = (few_payloads.bytes_each * few_payloads.specimens).called("", "bytes")
study.tile("Pairs that wait at once, at most", few_pairs.peak_waiting, unit="pairs", atlas=True)
study.tile("A pair waits, on average", few_pairs.mean_wait_seconds, atlas=True)
study.tile("Payloads of 64 KiB wait at once", few_payloads.peak_waiting_bytes, atlas=True)
study.tile("Longest pause, {heap.heap_objects} live objects", heap.longest_pause_seconds, atlas=True)
study.verdict("""Of {few_pairs.specimens} dropped pairs at most {few_pairs.peak_waiting} wait at once (threshold
    {few_pairs.threshold_objects}); of pairs with 64 KiB each, {few_payloads.peak_waiting_bytes} of {every_byte}.""")
study.table("With the thresholds that CPython starts with: what waits at most, what is left when the work is done.",
    drop_garbage, [
        "objects_each", "peak_waiting", "peak_waiting_objects", "peak_waiting_bytes", "peak_above_baseline_bytes",
        "left_waiting", "mean_wait_seconds", "longest_pause_seconds",
    ])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
