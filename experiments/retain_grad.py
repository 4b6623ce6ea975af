"""What does it cost to keep the gradients of everything in between?

Backward walks from the output to the inputs. At every layer it needs one gradient, the layer's own; once that
has been passed on, nobody needs it any more. What a training step is after are the gradients at the ends of
the walk, the leaves: parameters and inputs. An engine may drop each intermediate gradient as soon as it is
used, or keep it on its Variable, where one can look at it afterwards.

We build a deep model, every layer one array of `width` numbers (8 bytes each), and go backward once with the
gradients kept and once dropped. The peak is the most memory held at one time: the one figure that decides
whether a model fits. We look at it in three ways, because each sees what the others miss. Counting every
allocation (tracemalloc) gives exact peaks, the same on every machine; a Python on which NumPy cannot reuse
temporary results (numpy/numpy#28681) needs one array more. The kernel's mark of the most resident memory
(VmHWM) says what the process really took. And one whole step is watched line by line from inside
(memory_profiler), which shows where memory grew, and over time from outside, which shows when.

What to do about it: leave the dropping on, which is the engine's default. To look at one gradient in between, keep
the gradients of one small run,

    with retain_grad():
        output.backward()

and let go of the output when you have looked: kept gradients live exactly as long as the graph they sit on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import truediv
from time import perf_counter as clock
from typing import Any

import numpy as np

from autograd_core import Variable
from experiments._shared import deep_model, unfolded
from garbology.recorders import MemorySamples, peak_memory, sample_memory, traced_allocations
from garbology.study import (
    NotMeasured,
    Runs,
    Study,
    Table,
    Tile,
    Unavailable,
    bars,
    combined_tile,
    counted,
    line,
    median_tile,
    shown,
    table,
)

KINDS = ["dropped", "kept"]
WATCHED_DEPTH, WATCHED_WIDTH = 100, 50_000  # 40 MB of results: some 0.1 s, long enough to be sampled
MOMENTS = 20  # the curve's points in each half of the step
FORWARD_LINE, BACKWARD_LINE = "model(x)", ".backward("

study = Study(
    title="Gradients kept or dropped on the way back",
    parameters={"gradients": KINDS, "depth": [20, 50, 100, 200], "width": [10_000, 30_000, 100_000]},
    quick={"depth": [20, 80], "width": [50_000], "repeats": 2},
    full={"depth": [20, 50, 100, 200, 500, 1_000], "width": [10_000, 30_000, 100_000]},
)


@dataclass(frozen=True)
class Backward:
    """What one backward of a graph that is there already holds at most, and what is left of it.

    The peaks are above what was held when backward began. `traced_peak_bytes` counts allocations and is
    exact; `resident_peak_bytes` is what the operating system saw.
    """

    array_bytes: int  # of one layer's results, and of one gradient
    traced_peak_bytes: int
    traced_after_bytes: int  # still held when backward is done
    traced_after_drop_bytes: int  # still held when the output, and with it the graph, is gone
    resident_peak_bytes: int
    leaf_gradient: float  # the sum of the gradient of the inputs, to compare


@study.measure
def go_backward(gradients: str, depth: int, width: int) -> Backward:
    """Go backward through a deep model once, and through another one with allocations traced."""
    keep = gradients == "kept"
    inputs = _inputs(width)
    output = deep_model(inputs, depth)
    with peak_memory() as resident:
        output.backward(retain_grad=keep)
    leaf_gradient = float(inputs.grad.sum())
    inputs.cleargrad()
    output = deep_model(inputs, depth)
    with traced_allocations() as until_the_drop:
        with traced_allocations() as backward:
            output.backward(retain_grad=keep)
        del output
    return Backward(
        array_bytes=inputs.data.nbytes,
        traced_peak_bytes=backward.peak_bytes,
        traced_after_bytes=backward.current_bytes,
        traced_after_drop_bytes=until_the_drop.current_bytes,
        resident_peak_bytes=resident.above_baseline_bytes,
        leaf_gradient=leaf_gradient,
    )


@dataclass(frozen=True)
class Watched:
    """One forward and backward: `lines` from inside, `curve` from outside; bytes are RSS above the start.

    A line has its "source", the bytes "held_bytes" when it was done and how much more that was than before,
    "grown_bytes". A moment of the curve has its "progress", 0 to 1 forward and 1 to 2 backward.
    """

    lines: list[dict[str, Any]]
    curve: list[dict[str, float]]
    samples: int  # how often the process was looked at from outside


@study.measure
def watch_a_step(gradients: str) -> Watched:
    """Take one step, watched line by line from inside and all the time from outside."""
    try:
        from memory_profiler import LineProfiler
    except ImportError:
        raise Unavailable("memory_profiler is not installed: pip install memory_profiler") from None
    inputs = _inputs(WATCHED_WIDTH)
    profiler = LineProfiler()
    profiler.add_function(one_step)
    with sample_memory(interval_seconds=0.001) as samples:
        began = clock()
        with profiler:
            _, middle = one_step(lambda x: deep_model(x, WATCHED_DEPTH), inputs, gradients == "kept")
        ended = clock()
    moments = 0.0, middle - began, ended - began
    return Watched(lines=_lines(profiler), curve=_curve(samples, moments), samples=len(samples))


def one_step(model: Callable[[Variable], Variable], x: Variable, keep: bool) -> tuple[Variable, float]:
    """Forward and backward: each of these lines is measured, and shown as it is here."""
    y = model(x)
    middle = clock()
    y.backward(keep)
    return y, middle


def _inputs(width: int) -> Variable:
    """The model's inputs, after a first tiny step: what is imported or cached then is no part of a peak."""
    with peak_memory(), traced_allocations():
        deep_model(Variable(np.ones(1)), 2).backward()
    return Variable(np.linspace(-1, 1, width))


