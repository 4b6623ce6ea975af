"""What does a kept exception keep: every frame it went through, and every array in them?

An exception refers to its traceback, the traceback to the frames, one for each function that the exception
went through, and a frame to all local variables of its function. Who keeps an exception keeps all of that: a
failed training step keeps its activations, a failed request its upload.

Python guards against it in one place. At the end of `except ValueError as error:` the name `error` is deleted,
and the exception with its frames is freed at once. Any other name undoes that: after `saved = error` the frame
of this very function holds the exception, which holds the frame. That is a reference cycle, and it waits, with
everything in it, for the cyclic collector, which counts objects and not bytes.

We let a function fail some frames deep, with one array in each frame, and handle the failure as programs do: we
drop the exception, save it, return it, write it down, wrap it in another one, log it, get it from a future, or
leave it to the interactive prompt. With the collector paused we count the arrays that are left: when it has
been handled, after one collection, and when the program lets go of what it kept. In the end the collector
runs as it does by default, while one failure after the other is saved: how much waits at once?

What to do about it: keep text, not exceptions (`traceback.format_exc()`). Where the exception itself is wanted
later, keep `error.with_traceback(None)`, or call `traceback.clear_frames(error.__traceback__)`, which keeps the
line numbers and lets the variables go. An exception raised while another one was handled keeps that one as
its `__context__`, also after `from None`, which only hides it: take the traceback from both. A name that must
hold an exception in the function that caught it ends with `del saved` in a `finally`.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from experiments._failures import HANDLE, Work, fail
from experiments._found import found_before_collecting
from experiments._rows import side_by_side
from garbology import collector
from garbology.recorders import WaitingGarbage, traced_allocations, waiting_garbage
from garbology.study import (
    NotMeasured,
    Runs,
    Study,
    Table,
    Tile,
    Unavailable,
    bars,
    counted,
    line,
    median_tile,
    shown,
    table,
)

FREED_AT_ONCE = [
    "except as error",
    "saved, then del",
    "without traceback",
    "format_exc",
    "stripped __cause__",
    "QueueHandler",
    "future.exception()",
]
CYCLES = ["saved = error", "future.result()"]
HELD_BY_PROGRAM = ["returned", "__context__", "from None", "MemoryHandler", "interactive prompt"]
LAST_EXCEPTION = ("last_exc", "last_type", "last_value", "last_traceback")  # of sys, for the debugger
FAILURES = 300

study = Study(
    title="What a kept exception keeps",
    parameters={
        "recipe": list(HANDLE),
        "frames": [3, 30],
        "saved": ["except as error", "saved = error"],
        "array_bytes": [1_000, 100_000],
    },
    quick={
        "recipe": [
            "except as error",
            "saved = error",
            "returned",
            "clear_frames",
            "without traceback",
            "format_exc",
            "capture_locals",
            "from None",
            "stripped __cause__",
            "future.result()",
            "interactive prompt",
        ],
        "frames": [3],
        "repeats": 1,  # of each: counts that are the same every time
    },
    full={"frames": [3, 30, 300], "array_bytes": [1_000, 10_000, 100_000, 1_000_000]},
    repeats=5,
)

ARRAY_BYTES = 100_000  # in each frame that is kept
WARM_UPS = 3


@dataclass(frozen=True)
class Kept:
    """What is left of one failure, with the collector paused: in arrays, bytes and frames.

    `arrays_kept` and `kept_bytes`, what Python has more allocated than before the work (the weak references that we
    count with among it, about 80 bytes for each array), are counted when the
    failure has been handled and the function has returned; then one collection runs; then the program lets
    go of what it kept (for the prompt: `sys.last_exc` and its like are deleted), and one more runs.
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
    held_by: str  # why the outermost array is alive; "" where it is not, or nobody can tell
    found_objects: int | None  # garbage found in the same failure before collecting
    found_bytes: int | None
    shapes: list[dict[str, Any]] | None


