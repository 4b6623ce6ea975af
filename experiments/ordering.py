"""In which order must backward visit the graph, and what does keeping that order cost?

Where a result was used twice, two gradients arrive, and both must be there before their sum is passed on. A stack
visits first what it met last (depth first), a queue what it met first (breadth first). Both give the right gradient as
long as nothing branches, which is why the mistake goes unnoticed; on a branching graph they pass a gradient on too
early, or twice. Not even noting what was visited makes it worse: each place where two branches meet doubles the visits.

The right order is cheap to know. Each result has a generation: 0 for an input, else one more than the highest of what
it was made of. A walk that visits the highest generation first never passes on a sum that is not complete. But sorting
the list of waiting Functions whenever one is added takes quadratic time on a wide graph, where thousands wait. We walk
the engine's own graphs in each order, compare the gradients with differences taken by hand, (f(x + h) - f(x - h)) / 2h,
and count and time what the ordering does.

What to do about it: find the whole graph first and sort it once by generation; that is what this engine does. If
Functions must be scheduled while they are found, use a heap (`heapq`), not `append` and `sort`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from autograd_core import Variable
from experiments import _parts
from experiments._clock import fastest
from experiments._graphs import GRAPHS, build_chain, build_wide
from experiments._orders import Agenda, Heap, Queue, SortedAtEveryPush, SortedOnce, Stack, generation, walk
from experiments._shared import functions_behind
from garbology.study import Study, every, run_study

POINT = 2.0  # where the small graphs are differentiated
# Each order: its agenda, and whether what was met already is left out.
ORDERS: dict[str, tuple[Callable[[], Agenda], bool]] = {
    "by generation": (SortedOnce, True),
    "stack": (Stack, False),
    "stack, once": (Stack, True),
    "queue": (Queue, False),
    "queue, once": (Queue, True),
}
NAIVE = [order for order in ORDERS if order != "by generation"]
# Each way to keep the order: what its fields begin with, and its agenda.
WAYS: dict[str, tuple[str, Callable[..., Agenda]]] = {
    "sort at every insertion": ("every_insertion", SortedAtEveryPush),
    "heap": ("heap", Heap),
    "one sort": ("one_sort", SortedOnce),
}
SHAPES = {"chain": build_chain, "wide": build_wide}
LADDERS = [2, 4, 6, 8, 10, 12]  # diamonds
PASSES = 3

study = Study(
    title="The order of backward: right, and cheap",
    part=_parts.BEST_BUILT,
    parameters={"shape": list(SHAPES), "operations": [500, 1_000, 2_000, 4_000]},
    quick={"operations": [500, 2_000], "repeats": 2},
    full={"operations": [500, 1_000, 2_000, 4_000, 8_000, 16_000]},
    most_repeats=10,
)


@dataclass(frozen=True)
class Gradients:
    """The gradient of each small graph in each order, as rows.

    A row has "graph", "order", "gradient", what it should be as "engine" (the engine's own backward) and "difference"
    (taken by hand), and "visited", the names of the results in the order of the visits.
    """

    rows: list[dict[str, Any]]


@study.measure
def differentiate() -> Gradients:
    """Differentiate three small graphs in every order."""
    return Gradients([_differentiated(graph, order) for graph in GRAPHS for order in ORDERS])


def _differentiated(graph: str, order: str) -> dict[str, Any]:
    function = GRAPHS[graph]
    x = Variable(np.array(POINT))
    output = function(x)
    agenda, once = ORDERS[order]
    walked = walk(output, agenda(), once=once)
    output.backward()
    return {
        "graph": graph,
        "order": order,
        "gradient": float(walked.gradients[x]),
        "engine": float(x.grad),
        "difference": _difference(function),
        "visited": walked.visited,
    }


def _difference(function: Callable[[Variable], Variable]) -> float:
    step = 1e-4
    above, below = (function(Variable(np.array(POINT + sign * step))).data for sign in (1, -1))
    return float(above - below) / (2 * step)


@dataclass(frozen=True)
class Visits:
    """How many visits two orders make on ladders of diamonds, as rows.

    A row has "diamonds", which is the number of Functions, and the visits "by_generation" and by a "stack" that does
    not note what it has met.
    """

    rows: list[dict[str, int]]


@study.measure
def climb_ladders() -> Visits:
    """Double a number again and again, y = y + y: ladders of branches that meet again at once."""
    return Visits([_climbed(diamonds) for diamonds in LADDERS])


def _climbed(diamonds: int) -> dict[str, int]:
    output = Variable(np.array(1.0))
    for _ in range(diamonds):
        output = output + output
    ordered, naive = walk(output, SortedOnce()), walk(output, Stack(), once=False)
    return {"diamonds": diamonds, "by_generation": len(ordered.visited), "stack": len(naive.visited)}


@dataclass(frozen=True)
class Scheduling:
    """What each way of keeping the order by generation costs on one graph; the fastest of three walks.

    `*_keys` is how often a generation was read to sort or to compare, the same on every machine. The engine's own
    backward is the reference for the time.
    """

    every_insertion_seconds: float
    heap_seconds: float
    one_sort_seconds: float
    engine_seconds: float
    every_insertion_keys: int
    heap_keys: int
    one_sort_keys: int
    same_gradient: bool  # in all four


@study.measure
def keep_the_order(shape: str, operations: int) -> Scheduling:
    """Walk a chain or a wide graph with each way of keeping the order by generation."""
    output = SHAPES[shape](operations)
    leaf = functions_behind(output)[-1].inputs[0]
    values: dict[str, Any] = {
        f"{field}_seconds": fastest(lambda: walk(output, agenda()), PASSES)  # noqa: B023
        for field, agenda in WAYS.values()
    }
    engine_seconds = fastest(output.backward, PASSES)
    leaf.cleargrad()
    output.backward()
    counted = {field: _counted(output, leaf, agenda) for field, agenda in WAYS.values()}
    values |= {f"{field}_keys": keys for field, (_, keys) in counted.items()}
    same_gradient = bool(np.allclose([gradient for gradient, _ in counted.values()], leaf.grad))
    return Scheduling(**values, engine_seconds=engine_seconds, same_gradient=same_gradient)


def _counted(output: Variable, leaf: Variable, agenda: Callable[..., Agenda]) -> tuple[Any, int]:
    """The gradient of one walk, and how often the agenda asked for a generation."""
    asked = count()

    def counting(variable: Variable) -> int:
        next(asked)
        return int(generation(variable))

    return walk(output, agenda(counting)).gradients[leaf], next(asked)


wide_graphs, chains = keep_the_order.each(shape=["wide", "chain"])
widest, longest_chain = wide_graphs.largest("operations"), chains.largest("operations")
wide_enough = wide_graphs.largest("operations", at_least=2_000)
differentiated = differentiate.with_values(
    wrong_orders=lambda run: sorted({row["order"] for row in run.rows if row["gradient"] != row["engine"]})
)
gradient_rows = differentiate.rows("rows", by=["graph", "order"])
by_generation, naive = gradient_rows.each(order=["by generation", NAIVE])
ladders = climb_ladders.rows("rows", by=["diamonds"])
highest = ladders.largest("diamonds")
right_gradients = by_generation.listed("{graph} {gradient:g}")
wrong_gradients = naive.matching(lambda row: row.gradient != row.engine).first("order")
wrong_texts = wrong_gradients.listed("{order} {gradient:g} instead of {engine:g}", "; ")

by_generation_is_right = study.claim(
    "By generation every gradient is right: equal to the engine's and to the difference taken by hand.",
    every(by_generation, lambda row: row.gradient == row.engine),
    every(by_generation, lambda row: abs(row.engine / row.difference - 1) < 1e-6),
    evidence="{right_gradients}",
)
naive_orders_are_wrong_on_branches = study.claim(
    "Each of the naive orders is right where nothing branches, and gives a wrong gradient where it does.",
    every(naive, lambda row: row.graph != "no branch" or row.gradient == row.engine),
    every(differentiated, lambda run: set(run.wrong_orders) >= set(NAIVE), "wrong: {wrong_orders}"),
    evidence="{wrong_texts}",
)
forgetting_doubles_the_visits = study.claim(
    "Without noting what was visited, each place where branches meet again doubles the visits.",
    every(ladders, lambda row: row.by_generation == row.diamonds),
    every(ladders, lambda row: row.stack == 2**row.diamonds - 1),
    evidence="{highest.stack} visits of {highest.diamonds} Functions",
)
sorting_at_every_insertion_is_quadratic = study.claim(
    "On a wide graph of n Functions, a sort at every insertion reads 1 + n(n-1)/2 keys; one sort reads n.",
    every(
        wide_graphs, lambda run: run.every_insertion_keys == 1 + run.operations * (run.operations - 1) // 2
    ),
    every(wide_graphs, lambda run: run.one_sort_keys == run.heap_keys == run.operations),
    every(wide_graphs, same_gradient=True),
    evidence="{widest.every_insertion_keys:,.0f} keys against {widest.one_sort_keys:,.0f}",
)
quadratic_takes_the_time = study.claim(
    "On the widest graph a sort at every insertion takes at least three times as long as one sort.",
    wide_enough.every_insertion_seconds > wide_enough.one_sort_seconds * 3,
)
a_chain_hides_the_difference = study.claim(
    "On a chain all ways read one key for each Function: there is never more than one to sort.",
    every(chains, lambda run: run.every_insertion_keys == run.operations),
    every(chains, lambda run: run.one_sort_keys == run.heap_keys == run.operations),
    every(chains, same_gradient=True),
    evidence="{longest_chain.operations} keys for as many Functions",
)

gradients = study.bars("The gradient that each order gives; by generation is the right one.",
    gradient_rows, x="order", y="gradient", facet="graph")  # fmt: skip
seconds_over_operations = study.line("Time of one backward, by the way the order is kept, and of the engine's own.",
    keep_the_order, x="operations", y="backward_seconds", color="way", facet="shape", log="xy", x_title="Functions",
    values={way: f"{field}_seconds" for way, (field, _) in WAYS.items()} | {"the engine": "engine_seconds"},
    y_title="time of one backward")  # fmt: skip
keys_over_operations = study.line(
    "How often a generation is read to keep the order: a count, the same on every machine.",
    keep_the_order, x="operations", y="keys_read", color="way", facet="shape", log="xy", x_title="Functions",
    values={way: f"{field}_keys" for way, (field, _) in WAYS.items()}, y_title="generations read")  # fmt: skip
visits_over_diamonds = study.line(
    "Visits on a ladder of diamonds, y = y + y, with and without noting what was visited.",
    ladders, x="diamonds", y="visits", color="order", log="y",
    values={"by generation": "by_generation", "stack": "stack"}, y_title="visits of Functions")  # fmt: skip

wrong = gradient_rows.where(graph="even branches", order="stack")
study.tile("A stack's gradient of a² + a², {wrong.engine:g} is right", wrong.gradient, better="")
study.tile("Visits of {highest.diamonds} Functions, forgetting", highest.stack)
against_one_sort = widest.every_insertion_seconds / widest.one_sort_seconds
study.tile("Sorting {widest.operations} times", widest.every_insertion_seconds, atlas=True)
study.tile("Sorting once", widest.one_sort_seconds)
study.tile("Every insertion against one sort", against_one_sort, unit="times", atlas=True, better="")
study.verdict("""On branches a stack gives the gradient {wrong.gradient:g}, not {wrong.engine:g}; by generation it is
    right, sorted once {against_one_sort:,.0f} times as fast as at every insertion.""")
study.table("The gradient at x = 2, the engine's own, and the Functions in the order of the visits.", gradient_rows,
    ["gradient", "engine", "visited"])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(run_study(study))