def _lines(profiler: Any) -> list[dict[str, Any]]:
    """What memory_profiler noted for each line of one_step, in bytes; the first entry is the `def`."""
    source, first = inspect.getsourcelines(one_step)
    [(_, noted)] = profiler.code_map.items()
    held = [(number, int(memory[1] * 2**20)) for number, memory in noted if memory is not None]
    start_bytes = held[0][1]
    return [
        {
            "source": source[number - first].strip(),
            "held_bytes": after - start_bytes,
            "grown_bytes": after - before,
        }
        for (_, before), (number, after) in pairwise(held)
    ]


def _curve(samples: MemorySamples, moments: Sequence[float]) -> list[dict[str, float]]:
    """The samples at evenly spaced moments of each half: what was seen last by then."""
    seconds, held = np.asarray(samples.seconds), np.asarray(samples.rss_bytes)
    curve = []
    for half, (start, end) in enumerate(pairwise(moments)):
        for step in range(half > 0, MOMENTS + 1):
            seen = np.searchsorted(seconds, start + (end - start) * step / MOMENTS, side="right") - 1
            grown = int(held[max(seen, 0)]) - samples.baseline_bytes
            curve.append({"progress": half + step / MOMENTS, "resident_bytes": grown})
    return curve


@study.finding
def dropped_is_constant(runs: Runs) -> str:
    """With gradients dropped, the peak of backward is the same few arrays, however deep the model."""
    most = 0.0
    for cases in _by_width(runs, "dropped"):
        array = cases[0].median("array_bytes")
        peaks = [case.median("traced_peak_bytes") / array for case in cases]
        assert max(peaks) - min(peaks) < 1, f"{cases[0]} to {cases[-1]}: {_rounded(peaks)} arrays"
        assert min(peaks) >= 1, f"{cases[0]}: a peak of {min(peaks):.2f} arrays is less than one gradient"
        most = max(most, *peaks)
    return f"at most {most:.1f} arrays at any depth from {cases[0].depth} to {cases[-1].depth}"


