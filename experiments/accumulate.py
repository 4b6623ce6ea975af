"""Is `x += x` the same as `x = x + x`?

On numbers, yes. On arrays, no: `x = x + x` makes a new array and lets the name point to it; `x += x` writes into the
array that is there, so that every holder of it sees the change. The second needs no memory, which makes it tempting
wherever gradients are added up. But gradients are passed around: adding passes the gradient of its output on to both of
its inputs as it is, so three Variables share one array. We add to it in place on purpose, in a small backward of our
own on the engine's graph,

    y = (a + b) + a

and compare the gradients with the right ones. There are two ways out: make a new array for each sum, as the engine
does, or copy the first gradient that comes, and add the others to that copy, which has no other holder. We measure what
each way costs, on arrays of several sizes.

What to do about it: write in place only into an array that you made yourself and have not passed on. It is worth it for
large arrays, where a new array means new memory pages. For single numbers it is even slower, for NumPy then takes its
general route instead of the short one (numpy/numpy#21464: a step of zero bytes may mean that elements overlap).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core import Variable
from experiments import _parts
from experiments._clock import fastest
from experiments._graphs import Total
from experiments._orders import Accumulate, SortedOnce, Walk, copy_then_in_place, in_place, new_sum, walk
from experiments._shared import peak_bytes
from garbology.recorders import traced_allocations
from garbology.study import Study, every, run_study

Array = npt.NDArray[np.float64]
USES = 8  # how often the Variable is used whose gradients are added up
LARGE_ELEMENTS = 100_000  # from here on an array is new memory pages each time
ROUNDS = 7
# Each way to add up gradients: what its fields begin with, and the way.
WAYS: dict[str, tuple[str, Accumulate]] = {
    "new sums": ("new_sums", new_sum),
    "copy, then in place": ("copy", copy_then_in_place),
    "in place": ("in_place", in_place),
}

study = Study(
    title="Adding up in place, and what else sees it",
    part=_parts.BEST_BUILT,
    parameters={"elements": [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]},
    quick={"elements": [1, 200_000], "repeats": 2},
    full={"elements": [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 4_000_000]},
    most_repeats=10,
)


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
    both = _doubled("new", _with_new, elements) | _doubled("in_place", _with_in_place, elements)
    return Doubled(array_bytes=8 * elements, **both)


def _with_new(x: Array, times: int = 1) -> Array:
    for _ in range(times):
        x = x + x
    return x


def _with_in_place(x: Array, times: int = 1) -> Array:
    for _ in range(times):
        x += x
    return x


def _doubled(way: str, double: Callable[..., Array], elements: int) -> dict[str, Any]:
    array, times = np.ones(elements), _times(elements)
    with traced_allocations():  # what tracing itself keeps when it is first used is no part of the peak
        double(np.ones(1))
    with traced_allocations() as traced:
        after = double(array)
    return {
        f"{way}_same_object": after is array,
        f"{way}_seen": bool(array[0] == 2),
        f"{way}_peak_bytes": traced.peak_bytes,
        f"{way}_seconds": fastest(partial(double, np.full(elements, 0.0), times), ROUNDS) / times,
    }


def _times(elements: int) -> int:
    """How often in a row the work is done in each round."""
    return max(2, min(1_000, 1_000_000 // elements))


@dataclass(frozen=True)
class Shared:
    """The gradients of y = (a + b) + a by the way they are added up, as rows.

    A row has "way", "variable", its "gradient", what the engine's own backward says as "right", and how many of the
    graph's four Variables have this gradient's array, as "holders".
    """

    rows: list[dict[str, Any]]


@study.measure
def share_a_gradient() -> Shared:
    """Differentiate y = (a + b) + a, where all of a, b, a + b and y may share one array."""
    rows, right = [], _shared_graph()
    right["y"].backward(retain_grad=True)
    for way, (_, accumulate) in WAYS.items():
        variables = _shared_graph()
        gradients = _backward(variables["y"], accumulate).gradients
        arrays = {name: gradients[variable] for name, variable in variables.items()}
        rows += [
            {
                "way": way,
                "variable": name,
                "gradient": float(array[0]),
                "right": float(right[name].grad[0]),
                "holders": sum(other is array for other in arrays.values()),
            }
            for name, array in arrays.items()
        ]
    return Shared(rows)


def _shared_graph() -> dict[str, Variable]:
    a, b = Variable(np.array([3.0])), Variable(np.array([5.0]))
    a_and_b = a + b
    return {"y": a_and_b + a, "a + b": a_and_b, "a": a, "b": b}


@dataclass(frozen=True)
class Accumulation:
    """What it costs to add up the gradients of one Variable that was used eight times.

    `*_arrays` counts the arrays made for it. The wrong way is timed as well: it is what one would gain. The engine's
    own backward is the reference for the time.
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


