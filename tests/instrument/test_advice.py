"""Which edge to weaken, and the proof that it works."""

import ctypes
import functools
import gc
import sqlite3
import sys
import weakref

import numpy as np
import pytest

import garbology
from autograd_core import Function, Variable, output_references

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Parent:
    """Owns its children in a list."""

    def __init__(self):
        self.children = [Child(self)]


class Child:
    """Points back to its parent."""

    def __init__(self, parent):
        self.parent = parent


class Node:
    """Of a tree, or of a linked list."""

    def __init__(self, parent=None):
        self.parent = parent
        self.children = []
        self.next = self.prev = None
        if parent is not None:
            parent.children.append(self)


class Slotted:
    """As an engine that saves memory would have it."""

    __slots__ = ("__weakref__", "back", "forth")


class Value:
    """micrograd's way: the rule is a closure that captures its own output."""

    def __init__(self, data, children=()):
        self.data = data
        self.grad = 0.0
        self._prev = set(children)
        self._backward = lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out


class Button:
    """Stores a bound method of its own."""

    def __init__(self):
        self.handlers = {"click": self.clicked}

    def clicked(self):
        """Use what it is bound to."""
        return self.handlers


class Stream:
    """Holds a generator that holds it."""

    def __init__(self, generate):
        self.lines = generate(self)
        next(self.lines)


class Registry:
    """Looks its entries up."""

    def __init__(self):
        self.entries = {}


class Entry:
    """Keeps its registry alive."""

    def __init__(self, registry, key):
        self.registry = registry
        registry.entries[key] = self


def lines_of(stream):
    yield stream


def careful_lines_of(stream):
    try:
        yield stream
    finally:
        CLOSED.append(stream)


CLOSED = []


def parent_and_child():
    parent = Parent()
    return len(parent.children)


def tree():
    root = Node()
    for _ in range(3):
        Node(Node(root))


def linked_list():
    head = tail = Node()
    for _ in range(5):
        node = Node()
        tail.next, node.prev = node, tail
        tail = node
    return head.next is not None


def micrograd():
    a = Value(1.0)
    return (a + a + a).data


def strong_engine():
    with output_references("strong"):
        x = Variable(np.array(2.0))
        y = x * x + x
        y.backward()
        return float(x.grad)


def user_function():
    class Twice(Function):
        def forward(self, x):
            return x * 2

        def backward(self, gradient):
            return gradient * 2

    with output_references("strong"):
        return Twice()(Variable(np.array(1.0)))


def registry():
    def make():
        return Entry(Registry(), "a")

    return make().registry is not None


def record():
    def make():
        request = Request()
        request.environ = {"method": "GET", "request": request}
        return request

    return make().environ is not None


def pointer_of_ctypes():
    def make():
        request = Request()
        request.fields = ObjectArray(request)
        return request

    return make().fields is not None


def kept_exception():
    try:
        raise KeyError
    except KeyError as error:
        kept = error
    return kept is None


def stored_exception():

    job = Job()
    job.run()


ObjectArray = ctypes.py_object * 1


class Request:
    """What a record of several things is about."""


class Job:
    """Keeps the exception of its own method."""

    def run(self):
        """Fail."""
        try:
            raise KeyError
        except KeyError as error:
            self.error = error


def recursive_inner_function():
    def countdown(n):
        return countdown(n - 1) if n else None

    return countdown(2)


def local_class():
    class Local:
        pass

    return Local().__class__ is None


def advice_for(func, *args):
    (shape,) = garbology.find_cycles(func, *args).shapes
    return shape.advice


def at(function, after=0):
    """Where a function's code begins."""
    return f"test_advice.py:{function.__code__.co_firstlineno + after}"


COUNTDOWN = f"function recursive_inner_function.<locals>.countdown ({at(recursive_inner_function, after=1)})"


