"""What does it cost to record a graph that nobody will differentiate?

To differentiate later, an engine has to remember: each result holds the Function that made it, that Function
holds its inputs, and so the last result of a model keeps every result before it. Who only wants the answer
(inference, evaluation on held-out data, a figure for a log) never goes backward, and pays for nothing.
`no_grad()` switches the recording off: a result is then an array and no more, and the array of the layer
before is freed as soon as the next one is there.

We send one input through a deep model, each layer one array of `width` numbers (8 bytes each), recorded and
not, and measure the peak (the most memory held at one time) and the time. Then we do what an evaluation loop
does: add up the loss of many batches. There one careless line makes recording far more expensive: if the
running total is a Variable, it holds the graph of every batch it ever saw.

What to do about it: wrap whatever is never differentiated in

    with no_grad():
        output = model(inputs)

and take the number out of a loss before keeping it: `total += float(loss.data)`, not `total = total + loss`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from operator import truediv
from typing import Any

import numpy as np

from autograd_core import Variable, mean, no_grad
from experiments._rows import side_by_side
from experiments._shared import deep_model
from garbology.recorders import peak_memory, traced_allocations
from garbology.study import (
    NotMeasured,
    Runs,
    Study,
    Table,
    Tile,
    combined_tile,
    counted,
    line,
    median_tile,
    shown,
    table,
)

MODES = ["recorded", "no_grad"]
BATCH_DEPTH, BATCH_WIDTH = 10, 1_000  # the small model that each batch goes through
BOOKKEEPING_BYTES = 1_000  # more than one layer's Variable, Function and ndarray take, without the data
TIMED_DEPTH, PASSES = 100, 9
SMALL_ELEMENTS = 100  # up to here it is the engine's own work that takes the time

study = Study(
    title="Inference with and without recording",
    parameters={
        "mode": MODES,
        "depth": [10, 50, 100, 200],
        "width": [1_000, 100_000],
        "elements": [1, 100, 1_000, 10_000, 100_000],
        "total": ["a Variable", "a number"],
        "batches": [10, 30, 100, 300],
    },
    quick={
        "depth": [20, 80],
        "width": [50_000],
        "elements": [100],
        "total": ["a Variable"],
        "batches": [40],
        "repeats": 2,
    },
    full={
        "depth": [10, 50, 100, 200, 500, 1_000],
        "width": [1_000, 10_000, 100_000],
        "batches": [10, 30, 100, 300, 1_000],
    },
)


@dataclass(frozen=True)
class Inference:
    """What one pass through the model holds at most, above the start.

    `traced_peak_bytes` counts allocations and is exact; `resident_peak_bytes` is what the operating system
    saw.
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
        _warm_up(lambda: deep_model(Variable(np.ones(1)), 2))
        with peak_memory() as resident:
            output = deep_model(inputs, depth)
        functions, output_sum = _functions_behind(output), float(output.data.sum())
        del output
        with traced_allocations() as traced:
            deep_model(inputs, depth)
    return Inference(
        array_bytes=inputs.data.nbytes,
        recorded_functions=functions,
        traced_peak_bytes=traced.peak_bytes,
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
    seconds: dict[str, list[float]] = {mode: [] for mode in MODES}
    for _ in range(PASSES):
        for mode in MODES:
            with _recording(mode):
                seconds[mode].append(_seconds(inputs))
    return Timed(recorded_seconds=min(seconds["recorded"]), no_grad_seconds=min(seconds["no_grad"]))


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
        _warm_up(lambda: add_up(2))
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


def _warm_up(work: Callable[[], Any]) -> None:
    """Do it once, small: what is imported or cached at first use is no part of a peak."""
    with peak_memory(), traced_allocations():
        work()


def _seconds(inputs: Variable) -> float:
    started = time.perf_counter()
    deep_model(inputs, TIMED_DEPTH)
    return time.perf_counter() - started


def _functions_behind(output: Variable) -> int:
    """How many Functions a result of the deep model keeps alive."""
    count = 0
    while output.creator is not None:
        count += 1
        output = output.creator.inputs[0]
    return count


@study.finding
def no_grad_is_constant(runs: Runs) -> str:
    """Without recording, the peak is the same few arrays, however deep the model."""
    most = 0.0
    for cases in _by_width(runs, "no_grad"):
        array = cases[0].median("array_bytes")
        peaks = [case.median("traced_peak_bytes") for case in cases]
        told = f"{cases[0]} to {cases[-1]}: {', '.join(shown(peak, 'bytes') for peak in peaks)}"
        assert max(peaks) - min(peaks) < array + BOOKKEEPING_BYTES, told
        assert min(peaks) >= array, f"{told}: less than one array of results"
        if array > 10 * BOOKKEEPING_BYTES:
            most = max(most, *(peak / array for peak in peaks))
    return f"at most {most:.1f} arrays at any depth from {cases[0].depth} to {cases[-1].depth}"


@study.finding
def recording_is_linear(runs: Runs) -> str:
    """With recording, each layer adds its array and less than 1 kB of bookkeeping to the peak."""
    bookkeeping = []
    for cases in _by_width(runs, "recorded"):
        for shallow, deep in pairwise(cases):
            grown = deep.median("traced_peak_bytes") - shallow.median("traced_peak_bytes")
            bookkeeping.append(grown / (deep.depth - shallow.depth) - deep.median("array_bytes"))
            told = f"{shallow} to {deep}: {bookkeeping[-1]:,.0f} bytes a layer more than its array"
            assert 0 < bookkeeping[-1] < BOOKKEEPING_BYTES, told
    return f"{min(bookkeeping):,.0f} to {max(bookkeeping):,.0f} bytes a layer besides its array"


@study.finding
def only_the_graph_makes_the_difference(runs: Runs) -> str:
    """The result is the same to the last bit; recorded it keeps every Function alive, else none."""
    sums: dict[tuple[int, int], set[float]] = {}
    for run in runs.of(infer):
        expected = run.depth if run.mode == "recorded" else 0
        assert run.recorded_functions == expected, run
        sums.setdefault((run.depth, run.width), set()).add(run.output_sum)
        assert len(sums[run.depth, run.width]) == 1, f"{run}: {sums[run.depth, run.width]}"
    modes = {run.mode for run in runs.of(infer)}
    if len(modes) < 2:
        raise NotMeasured(f"{modes.pop()} alone: there is nothing to compare")
    return f"{counted(len(sums), 'model')}, {counted(len(runs.of(infer)), 'sample')}"


@study.finding
def the_process_really_grows(runs: Runs) -> str:
    """The operating system sees it too: recording takes at least three times the resident memory."""
    recorded, bare = (_largest(runs, mode) for mode in MODES)
    resident, counted = recorded.median("resident_peak_bytes"), recorded.median("traced_peak_bytes")
    assert resident > 0.7 * counted, (
        f"{recorded}: {shown(resident, 'bytes')}, counted {shown(counted, 'bytes')}"
    )
    small = bare.median("resident_peak_bytes")
    told = f"{shown(resident, 'bytes')} recorded, {shown(small, 'bytes')} not, at depth {recorded.depth}"
    assert resident > 3 * small, told
    return told


@study.finding
def recording_costs_time(runs: Runs) -> str:
    """On small arrays, where the engine's own work shows, recording makes a pass at least a tenth slower."""
    small = _small(runs)
    recorded, bare = (small.median(field) / TIMED_DEPTH for field in ("recorded_seconds", "no_grad_seconds"))
    told = f"{recorded * 1e9:,.0f} ns a layer recorded, {bare * 1e9:,.0f} ns not: {recorded / bare:.2f} times"
    assert recorded > 1.1 * bare, f"{small}: {told}"
    return told


@study.finding
def a_total_that_is_a_variable_holds_every_batch(runs: Runs) -> str:
    """A running total kept as a Variable holds the graph of every batch, unless nothing is recorded."""
    cases = runs.of(evaluate_batches).cases()
    for case in cases:
        linear = case.mode == "recorded" and case.total == "a Variable"
        graphs = case.median("held_bytes") / case.median("batch_bytes")
        good = graphs > 0.9 * case.batches if linear else graphs < 0.5
        assert good, f"{case}: {graphs:.2f} graphs of {case.batches} held"
    leaking = runs.of(evaluate_batches).where(mode="recorded", total="a Variable").cases()
    most = max(leaking, key=lambda case: case.batches)
    bare = runs.of(evaluate_batches).where(mode="no_grad", total="a Variable").cases()
    held = [shown(case.median("held_bytes"), "bytes") for case in (most, bare[-1])]
    return f"after {most.batches} batches {held[0]} recorded, {held[1]} with no_grad"


@study.figure
def peak_over_depth(runs: Runs) -> Any:
    """The most memory that one pass through the widest model holds, by counting allocations."""
    return line(_widest(runs), x="depth", y="traced_peak_bytes", color="mode", x_title="layers")


@study.figure
def resident_over_depth(runs: Runs) -> Any:
    """The same peak as the operating system saw it: resident memory."""
    return line(_widest(runs), x="depth", y="resident_peak_bytes", color="mode", x_title="layers")


@study.figure
def seconds_over_elements(runs: Runs) -> Any:
    """How long one pass through 100 layers takes, over the numbers in each array."""
    fields = {"recorded": "recorded_seconds", "no_grad": "no_grad_seconds"}
    timed = side_by_side(runs.of(time_a_pass), fields, by="mode", value="forward_seconds")
    return line(
        timed, x="elements", y="forward_seconds", color="mode", x_scale="log", y_scale="log",
        x_title="numbers in an array",
    )  # fmt: skip


@study.figure
def held_over_batches(runs: Runs) -> Any:
    """What an evaluation loop holds at its end, by what its running total is."""
    return line(
        runs.of(evaluate_batches), x="batches", y="held_bytes", color="mode", facet="total",
    )  # fmt: skip


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """The numbers of the deepest and widest model, and of the longest evaluation."""
    recorded, bare = (_largest(runs, mode) for mode in MODES)
    small = _small(runs)
    loops = runs.of(evaluate_batches).where(mode="recorded", total="a Variable").cases()
    loop = max(loops, key=lambda case: case.batches)
    label = f"Peak through {recorded.depth} layers"
    return [
        median_tile(f"{label}, recorded", recorded, "traced_peak_bytes", "bytes"),
        median_tile(f"{label}, no_grad", bare, "traced_peak_bytes", "bytes"),
        median_tile("Resident peak, recorded", recorded, "resident_peak_bytes", "bytes", atlas=True),
        combined_tile(
            "Time with recording, small arrays",
            truediv,
            (small, "recorded_seconds"),
            (small, "no_grad_seconds"),
            unit="times",
            atlas=True,
        ),
        median_tile(f"Held by a total of {loop.batches} losses", loop, "held_bytes", "bytes"),
    ]


@study.verdict
def verdict(runs: Runs) -> str:
    """Depth decides if the graph is recorded, and does not otherwise."""
    recorded, bare = (_largest(runs, mode) for mode in MODES)
    array = recorded.median("array_bytes")
    peaks = [case.median("traced_peak_bytes") for case in (recorded, bare)]
    return (
        f"A pass through {recorded.depth:,} layers of {shown(array, 'bytes')} holds {shown(peaks[0], 'bytes')} at its "
        f"peak if it is recorded, one array for each layer, and {shown(peaks[1], 'bytes')} with no_grad(), "
        f"{peaks[1] / array:.1f} arrays at any depth."
    )


@study.table
def medians(runs: Runs) -> Table:
    """Peaks of one pass."""
    columns = ["traced_peak_bytes", "resident_peak_bytes", "recorded_functions"]
    return table(runs.of(infer), columns, caption="One pass through the model.")


def _by_width(runs: Runs, mode: str) -> Iterator[list[Any]]:
    """The cases of each width from the shallowest to the deepest model, at least two."""
    chosen = runs.of(infer).where(mode=mode)
    for width in sorted({run.width for run in chosen}):
        cases = sorted(chosen.where(width=width).cases(), key=lambda case: case.depth)
        if len(cases) < 2:
            raise NotMeasured(f"width {width}: one depth shows no growth")
        yield cases


def _widest(runs: Runs) -> Runs:
    """The passes through the widest model."""
    passes = runs.of(infer)
    return passes.where(width=max(run.width for run in passes))


def _largest(runs: Runs, mode: str) -> Any:
    cases = runs.of(infer).where(mode=mode).cases()
    return max(cases, key=lambda case: (case.width, case.depth))


def _small(runs: Runs) -> Any:
    """The timed case of the largest array on which the engine's own work shows."""
    cases = [case for case in runs.of(time_a_pass).cases() if case.elements <= SMALL_ELEMENTS]
    if not cases:
        raise NotMeasured(f"no array of at most {SMALL_ELEMENTS} numbers was timed")
    return max(cases, key=lambda case: case.elements)


if __name__ == "__main__":
    raise SystemExit(study.main())
