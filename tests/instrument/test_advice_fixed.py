"""What was made of an object once, and refers to it for good, cannot be told to refer to it weakly."""

import collections
import io
import itertools
import re
import types
from xml.etree import ElementTree

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Node:
    """Has one attribute, set last."""

    def method(self):
        """Nothing."""


class Text(str):
    """A string with attributes."""


class Data(bytearray):
    """A buffer with attributes."""


class Raw(io.RawIOBase):
    """A stream with attributes."""

    def readable(self):
        return True


def with_a_super():
    node = Node()
    node.kept = super(Node, node)


def with_a_slice():
    node = Node()
    node.kept = slice(node)


def with_a_property():
    node = Node()
    node.kept = property(node)


def with_a_match():
    text = Text("xx")
    text.kept = re.match("x", text)


def with_a_view():
    data = Data(10)
    data.kept = memoryview(data)


def with_a_stream():
    raw = Raw()
    raw.kept = io.BufferedReader(raw)


@pytest.mark.parametrize(
    "work",
    [with_a_super, with_a_slice, with_a_property, with_a_match, with_a_view, with_a_stream],
)
def test_what_the_program_set_is_advised_and_not_what_it_cannot_set(work):
    """The attribute, which a line of the program sets; a trial never says that everything was left."""
    found = garbology.find_cycles(work)
    advice = found.shapes[0].advice
    assert [edge.label for edge in advice.edges] == [".kept"]
    assert advice.verified or "finalizer" in str(found)
    assert "were left" not in str(found)


def with_a_method_of_an_instance():
    node = Node()
    node.kept = map(node.__eq__, [1])


def with_a_method_of_a_container():
    queue = Queue()
    queue.push = queue.append


class Queue(collections.deque):
    """A container with attributes."""


@pytest.mark.parametrize(
    ("work", "remedy"),
    [
        (with_a_method_of_an_instance, "put a function there that captures weakref.ref(...)"),
        (with_a_method_of_a_container, "make push a method of the class instead"),
    ],
)
def test_a_method_written_in_c_is_replaced_by_a_function(work, remedy):
    """No weak reference can stand in its place, and `weakref.WeakMethod` takes none."""
    found = garbology.find_cycles(work)
    advice = found.shapes[0].advice
    assert remedy in advice.reason
    assert "WeakMethod" not in advice.reason
    assert "were left" not in str(found)


def with_a_namespace():
    namespace = types.SimpleNamespace(other=1)
    namespace.itself = namespace


def with_a_function():
    def function():
        pass

    function.itself = function


@pytest.mark.parametrize("work", [with_a_namespace, with_a_function])
def test_a_property_is_advised_where_the_class_is_the_programs(work):
    """To a namespace or a function none can be added."""
    advice = garbology.find_cycles(work).shapes[0].advice
    assert advice.remedy != "property"
    assert advice.verified


def through_a_keyword():
    node = Node()
    node.kept = types.SimpleNamespace(back=node)


def test_a_namespace_gets_an_attribute_from_the_keyword_of_its_name():
    """Other calls of the class set other attributes."""
    (edge,) = garbology.find_cycles(through_a_keyword).shapes[0].advice.edges
    assert edge.label == ".back"
    assert [line.rpartition(": ")[2] for line in edge.set_at] == [
        "node.kept = types.SimpleNamespace(back=node)"
    ]


def test_what_holds_itself_by_its_own_methods_can_be_emptied():
    """No line sets an attribute there, and yet the cycle can be opened: nothing else is said."""

    def work():
        element = ElementTree.Element("a")
        element.append(element)

    advice = garbology.find_cycles(work).shapes[0].advice
    assert advice.remedy == "none"
    assert "empty that" in advice.reason


def test_what_an_iterator_goes_over_is_not_to_be_cleared():
    """Nothing but the iterator itself lets go of it; what cannot be advised is not."""

    def work():
        items = []
        items.append(itertools.chain(iter(items)))

    advice = garbology.find_cycles(work).shapes[0].advice
    assert not any("iterated" in edge.label and "[" not in edge.label for edge in advice.edges)
    assert "iterated list holds" not in advice.reason