@pytest.mark.parametrize(
    ("program", "edge", "remedy"),
    [
        (parent_and_child, "Child.parent -> Parent", "weakref"),
        (tree, "Node.parent -> Node", "weakref"),
        (linked_list, "Node.prev -> Node", "weakref"),
        (micrograd, "Value._backward → closure variable out -> Value", "weakref"),
        (Button, "Button.handlers['click'].__self__ -> Button", "WeakMethod"),
        (
            functools.partial(Stream, lines_of),
            f"generator lines_of ({at(lines_of)}) → local stream -> Stream",
            "close",
        ),
        (registry, "Registry.entries['a'] -> Entry", "WeakValueDictionary"),
        (record, "Request.environ['request'] -> Request", "weakref"),
        (pointer_of_ctypes, "py_object_Array_1._objects['0'] -> Request", "clear"),
        (kept_exception, f"frame of kept_exception ({at(kept_exception)}) → local kept -> KeyError", "clear"),
        (stored_exception, "KeyError.__traceback__ -> traceback", "clear"),
        (recursive_inner_function, f"{COUNTDOWN} → closure variable countdown -> {COUNTDOWN}", "hoist"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_edge_and_the_remedy_are_named_and_proved(program, edge, remedy):
    """Each classic cycle gets the edge that its author would weaken, and the trial frees one occurrence."""
    advice = advice_for(program)
    assert [str(each) for each in advice.edges] == [edge if sys.version_info >= (3, 11) else old(edge)]
    assert advice.remedy == remedy
    assert advice.verified, advice


def test_a_frame_is_said_to_be_whose():
    """The reason says which function keeps its exception, and where that is."""
    line = kept_exception.__code__.co_firstlineno
    assert f"frame of function kept_exception (test_advice.py:{line})" in advice_for(kept_exception).reason


def old(edge):
    """Up to 3.10 a generator's locals are its frame's."""
    return edge.replace("generator lines_of", "frame of lines_of")


@pytest.mark.parametrize("program", [strong_engine, user_function])
def test_an_engine_s_function_should_hold_its_outputs_weakly(program):
    """Variable.creator would break the cycle as well, but the caller holds the Variable and nothing the Function."""
    shapes = [s for s in garbology.find_cycles(program).shapes if any(".creator" in e.label for e in s.edges)]
    assert shapes
    for shape in shapes:
        (edge,) = shape.advice.edges
        assert (edge.label, edge.target) == (".outputs[0]", "Variable")
        assert shape.advice.verified


def test_a_class_made_in_a_function_is_to_be_hoisted():
    """A class is a cycle by itself: no edge can be weakened, and the advice says what to do instead."""
    advice = advice_for(local_class)
    assert advice.remedy == "hoist"
    assert "Local" in advice.reason
    assert not advice.verified


def test_verified_means_that_one_occurrence_is_gone():
    """The trial frees the objects of one occurrence and of no other."""
    found = garbology.find_cycles(lambda: [Parent() for _ in range(10)] and None)
    (shape,) = found.shapes
    assert shape.advice.verified
    assert gc.collect() == found.garbage - shape.objects


def test_the_finding_alone_frees_nothing():
    """Until somebody asks whether the advice is verified, gc.collect() frees what was found, to the object."""
    found = garbology.find_cycles(Parent)
    assert found.shapes[0].advice.remedy == "weakref"
    assert found.garbage == gc.collect()


def test_a_proof_after_the_collection_fails_honestly():
    """Where the collector was first, nothing is left to try, and verified is False."""
    found = garbology.find_cycles(Parent)
    gc.collect()
    assert not found.shapes[0].advice.verified


def test_a_collector_about_to_run_does_not_prevent_the_proof():
    """With automatic collection on and its threshold passed, the trial is made before the watch ends."""
    gc.enable()
    (shape,) = garbology.find_cycles(lambda: [Parent() for _ in range(5_000)] and None).shapes
    assert shape.advice.verified


class Final:
    """Has a finalizer."""

    def __del__(self):
        CLOSED.append(type(self))


def with_a_finalizer():
    obj = Final()
    obj.itself = obj


def with_a_callback():
    node = Node()
    node.itself = node
    KEPT.append(weakref.ref(node, CLOSED.append))


KEPT = []


@pytest.mark.parametrize(
    "program", [with_a_finalizer, with_a_callback, functools.partial(Stream, careful_lines_of)]
)
def test_no_code_of_the_program_runs_for_a_proof(program):
    """Where killing an occurrence would run a finalizer, a callback or a handler, it is not tried."""
    CLOSED.clear()
    advice = advice_for(program)
    assert not advice.verified
    assert CLOSED == []


def test_slots_are_severed_like_attributes():
    """A cycle through slots is cut and dies."""

    def make():
        first, second = Slotted(), Slotted()
        first.forth, second.back = second, first

    advice = advice_for(make)
    assert [edge.label for edge in advice.edges] == [".back"]
    assert advice.verified


def test_an_edge_that_was_needed_is_not_weakened():
    """Where only the younger object is held, the older one lives by the pointer back, which must stay strong."""

    class Owner:
        def __init__(self):
            self.item = None

    class Item:
        def __init__(self, owner):
            self.owner = owner
            owner.item = self

    def make():
        return Item(Owner())

    advice = advice_for(make)
    assert [(edge.source, edge.label) for edge in advice.edges] == [("Owner", ".item")]


class Left:
    other = None


class Right:
    other = None


def hold_each_other(left, right):
    left.other, right.other = right, left


def hold_each_other_in_lists(left, right):
    left.other, right.other = [right], [left]


def advice_where_both_directions_are_needed(join):

    def pair():
        left, right = Left(), Right()
        join(left, right)
        return left, right

    def left_alone():
        return pair()[0]

    def right_alone():
        return pair()[1]

    def make():
        left_alone()
        right_alone()

    return advice_for(make)


def test_it_says_so_where_nothing_is_safe():
    """When both directions were needed while the work was live, no edge is named."""
    advice = advice_where_both_directions_are_needed(hold_each_other_in_lists)
    assert (advice.edges, advice.remedy, advice.verified) == ([], "none", False)
    assert "no safe edge" in advice.reason


def test_the_attribute_that_closes_the_cycle_is_to_be_cleared_where_no_edge_can_be_weak():
    """When both directions were needed, the one that leads to the younger object was set last: clear it."""
    advice = advice_where_both_directions_are_needed(hold_each_other)
    assert [str(edge) for edge in advice.edges] == ["Left.other -> Right"]
    assert (advice.remedy, advice.verified) == ("clear", True)
    assert "clear it when it is done with" in advice.reason


class Group:
    """Owns its members, as an argparse group owns its actions."""

    def __init__(self, kinds):
        self.members = [kind(self) for kind in kinds]


class Member:
    """Points back; every kind of member is a class of its own."""

    def __init__(self, group):
        self.group = group


def test_sister_classes_have_one_edge_to_weaken():
    """A pointer back that many classes share is one line of source code, however many classes there are."""
    kinds = [type(f"Kind{number}", (Member,), {}) for number in range(5)]
    advice = advice_for(Group, kinds)
    assert [str(edge) for edge in advice.edges] == [f"Kind{number}.group -> Group" for number in range(5)]
    assert advice.verified
    assert advice.reason.count("weakref.ref") == 1


class Formatter:
    """Holds sections, and they hold calls: of the formatter, and of the sections within (as argparse does)."""

    def __init__(self):
        self.root = self.current = Section(self, None)

    def line(self):
        """Have a line formatted."""
        return self.current

    def section(self):
        """Begin a section that nothing but its call in the outer one holds in the end."""
        inner = Section(self, self.root)
        self.root.calls.append((inner.text, []))


class Section:
    """Is held by a bound method in the outer section."""

    def __init__(self, formatter, outer):
        self.formatter = formatter
        self.outer = outer
        self.calls = [(formatter.line, [])]

    def text(self):
        """Format what is within."""
        return [call(*args) for call, args in self.calls]


def formatted():
    formatter = Formatter()
    formatter.section()
    formatter.root.text()


def test_what_a_list_owns_stays_where_the_same_list_also_points_back():
    """Of bound methods in one list only those of older objects are to be weakened: the others keep theirs alive."""
    (shape,) = (s for s in garbology.find_cycles(formatted).shapes if s.objects > 3)
    weakened = {(edge.source, edge.label.partition("[")[0], edge.target) for edge in shape.advice.edges}
    assert weakened == {
        ("Section", ".formatter", "Formatter"),
        ("Section", ".outer", "Section"),
        ("Section", ".calls", "Formatter"),
    }
    assert shape.advice.verified


class Model:
    """Remembers its operations by what they were asked with."""

    def __init__(self):
        self.operations_cache = {("operation", (name,)): Operation(self) for name in "abcdefgh"}


class Operation:
    """Knows its model."""

    def __init__(self, model):
        self.model = model


class Window:
    """A tree whose nodes point back, and one of which listens to itself in two ways."""

    def __init__(self, parent=None):
        self.parent = parent
        self.children = []
        if parent is None:
            self.children += [Bar(self), Bar(self)]


class Bar(Window):
    def __init__(self, parent):
        super().__init__(parent)
        self.children.append(Button(self))


class Button(Window):
    def __init__(self, parent):
        super().__init__(parent)
        self.pressed = [self.press]
        self.released = [lambda: self]

    def press(self):
        return self.parent


def test_unlike_edges_are_advised_together_where_each_is_needed():
    """Four edges that have nothing in common are the advice where fewer leave a cycle, and no more than these."""
    advice = advice_for(Window)
    assert sorted(str(edge) for edge in advice.edges) == [
        "Bar.parent -> Window",
        "Button.parent -> Bar",
        "Button.pressed[0].__self__ -> Button",
        "Button.released[0] → closure variable self -> Button",
    ]
    assert advice.verified


def test_keys_of_tuples_are_keys_like_others():
    """A memo with tuples for keys is one edge, not one a key."""
    (shape,) = garbology.find_cycles(Model).shapes
    assert sorted(edge.label for edge in shape.edges) == [".model", ".operations_cache[]"]


class Parser:
    """Stores a bound method that needs no object."""

    def __init__(self):
        self.convert = self.default

    def default(self, value):
        """Make nothing of itself."""
        return int(value)


class Asking(Parser):
    """Needs it without naming it."""

    def default(self, value):
        """Ask the base class."""
        return super().default(value)


@pytest.mark.parametrize(("kind", "unused"), [(Parser, True), (Asking, False)])
def test_a_method_that_never_uses_its_object_need_not_be_one(kind, unused):
    """A weak method does for every stored method; where the object is never used the simpler way is named, too."""
    advice = advice_for(kind)
    assert (advice.remedy, advice.verified) == ("WeakMethod", True)
    assert ("staticmethod" in advice.reason) is unused


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="up to 3.10 a connection does not hold its cache strongly"
)
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_what_can_be_closed_is_to_be_closed():
    """A connection that was dropped open is in a cycle with its own cache, and close() opens it."""

    def ask():
        sqlite3.connect(":memory:").execute("select 1").fetchall()

    advice = advice_for(ask)
    assert advice.remedy == "close"
    assert "contextlib.closing" in advice.reason
    gc.collect()  # here, where the warning of the connection is foreseen


def test_properties_and_metaclasses_of_the_program_do_not_run():
    """Neither finding nor proving calls a descriptor, a __delattr__ or a __setattr__ of the watched classes."""
    calls = []

    class Meta(type):
        def __getattribute__(cls, name):
            calls.append(name)
            return super().__getattribute__(name)

        def __hash__(cls):
            raise RuntimeError("hashed")

    class Hostile(metaclass=Meta):
        def __delattr__(self, name):
            calls.append(name)

        def __setattr__(self, name, value):
            object.__setattr__(self, name, value)

        def __eq__(self, other):
            raise RuntimeError("compared")

        __hash__ = None

    def make():
        obj = Hostile()
        obj.itself = obj

    with garbology.watch() as found:
        make()
        calls.clear()
    (shape,) = found.shapes
    assert shape.advice.verified
    assert calls == []


def test_the_programs_own_profiler_stays():
    """A profile function of the program is neither replaced nor removed."""
    events = []

    def profile(frame, event, arg):
        events.append(event)

    sys.setprofile(profile)
    try:
        garbology.find_cycles(Parent)
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
    assert events


def test_the_plain_form_has_the_advice():
    """to_dict() carries remedy, reason and proof, and marks the edge to weaken."""
    (shape,) = garbology.find_cycles(Parent).to_dict()["shapes"]
    assert shape["advice"]["verified"] is True
    assert [edge["label"] for edge in shape["edges"] if edge["weaken"]] == [".parent"]
    assert "garbology" not in shape["advice"]["reason"]
