"""Orders of backward: right and wrong gradients, what keeping the order costs, and that each claim can fail."""

import numpy as np
import pytest

from autograd_core import Variable, matyas
from experiments import ordering
from experiments._graphs import build_chain, build_wide
from experiments._orders import Heap, Queue, SortedAtEveryPush, SortedOnce, Stack, walk
from garbology.study import NotMeasured, Runs
from tests.study.claims import doctored, take

FINDINGS = ordering.study.findings


DIFFERENTIATE, CLIMB, KEEP = ordering.differentiate, ordering.climb_ladders, ordering.keep_the_order


def row(order, gradient, graph="even branches", difference=64.0):
    return {
        "graph": graph,
        "order": order,
        "gradient": gradient,
        "engine": 64.0,
        "difference": difference,
        "visited": [],
    }


def all_wrong_but(order, graph, gradient):
    """Rows in which each naive order is wrong on branches, and one is something else."""
    rows = [row(each, 96.0) for each in ordering.NAIVE if each != order]
    return [*rows, row(order, gradient, graph)]


# What breaks each finding.
DOCTORED = {
    "by_generation_is_right": {
        "by generation and wrong": doctored(DIFFERENTIATE, rows=[row("by generation", 96.0)]),
        "an engine that is wrong as well": doctored(
            DIFFERENTIATE, rows=[row("by generation", 64.0, difference=32.0)]
        ),
    },
    "naive_orders_are_wrong_on_branches": {
        "a stack that is right everywhere": doctored(
            DIFFERENTIATE, rows=all_wrong_but("stack", "even branches", 64.0)
        ),
        "wrong without a branch": doctored(
            DIFFERENTIATE, rows=all_wrong_but("queue, once", "no branch", 32.0)
        ),
    },
    "forgetting_doubles_the_visits": {
        "no doubling": doctored(CLIMB, rows=[{"diamonds": 10, "by_generation": 10, "stack": 10}]),
        "visited twice by generation": doctored(
            CLIMB, rows=[{"diamonds": 10, "by_generation": 11, "stack": 1023}]
        ),
    },
    "sorting_at_every_insertion_is_quadratic": {
        "few keys": doctored(KEEP, {"shape": "wide"}, every_insertion_keys=2000),
        "a heap that reads more": doctored(KEEP, {"shape": "wide"}, heap_keys=9),
        "another gradient": doctored(KEEP, {"shape": "wide"}, same_gradient=False),
    },
    "quadratic_takes_the_time": {
        "sorting for free": doctored(KEEP, {"shape": "wide"}, every_insertion_seconds=1e-6),
    },
    "a_chain_hides_the_difference": {
        "many keys on a chain": doctored(KEEP, {"shape": "chain"}, every_insertion_keys=9),
    },
}


def test_few_functions_say_nothing_about_the_time(samples):
    """A run cut short, with small graphs alone, refutes nothing."""
    with pytest.raises(NotMeasured, match="none is at least 2,000"):
        ordering.quadratic_takes_the_time(Runs(run for run in samples if run.case.get("operations") == 500))


@pytest.mark.parametrize(
    ("order", "even", "uneven"),
    [
        ("by generation", 64, 36),
        ("stack", 96, 72),
        ("stack, once", 32, 36),
        ("queue", 128, 40),
        ("queue, once", 64, 4),
    ],
)
def test_the_gradient_of_each_order(order, even, uneven):
    """Worked out by hand for a² + a² and a + a² with a = x² at x = 2; without a branch always 32."""
    rows = {each["graph"]: each["gradient"] for each in take(DIFFERENTIATE).rows if each["order"] == order}
    assert rows == {"no branch": 32, "even branches": even, "uneven branches": uneven}


@pytest.mark.parametrize("agenda", [SortedAtEveryPush, Heap, SortedOnce])
@pytest.mark.parametrize("build", [build_chain, build_wide])
def test_every_right_agenda_visits_by_generation(agenda, build):
    """Whatever keeps the order, each Function is visited once and no generation before a higher one."""
    seen = []

    class Watching(agenda):
        def pop(self):
            output = super().pop()
            seen.append(output.generation)
            return output

    walk(build(50), Watching())
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 50


@pytest.mark.parametrize("agenda", [SortedAtEveryPush, Heap, SortedOnce])
def test_the_walk_is_the_engines(agenda):
    """On a graph that branches and joins, the same gradients as the engine's own backward."""
    x, y = Variable(np.array(1.5)), Variable(np.array(-0.5))
    output = matyas(x, y)
    gradients = walk(output, agenda()).gradients
    output.backward()
    for leaf in (x, y):
        assert gradients[leaf] == pytest.approx(leaf.grad)


@pytest.mark.parametrize(("agenda", "order"), [(Stack, "cba"), (Queue, "abc")])
def test_stack_and_queue(agenda, order):
    """What was met last comes first, or last."""
    waiting = agenda()
    for name in "abc":
        waiting.push(Variable(None, name))
    assert "".join(waiting.pop().name for _ in range(len(waiting))) == order


def test_the_page_tells_the_wrong_gradient(page):
    """The verdict has a stack's, the tiles its visits, the table each graph in each order."""
    assert "a stack gives the gradient 96, not 64" in page.verdict
    assert [tile.value for tile in page.tiles][:2] == [96, 4095]
    assert len(page.table.rows) == len(ordering.GRAPHS) * len(ordering.ORDERS)
