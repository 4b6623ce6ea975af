"""Cycles that are met again: each is counted with its own name, though it is not read once more."""

import functools
import gc
import random
import re
from collections import Counter

import pytest

import garbology
from garbology.cycles import occurrences
from garbology.interpreter import collector
from garbology.monitoring.budget import Budget
from tests.instrument.test_shape_counts import children, itself, pair, ring

pytestmark = [
    pytest.mark.skipif(
        collector.kind() != "generational", reason="only this collector's garbage is known before it is freed"
    ),
    pytest.mark.usefixtures("quiet"),
]


class Node:
    pass


class Other:
    pass


@pytest.fixture
def read(monkeypatch):
    """How many cycles are read by name."""
    counts = Counter()
    plain = occurrences.Occurrences.describe

    def describe(self, component):
        counts["read"] += 1
        return plain(self, component)

    monkeypatch.setattr(occurrences.Occurrences, "describe", describe)
    return counts


def freed(*makers):
    """What a monitor has seen of objects that each of ``makers`` leaves, in a collection of its own."""
    seen = watched(*makers)
    assert sum(each.objects for each in seen.shapes) + seen.rest_objects == seen.collected
    return seen


def watched(*makers):
    """The same where a finalizer frees some of it before the collector counts."""
    with garbology.monitor(budget=1) as seen:
        for make in makers:
            make()
            gc.collect(0)
    return seen


def told(seen):
    """How many cycles of which edges; indices and keys left out."""
    found = Counter()
    for shape in seen.shapes:
        found[frozenset(re.sub(r"\[[^]]*\]", "[]", each) for each in shape.edges)] += shape.cycles
    return found


def tied(first, name, second, back="back"):
    setattr(first, name, second)
    setattr(second, back, first)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_each_shape_is_told_as_often_as_it_occurs(seed):
    """Over many collections of a program that makes some hundred shapes in any mixture."""
    pick, truth = random.Random(seed).choice, Counter()
    with garbology.monitor(budget=1) as seen:
        for _ in range(40):
            for _ in range(pick((1, 2, 10, 40))):
                truth[frozenset(pick([pair, children, itself, ring])(pick))] += 1
            gc.collect(0)
    assert told(seen) == truth
    assert sum(each.objects for each in seen.shapes) == seen.collected


def test_what_is_known_is_not_read_again(read):
    """The second time, however many there are: it is counted and weighed."""

    def leave(times):
        for _ in range(times):
            tied(Node(), "mine", Other())

    leave(100)  # the first instances of a class are larger than later ones
    gc.collect()
    seen = freed(functools.partial(leave, 5))
    once = read["read"]
    again = freed(*[functools.partial(leave, times) for times in (5, 70, 1)])
    assert read["read"] == 2 * once
    (shape,) = again.shapes
    assert (shape.cycles, shape.collections) == (76, 3)
    assert shape.bytes / shape.cycles == pytest.approx(seen.shapes[0].bytes / 5, rel=0.05)
    assert shape.most_bytes == pytest.approx(shape.bytes * 70 / 76, rel=0.05)
    assert shape.advice["edges"]


def test_attributes_are_told_apart():
    """Of one class, though the only one that is set stands first whichever it is."""

    def leave(name):
        one = Node()
        one.left = one.right = None
        del one.left, one.right
        setattr(one, name, one)

    found = told(freed(*[functools.partial(leave, name) for name in ("left", "right", "left", "left")]))
    assert found == {frozenset(["Node.left -> Node"]): 3, frozenset(["Node.right -> Node"]): 1}


def test_an_attribute_is_no_key():
    """``__dict__`` may be a dictionary of the program's, and an attribute may hold an equal one."""

    class Single:
        pass

    def inside():
        one = Single()
        one.__dict__ = {"me": one}

    def beside():
        one = Single()
        one.only = {"me": one}

    found = told(freed(inside, beside, inside, beside))
    name = Single.__qualname__.rpartition(".")[2]
    assert found == {
        frozenset([f"{name}.me -> {name}"]): 2,
        frozenset([f"{name}.only[] -> {name}"]): 2,
    }


