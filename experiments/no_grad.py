"""What does it cost to record a graph that will never be differentiated?

To differentiate later, an engine has to remember: each result holds the Function that made it, that Function holds its
inputs, and so the last result of a model keeps every result before it. A program that wants only the answer (inference,
evaluation on held-out data, a figure for a log) pays for nothing. `no_grad()` switches the recording off: the array of
the layer before is then freed as soon as the next one is there.

We send one input through a deep model, each layer one array of `width` numbers (8 bytes each), recorded and not, and
measure the peak (the most memory held at one time) and the time. Then we do what an evaluation loop does: add up the
loss of many batches. If the running total is a Variable, it holds the graph of every batch it ever saw.

What to do about it: wrap whatever is never differentiated in

    with no_grad():
        output = model(inputs)

and take the number out of a loss before keeping it: `total += float(loss.data)`, not `total = total + loss`.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograd_core import Variable, mean, no_grad
from experiments import _parts
from experiments._clock import fastest_by_turns, seconds_of
from experiments._shared import deep_model, functions_behind, peak_bytes, warm_up
from garbology.recorders import peak_memory, traced_allocations
from garbology.study import Study, agree, every, run_study

MODES = ["recorded", "no_grad"]
BATCH_DEPTH, BATCH_WIDTH = 10, 1_000  # the small model that each batch goes through
BOOKKEEPING_BYTES = 1_000  # more than one layer's Variable, Function and ndarray take, without the data
TIMED_DEPTH, PASSES = 100, 9
SMALL_ELEMENTS = 100  # up to here it is the engine's own work that takes the time

study = Study(
    title="Inference with and without recording", part=_parts.BEST_BUILT,
    parameters={
        "mode": MODES, "depth": [10, 50, 100, 200], "width": [1_000, 100_000],
        "elements": [1, 100, 1_000, 10_000, 100_000], "total": ["a Variable", "a number"],
        "batches": [10, 30, 100, 300],
    },
    quick={
        "depth": [20, 80], "width": [50_000], "elements": [100], "total": ["a Variable"], "batches": [40],
        "repeats": 2,
    },
    full={
        "depth": [10, 50, 100, 200, 500, 1_000], "width": [1_000, 10_000, 100_000],
        "batches": [10, 30, 100, 300, 1_000],
    },
)  # fmt: skip


@dataclass(frozen=True)
class Inference:
    """What one pass through the model holds at most, above the start.

    `traced_peak_bytes` counts allocations and is exact; `resident_peak_bytes` is what the operating system saw.
    """

    array_bytes: int  # of one layer's results
    recorded_functions: int  # that the last result keeps alive
    traced_peak_bytes: int
    resident_peak_bytes: int
    output_sum: float  # to compare


@study.measure
def infer(mode: str, depth: int, width: int) -> Inference:
    """Send one input through the model: once for the process's peak, once with allocations traced."""
    inputs = Variable(np.linspace(-1, 1, width))
    with _recording(mode):
        warm_up(lambda: deep_model(Variable(np.ones(1)), 2))
        with peak_memory() as resident:
            output = deep_model(inputs, depth)
        functions, output_sum = len(functions_behind(output)), float(output.data.sum())
        del output
        traced_peak_bytes = peak_bytes(lambda: deep_model(inputs, depth))
    return Inference(
        array_bytes=inputs.data.nbytes,
        recorded_functions=functions,
        traced_peak_bytes=traced_peak_bytes,
        resident_peak_bytes=resident.above_baseline_bytes,
        output_sum=output_sum,
    )


@dataclass(frozen=True)
class Timed:
    """The time of a pass through 100 layers in both modes, taken by turns in one process.

    Of several passes the fastest counts: what slows the others down is not the engine.
    """

    recorded_seconds: float
    no_grad_seconds: float