@study.measure
def add_up_gradients(elements: int) -> Accumulation:
    """Go backward from a sum that has one Variable eight times, adding up its gradients in each way."""
    leaf = Variable(np.ones(elements))
    output = Total()(*[leaf] * USES)
    values: dict[str, Any] = {}
    for field, accumulate in WAYS.values():
        backward = partial(_backward, output, accumulate)
        values[f"{field}_arrays"] = _arrays_made(output, accumulate)
        values[f"{field}_peak_bytes"] = peak_bytes(backward)
        values[f"{field}_seconds"] = fastest(backward, ROUNDS, _times(elements))

    def engine() -> None:
        leaf.cleargrad()
        output.backward()

    engine_seconds = fastest(engine, ROUNDS, _times(elements))
    return Accumulation(array_bytes=8 * elements, engine_seconds=engine_seconds, **values)


def _arrays_made(output: Variable, accumulate: Accumulate) -> int:
    """How often the result is an array that was neither held nor came in."""
    made = 0

    def counting(held: Any, gradient: Any) -> Any:
        nonlocal made
        result = accumulate(held, gradient)
        made += result is not held and result is not gradient
        return result

    _backward(output, counting)
    return made


def _backward(output: Variable, accumulate: Accumulate) -> Walk:
    return walk(output, SortedOnce(), accumulate=accumulate)


doubled_large, added_large = (
    measure.matching(lambda run: run.elements >= LARGE_ELEMENTS, f"{LARGE_ELEMENTS:,} numbers or more")
    for measure in (double_an_array, add_up_gradients)
)
saved = added_large.with_values(
    arrays_saved=lambda run: (run.new_sums_peak_bytes - run.copy_peak_bytes) / run.array_bytes
)
one, largest = double_an_array.where(elements=1), double_an_array.largest("elements")
largest_that_is_large = doubled_large.largest("elements")
accumulated = add_up_gradients.largest("elements")
rows = share_a_gradient.rows("rows", by=["way", "variable"])
new_sums = rows.where(way="new sums")
most_holders = new_sums.most("holders")
all_wrong = rows.matching(lambda row: row.gradient != row.right)
wrong = all_wrong.where(way="in place", variable=["a", "b"]).first()
what_is_wrong = all_wrong.listed("{variable}: {gradient:g}, not {right:g}")

