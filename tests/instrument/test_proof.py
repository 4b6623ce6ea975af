"""The trial of an advice: what has to be gone before, and what may stand where it stood."""

import pytest

import garbology
from garbology.advice import proof
from garbology.interpreter import collector

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Parent:
    """Refers to a child that refers back, and to an earlier parent."""

    def __init__(self, earlier=None):
        self.child = Child(self)
        self.earlier = earlier


class Child:
    """Points back to its parent."""

    def __init__(self, parent):
        self.parent = parent


def chain():
    latest = None
    for _ in range(3):
        latest = Parent(latest)


def held_by_a_function_s_cycle():
    """As micrograd does: a function that calls itself also keeps a list of all there is."""
    found = []

    def build(number):
        found.append(Parent(found[-1] if found else None))
        if number:
            build(number - 1)

    build(3)


@pytest.mark.parametrize("program", [chain, held_by_a_function_s_cycle])
def test_a_cycle_that_others_hold_is_tried_after_those(program):
    """Every advice is proved, also where no occurrence of a shape is free until another shape's is gone."""
    found = garbology.find_cycles(program)
    assert found.shapes
    assert all(shape.advice.verified for shape in found.shapes)


def test_a_heap_that_is_not_listed_by_age_excuses_nothing(monkeypatch):
    """On free-threaded builds what is alive at an address is not taken for something newer."""
    mark = []
    alive = [[]]
    addresses = [proof.addresses_of(alive)]
    assert [len(left) for left in proof._left(addresses, mark)] == [0]  # made after the mark
    monkeypatch.setattr(collector, "kind", lambda: "free-threaded")
    assert [len(left) for left in proof._left(addresses, mark)] == [1]


class Slotted:
    """As small as what lists the heap."""

    __slots__ = ("following", "others")


@pytest.mark.slow
def test_what_lists_the_heap_is_not_taken_for_what_was_left():
    """Objects of the instrument's own may stand where one of the dead stood: every trial of many tells the same."""

    def ring():
        nodes = [Slotted() for _ in range(11)]
        for node, following in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            node.following, node.others = following, [following]

    trials = [garbology.find_cycles(ring).shapes[0].advice.trial for _ in range(40)]
    assert set(trials) == {"tried on one of them: all of it was freed"}