@study.measure
def time_a_pass(elements: int) -> Timed:
    """Time passes through the model, with and without recording by turns."""
    inputs = Variable(np.linspace(-1, 1, elements))
    seconds = fastest_by_turns({mode: partial(_seconds, inputs, mode) for mode in MODES}, PASSES)
    return Timed(seconds["recorded"], seconds["no_grad"])


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation loop holds when all batches are through, and its result."""

    batch_bytes: int  # the arrays of one batch's graph
    held_bytes: int
    mean_loss: float


@study.measure
def evaluate_batches(mode: str, total: str, batches: int) -> Evaluation:
    """Add up the loss of many batches, as a Variable or as a number."""
    data = Variable(np.linspace(-1, 1, BATCH_WIDTH))

    def add_up(batches: int) -> Any:
        sum_of_losses: Any = Variable(np.array(0.0)) if total == "a Variable" else 0.0
        for _ in range(batches):
            loss = mean(deep_model(data, BATCH_DEPTH))
            sum_of_losses = sum_of_losses + (loss if total == "a Variable" else float(loss.data))
        return sum_of_losses

    with _recording(mode):
        warm_up(lambda: add_up(2))
        with traced_allocations() as traced:
            sum_of_losses = add_up(batches)
    value = float(sum_of_losses.data if total == "a Variable" else sum_of_losses)
    return Evaluation(
        batch_bytes=data.data.nbytes * BATCH_DEPTH,
        held_bytes=traced.current_bytes,
        mean_loss=value / batches,
    )


def _recording(mode: str) -> AbstractContextManager[None]:
    return no_grad() if mode == "no_grad" else nullcontext()


def _seconds(inputs: Variable, mode: str) -> float:
    with _recording(mode):
        return seconds_of(lambda: deep_model(inputs, TIMED_DEPTH))


passes = infer.with_values(arrays=lambda run: run.traced_peak_bytes / run.array_bytes)
recorded, bare = passes.each(mode=MODES)
deep_recorded, deep_bare = (each.largest("width").largest("depth") for each in (recorded, bare))
bare_depths = bare.several("depth")
bare_large = bare_depths.matching(lambda run: run.array_bytes > 10 * BOOKKEEPING_BYTES)
arrays_held = bare_large.most("arrays")
shallowest, deepest = bare.least("depth"), bare.most("depth")
layers = recorded.slopes("traced_peak_bytes", over="depth").with_values(
    besides_the_array=lambda layer: layer.slope - layer.array_bytes
)
least_besides, most_besides = layers.least("besides_the_array"), layers.most("besides_the_array")
small = time_a_pass.matching(
    lambda run: run.elements <= SMALL_ELEMENTS, f"at most {SMALL_ELEMENTS} numbers"
).largest("elements")
small_recorded, small_bare = small.recorded_seconds / TIMED_DEPTH, small.no_grad_seconds / TIMED_DEPTH
leaking = evaluate_batches.where(mode="recorded", total="a Variable")
not_leaking = evaluate_batches.matching(lambda run: (run.mode, run.total) != ("recorded", "a Variable"))
longest = leaking.largest("batches")
longest_bare = evaluate_batches.where(mode="no_grad", total="a Variable").largest("batches")

no_grad_is_constant = study.claim(
    "Without recording, the peak is the same few arrays, however deep the model.",
    (
        bare_depths.most("traced_peak_bytes") - bare_depths.least("traced_peak_bytes")
        < bare_depths.least("array_bytes") + BOOKKEEPING_BYTES
    ).for_each("width"),
    bare_depths.least("arrays") >= 1,
    evidence="at most {arrays_held:.1f} arrays at any depth from {shallowest} to {deepest}",
)
recording_is_linear = study.claim(
    "With recording, each layer adds its array and less than 1 kB of bookkeeping to the peak.",
    least_besides > 0,
    most_besides < BOOKKEEPING_BYTES,
    evidence="{least_besides:,.0f} to {most_besides:,.0f} bytes a layer besides its array",
)
only_the_graph_makes_the_difference = study.claim(
    "The result is the same to the last bit; recorded it keeps every Function alive, otherwise none.",
    every(infer, lambda run: run.recorded_functions == (run.depth if run.mode == "recorded" else 0)),
    agree(infer, "output_sum", by=["depth", "width"], across="mode"),
)
the_process_really_grows = study.claim(
    "The operating system sees it too: recording takes at least three times the resident memory.",
    deep_recorded.resident_peak_bytes > deep_recorded.traced_peak_bytes * 0.7,
    deep_recorded.resident_peak_bytes > deep_bare.resident_peak_bytes * 3,
)
recording_costs_time = study.claim(
    "On small arrays, where the engine's own work shows, recording makes a pass at least a tenth slower.",
    small.recorded_seconds > small.no_grad_seconds * 1.1,
    evidence="{small_recorded} a layer recorded, {small_bare} not",
)
a_total_that_is_a_variable_holds_every_batch = study.claim(
    "A running total kept as a Variable holds the graph of every batch, unless nothing is recorded.",
    (leaking.held_bytes > leaking.batch_bytes * leaking.batches * 0.9).for_each("batches"),
    (not_leaking.held_bytes < not_leaking.batch_bytes * 0.5).for_each("mode", "total", "batches"),
    evidence="after {longest.batches} batches {longest.held_bytes} recorded, {longest_bare.held_bytes} with no_grad",
)

peak_over_depth = study.line("The most memory that one pass through the widest model holds, by counting allocations.",
    infer.largest("width"), x="depth", y="traced_peak_bytes", color="mode", x_title="layers",
    y_title="most bytes allocated")  # fmt: skip
seconds_over_elements = study.line("How long one pass through 100 layers takes, over the numbers in each array.",
    time_a_pass, x="elements", y="forward_seconds", color="mode", log="xy", x_title="numbers in an array",
    values={mode: f"{mode}_seconds" for mode in MODES}, y_title="time of one pass")  # fmt: skip
held_over_batches = study.line("What an evaluation loop holds at its end, by what its running total is.",
    evaluate_batches, x="batches", y="held_bytes", color="mode", facet="total",
    x_title="batches evaluated", y_title="bytes held at the end")  # fmt: skip

study.tile("Peak through {deep_recorded.depth:d} layers, recorded", deep_recorded.traced_peak_bytes)
study.tile("Peak through {deep_recorded.depth:d} layers, no_grad", deep_bare.traced_peak_bytes)
study.tile("Resident peak, recorded", deep_recorded.resident_peak_bytes, atlas=True)
slower = small.recorded_seconds / small.no_grad_seconds
study.tile("Time with recording, small arrays", slower, unit="times", atlas=True)
study.tile("Held by a total of {longest.batches:d} losses", longest.held_bytes)
study.verdict("""A pass through {deep_recorded.depth} layers of {deep_recorded.array_bytes} peaks at
    {deep_recorded.traced_peak_bytes} if recorded, one array a layer, {deep_bare.traced_peak_bytes} with no_grad(), at
    any depth.""")
columns = ["traced_peak_bytes", "resident_peak_bytes", "recorded_functions"]
study.table("One pass through the model.", infer, columns)


if __name__ == "__main__":
    raise SystemExit(run_study(study))