@pytest.mark.parametrize("names", [("left", "right"), ("left", "right", "middle")])
def test_classes_of_one_name_are_told_apart(names):
    """The one is not taken for the other, not even where it died and its address is used again."""

    def leave(name):
        one = type("Node", (), {"__slots__": (name,)})()
        setattr(one, name, one)

    dice = random.Random(1)
    order = [dice.choice(names) for _ in range(30)]
    found = told(freed(*[functools.partial(leave, name) for name in order]))
    own = {name: sum(n for edges, n in found.items() if f"Node.{name} -> Node" in edges) for name in names}
    assert own == Counter(order)


def test_functions_of_one_place_are_told_apart():
    """What was typed in or made by ``exec`` begins at the same line of the same file again and again."""

    def leave(name):
        code = f"def make():\n    {name} = lambda: {name}\nmake()\ndel make"
        exec(compile(code, "<made>", "exec"), {})

    found = told(freed(*[functools.partial(leave, name) for name in ("first", "second", "first")]))
    names = Counter()
    for edges, count in found.items():
        names[re.search(r"closure variable (\w+)", " ".join(edges))[1]] += count
    assert names == {"first": 2, "second": 1}


def test_variables_of_frames_are_told_apart():
    """Which of them are set is not known of a frame without reading it."""

    def steps(first):
        if first:
            one = yield
        else:
            other = yield
        yield
        return (one, other)

    def leave(first):
        running = steps(first)
        next(running)
        running.send(running)

    found = told(watched(*[functools.partial(leave, first) for first in (True, False, True, True)]))
    counts = Counter()
    for edges, count in found.items():
        counts[re.search(r"local (\w+)", " ".join(edges))[1]] += count
    assert counts == {"one": 3, "other": 1}


def test_one_cycle_is_known_again_among_others(read):
    """Whether it was met alone or with others."""

    def alone():
        tied(Node(), "mine", Other())

    def with_others():
        alone()
        tied(Other(), "mine", Node())

    found = freed(alone, with_others, alone)
    assert told(found) == {
        frozenset(["Node.mine -> Other", "Other.back -> Node"]): 3,
        frozenset(["Other.mine -> Node", "Node.back -> Other"]): 1,
    }
    assert read["read"] <= 6


def test_a_shape_that_left_the_shelf_is_read_anew(monkeypatch):
    """It comes back with its advice."""
    monkeypatch.setattr("garbology.monitoring.shelf.MOST_SHAPES", 2)

    def leave(name):
        for _ in range(1 if name == "n0" else 3):
            tied(Node(), name, Other())

    def many():
        for _ in range(200):
            leave("n0")

    seen = freed(*[functools.partial(leave, f"n{number}") for number in range(5)], many)
    first = seen.shapes[0]
    assert "Node.n0 -> Other" in first.edges
    assert first.advice
    assert first.shape["members"]


def test_the_work_of_one_analysis_is_bounded(monkeypatch):
    """Of many shapes that are new at once each is counted, and some get their advice when they are met again."""
    monkeypatch.setattr(Budget, "probability", lambda self, generation, now: 1.0)

    class Node:
        """With attributes of this test alone: which instances have a dict, and are larger, depends on earlier ones."""

    class Other:
        """As Node."""

    def leave():
        for number in range(10):
            tied(Node(), f"n{number}", Other())

    with garbology.monitor(budget=0.05) as seen:
        for advised in (4, 8, 10, 10):
            leave()
            gc.collect(0)
            assert len(seen.shapes) == 10
            assert sum(each.advice is not None for each in seen.shapes) == advised
            assert "n1" in str(seen)
    assert {each.cycles for each in seen.shapes} == {4}
    assert all(each.advice["edges"] and each.shape["members"] for each in seen.shapes)


@pytest.mark.slow
def test_memory_is_bounded(monkeypatch):
    """Of structures and of types that are remembered."""
    monkeypatch.setattr("garbology.find.familiar._MOST_STRUCTURES", 4)
    monkeypatch.setattr("garbology.find.familiar._MOST_TYPES", 4)

    def leave(number):
        kind = type(f"Kind{number % 7}", (), {})
        one = kind()
        tied(one, "mine", Other())
        one.many = [Node() for _ in range(number)]
        for each in one.many:
            each.of = one

    seen = freed(*[functools.partial(leave, number) for number in range(30)])
    assert sum(each.cycles for each in seen.shapes) == 60  # each class is a cycle, too
