"""How often each shape is told, against programs that know how many cycles of which names they have made."""

import random
import re
from collections import Counter

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap")
NAMES = ("x", "y", "z", "w")


class A:
    pass


class B:
    pass


class Slotted:
    __slots__ = NAMES


class Both:
    __slots__ = (*NAMES, "__dict__")


KINDS = (A, B, Slotted, Both)


def edge(source, name, target, element=""):
    return f"{type(source).__name__}.{name}{element} -> {type(target).__name__}"


def pair(pick):
    """Two objects, of which the first may have attributes beside."""
    first, second = pick(KINDS)(), pick(KINDS)()
    way, back = pick(NAMES), pick(NAMES)
    for beside in {pick(NAMES), pick(NAMES)} - {way}:
        setattr(first, beside, 1)
    setattr(first, way, second)
    setattr(second, back, first)
    return {edge(first, way, second), edge(second, back, first)}


def children(pick):
    """A list of one to five."""
    parent, kind, way, back = pick(KINDS)(), pick(KINDS), pick(NAMES), pick(NAMES)
    some = [kind() for _ in range(pick(range(1, 6)))]
    setattr(parent, way, some)
    for child in some:
        setattr(child, back, parent)
    return {edge(parent, way, some[0], "[]"), edge(some[0], back, parent)}


def itself(pick):
    """Directly, in a dictionary or in a sequence."""
    one, name = pick(KINDS)(), pick(NAMES)
    value, element = pick([(one, ""), ({pick("kl"): one}, "[]"), ([one], "[]"), ((one,), "[]")])
    setattr(one, name, value)
    return {edge(one, name, one, element)}


def ring(pick):
    """Three objects."""
    some, names = [A(), B(), Slotted()], [pick(NAMES) for _ in range(3)]
    others = [*some[1:], some[0]]
    for one, name, other in zip(some, names, others, strict=True):
        setattr(one, name, other)
    return {edge(*each) for each in zip(some, names, others, strict=True)}


def made(seed, count):
    """A program, and what it has made when it has run: how many cycles of which edges."""
    truth = Counter()

    def program():
        truth.clear()
        pick = random.Random(seed).choice
        for _ in range(count):
            truth[frozenset(pick([pair, children, itself, ring])(pick))] += 1

    return program, truth


def shapes_left_by(program):
    """As `find_cycles` counts them, without the advice on each, which takes most of its time."""
    with garbology.watch(looks=False, wants_advice=lambda shape: False) as found:
        program()
    return found.shapes


def told(shapes):
    """How many of which edges are said to be; indices and keys left out."""
    found = Counter()
    for shape in shapes:
        found[frozenset(re.sub(r"\[[^]]*\]", "[]", str(each)) for each in shape.edges)] += shape.count
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("count", [5, 50, 400])
def test_each_shape_is_told_as_often_as_it_occurs(seed, count):
    """Of up to some two hundred shapes, all of which are described."""
    program, truth = made(seed, count)
    assert told(shapes_left_by(program)) == truth


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "count"), [(0, 400), (1, 400), (2, 50)])
def test_advice_changes_no_count(seed, count):
    """What is tried on an occurrence of each shape is counted with the others."""
    program, truth = made(seed, count)
    assert told(garbology.find_cycles(program).shapes) == truth


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_what_is_not_described_is_not_counted_with_what_is(seed):
    """Of more shapes than are described: the rest is told as such, but for a few that cannot be told apart unread."""
    program, truth = made(seed, 5_000)
    shapes = shapes_left_by(program)
    found = told(shape for shape in shapes if shape.edges)
    assert sum(shape.count for shape in shapes) == sum(truth.values()) == 5_000
    assert len(found) > 200
    assert shapes[-1].edges == []
    assert shapes[-1].count >= sum((truth - found).values()) - 50
    assert sum((found - truth).values()) <= 50
