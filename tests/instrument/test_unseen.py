"""What is dropped and used between two moments that are told of is not known, and the advice says so."""

import sys

import pytest

import garbology
from garbology.advice.unseen import moments_within_lines, uses_after_a_drop

pytestmark = pytest.mark.usefixtures("quiet_heap")
LINES = sys.version_info >= (3, 12)


class A:
    """One of two."""


class B:
    """The other."""


def pair():
    a, b = A(), B()
    a.b, b.a = b, a
    return a, b


# fmt: off
def on_one_line():
    a, b = pair(); del a; b.a.b; del b  # noqa: E702


def mirrored():
    a, b = pair(); del b; a.b.a; del a  # noqa: E702


# fmt: on
def on_lines_of_their_own():
    a, b = pair()
    del a
    b.a.b
    del b


def dropped_by_the_end():
    a, b = pair()
    a.seen = b.seen = True


def after_a_handler():
    a, b = pair()
    try:
        raise KeyError
    except KeyError as error:
        a.seen = error is None
    b.seen = True


def advice_of(program):
    (shape,) = garbology.find_cycles(program).shapes
    return shape.advice


@pytest.mark.parametrize("program", [on_one_line, mirrored])
def test_what_one_line_needs_is_not_known(program):
    """No look lies between the two statements."""
    assert "so ask first who may need this" in advice_of(program).reason


def test_from_3_12_lines_are_looked_at():
    """Then what is needed is known; before, it is said that it is not."""
    advice = advice_of(on_lines_of_their_own)
    assert ("not watched" in advice.reason) != LINES
    if LINES:
        assert [str(edge) for edge in advice.edges] == ["A.b -> B"]


@pytest.mark.parametrize("program", [dropped_by_the_end, after_a_handler])
def test_what_ends_with_a_function_or_a_handler_is_seen(program):
    """A return is told of; the name of an exception is deleted by the interpreter."""
    assert "not watched" not in advice_of(program).reason


def test_deletions_are_told_from_the_end_of_a_handler():
    """By the instructions alone."""
    assert uses_after_a_drop(on_one_line.__code__)
    assert uses_after_a_drop(mirrored.__code__)
    assert uses_after_a_drop(on_lines_of_their_own.__code__) != LINES
    assert not uses_after_a_drop(after_a_handler.__code__)
    assert not uses_after_a_drop(pair.__code__)


class Child:
    def __init__(self, parent):
        self.parent = parent
        self.children = ()


class Parent:
    def __init__(self):
        self.children = []
        self.only = None

    def child(self):
        """A new child, which the parent keeps."""
        child = Child(self)
        self.children.append(child)
        return child

    def an_only_one(self):
        """The same in an attribute."""
        self.only = Child(self)
        return self.only


def counts():
    return len(Parent().child().parent.children)


def walks():
    for child in Parent().child().parent.children:
        child.seen = True


def indexes():
    return Parent().child().parent.children[0].children


def keeps_the_child():
    child = Parent().child()
    return len(child.parent.children)


@pytest.mark.parametrize("program", [counts, walks, indexes])
def test_what_an_expression_needs_of_what_it_made_is_seen(program):
    """The parent alone holds the child, once it was read from that; `parent` before."""
    advice = advice_of(program)
    assert (not advice.edges) or (not LINES and "not watched" in advice.reason)


@pytest.mark.skipif(not LINES, reason="not seen before")
def test_where_all_is_needed_it_is_said_what_to_clear_at_the_end():
    """The way back rather than what the parent owns."""
    assert advice_of(counts).reason.endswith("; clear Child.parent when all is done with")


def test_what_a_variable_holds_is_no_need_of_an_expression():
    """The child lives as long as its variable."""
    advice = advice_of(keeps_the_child)
    assert [str(edge) for edge in advice.edges] == ["Parent.children[0] -> Child"]
    assert "not watched" not in advice.reason


def test_the_only_child_of_an_expression_is_not_made_weak():
    """It may be cleared at the end. Before 3.12 the need is not seen, and that is said."""
    advice = advice_of(lambda: Parent().an_only_one().parent.only.children)
    assert advice.remedy != "weakref" or (not LINES and "not watched" in advice.reason)


def test_places_within_a_line_are_told_by_the_instructions():
    """Where a call's result is dropped for what it held; not where that is stored or returned, or its method called."""
    assert moments_within_lines(counts.__code__)
    assert moments_within_lines(indexes.__code__)
    assert not moments_within_lines(keeps_the_child.__code__)
    assert not moments_within_lines((lambda: Parent().only).__code__)
    assert not moments_within_lines((lambda: Parent().only is not None).__code__)
    assert not moments_within_lines((lambda: Parent().child()).__code__)


def iterator():
    items = [1, 2]
    items.append(iter(items))


def mapped():
    items = []
    items.append(map(str, items))


def viewed():
    entries = {}
    entries["keys"] = entries.keys()


def sliced():
    items = []
    items.append(slice(items))


@pytest.mark.parametrize(
    ("program", "kind"), [(iterator, "list"), (mapped, "list"), (viewed, "dict"), (sliced, "list")]
)
def test_what_a_container_holds_of_itself_is_taken_out(program, kind):
    """Nobody's attribute is in the cycle: the container is what a program can change, and that was tried."""
    advice = advice_of(program)
    assert advice.remedy == "clear"
    assert f"take it out of the {kind}, or empty that, when it is done with" in advice.reason
    assert advice.verified