@study.measure
def handle_a_failure(recipe: str, frames: int) -> Kept:
    """Let a function fail, handle that, and see what is left and who frees it."""
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
            arrays_made, held_by = len(places), why(places[0])
            arrays_kept, frames_kept = waiting.alive_specimens, live_frames()
            collected = gc.collect()
            after_collection = waiting.alive_specimens
            del kept
            forget_last_exception()
            after_letting_go = waiting.alive_specimens
            gc.collect()
            at_the_end = waiting.alive_specimens
    counts = arrays_kept, after_collection, after_letting_go, at_the_end
    return Kept(
        arrays_made=arrays_made,
        arrays_kept=arrays_kept,
        kept_bytes=traced.current_bytes,
        frames_kept=frames_kept,
        collected_objects=collected,
        arrays_after_collection=after_collection,
        arrays_after_letting_go=after_letting_go,
        arrays_at_the_end=at_the_end,
        freed_by=who_freed(*counts),
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
            why(places[0])
        clean(places)


def clean(places: list[Any]) -> None:
    """Let go of everything of an earlier failure."""
    places.clear()
    forget_last_exception()
    gc.collect()


def forget_last_exception() -> None:
    """What one does at the prompt to let go of the last exception."""
    for name in LAST_EXCEPTION:
        if hasattr(sys, name):
            delattr(sys, name)


def live_frames() -> int:
    """How many frames of `fail` are alive."""
    frames = (each for each in gc.get_objects() if type(each) is types.FrameType)
    return sum(frame.f_code is fail.__code__ for frame in frames)


def who_freed(kept: int, after_collection: int, after_letting_go: int, at_the_end: int) -> str:
    """Who has freed the last of the arrays."""
    if kept == 0:
        return "reference counts"
    if after_collection == 0:
        return "collector"
    if after_letting_go == 0:
        return "letting go"
    return "letting go, collector" if at_the_end == 0 else "nobody"


def why(place: weakref.ref[Any]) -> str:
    """What holds the array, as garbology tells it."""
    try:
        from garbology import why_alive
    except ImportError:
        return ""
    alive = None if place() is None else why_alive(place())
    return "" if alive is None else f"{alive.root}: {' '.join(edge.label for edge in alive.edges)}"


@dataclass(frozen=True)
class Waiting:
    """What waits at most, with the collector at its defaults, while one failure after another is handled."""

    arrays_made: int
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
    return Waiting(3 * FAILURES, waiting.peak_specimens, waiting.peak_specimens * array_bytes)


@study.finding
def dropped_is_freed_at_once(runs: Runs) -> str:
    """An exception that its except block ends with is freed at once, with every frame and array."""
    for run in runs.of(handle_a_failure).where(recipe="except as error"):
        assert run.arrays_made == run.frames, f"{run}: there was nothing to free"
        assert run.arrays_kept == run.frames_kept == 0, run
    waited = runs.of(fail_again_and_again).where(saved="except as error")
    for run in waited:
        assert run.peak_waiting_arrays == 0, run
    return f"0 arrays and 0 frames left, also after {FAILURES} failures"


@study.finding
def saved_waits_for_the_collector(runs: Runs) -> str:
    """After `saved = error`, and after future.result(), every array waits until the collector runs."""
    measured = runs.of(handle_a_failure).where(recipe=CYCLES)
    for run in measured:
        assert run.arrays_kept == run.frames == run.frames_kept, run
        assert run.freed_by == "collector", run
    return f"every array left in {counted(len(measured), 'sample')}, 0 after one collection"


@study.finding
def garbology_sees_it_before(runs: Runs) -> str:
    """What garbology finds in such a cycle is all of its arrays, with advice that has been tried."""
    measured = runs.of(handle_a_failure).where(recipe="saved = error")
    for run in measured:
        if run.found_objects is None:
            raise Unavailable("find_cycles needs NumPy, which is not there")
        assert run.found_objects == run.collected_objects, run
        assert run.found_bytes >= run.frames * ARRAY_BYTES, run
        advice = run.shapes[0]["advice"]
        assert (advice["remedy"], advice["verified"]) == ("clear", True), advice
    return f"{counted(run.found_objects, 'object')} and {shown(run.found_bytes, 'bytes')}: {advice['reason']}"


@study.finding
def clear_frames_keeps_the_lines(runs: Runs) -> str:
    """traceback.clear_frames lets every array go and keeps the frames; with_traceback(None) keeps neither."""
    for run in runs.of(handle_a_failure).where(recipe="clear_frames"):
        assert run.arrays_kept == 0, run
        assert run.frames_kept == run.frames, run
    for run in runs.of(handle_a_failure).where(recipe="without traceback"):
        assert run.arrays_kept == run.frames_kept == 0, run
    full, cleared, bare = (
        shown(most_frames(runs, recipe).median("kept_bytes"), "bytes")
        for recipe in ("returned", "clear_frames", "without traceback")
    )
    return f"{full} as it is, {cleared} with cleared frames, {bare} without traceback"


@study.finding
def from_none_hides_and_keeps(runs: Runs) -> str:
    """An exception raised `from None` keeps every array of the one before; only showing it is suppressed."""
    for run in runs.of(handle_a_failure).where(recipe="from None"):
        assert run.arrays_kept == run.frames, run
        assert run.freed_by == "letting go", run
        assert ".__context__" in run.held_by or not run.held_by, run.held_by
    for run in runs.of(handle_a_failure).where(recipe="stripped __cause__"):
        assert run.arrays_kept == 0, run
    return f"all {run.frames} arrays, 0 when both have lost their tracebacks"


@study.finding
def text_keeps_nothing(runs: Runs) -> str:
    """The text of a traceback keeps no array and no frame."""
    for run in runs.of(handle_a_failure).where(recipe="format_exc"):
        assert run.arrays_kept == run.frames_kept == 0, run
    return f"{shown(run.kept_bytes, 'bytes')} of text, 0 arrays and 0 frames"


@study.finding
def text_of_variables_keeps_nothing(runs: Runs) -> str:
    """The text of a traceback with all its variables (capture_locals) keeps no array and no frame."""
    for run in runs.of(handle_a_failure).where(recipe="capture_locals"):
        assert run.arrays_kept == run.frames_kept == 0, run
    return f"{shown(run.kept_bytes, 'bytes')} of text, 0 arrays and 0 frames"


study.exception(
    text_of_variables_keeps_nothing,
    versions="3.10-3.12",
    reason="reading frame.f_locals leaves a dictionary in the frame that still has the exception, a cycle; "
    "from 3.13 on it is a view (PEP 667)",
    reference="python/cpython#113939",
)


@study.finding
def the_prompt_remembers(runs: Runs) -> str:
    """An exception at the interactive prompt is kept until sys.last_exc and its like are deleted."""
    for run in runs.of(handle_a_failure).where(recipe="interactive prompt"):
        assert run.arrays_kept == run.arrays_after_collection == run.frames, run
        assert run.arrays_after_letting_go == 0, run
        assert "sys" in run.held_by or not run.held_by, run.held_by
    return run.held_by or f"{run.frames} arrays, until they were deleted"


@study.finding
def the_collector_does_not_see_bytes(runs: Runs) -> str:
    """How many saved failures wait does not depend on their size: larger arrays wait in the same number."""
    cases = runs.of(fail_again_and_again).where(saved="saved = error").cases()
    cases.sort(key=lambda case: case.array_bytes)
    if len(cases) < 2:
        raise NotMeasured("one size of array shows no difference")
    small, large = (case.median("peak_waiting_arrays") for case in (cases[0], cases[-1]))
    assert small > 0, f"{cases[0]}: nothing waited"
    assert 0.5 < large / small < 2, f"{small:,} small arrays waited, {large:,} large ones"
    held = [shown(case.median("peak_waiting_bytes"), "bytes") for case in (cases[0], cases[-1])]
    return f"{small:,} arrays and {held[0]}, {large:,} arrays and {held[1]}"


@study.figure
def arrays_left(runs: Runs) -> Any:
    """Arrays of one failure, one in each frame: left when it was handled, and after a collection."""
    measured = runs.of(handle_a_failure)
    moments = side_by_side(
        measured.where(frames=min(run.frames for run in measured)),
        {
            "handled": "arrays_kept",
            "after gc.collect()": "arrays_after_collection",
        },
        by="when",
        value="arrays",
    )
    return bars(moments, x="recipe", y="arrays", color="when")


@study.figure
def bytes_kept(runs: Runs) -> Any:
    """Bytes that one handled failure keeps allocated, by the frames that it went through."""
    return bars(runs.of(handle_a_failure), x="recipe", y="kept_bytes", color="frames", y_scale="symlog")


@study.figure
def bytes_waiting(runs: Runs) -> Any:
    """The most bytes that waited at once while failures were handled, with the collector at its defaults."""
    return line(
        runs.of(fail_again_and_again), x="array_bytes", y="peak_waiting_bytes", color="saved",
        x_scale="log", y_scale="symlog",
    )  # fmt: skip


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """What the recipes keep of the deepest failure, and what waits at the defaults."""
    waiting = max(
        runs.of(fail_again_and_again).where(saved="saved = error").cases(),
        key=lambda case: case.array_bytes,
    )
    kept = [
        ("An exception kept as it is", "returned"),
        ("With clear_frames", "clear_frames"),
        ("With with_traceback(None)", "without traceback"),
        ("Left to the collector by saved = error", "saved = error"),
    ]
    return [
        *(median_tile(label, most_frames(runs, recipe), "kept_bytes", "bytes") for label, recipe in kept),
        median_tile("Saved failures waiting at once", waiting, "peak_waiting_bytes", "bytes", atlas=True),
    ]


@study.verdict
def verdict(runs: Runs) -> str:
    """What an exception of the deepest failure keeps, by what was done with it."""
    cases = [most_frames(runs, recipe) for recipe in ("returned", "clear_frames", "without traceback")]
    kept, cleared, bare = (shown(case.median("kept_bytes"), "bytes") for case in cases)
    saved = most_frames(runs, "saved = error")
    return (
        f"A kept exception keeps {kept} of the {cases[0].frames} frames it went through, with "
        f"{shown(ARRAY_BYTES, 'bytes')} of variables in each; {cleared} after traceback.clear_frames, {bare} "
        f"without its traceback. saved = error leaves {shown(saved.median('kept_bytes'), 'bytes')} to the "
        "collector."
    )


@study.pictures
def pictures(runs: Runs) -> list[dict[str, Any]]:
    """The cycles of a saved exception and of a future's result."""
    shapes = []
    for recipe in CYCLES:
        cases = runs.of(handle_a_failure).where(recipe=recipe).cases()
        smallest = min(cases, key=lambda case: case.frames).samples[0]
        shapes += (smallest.shapes or [])[:1]
    return shapes


@study.table
def recipes(runs: Runs) -> Table:
    """Who frees the arrays of each recipe, and what holds them."""
    measured = runs.of(handle_a_failure)
    smallest = measured.where(frames=min(run.frames for run in measured))
    columns = [
        "arrays_kept",
        "kept_bytes",
        "frames_kept",
        "arrays_after_collection",
        "arrays_after_letting_go",
    ]
    numbers = table(smallest, columns)
    samples = [case.samples[0] for case in smallest.cases()]
    rows = [
        [*row, sample.freed_by, sample.held_by or "nothing"]
        for row, sample in zip(numbers.rows, samples, strict=True)
    ]
    caption = "One failure, handled: what is left with the collector paused, who frees it, what holds it."
    return Table([*numbers.columns, "freed by", "held by"], rows, caption)


def most_frames(runs: Runs, recipe: str) -> Any:
    """The case of a recipe with most frames."""
    cases = runs.of(handle_a_failure).where(recipe=recipe).cases()
    return max(cases, key=lambda case: case.frames)


if __name__ == "__main__":
    raise SystemExit(study.main())
