"""Looks at a block without cycles read little, and lose nothing where a cycle is closed after all."""

import sys

import pytest

import garbology
from garbology.advice.needs import Needs
from garbology.advice.sampling import SamplingPolicy
from garbology.advice.small_looks import SmallLooks

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")

OBJECTS_OF_A_NODE = 3 if sys.version_info < (3, 11) else 2  # up to 3.10 each instance has a dict


class Parent:
    def __init__(self):
        self.children = []

    def add(self, child):
        self.children.append(child)


class Child:
    parent = None


class Pair:
    __slots__ = ("children", "other")


class Plain:
    def __init__(self, number):
        self.number = number
        self.children = []


def a_cycle_closed_late():
    """The child has no other holder than the parent before the cycle is closed, and one afterwards."""
    parent = Parent()
    parent.add(Child())
    nothing()
    child = parent.children[0]
    child.parent = parent
    return child


def nothing():
    pass


def dropped_late():
    a_cycle_closed_late()


def among_what_dies():
    """What was there when the parent alone held the child has died when the cycle is closed."""
    for _ in range(3):
        Plain(Plain(0))
    a_cycle_closed_late()


def nodes(count):
    """Instances and their lists, all of which are freed."""
    made = [Plain(number) for number in range(count)]
    assert len(made) == count


def watched(program):
    with garbology.watch() as found:
        program()
    return found


@pytest.mark.parametrize("program", [dropped_late, among_what_dies])
@pytest.mark.parametrize("find", [garbology.find_cycles, watched])
def test_what_was_needed_before_a_cycle_was_closed_is_not_to_be_weak(find, program):
    """With a weak reference there the child would have died before it had a parent."""
    (shape,) = find(program).shapes
    assert ("Parent", ".children[0]") in {(edge.source, edge.label) for edge in shape.edges}
    assert not {edge.label for edge in shape.advice.edges if edge.source == "Parent"}


def test_a_block_without_cycles_is_read_and_not_judged(monkeypatch):
    """What is needed is asked where there is something to advise; that it is asked then the same block shows."""
    judged = []
    look = Needs.look

    def counted(self, window, *rest):
        judged.append(len(window.objects))
        look(self, window, *rest)

    monkeypatch.setattr(Needs, "look", counted)
    with garbology.watch() as found:
        nodes(20)
    assert (found.garbage, judged) == (0, [])
    with garbology.watch() as found:
        nodes(20)
        dropped_late()
    assert found.garbage
    assert judged


@pytest.mark.parametrize("count", [100, 400, 1600])
def test_what_looks_read_is_a_share_of_the_work(count, monkeypatch):
    """What a block without cycles makes in the same few lines is read a few times at most, however much it is."""
    read = []
    spend = SamplingPolicy.spend

    def counted(self, objects):
        read.append(objects)
        spend(self, objects)

    monkeypatch.setattr(SamplingPolicy, "spend", counted)
    with garbology.watch():
        nodes(0)
    for_the_lines, made = sum(read) + 100, OBJECTS_OF_A_NODE * count
    read.clear()
    with garbology.watch():
        nodes(count)
    assert sum(read) < 4 * made + for_the_lines


def test_a_window_is_judged_later_by_what_is_left():
    """A place that has changed since is found again, and what is gone has no name."""
    pair = Pair()
    pair.children, pair.other = [Child()], Plain(0)
    needs = Needs()
    looks = SmallLooks(needs)
    looks.look([pair, pair.children, pair.children[0], pair.other], None)
    pair.children.insert(0, None)
    pair.other = None
    left = [pair, pair.children, pair.children[1]]
    looks.judge_kept(left, {id(mark): len(left) for mark in looks.marks})
    assert ("Pair", ".children[]", "Child") in needs.classes
    assert ".other" not in {label for _, label, _ in needs.classes}


def test_what_is_younger_than_a_look_was_not_there():
    """Where something has died something else may be, later."""
    pair = Pair()
    pair.children, pair.other = [Child()], None
    needs = Needs()
    looks = SmallLooks(needs)
    window = [pair, pair.children, pair.children[0]]
    looks.look(window, None)
    looks.judge_kept(window, {id(mark): len(window) - 1 for mark in looks.marks})
    assert not needs.classes
