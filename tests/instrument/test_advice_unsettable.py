"""Advice about objects whose attributes cannot be set, and about what takes no weak reference."""

import collections
import contextlib
import dataclasses
import sys

import pytest

import garbology

pytestmark = pytest.mark.usefixtures("quiet_heap")


def _frozen_setattrs(self, name, value):
    """What attrs puts into a frozen class."""
    raise AttributeError


@dataclasses.dataclass(frozen=True)
class Job:
    """Keeps the exception that it ended with."""

    error: object = None

    def run(self):
        """Fail."""
        object.__setattr__(self, "error", KeyError())
        raise self.error


class Plain:
    """Keeps it, too."""

    error = None

    def run(self):
        """Fail."""
        object.__setattr__(self, "error", KeyError())
        raise self.error


class LikeAttrs(Plain):
    """Is frozen as attrs does it."""

    __setattr__ = _frozen_setattrs


class Derived(Job):
    """Inherits that it is frozen."""


@dataclasses.dataclass
class Mutable:
    """Is a dataclass, and can be changed."""

    error: object = None
    run = Plain.run


@dataclasses.dataclass(frozen=True)
class Deferred:
    """Is called once, and frozen."""

    canceller: object = None


class Canceller:
    """What the method belongs to."""

    __slots__ = ("__weakref__", "deferred", "done")

    def cancel(self):
        """Cancel."""
        self.done = True


class Bare:
    """Takes no weak reference."""

    __slots__ = ("callback", "children", "parent")

    def run(self):
        """Be called."""
        return self.parent


@dataclasses.dataclass(frozen=True)
class Slotted:
    """The same, frozen."""

    __slots__ = ("children", "parent")
    parent: object
    children: list


Named = collections.namedtuple("Named", ["owner"])


class Row(tuple):
    """Takes no weak reference, and could not."""

    __slots__ = ()


def cancelled():
    canceller = Canceller()
    canceller.deferred = Deferred(canceller.cancel)


def with_parent():
    parent, child = Bare(), Bare()
    parent.children, child.parent, child.children = [child], parent, None
    parent.parent = None


def with_callback():
    bare = Bare()
    bare.callback = bare.run


def frozen_without_weak_references():
    root = Slotted(None, [])
    root.children.append(Slotted(root, []))


def in_a_tuple():
    bare = Bare()
    bare.parent = (bare,)


def in_a_named_tuple():
    bare = Bare()
    bare.parent = Named(bare)


def row():
    parts = []
    whole = Row((parts,))
    parts.append(whole)


def run(job):
    with contextlib.suppress(KeyError):
        job.run()


def reason(program):
    (shape,) = garbology.find_cycles(program).shapes
    return shape.advice.reason


@pytest.mark.parametrize("cls", [Job, Derived, LikeAttrs])
def test_what_is_frozen_is_not_told_to_set_itself(cls):
    """`self.error = None` raises there."""
    said = reason(lambda: run(cls()))
    assert "self.error = None" not in said
    assert f"`object.__setattr__(self, 'error', None)` ({cls.__name__} is frozen)" in said


@pytest.mark.parametrize("cls", [Plain, Mutable])
def test_what_can_be_set_is(cls):
    """In plain words."""
    said = reason(lambda: run(cls()))
    assert "`self.error = None`" in said
    assert "frozen" not in said


def test_what_was_called_once_is_let_go_of_in_what_is_frozen():
    """A canceller that a frozen object holds."""
    said = reason(cancelled)
    assert "self.canceller = None" not in said
    assert "`object.__setattr__(self, 'canceller', None)` (Deferred is frozen)" in said


@pytest.mark.parametrize("program", [with_parent, with_callback, in_a_tuple, in_a_named_tuple])
def test_no_weak_reference_is_advised_to_what_takes_none(program):
    """It is cleared, or its class is given a slot for weak references: then a weak reference is possible."""
    said = reason(program)
    assert "which takes no weak reference" in said
    assert "add '__weakref__' to the __slots__ of Bare and hold weakref.ref(...) there" in said
    assert "captures weakref.ref" not in said
    assert "WeakMethod" not in said


def test_a_tuple_is_not_cleared():
    """It is let go of, whatever its fields are called."""
    assert "let go of the tuple when it is done with, for it cannot be changed" in reason(in_a_tuple)
    assert "let go of the Named when it is done with, for it cannot be changed" in reason(in_a_named_tuple)


def test_a_class_that_cannot_have_such_a_slot_is_not_told_to():
    """Of what varies in size, as a tuple does."""
    said = reason(row)
    assert "clear it when it is done with" in said
    assert "__weakref__" not in said


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the parameter is of 3.11")
def test_a_dataclass_is_given_its_parameter():
    """`__slots__` of a dataclass are generated, and so is the slot for weak references."""

    @dataclasses.dataclass(slots=True)
    class Node:
        parent: object = None
        children: list = dataclasses.field(default_factory=list)

    def work():
        parent = Node()
        parent.children.append(Node(parent))

    assert "make Node a dataclass(slots=True, weakref_slot=True)" in reason(work)


def test_a_frozen_object_of_slots_is_told_both():
    """How it lets go, and how it could hold weakly."""
    said = reason(frozen_without_weak_references)
    assert "`object.__setattr__(self, 'parent', None)` (Slotted is frozen)" in said
