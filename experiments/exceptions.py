"""What does a kept exception keep: every frame it went through, and every array in them?

An exception refers to its traceback, the traceback to the frames, one for each function that the exception went
through, and a frame to all local variables of its function: a failed training step keeps its activations, a failed
request its upload. Python guards against it in one place. At the end of `except ValueError as error:` the name `error`
is deleted. Any other name undoes that: after `saved = error` the frame of this very function holds the exception, which
holds the frame. That is a reference cycle, and it waits, with everything in it, for the cyclic collector.

We let a function fail some frames deep, with one array in each frame, and handle the failure as programs do: we drop
the exception, save it, return it, write it down, wrap it in another one, log it, get it from a future, or leave it to
the interactive prompt. With the collector paused we count the arrays that are left: when it has been handled, after one
collection, and when the program lets go of what it kept. In the end the collector runs as it does by default, while one
failure after the other is saved: how much waits at once?

What to do about it: keep text, not exceptions (`traceback.format_exc()`). Where the exception itself is wanted later,
keep `error.with_traceback(None)`, or call `traceback.clear_frames(error.__traceback__)`, which keeps the line numbers
and lets the variables go. An exception raised while another one was handled keeps that one as its `__context__`, also
after `from None`, which only hides it: take the traceback from both. A name that must hold an exception in the function
that caught it ends with `del saved` in a `finally`.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from experiments import _parts
from experiments._failures import HANDLE, Work, fail, forget_last_exception, live_frames
from experiments._found import found_before_collecting, holder_of, was_looked_at
from garbology import collector
from garbology.recorders import WaitingGarbage, traced_allocations, waiting_garbage
from garbology.study import Condition, Selection, Study, every, run_study

FAILURES = 300
ARRAY_BYTES = 100_000  # in each frame that is kept
WARM_UPS = 3
# What frees the last array, by the first moment without any.
FREED_BY = ["reference counts", "collector", "letting go", "letting go, collector"]

study = Study(
    title="What a kept exception keeps", part=_parts.WHO_FREES,
    parameters={
        "recipe": list(HANDLE),
        "frames": [3, 30],
        "saved": ["except as error", "saved = error"],
        "array_bytes": [1_000, 100_000],
    },
    quick={
        "recipe": [
            "except as error", "saved = error", "returned", "clear_frames", "without traceback", "format_exc",
            "capture_locals", "from None", "stripped __cause__", "future.result()", "interactive prompt",
        ],
        "frames": [3],
        "repeats": 1,  # of each: counts that are the same every time
    },
    full={"frames": [3, 30, 300], "array_bytes": [1_000, 10_000, 100_000, 1_000_000]},
)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """What is left of one failure, with the collector paused: in arrays, bytes and frames.

    `arrays_kept` and `kept_bytes`, what Python has more allocated than before the work (the weak references that we
    count with among it, about 80 bytes for each array), are counted when the failure has been handled and the function
    has returned; then one collection runs; then the program lets go of what it kept (for the prompt: `sys.last_exc` and
    its like are deleted), and one more runs.
    """

    arrays_made: int
    arrays_kept: int
    kept_bytes: int
    frames_kept: int
    collected_objects: int
    arrays_after_collection: int
    arrays_after_letting_go: int
    arrays_at_the_end: int
    freed_by: str
    held_by: str  # why the outermost array is alive; "" where it is not, or that is unknown
    found_objects: int | None  # garbage found in the same failure before collecting
    found_bytes: int | None
    shapes: list[dict[str, Any]] | None


@study.measure
def handle_a_failure(recipe: str, frames: int) -> Kept:
    """Let a function fail, handle that, and see what is left and what frees it."""
    handle = HANDLE[recipe]
    places: list[Any] = []
    with collector.paused(), waiting_garbage() as waiting:
        work = partial(fail, frames, ARRAY_BYTES, waiting, places)
        warm_up(handle)
        found = found_before_collecting(partial(handle, work))
        clean(places)
        with collector.frozen():
            with traced_allocations() as traced:
                kept = handle(work)
            held_by, frames_kept, left = holder_of(places[0]), live_frames(), [waiting.alive_specimens]
            collected = gc.collect()
            left.append(waiting.alive_specimens)
            del kept
            forget_last_exception()
            left.append(waiting.alive_specimens)
            gc.collect()
            left.append(waiting.alive_specimens)
    return Kept(
        arrays_made=len(places),
        arrays_kept=left[0],
        kept_bytes=traced.current_bytes,
        frames_kept=frames_kept,
        collected_objects=collected,
        arrays_after_collection=left[1],
        arrays_after_letting_go=left[2],
        arrays_at_the_end=left[3],
        freed_by=next((who for who, arrays in zip(FREED_BY, left, strict=True) if not arrays), "nobody"),
        held_by=held_by,
        found_objects=found.objects,
        found_bytes=found.bytes,
        shapes=found.shapes,
    )


def warm_up(handle: Callable[[Work], object]) -> None:
    """Do it a few times, small: what is imported or cached at first use is none of what is kept."""
    places: list[Any] = []
    for _ in range(WARM_UPS):
        with traced_allocations():
            handle(partial(fail, 2, 10, WaitingGarbage(), places))
        holder_of(places[0])
        clean(places)


def clean(places: list[Any]) -> None:
    """Let go of everything of an earlier failure."""
    places.clear()
    forget_last_exception()
    gc.collect()


@dataclass(frozen=True)
class Waiting:
    """What waits at most, with the collector at its defaults, while one failure after another is handled."""

    peak_waiting_arrays: int
    peak_waiting_bytes: int


@study.measure
def fail_again_and_again(saved: str, array_bytes: int) -> Waiting:
    """Fail and handle it some hundred times, three frames deep, and leave the collector as it is."""
    handle = HANDLE[saved]
    warm_up(handle)
    with waiting_garbage(bytes_each=array_bytes) as waiting:
        places: list[Any] = []
        work = partial(fail, 3, array_bytes, waiting, places)
        for _ in range(FAILURES):
            handle(work)
            places.clear()
            waiting.dropped()
    return Waiting(waiting.peak_specimens, waiting.peak_specimens * array_bytes)


CYCLES = ["saved = error", "future.result()"]


def handled(*recipes: str) -> Selection:
    """The samples of one failure, handled by these recipes."""
    return handle_a_failure.where(recipe=list(recipes))


def keeps_nothing(recipe: str) -> Condition:
    """Neither an array nor a frame is left of the failure."""
    return every(handled(recipe), arrays_kept=0, frames_kept=0)


hidden, at_the_prompt, in_a_cycle = handled("from None"), handled("interactive prompt"), handled(*CYCLES)
as_it_is, cleared, bare, saved = (
    handled(recipe).largest("frames")
    for recipe in ("returned", "clear_frames", "without traceback", "saved = error")
)
failures_dropped, failures_saved = fail_again_and_again.each(saved=["except as error", "saved = error"])
small_arrays = failures_saved.smallest("array_bytes", among=2)
large_arrays = failures_saved.largest("array_bytes", among=2)

dropped_is_freed_at_once = study.claim(
    "An exception that is dropped at the end of its except block is freed at once, with every frame and array.",
    every(handled("except as error"), lambda run: run.arrays_made == run.frames, "there was nothing to free"),
    keeps_nothing("except as error"),
    every(failures_dropped, peak_waiting_arrays=0),
    evidence="0 arrays and 0 frames left, also after {FAILURES} failures",
)
saved_waits_for_the_collector = study.claim(
    "After `saved = error`, and after future.result(), every array waits until the collector runs.",
    every(in_a_cycle, lambda run: run.arrays_kept == run.frames == run.frames_kept),
    every(in_a_cycle, freed_by="collector"),
    evidence="every array left in {samples}, 0 after one collection",
)
advised = handled("saved = error").with_values(advice=lambda run: run.shapes and run.shapes[0]["advice"])
reason = advised.listed("{advice[reason]}")
garbology_sees_it_before = study.claim(
    "garbology finds the cycle of a saved exception before it is collected, with all arrays and tried advice.",
    every(advised, was_looked_at),
    every(advised, lambda run: run.found_objects == run.collected_objects),
    every(advised, lambda run: run.found_bytes >= run.frames * ARRAY_BYTES),
    every(advised, lambda run: run.advice["remedy"] == "clear" and run.advice["verified"], "{advice}"),
    evidence="{saved.found_objects} objects and {saved.found_bytes}: {reason}",
)
clear_frames_keeps_the_lines = study.claim(
    "traceback.clear_frames lets every array go and keeps the frames; with_traceback(None) keeps neither.",
    every(handled("clear_frames"), lambda run: (run.arrays_kept, run.frames_kept) == (0, run.frames)),
    keeps_nothing("without traceback"),
    evidence="""{as_it_is.kept_bytes} as it is, {cleared.kept_bytes} with cleared frames, {bare.kept_bytes} without
    traceback""",
)
from_none_hides_and_keeps = study.claim(
    "An exception raised `from None` keeps every array of the one before; only showing it is suppressed.",
    every(hidden, lambda run: (run.arrays_kept, run.freed_by) == (run.frames, "letting go")),
    every(hidden, lambda run: not run.held_by or ".__context__" in run.held_by),
    every(handled("stripped __cause__"), arrays_kept=0),
    evidence="all {frames} arrays, 0 when both have lost their tracebacks",
    of=hidden.largest("frames"),
)
text_keeps_nothing = study.claim(
    "The text of a traceback keeps no array and no frame.",
    keeps_nothing("format_exc"),
    evidence="{kept_bytes} of text, 0 arrays and 0 frames",
    of=handled("format_exc").largest("frames"),
)
text_of_variables_keeps_nothing = study.claim(
    "The text of a traceback with all its variables (capture_locals) keeps no array and no frame.",
    keeps_nothing("capture_locals"),
    evidence="{kept_bytes} of text, 0 arrays and 0 frames",
    of=handled("capture_locals").largest("frames"),
)
text_of_variables_keeps_nothing.expected_failure(
    versions="3.10-3.12",
    reason="reading frame.f_locals leaves a dictionary in the frame that still has the exception, a cycle; "
    "from 3.13 on it is a view (PEP 667)",
    reference="python/cpython#113939",
)
the_prompt_remembers = study.claim(
    "An exception at the interactive prompt is kept until sys.last_exc and its like are deleted.",
    every(at_the_prompt, lambda run: run.arrays_kept == run.arrays_after_collection == run.frames),
    every(at_the_prompt, arrays_after_letting_go=0),
    every(at_the_prompt, lambda run: not run.held_by or "sys" in run.held_by),
    evidence="{held_by}",
    of=at_the_prompt.largest("frames"),
)
the_collector_does_not_see_bytes = study.claim(
    "How many saved failures wait does not depend on their size: larger arrays wait in the same number.",
    (large_arrays.peak_waiting_arrays / small_arrays.peak_waiting_arrays).between(0.5, 2),
    evidence="""{small_arrays.peak_waiting_arrays} arrays and {small_arrays.peak_waiting_bytes},
    {large_arrays.peak_waiting_arrays} arrays and {large_arrays.peak_waiting_bytes}""",
)

shortest = handle_a_failure.smallest("frames")
arrays_left = study.bars("Arrays of one failure, one in each frame: left when it was handled, and after a collection.",
    shortest, x="recipe", y="arrays", color="when",
    values={"handled": "arrays_kept", "after gc.collect()": "arrays_after_collection"},
    y_title="arrays left")  # fmt: skip
bytes_kept = study.bars("Bytes that one handled failure keeps allocated, by the frames that it went through.",
    handle_a_failure, x="recipe", y="kept_bytes", color="frames", symlog=True, y_title="bytes kept")  # fmt: skip
bytes_waiting = study.line(
    "The most bytes that waited at once while failures were handled, with the collector at its defaults.",
    fail_again_and_again, x="array_bytes", y="peak_waiting_bytes", color="saved", log="x", symlog="y",
    x_title="bytes of an array", y_title="bytes that wait at most")  # fmt: skip

study.tile("An exception kept as it is", as_it_is.kept_bytes)
study.tile("With clear_frames", cleared.kept_bytes)
study.tile("With with_traceback(None)", bare.kept_bytes)
study.tile("Left to the collector by saved = error", saved.kept_bytes)
most_waiting = failures_saved.largest("array_bytes").peak_waiting_bytes
study.tile("Saved failures waiting at once", most_waiting, atlas=True)
study.verdict("""A kept exception keeps {as_it_is.kept_bytes} through its {as_it_is.frames} frames, {cleared.kept_bytes}
    after traceback.clear_frames; `saved = error` leaves {saved.kept_bytes} to the collector.""")
study.pictures(in_a_cycle.smallest("frames"))
study.table("One failure, handled: what is left with the collector paused, what frees it, what holds it.", shortest, [
    "arrays_kept", "kept_bytes", "frames_kept", "arrays_after_collection", "arrays_after_letting_go", "freed_by",
    "held_by",
])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
