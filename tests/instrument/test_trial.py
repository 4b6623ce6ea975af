"""What is said of the trial of an advice: that all was freed, or why it was not tried."""

import asyncio
import gc
import socket
import weakref

import pytest

import garbology
from garbology.advice import proof

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")

KEPT = []


class Parent:
    """Holds a child twice over, in one tuple."""

    def __init__(self):
        self.child = Child((self, self))


class Child:
    """Points back to its parents."""

    def __init__(self, parents):
        self.parents = parents


class Final(Parent):
    """Has a finalizer."""

    def __del__(self):
        KEPT.append("finalized")


class Called(Parent):
    """Has a weak reference with a callback."""

    def __init__(self):
        super().__init__()
        KEPT.append(weakref.ref(self, KEPT.append))


class Generating:
    """Holds a generator that has something to do at its end."""

    def __init__(self):
        self.numbers = self.generate()
        next(self.numbers)

    def generate(self):
        """One number."""
        try:
            yield 1
        finally:
            KEPT.append("closed")


def advice_for(program):
    (shape,) = garbology.find_cycles(program).shapes
    return shape.advice


def test_what_was_freed_is_said():
    """The sentence is in the text, in the plain form and in the advice; two edges through one tuple are one cut."""
    found = garbology.find_cycles(Parent)
    (shape,) = found.shapes
    assert shape.advice.trial == "tried on one of them: all of it was freed"
    assert shape.advice.verified is True
    assert shape.to_dict()["advice"]["trial"] == shape.advice.trial
    assert "tried on one of them: all of it was freed" in " ".join(str(found).split())


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (Final, "test_trial.Final in it has a finalizer"),
        (Called, "a weak reference to it has a callback"),
        (Generating, "a suspended generator in it has a handler to run"),
    ],
)
def test_why_it_was_not_tried_is_said(program, why):
    """What of the program's would have run is named, and does not run."""
    KEPT.clear()
    found = garbology.find_cycles(program)
    (shape,) = found.shapes
    assert shape.advice.trial.startswith("not tried: ")
    assert shape.advice.trial.endswith(why)
    assert not shape.advice.verified
    assert shape.advice.trial in " ".join(str(found).split())
    assert [each for each in KEPT if type(each) is str] == []


def test_what_is_gone_is_not_tried():
    """Where the collector was first, that is what is said."""
    advice = advice_for(Parent)
    gc.collect()
    assert advice.trial == "not tried: it has been freed in the meantime"


def test_what_somebody_has_got_hold_of_is_not_tried():
    """An object that is found again in the heap is in use, and stays whole."""
    advice = advice_for(Parent)
    (kept,) = (obj for obj in gc.get_objects() if type(obj) is Parent)
    assert advice.trial == "not tried: something else holds it"
    assert kept.child.parents == (kept, kept)


def test_what_is_too_large_is_not_tried(monkeypatch):
    """How large it is is said."""
    monkeypatch.setattr(proof, "MOST_TRIED_OBJECTS", 2)
    (shape,) = garbology.find_cycles(Parent).shapes
    assert shape.advice.trial == f"not tried: it has {shape.objects} objects, more than are cut one by one"


def test_a_trial_that_fails_says_how_much_is_left(monkeypatch):
    """An advice is not verified where cutting its edges leaves something."""
    monkeypatch.setattr(proof, "cut_of", lambda steps: lambda: None)
    (shape,) = garbology.find_cycles(Parent).shapes
    assert shape.advice.trial == f"tried on one of them: {shape.objects} of {shape.objects} objects were left"
    assert shape.advice.verified is False


def held_by_a_class():
    parent = Parent()
    type("Local", (), {"held": parent})


def test_what_another_cycle_holds_is_not_blamed_on_the_advice():
    """A class that nothing opens keeps the occurrence alive, and that is what is said."""
    shapes = garbology.find_cycles(held_by_a_class).shapes
    (shape,) = (shape for shape in shapes if shape.advice.remedy == "weakref")
    assert "objects were left, held by another cycle that stays closed (class Local" in shape.advice.trial


def held_by_functions():
    """Each recursive function keeps what it has visited, as python-docx's walks do."""
    parent = Parent()
    for _ in range(2):

        def walk(node, visited=None):
            return node and walk(None, [node, visited])

        walk.__defaults__ = ([parent],)


def test_a_ring_of_functions_that_holds_the_occurrence_is_cut_with_it():
    """It has no other object in it, and is folded as the finding folds it."""
    shapes = garbology.find_cycles(held_by_functions).shapes
    assert {shape.advice.trial for shape in shapes} == {"tried on one of them: all of it was freed"}


def held_through_a_list():
    """The list is the one cycle's alone; the other cycle shares it with that."""
    first, second = Parent(), Parent()
    first.items = [first]
    second.items_of_another = first.items


def test_a_container_that_the_holder_shares_is_cut_all_the_same():
    """The edge is named as the finding has named it, whoever else holds the list."""
    shapes = garbology.find_cycles(held_through_a_list).shapes
    assert {shape.advice.trial for shape in shapes} == {"tried on one of them: all of it was freed"}


def test_without_an_edge_there_is_no_trial():
    """A class is to be hoisted; there is nothing to cut."""
    advice = advice_for(lambda: type("Local", (), {}) and None)
    assert (advice.remedy, advice.trial, advice.verified) == ("hoist", "", False)


def test_a_finalizer_that_has_nothing_to_do_is_no_obstacle():
    """A closed socket, a closed loop, and a future whose exception was asked for die in silence."""

    def with_a_socket():
        parent = Parent()
        parent.socket = socket.socket()
        parent.socket.close()

    def with_a_loop():
        loop = asyncio.new_event_loop()
        loop.close()
        parent = Parent()
        parent.future = loop.create_future()
        parent.future.set_exception(KeyError())
        parent.future.exception()

    assert advice_for(with_a_socket).verified
    assert advice_for(with_a_loop).verified


def test_a_finalizer_that_has_something_to_do_is_one():
    """An open socket would be closed, and an exception that nobody asked for would be told of."""
    sockets, futures = [], []

    def with_a_socket():
        parent = Parent()
        parent.socket = socket.socket()
        sockets.append(parent.socket.fileno())

    def with_an_exception():
        loop = asyncio.new_event_loop()
        loop.close()
        parent = Parent()
        parent.future = loop.create_future()
        parent.future.set_exception(KeyError())
        futures.append(id(parent.future))

    assert advice_for(with_a_socket).trial.endswith("socket.socket in it has a finalizer")
    assert advice_for(with_an_exception).trial.endswith("_asyncio.Future in it has a finalizer")
    for obj in gc.get_objects():
        if type(obj) is socket.socket and obj.fileno() in sockets:
            obj.close()
        if id(obj) in futures:
            obj.exception()