@study.finding
def kept_is_linear(runs: Runs) -> str:
    """With gradients kept, each layer adds one whole array to the peak of backward, at every width."""
    slopes = []
    for cases in _by_width(runs, "kept"):
        for shallow, deep in pairwise(cases):
            grown = deep.median("traced_peak_bytes") - shallow.median("traced_peak_bytes")
            slopes.append(grown / (deep.depth - shallow.depth) / deep.median("array_bytes"))
            assert abs(slopes[-1] - 1) < 0.05, f"{shallow} to {deep}: {slopes[-1]:.3f} arrays a layer"
    return f"{min(slopes):.3f} to {max(slopes):.3f} arrays a layer"


@study.finding
def the_process_really_grows(runs: Runs) -> str:
    """The operating system sees it too: keeping takes at least three times the resident memory."""
    kept, dropped = (_largest(runs, gradients) for gradients in ("kept", "dropped"))
    resident, counted = kept.median("resident_peak_bytes"), kept.median("traced_peak_bytes")
    assert resident > 0.7 * counted, (
        f"{kept}: {shown(resident, 'bytes')} resident, {shown(counted, 'bytes')} counted"
    )
    small = dropped.median("resident_peak_bytes")
    told = f"{shown(resident, 'bytes')} kept, {shown(small, 'bytes')} dropped at depth {kept.depth}"
    assert resident > 3 * small, told
    return told


@study.finding
def the_result_is_the_same(runs: Runs) -> str:
    """The gradient of the inputs is the same to the last bit, kept or dropped."""
    kept = {(run.depth, run.width): run.leaf_gradient for run in runs.of(go_backward).where(gradients="kept")}
    compared = 0
    for run in runs.of(go_backward).where(gradients="dropped"):
        other = kept.get((run.depth, run.width), run.leaf_gradient)
        assert run.leaf_gradient == other, f"{run}: {other!r} when kept"
        compared += (run.depth, run.width) in kept
    if not compared:
        raise NotMeasured("no depth and width was measured both ways")
    return f"equal in {counted(compared, 'sample')}"


@study.finding
def kept_gradients_die_with_the_graph(runs: Runs) -> str:
    """Kept gradients live as long as the graph and no longer: after the drop only the leaf's is left."""
    for run in runs.of(go_backward).where(gradients="kept"):
        assert run.traced_after_bytes > run.depth * run.array_bytes, f"{run}: nothing was kept"
    for run in runs.of(go_backward):
        assert run.traced_after_drop_bytes < 1.5 * run.array_bytes, run
    most = max(run.traced_after_drop_bytes / run.array_bytes for run in runs.of(go_backward))
    return f"at most {most:.2f} arrays left, the gradient of the inputs"


@study.finding
def the_line_that_makes_the_peak(runs: Runs) -> str:
    """Line by line: kept, the backward line adds as much as forward did; dropped, next to nothing."""
    shares = []
    for run in runs.of(watch_a_step):
        grown = {row["source"]: row["grown_bytes"] for row in run.lines}
        forward = sum(bytes_ for source, bytes_ in grown.items() if FORWARD_LINE in source)
        backward = sum(bytes_ for source, bytes_ in grown.items() if BACKWARD_LINE in source)
        least = WATCHED_DEPTH * WATCHED_WIDTH * 8 * 0.7
        assert forward > least, f"{run.gradients}: forward added {shown(forward, 'bytes')} only"
        told = f"{run.gradients}: {shown(backward, 'bytes')} backward, {shown(forward, 'bytes')} forward"
        good = backward > 0.7 * forward if run.gradients == "kept" else backward < 0.3 * forward
        assert good, told
        shares.append(told)
    return "; ".join(sorted({share.split(":")[0]: share for share in shares}.values()))


@study.figure
def peak_over_depth(runs: Runs) -> Any:
    """Peak of one backward over the depth of the widest model, above what the graph held already."""
    widest = _with_most(runs, "width")
    return line(widest, x="depth", y="traced_peak_bytes", color="gradients", x_title="layers")


