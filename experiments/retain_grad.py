"""What does it cost to keep the gradients of everything in between?

Backward walks from the output to the inputs. At every layer it needs one gradient, the layer's own; once that has been
passed on, it is needed no more, unless the layer is a leaf: a parameter or an input. An engine may drop each gradient
in between as soon as it is used, or keep it on its Variable, where one can look at it afterwards.

We build a deep model, every layer one array of `width` numbers (8 bytes each), and go backward with the gradients kept
and dropped. The peak, the most memory held at one time, decides whether a model fits. Counting every allocation
(tracemalloc) gives exact peaks, the same on every machine; a Python on which NumPy cannot reuse temporary results
(numpy/numpy#28681) needs one array more. The kernel's mark of the most resident memory (VmHWM) says what the process
really took. And one whole step is watched line by line from inside (memory_profiler), and over time from outside.

What to do about it: leave the dropping on, which is the engine's default. To look at one gradient in between, keep the
gradients of one small run,

    with retain_grad():
        output.backward()

and let go of the output when you have looked: kept gradients live exactly as long as the graph they sit on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter as clock
from typing import Any

import numpy as np

from autograd_core import Variable
from experiments import _parts
from experiments._shared import deep_model, warm_up
from experiments._step import curve_of, lines_of, one_step
from garbology.recorders import peak_memory, sample_memory, traced_allocations
from garbology.study import Run, Study, Unavailable, agree, every, run_study

KINDS = ["dropped", "kept"]
WATCHED_DEPTH, WATCHED_WIDTH = 100, 50_000  # 40 MB of results: some 0.1 s, long enough to be sampled
FORWARD_LINE, BACKWARD_LINE = "model(x)", ".backward("

study = Study(
    title="Gradients kept or dropped on the way back",
    part=_parts.BEST_BUILT,
    parameters={"gradients": KINDS, "depth": [20, 50, 100, 200], "width": [10_000, 30_000, 100_000]},
    quick={"depth": [20, 80], "width": [50_000], "repeats": 2},
    full={"depth": [20, 50, 100, 200, 500, 1_000], "width": [10_000, 30_000, 100_000]},
)


@dataclass(frozen=True)
class Backward:
    """What one backward of a graph that is there already holds at most, and what is left of it.

    The peaks are above what was held when backward began. `traced_peak_bytes` counts allocations and is exact;
    `resident_peak_bytes` is what the operating system saw.
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
    return Watched(lines=lines_of(profiler), curve=curve_of(samples, moments), samples=len(samples))


def _inputs(width: int) -> Variable:
    """The model's inputs, after a first tiny step: what is imported or cached then is no part of a peak."""
    warm_up(lambda: deep_model(Variable(np.ones(1)), 2).backward())
    return Variable(np.linspace(-1, 1, width))


def grown_by(line: str) -> Callable[[Run], int]:
    """How much the lines of a watched step with this text added."""
    return lambda run: sum(row["grown_bytes"] for row in run.lines if line in row["source"])


passes = go_backward.with_values(  # in arrays, each as large as one layer's gradient
    arrays=lambda run: run.traced_peak_bytes / run.array_bytes,
    arrays_left=lambda run: run.traced_after_drop_bytes / run.array_bytes,
)
kept, dropped = passes.each(gradients=["kept", "dropped"])
deep_kept, deep_dropped = (each.largest("width").largest("depth") for each in (kept, dropped))
dropped_depths = dropped.several("depth")
most_dropped, least_dropped = dropped_depths.most("arrays"), dropped_depths.least("arrays")
shallowest, deepest = dropped_depths.least("depth"), dropped_depths.most("depth")
layers = kept.slopes("arrays", over="depth")
steps = watch_a_step.with_values(forward_bytes=grown_by(FORWARD_LINE), backward_bytes=grown_by(BACKWARD_LINE))
step_kept, step_dropped = steps.each(gradients=["kept", "dropped"])

