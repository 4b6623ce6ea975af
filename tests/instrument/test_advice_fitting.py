"""Advice that fits what holds the edge: what is passed on, wrappers, partials in a row, methods that refuse."""

import dataclasses
import functools
from collections import deque

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("quiet_heap")


class Promise:
    """Calls what it was given with what it was given."""

    def __init__(self, function, *args):
        self.function = function
        self.args = args
        self.value = self.following = None

    def __call__(self):
        self.value = (self.function(*self.args),)
        return self.following and self.then(self.following)

    def then(self, callback):
        """Call another with the result."""
        results = self.value
        return callback(*results)


class Held:
    """Has a promise that gets it, or gives it."""

    def __init__(self, *, gives):
        self.ready = Promise(self.itself if gives else print, *([] if gives else [self]))

    @staticmethod
    def itself():
        """Be a function that holds nothing."""


def given():
    held = Held(gives=False)
    return held.ready.args is None


def result():
    held = Held(gives=True)
    held.ready.value = (held,)
    return held.ready.value is None


@pytest.mark.parametrize(("program", "label"), [(given, ".args[0]"), (result, ".value[0]")])
def test_what_is_passed_on_to_a_function_is_no_weak_reference(program, label):
    """It would arrive there in place of what was meant: let go of it instead."""
    (shape,) = garbology.find_cycles(program).shapes
    advice = shape.advice
    assert [edge.label for edge in advice.edges] == [label]
    assert advice.remedy == "clear"
    assert "is passed on by" in advice.reason
    assert "where a weak reference would arrive in its place" in advice.reason
    assert advice.verified


def counting(function):
    @functools.wraps(function)
    def wrapper(*args):
        wrapper.calls += 1
        return function(*args)

    wrapper.calls = 0
    return wrapper


def counting_weakly(function):
    import weakref

    @functools.wraps(function)
    def wrapper(*args):
        own().calls += 1
        return function(*args)

    own = weakref.ref(wrapper)
    wrapper.calls = 0
    return wrapper


def test_a_wrapper_that_keeps_figures_of_itself_is_not_to_be_hoisted():
    """It is made for each function that is decorated: a weak reference to itself does, while it runs it is alive."""
    (shape,) = garbology.find_cycles(lambda: counting(len)("abc")).shapes
    advice = shape.advice
    assert advice.remedy == "weakref"
    assert "wrapper captures itself for its attributes alone (.calls)" in advice.reason
    assert "module level" not in advice.reason
    assert advice.verified
    assert counting_weakly(len)("abc") == 3
    assert not garbology.find_cycles(lambda: counting_weakly(len)("abc") and None).shapes


def test_a_coroutine_function_is_not_told_that_it_lives_while_it_runs():
    """Up to 3.10 what is suspended outlives its function."""

    def decorate():
        async def wrapper():
            wrapper.calls += 1

        wrapper.calls = 0
        return wrapper

    (shape,) = garbology.find_cycles(lambda: decorate() and None).shapes
    assert "while it runs" not in shape.advice.reason


NAMES = [f"to_{number}" for number in range(12)]


class Machine:
    """Gives its model a partial for each name, as state machines do."""

    def __init__(self, model):
        self.model = model
        for name in NAMES:
            setattr(model, name, functools.partial(self.go, model, name))

    @staticmethod
    def go(model, name):
        """Go there."""
        return model, name


class Model:
    """Is given them."""


def test_partials_that_one_line_makes_count_once():
    """Twelve attributes are one thing to change, in one sentence, which says how many there are."""

    def work():
        model = Model()
        Machine(model)

    (shape,) = garbology.find_cycles(work).shapes
    advice = shape.advice
    assert len(advice.edges) == len(NAMES)
    assert "and 11 more attributes like it is passed on by functools.partial" in advice.reason
    assert advice.verified


class Artist:
    """Can be removed if somebody said how."""

    def __init__(self, figure):
        self.figure = figure
        self.remover = None

    def remove(self):
        """Take it off."""
        if self.remover is None:
            raise NotImplementedError
        self.figure = None


class Figure:
    """Lets go of what its artists have, not of its own."""

    def __init__(self):
        self.figure = self
        self.patch = Artist(self)

    def clear(self):
        """Take off all."""
        self.patch.figure = None


def test_a_method_that_may_refuse_or_clears_what_others_have_is_not_named():
    """`Artist.remove()` of what was never added raises; `Figure.clear()` lets go of its patch's figure alone."""
    (shape,) = garbology.find_cycles(Figure).shapes
    assert "remove()" not in shape.advice.reason
    assert "Figure.clear()" not in shape.advice.reason
    assert {edge.label for edge in shape.advice.edges} == {".figure"}


@dataclasses.dataclass
class Steps:
    """What to do, for another to do it."""

    actions: list = dataclasses.field(default_factory=list)


class Retrying:
    """Does it."""

    def __init__(self):
        self.steps = Steps()

    def run(self, name):
        """Ask for a method by its name, and call it."""
        self.steps.actions.append(getattr(self, name))
        return [each() for each in self.steps.actions]

    def work(self):
        """Do nothing."""


def test_who_calls_a_method_is_not_its_holder_unless_that_reads_it():
    """The list of steps calls nothing."""
    (shape,) = garbology.find_cycles(lambda: Retrying().run("work") and None).shapes
    assert "which Steps calls" not in shape.advice.reason
    assert "which what uses the Steps calls" in shape.advice.reason
    assert shape.advice.verified


def test_an_iterator_in_its_own_deque_is_taken_out():
    """A deque that holds what iterates over it can be emptied, like a list."""

    def work():
        items = deque()
        items.append(iter(items))

    (shape,) = garbology.find_cycles(work).shapes
    assert shape.advice.remedy == "clear"
    assert "take it out of the deque" in shape.advice.reason
    assert shape.advice.verified
