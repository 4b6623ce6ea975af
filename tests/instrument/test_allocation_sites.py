"""Where an object was allocated, on every version."""

import tracemalloc

import pytest

from garbology.interpreter.allocation_sites import allocation_traceback


class Plain:
    def __init__(self):
        self.value = None


class Slotted:
    __slots__ = ("value",)


class Listed(list):
    """Has a dictionary behind what a list has."""


class Raised(Exception):
    pass


@pytest.fixture
def tracing():
    already = tracemalloc.is_tracing()
    tracemalloc.start(1)
    yield
    if not already:
        tracemalloc.stop()


@pytest.mark.usefixtures("tracing")
@pytest.mark.parametrize("kind", [Plain, Slotted, Listed, Raised, dict, list, set, object])
def test_the_line_that_allocated_an_object_is_told(kind):
    """Whatever lies in memory before the object: attributes, the collector's header, nothing."""
    line = test_the_line_that_allocated_an_object_is_told.__code__.co_firstlineno + 5
    obj = kind()
    found = allocation_traceback(obj)
    assert [(frame.filename, frame.lineno) for frame in found or ()] == [(__file__, line)]


@pytest.mark.usefixtures("tracing")
def test_what_was_not_traced_has_no_line():
    """An object that is older than the tracing, and a static one."""
    assert allocation_traceback(Plain) is None
    assert allocation_traceback(None) is None