in_place_is_the_same_array = study.claim(
    "`x += x` changes the array itself, for all of its holders; `x = x + x` makes another one, for x alone.",
    every(double_an_array, in_place_same_object=True, in_place_seen=True),
    every(double_an_array, new_same_object=False, new_seen=False),
)
in_place_allocates_nothing = study.claim(
    "`x = x + x` allocates one whole array, `x += x` none.",
    every(doubled_large, lambda run: run.array_bytes <= run.new_peak_bytes < 1.1 * run.array_bytes),
    every(doubled_large, lambda run: run.in_place_peak_bytes < 0.1 * run.array_bytes),
    evidence="{new_peak_bytes:,.0f} bytes and {in_place_peak_bytes:,.0f} for {array_bytes:,.0f}",
    of=largest_that_is_large,
)
in_place_into_a_shared_array_is_wrong = study.claim(
    "Adding in place to a shared gradient makes that of its other holders wrong; new sums and copying are right.",
    every(rows, lambda row: row.gradient == row.right or (row.way == "in place" and row.holders > 1)),
    every(share_a_gradient, lambda run: any(row["gradient"] != row["right"] for row in run.rows), "{rows}"),
    evidence="{what_is_wrong}",
)
sharing_alone_does_no_harm = study.claim(
    "New sums leave arrays shared, too, and every gradient is right: they are never written to.",
    most_holders > 1,
    every(new_sums, lambda row: row.gradient == row.right),
    evidence="{most_holders} Variables hold one array",
)
new_sums_make_an_array_each = study.claim(
    "Of a Variable used n times, new sums make n arrays less one, copying makes one; at the peak it saves one.",
    every(
        add_up_gradients,
        lambda run: (run.new_sums_arrays, run.copy_arrays, run.in_place_arrays) == (USES - 1, 1, 0),
    ),
    saved.least("arrays_saved") > 0.9,
    saved.most("arrays_saved") < 1.1,
    evidence="1 array instead of all but one of {USES}, in {samples}",
)
in_place_is_slower_on_one_number = study.claim(
    "On an array of one number `x += x` takes at least a fifth longer than `x = x + x`.",
    one.in_place_seconds > one.new_seconds * 1.2,
)
in_place_is_faster_on_large_arrays = study.claim(
    "On large arrays `x += x` takes at most three quarters of the time of `x = x + x`.",
    largest_that_is_large.in_place_seconds < largest_that_is_large.new_seconds * 0.75,
)

wrong_gradients = study.bars("Gradients of y = (a + b) + a by the way they are added up; right are 1, 1, 2 and 1.",
    rows, x="variable", y="gradient", color="way", x_title="Variable", y_title="gradient")  # fmt: skip
seconds_of_doubling = study.line("Time to double an array.",
    double_an_array, x="elements", y="doubling_seconds", color="way", log="xy", x_title="numbers in the array",
    values={"x = x + x": "new_seconds", "x += x": "in_place_seconds"}, y_title="time to double it")  # fmt: skip
seconds_of_accumulation = study.line("Time of one backward that adds up eight gradients of one Variable.",
    add_up_gradients, x="elements", y="backward_seconds", color="way", log="xy", x_title="numbers in the array",
    values={way: f"{field}_seconds" for way, (field, _) in WAYS.items()} | {"the engine": "engine_seconds"},
    y_title="time of one backward")  # fmt: skip
peak_of_accumulation = study.line("Most bytes that this backward holds at once, by counting allocations.",
    add_up_gradients, x="elements", y="peak_bytes", color="way", log="xy", x_title="numbers in the array",
    values={way: f"{field}_peak_bytes" for way, (field, _) in WAYS.items()},
    y_title="most bytes held at once")  # fmt: skip

study.tile("Gradient of {wrong.variable}, {wrong.right:g} is right", wrong.gradient, better="")
in_place_on_one, in_place_on_most = (each.in_place_seconds / each.new_seconds for each in (one, largest))
study.tile("Time in place, one number", in_place_on_one, unit="times", atlas=True, better="")
study.tile("Time in place, {largest.elements} numbers", in_place_on_most, unit="times", atlas=True, better="")
study.tile("Adding {USES} gradients of {largest.elements} numbers, new sums", accumulated.new_sums_seconds)
study.tile("Adding {USES} gradients of {largest.elements} numbers, copy first", accumulated.copy_seconds)
study.verdict("""Added up in place, the gradient of {wrong.variable} is {wrong.gradient:g} instead of {wrong.right:g},
    because {wrong.holders} Variables share its array; new sums are right.""")
study.table("Doubling an array: x = x + x, and x += x in place.",
    double_an_array, ["new_peak_bytes", "in_place_peak_bytes", "new_seconds", "in_place_seconds"])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