dropped_is_constant = study.claim(
    "With gradients dropped, the peak of backward is the same few arrays, however deep the model.",
    (most_dropped - least_dropped < 1).for_each("width"),
    least_dropped >= 1,
    evidence="at most {most_dropped:.1f} arrays at any depth from {shallowest} to {deepest}",
)
kept_is_linear = study.claim(
    "With gradients kept, each layer adds one whole array to the peak of backward, at every width.",
    layers.least("slope").called("{:.3f} arrays a layer") > 0.95,
    layers.most("slope").called("{:.3f} arrays a layer") < 1.05,
)
the_process_really_grows = study.claim(
    "The operating system sees it too: keeping takes at least three times the resident memory.",
    deep_kept.resident_peak_bytes > deep_kept.traced_peak_bytes * 0.7,
    deep_kept.resident_peak_bytes > deep_dropped.resident_peak_bytes * 3,
)
the_result_is_the_same = study.claim(
    "The gradient of the inputs is the same to the last bit, kept or dropped.",
    agree(go_backward, "leaf_gradient", by=["depth", "width"], across="gradients"),
)
kept_gradients_die_with_the_graph = study.claim(
    "Kept gradients live as long as the graph and no longer: after the drop only the leaf's is left.",
    every(kept, lambda run: run.traced_after_bytes > run.depth * run.array_bytes, "nothing was kept"),
    passes.most("arrays_left").called("{:.2f} arrays left, the gradient of the inputs") < 1.5,
)
the_line_that_makes_the_peak = study.claim(
    "Line by line: kept, the backward line adds as much as forward did; dropped, next to nothing.",
    every(steps, lambda run: run.forward_bytes > 0.7 * WATCHED_DEPTH * WATCHED_WIDTH * 8, "too little"),
    every(steps, lambda run: run.gradients == "dropped" or run.backward_bytes > 0.7 * run.forward_bytes),
    every(steps, lambda run: run.gradients == "kept" or run.backward_bytes < 0.3 * run.forward_bytes),
    evidence="""dropped: {step_dropped.backward_bytes} backward, {step_dropped.forward_bytes} forward; kept:
    {step_kept.backward_bytes} backward, {step_kept.forward_bytes} forward""",
)

peak_over_depth = study.line(
    "Peak of one backward over the depth of the widest model, above what the graph held already.",
    go_backward.largest("width"), x="depth", y="traced_peak_bytes", color="gradients", x_title="layers",
    y_title="most bytes allocated")  # fmt: skip
memory_over_time = study.line(
    "Resident memory over one step, sampled from outside: forward up to 1, then backward up to 2.",
    watch_a_step.rows("curve", by=["progress"]), x="progress", y="resident_bytes", color="gradients",
    x_title="progress of the step", y_title="resident memory")  # fmt: skip
memory_by_line = study.bars("Memory held when each line of the step was done, above the start, by memory_profiler.",
    watch_a_step.rows("lines", by=["source"]), x="source", y="held_bytes", color="gradients",
    x_title="line of the step", y_title="memory held")  # fmt: skip

study.tile("Peak of backward, {deep_kept.depth:d} layers, gradients kept", deep_kept.traced_peak_bytes)
study.tile("Peak of backward, {deep_kept.depth:d} layers, dropped", deep_dropped.traced_peak_bytes)
kept_against_dropped = deep_kept.traced_peak_bytes / deep_dropped.traced_peak_bytes
study.tile("Kept against dropped", kept_against_dropped, unit="times", atlas=True, better="")
study.tile("Resident peak, kept", deep_kept.resident_peak_bytes, atlas=True)
study.tile("Resident peak, dropped", deep_dropped.resident_peak_bytes)
study.verdict("""Backward through {deep_kept.depth} layers of {deep_kept.array_bytes} peaks at {deep_kept.arrays:,.0f}
    arrays if gradients are kept, one more a layer; {deep_dropped.arrays:,.0f} if dropped, at any depth.""")
study.table("One backward: most bytes held at once, held when it was done, and after the graph was dropped.",
    go_backward, ["traced_peak_bytes", "resident_peak_bytes", "traced_after_bytes", "traced_after_drop_bytes"],
)  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
