"""The same count on every CPython."""

import sys

import garbology
from garbology.interpreter import refcounts


class Holder:
    """Has an attribute."""


def test_a_local_counts_one():
    """A local variable that alone holds its object counts 1 on every version."""
    value = object()
    assert garbology.reference_count(value) == 1


def test_each_reference_counts_once():
    """A list entry, an attribute and a second name each add one."""
    value = object()
    inside = [value]
    holder = Holder()
    holder.value = value
    alias = value
    assert garbology.reference_count(value) == 4, (inside, holder, alias)


def test_it_does_not_matter_how_the_object_is_named_in_the_question():
    """A local, an attribute, an element and a keyword argument give the same number."""
    holder = Holder()
    holder.values = [object()]
    value = holder.values[0]
    counts = {  # of value and of the list
        garbology.reference_count(value),
        garbology.reference_count(holder.values[0]),
        garbology.reference_count(obj=value),
        garbology.reference_count(value if holder else None),
    }
    assert counts == {2}


def test_a_temporary_counts_nothing():
    """An object that nothing but the question holds counts 0."""
    count = garbology.reference_count(object())  # outside the assertion, which would keep the object
    assert count == 0


def test_immortal_objects_have_no_count():
    """None is immortal from 3.12 on, and then its count is None."""
    immortal = sys.version_info >= (3, 12)
    assert garbology.is_immortal(None) is immortal
    assert (garbology.reference_count(None) is None) is immortal


def test_immortality_agrees_with_the_interpreter_s_own_answer():
    """Where the interpreter can be asked, its answer is ours."""
    asked = getattr(sys, "_is_immortal", None)
    for obj in (None, 1, "text", object(), [], int, ()):
        assert asked is None or asked(obj) == refcounts.is_immortal(obj)