@study.figure
def peak_over_width(runs: Runs) -> Any:
    """The same peak over the width of the deepest model: wider arrays cost in proportion, kept or dropped."""
    deepest = _with_most(runs, "depth")
    return line(
        deepest, x="width", y="traced_peak_bytes", color="gradients", x_scale="log", y_scale="log",
        x_title="numbers in a layer",
    )  # fmt: skip


@study.figure
def memory_over_time(runs: Runs) -> Any:
    """Resident memory over one step, sampled from outside: forward up to 1, then backward up to 2."""
    curve = unfolded(runs.of(watch_a_step), "curve", by=["progress"])
    return line(
        curve, x="progress", y="resident_bytes", color="gradients",
        x_title="progress",
    )  # fmt: skip


@study.figure
def memory_by_line(runs: Runs) -> Any:
    """Memory held when each line of the step was done, above the start, by memory_profiler."""
    lines = unfolded(runs.of(watch_a_step), "lines", by=["source"])
    return bars(lines, x="source", y="held_bytes", color="gradients", x_title="line of the step")


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """The numbers of the deepest and widest model."""
    kept, dropped = (_largest(runs, gradients) for gradients in ("kept", "dropped"))
    peaks = (kept, "traced_peak_bytes"), (dropped, "traced_peak_bytes")
    label = f"Peak of backward, {kept.depth} layers"
    return [
        median_tile(f"{label}, gradients kept", kept, "traced_peak_bytes", "bytes"),
        median_tile(f"{label}, dropped", dropped, "traced_peak_bytes", "bytes"),
        combined_tile("Kept against dropped", truediv, *peaks, unit="times", atlas=True, better=""),
        median_tile("Resident peak, kept", kept, "resident_peak_bytes", "bytes", atlas=True),
        median_tile("Resident peak, dropped", dropped, "resident_peak_bytes", "bytes"),
    ]


@study.verdict
def verdict(runs: Runs) -> str:
    """Depth decides if gradients are kept, and does not if they are dropped."""
    kept, dropped = (_largest(runs, gradients) for gradients in ("kept", "dropped"))
    array = kept.median("array_bytes")
    arrays = [case.median("traced_peak_bytes") / array for case in (kept, dropped)]
    return (
        f"Backward through {kept.depth:,} layers of {shown(array, 'bytes')} holds {arrays[0]:,.0f} arrays at its "
        f"peak if gradients are kept ({shown(kept.median('traced_peak_bytes'), 'bytes')}), one more for each "
        f"layer, and {arrays[1]:,.0f} if they are dropped "
        f"({shown(dropped.median('traced_peak_bytes'), 'bytes')}), at any depth."
    )


@study.table
def medians(runs: Runs) -> Table:
    """The peaks, and what stays."""
    columns = ["traced_peak_bytes", "resident_peak_bytes", "traced_after_bytes", "traced_after_drop_bytes"]
    caption = "One backward: most bytes held at once, held when it was done, and after the graph was dropped."
    return table(runs.of(go_backward), columns, caption=caption)


def _by_width(runs: Runs, gradients: str) -> Iterator[list[Any]]:
    """The cases of each width from the shallowest to the deepest model, at least two."""
    chosen = runs.of(go_backward).where(gradients=gradients)
    for width in sorted({run.width for run in chosen}):
        cases = sorted(chosen.where(width=width).cases(), key=lambda case: case.depth)
        if len(cases) < 2:
            raise NotMeasured(f"width {width}: one depth shows no growth")
        yield cases


def _with_most(runs: Runs, size: str) -> Runs:
    """The backwards through the models that are largest in one way, "depth" or "width"."""
    chosen = runs.of(go_backward)
    return chosen.where(**{size: max(getattr(run, size) for run in chosen)})


def _largest(runs: Runs, gradients: str) -> Any:
    cases = runs.of(go_backward).where(gradients=gradients).cases()
    return max(cases, key=lambda case: (case.width, case.depth))


def _rounded(numbers: list[float]) -> str:
    return ", ".join(f"{number:.2f}" for number in numbers)


if __name__ == "__main__":
    raise SystemExit(study.main())
