"""Is `x += x` the same as `x = x + x`?

On numbers, yes. On arrays, no: `x = x + x` makes a new array and lets the name point to it; `x += x` writes
into the array that is there, so that everybody who holds it sees the change. The second needs no memory, which
makes it tempting wherever gradients are added up: a Variable that was used twice gets two gradients, and their
sum is its own.

But gradients are passed around. Adding passes the gradient of its output on to both of its inputs as it is:
three Variables now share one array. Whoever adds to it in place changes the gradient of the other two.
We do that on purpose, in a small backward of our own on the engine's graph,

    y = (a + b) + a

and compare the gradients with the right ones. There are two ways out. Make a new array for each sum, as the
engine does: sharing does no harm where nobody writes. Or copy the first gradient that comes, and add the others
to that copy, which nobody else holds. We measure what each way costs, on arrays of several sizes.

What to do about it: write in place only into an array that you made yourself and gave to nobody. It is worth it for
large arrays, where a new array means new memory pages. For single numbers it is even slower, for NumPy then takes
its general route instead of the short one (numpy/numpy#21464 has the reason: a step of zero bytes may mean that
elements overlap).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import truediv
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Variable
from experiments._graphs import Total
from experiments._orders import Accumulate, SortedOnce, new_sum, walk
from experiments._rows import side_by_side
from experiments._shared import unfolded
from garbology.recorders import traced_allocations
from garbology.study import (
    NotMeasured,
    Runs,
    Study,
    Table,
    Tile,
    bars,
    combined_tile,
    counted,
    line,
    median_tile,
    shown,
    table,
)

Array = npt.NDArray[np.float64]
USES = 8  # how often the Variable is used whose gradients are added up
LARGE_ELEMENTS = 100_000  # from here on an array is new memory pages each time
ROUNDS = 7

study = Study(
    title="Adding up in place, and who else sees it",
    parameters={"elements": [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]},
    quick={"elements": [1, 200_000], "repeats": 2},
    full={"elements": [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 4_000_000]},
    most_repeats=10,
)


def copy_then_in_place(held: Any, gradient: Any) -> Any:
    """Copy the first gradient, and add the others to that copy, which nobody else holds."""
    if held is None:
        return gradient.copy()
    held += gradient
    return held


def in_place(held: Any, gradient: Any) -> Any:
    """Keep the first gradient as it came, and add the others to it: WRONG, for others hold it too."""
    if held is None:
        return gradient
    held += gradient
    return held


WAYS: dict[str, Accumulate] = {
    "new sums": new_sum,
    "copy, then in place": copy_then_in_place,
    "in place": in_place,
}


@dataclass(frozen=True)
class Doubled:
    """What two ways to double an array do; the time of one, the fastest of several rounds."""

    array_bytes: int
    new_same_object: bool  # whether x is the same object afterwards
    in_place_same_object: bool
    new_seen: bool  # whether another name for the array sees the change
    in_place_seen: bool
    new_peak_bytes: int
    in_place_peak_bytes: int
    new_seconds: float
    in_place_seconds: float


@study.measure
def double_an_array(elements: int) -> Doubled:
    """Double an array, with `x = x + x` and with `x += x`."""
    new, in_place = _doubled(_with_new, elements), _doubled(_with_in_place, elements)
    return Doubled(
        array_bytes=8 * elements,
        **{f"new_{name}": value for name, value in new.items()},
        **{f"in_place_{name}": value for name, value in in_place.items()},
        new_seconds=_fastest(partial(_with_new, np.full(elements, 0.0)), elements),
        in_place_seconds=_fastest(partial(_with_in_place, np.full(elements, 0.0)), elements),
    )


def _with_new(x: Array, times: int = 1) -> Array:
    for _ in range(times):
        x = x + x
    return x


def _with_in_place(x: Array, times: int = 1) -> Array:
    for _ in range(times):
        x += x
    return x


def _doubled(double: Callable[[Array], Array], elements: int) -> dict[str, Any]:
    array = np.ones(elements)
    with traced_allocations():  # what tracing itself keeps when it is first used is no part of the peak
        double(np.ones(1))
    with traced_allocations() as traced:
        after = double(array)
    return {
        "same_object": after is array,
        "seen": bool(array[0] == 2),
        "peak_bytes": traced.peak_bytes,
    }


@dataclass(frozen=True)
class Shared:
    """The gradients of y = (a + b) + a by the way they are added up, as rows.

    A row has "way", "variable", its "gradient", what the engine's own backward says as "right", and how many
    of the graph's four Variables have this gradient's array, as "holders".
    """

    rows: list[dict[str, Any]]


@study.measure
def share_a_gradient() -> Shared:
    """Differentiate y = (a + b) + a, where all of a, b, a + b and y may share one array."""
    right = _right_gradients()
    rows = []
    for way, accumulate in WAYS.items():
        variables = _shared_graph()
        gradients = walk(variables["y"], SortedOnce(), accumulate=accumulate).gradients
        arrays = {name: gradients[variable] for name, variable in variables.items()}
        rows += [
            {
                "way": way,
                "variable": name,
                "gradient": float(array[0]),
                "right": right[name],
                "holders": sum(other is array for other in arrays.values()),
            }
            for name, array in arrays.items()
        ]
    return Shared(rows)


def _shared_graph() -> dict[str, Variable]:
    a, b = Variable(np.array([3.0])), Variable(np.array([5.0]))
    a_and_b = a + b
    return {"y": a_and_b + a, "a + b": a_and_b, "a": a, "b": b}


def _right_gradients() -> dict[str, float]:
    variables = _shared_graph()
    variables["y"].backward(retain_grad=True)
    return {name: float(variable.grad[0]) for name, variable in variables.items()}  # type: ignore[index]


@dataclass(frozen=True)
class Accumulation:
    """What it costs to add up the gradients of one Variable that was used eight times.

    `*_arrays` counts the arrays made for it. The wrong way is timed as well: it is what one would gain. The
    engine's own backward is the reference for the time.
    """

    array_bytes: int
    new_sums_arrays: int
    copy_arrays: int
    in_place_arrays: int
    new_sums_peak_bytes: int
    copy_peak_bytes: int
    in_place_peak_bytes: int
    new_sums_seconds: float
    copy_seconds: float
    in_place_seconds: float
    engine_seconds: float


FIELDS = {"new sums": "new_sums", "copy, then in place": "copy", "in place": "in_place"}


@study.measure
def add_up_gradients(elements: int) -> Accumulation:
    """Go backward from a sum that has one Variable eight times, adding up its gradients in each way."""
    leaf = Variable(np.ones(elements))
    output = Total()(*[leaf] * USES)
    values: dict[str, Any] = {}
    for way, accumulate in WAYS.items():
        field, backward = FIELDS[way], partial(walk, output, accumulate=accumulate)
        values[f"{field}_arrays"] = _arrays_made(output, accumulate)
        with traced_allocations() as traced:
            backward(SortedOnce())
        values[f"{field}_peak_bytes"] = traced.peak_bytes
        values[f"{field}_seconds"] = _fastest(partial(_repeat, lambda: backward(SortedOnce())), elements)  # noqa: B023
    engine = partial(_repeat, partial(_engine, leaf, output))
    return Accumulation(array_bytes=8 * elements, engine_seconds=_fastest(engine, elements), **values)


def _engine(leaf: Variable, output: Variable) -> None:
    leaf.cleargrad()
    output.backward()


def _arrays_made(output: Variable, accumulate: Accumulate) -> int:
    """How often the result is an array that was neither held nor came in."""
    made = 0

    def counting(held: Any, gradient: Any) -> Any:
        nonlocal made
        result = accumulate(held, gradient)
        made += result is not held and result is not gradient
        return result

    walk(output, SortedOnce(), accumulate=counting)
    return made


def _repeat(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()


def _fastest(work: Callable[[int], object], elements: int) -> float:
    """The time of one of `work(times)`, in the fastest of several rounds: what slows others is not the work."""
    times = max(2, min(1_000, 1_000_000 // elements))
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work(times)
        rounds.append(time.perf_counter() - started)
    return min(rounds) / times


@study.finding
def in_place_is_the_same_array(runs: Runs) -> str:
    """`x += x` changes the array itself, for all who hold it; `x = x + x` makes another one, for x alone."""
    doubled = runs.of(double_an_array)
    for run in doubled:
        assert run.in_place_same_object, run
        assert run.in_place_seen, run
        assert not run.new_same_object, run
        assert not run.new_seen, run
    return f"so in {counted(len(doubled), 'sample')}"


@study.finding
def in_place_allocates_nothing(runs: Runs) -> str:
    """`x = x + x` allocates one whole array, `x += x` none."""
    large = _large(runs.of(double_an_array))
    for run in large:
        assert run.array_bytes <= run.new_peak_bytes < 1.1 * run.array_bytes, run
        assert run.in_place_peak_bytes < 0.1 * run.array_bytes, run
    return f"{large[-1].new_peak_bytes:,} bytes and {large[-1].in_place_peak_bytes:,} for {large[-1].array_bytes:,}"


@study.finding
def in_place_into_a_shared_array_is_wrong(runs: Runs) -> str:
    """Adding in place to a gradient that others hold gives them wrong gradients; both ways out are right."""
    shown = ""
    for run in runs.of(share_a_gradient):
        wrong = [row for row in run.rows if row["gradient"] != row["right"]]
        assert {row["way"] for row in wrong} == {"in place"}, wrong
        assert all(row["holders"] > 1 for row in wrong), f"not shared, and wrong all the same: {wrong}"
        shown = ", ".join(f"{row['variable']}: {row['gradient']:g}, not {row['right']:g}" for row in wrong)
    return shown


@study.finding
def sharing_alone_does_no_harm(runs: Runs) -> str:
    """New sums leave arrays shared, too, and every gradient is right: nobody writes into them."""
    for run in runs.of(share_a_gradient):
        rows = [row for row in run.rows if row["way"] == "new sums"]
        assert max(row["holders"] for row in rows) > 1, f"nothing is shared: {rows}"
        assert all(row["gradient"] == row["right"] for row in rows), rows
    return f"{max(row['holders'] for row in rows)} Variables hold one array"


@study.finding
def new_sums_make_an_array_each(runs: Runs) -> str:
    """Of a Variable used n times, new sums make n arrays less one, copying makes one; at the peak it saves one."""
    added = runs.of(add_up_gradients)
    for run in added:
        made = run.new_sums_arrays, run.copy_arrays, run.in_place_arrays
        assert made == (USES - 1, 1, 0), run
    for run in _large(added):
        saved = (run.new_sums_peak_bytes - run.copy_peak_bytes) / run.array_bytes
        assert abs(saved - 1) < 0.1, f"{run}: {saved:.2f} arrays saved"
    return f"{USES - 1} arrays and 1, in {counted(len(added), 'sample')}"


@study.finding
def in_place_is_slower_on_one_number(runs: Runs) -> str:
    """On an array of one number `x += x` takes at least a fifth longer than `x = x + x`."""
    case = runs.of(double_an_array).where(elements=1).only_case()
    told, ratio = _times_told(case)
    assert ratio > 1.2, told
    return told


@study.finding
def in_place_is_faster_on_large_arrays(runs: Runs) -> str:
    """On large arrays `x += x` takes at most three quarters of the time of `x = x + x`."""
    cases = runs.of(double_an_array).cases()
    case = max(cases, key=lambda case: case.elements)
    if case.elements < LARGE_ELEMENTS:
        raise NotMeasured(f"no array of {LARGE_ELEMENTS:,} numbers or more was measured")
    told, ratio = _times_told(case)
    assert ratio < 0.75, told
    return told


@study.figure
def wrong_gradients(runs: Runs) -> Any:
    """Gradients of y = (a + b) + a by the way they are added up; right are 1, 1, 2 and 1."""
    rows = unfolded(runs.of(share_a_gradient), "rows", by=["way", "variable"])
    return bars(rows, x="variable", y="gradient", color="way")


@study.figure
def seconds_of_doubling(runs: Runs) -> Any:
    """Time to double an array."""
    fields = {"x = x + x": "new_seconds", "x += x": "in_place_seconds"}
    return _over_elements(runs.of(double_an_array), fields, "doubling_seconds")


@study.figure
def seconds_of_accumulation(runs: Runs) -> Any:
    """Time of one backward that adds up eight gradients of one Variable."""
    fields = {way: f"{field}_seconds" for way, field in FIELDS.items()} | {"the engine": "engine_seconds"}
    return _over_elements(runs.of(add_up_gradients), fields, "backward_seconds")


@study.figure
def peak_of_accumulation(runs: Runs) -> Any:
    """Most bytes that this backward holds at once, by counting allocations."""
    fields = {way: f"{field}_peak_bytes" for way, field in FIELDS.items()}
    return _over_elements(runs.of(add_up_gradients), fields, "peak_bytes")


def _over_elements(runs: Runs, fields: dict[str, str], value: str) -> Any:
    return line(
        side_by_side(runs, fields, by="way", value=value), x="elements", y=value, color="way",
        x_scale="log", y_scale="log", x_title="numbers in the array",
    )  # fmt: skip


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """A wrong gradient, and what in place saves and costs."""
    wrong = _wrong_row(runs)
    small, large = _small_and_large(runs)
    accumulated = max(runs.of(add_up_gradients).cases(), key=lambda case: case.elements)
    label = f"Adding {USES} gradients of {large.elements:,} numbers"
    return [
        Tile(f"Gradient of {wrong['variable']}, {wrong['right']:g} is right", wrong["gradient"], better=""),
        _ratio_tile("Time in place, one number", small),
        _ratio_tile(f"Time in place, {large.elements:,} numbers", large),
        median_tile(f"{label}, new sums", accumulated, "new_sums_seconds", "seconds"),
        median_tile(f"{label}, copy first", accumulated, "copy_seconds", "seconds"),
    ]


@study.verdict
def verdict(runs: Runs) -> str:
    """What goes wrong, and what it would save."""
    wrong = _wrong_row(runs)
    small, large = _small_and_large(runs)
    return (
        f"Added up in place, the gradient of {wrong['variable']} is {wrong['gradient']:g} instead of "
        f"{wrong['right']:g}, because {wrong['holders']} Variables share its array; `x += x` takes "
        f"{_times_told(large)[1]:.2f} times as long as `x = x + x` on {large.elements:,} numbers, and "
        f"{_times_told(small)[1]:.2f} times as long on a single one."
    )


@study.table
def medians(runs: Runs) -> Table:
    """Bytes and time of doubling."""
    columns = ["new_peak_bytes", "in_place_peak_bytes", "new_seconds", "in_place_seconds"]
    return table(
        runs.of(double_an_array), columns, caption="Doubling an array: x = x + x, and x += x in place."
    )


def _large(runs: Runs) -> list[Any]:
    """The samples of arrays large enough that nothing else counts."""
    chosen = [run for run in runs if run.elements >= LARGE_ELEMENTS]
    if not chosen:
        raise NotMeasured(f"no array of {LARGE_ELEMENTS:,} numbers or more was measured")
    return sorted(chosen, key=lambda run: run.elements)


def _times_told(case: Any) -> tuple[str, float]:
    """The times of doubling in words, and the one in place as a share of the other."""
    new, in_place = case.median("new_seconds"), case.median("in_place_seconds")
    told = f"{shown(in_place, 'seconds')} in place, {shown(new, 'seconds')} new"
    return f"on arrays of {case.elements:,}: {told}", in_place / new


def _ratio_tile(label: str, case: Any) -> Tile:
    times = (case, "in_place_seconds"), (case, "new_seconds")
    return combined_tile(label, truediv, *times, unit="times", atlas=True, better="")


def _small_and_large(runs: Runs) -> tuple[Any, Any]:
    """The doubling of a single number and of the largest array."""
    doubled = runs.of(double_an_array)
    return doubled.where(elements=1).only_case(), max(doubled.cases(), key=lambda case: case.elements)


def _wrong_row(runs: Runs) -> dict[str, Any]:
    """The leaf whose gradient adding in place gets wrong."""
    rows = next(iter(runs.of(share_a_gradient))).rows
    wrong = [row for row in rows if row["way"] == "in place" and row["gradient"] != row["right"]]
    return next(row for row in wrong if row["variable"] in ("a", "b"))


if __name__ == "__main__":
    raise SystemExit(study.main())
