"""A finding turned into a test."""

import gc
import subprocess
import sys
import weakref

import pytest

import garbology


class Node:
    """Anything."""


class Bare:
    """Takes no weak reference."""

    __slots__ = ("other",)


def cyclic():
    node = Node()
    node.itself = node
    return node


def test_freed_objects_pass():
    """Objects that die by reference counting are no failure, whether given at once or added."""
    first = Node()
    with garbology.assert_freed(first) as freed:
        second = Node()
        freed(second)
        del first, second
    assert gc.isenabled()


@pytest.mark.slow
def test_an_object_that_is_still_held_fails_with_its_type_and_count():
    """The message names the type and how many references hold it."""
    node = Node()
    with pytest.raises(AssertionError, match=r"1 of 1 objects .*Node \(held by 1 reference\)"):
        with garbology.assert_freed(node):
            pass


@pytest.mark.slow
def test_a_cycle_fails_although_the_collector_would_free_it():
    """The collector is paused inside, so a cycle is never freed by luck."""
    with pytest.raises(AssertionError, match="still alive"), garbology.assert_freed() as freed:
        freed(cyclic())
        for _ in range(5_000):
            [[]]
    gc.collect()


@pytest.mark.slow
@pytest.mark.parametrize("make", [list, dict, Bare, lambda: (object(),)])
def test_objects_without_weak_references_are_watched_too(make):
    """A list, a dict, a tuple or a slotted instance that nothing else holds counts as freed; one that is held fails."""
    with garbology.assert_freed() as freed:
        freed(make())
    kept = make()
    with pytest.raises(AssertionError, match="1 of 1"), garbology.assert_freed(kept):
        pass


def test_a_weak_reference_is_watched_beside_its_object():
    """What watches the object is not the program's weak reference to it."""
    obj = Node()
    reference = weakref.ref(obj)
    with garbology.assert_freed(obj, reference):
        del obj, reference


def test_what_a_watched_container_holds_is_freed_with_it():
    """A list that is watched, and held by the block for that, does not keep what is in it alive."""
    with garbology.assert_freed() as freed:
        node = Node()
        inside = [node]
        freed(node)
        freed(inside)
        del node, inside


def test_no_object_is_compared():
    """Equality of watched objects is never asked."""

    class Hostile(list):
        __slots__ = ()
        __hash__ = None

        def __eq__(self, other):
            raise RuntimeError("compared")

    first, second = Hostile(), Hostile()
    with pytest.raises(AssertionError, match="2 of 2"), garbology.assert_freed(first, second):
        pass


def test_the_block_s_own_exception_goes_through():
    """A failing block reports its own failure, not ours."""
    node = Node()
    with pytest.raises(KeyError), garbology.assert_freed(node):
        raise KeyError
    assert gc.isenabled()


def test_assert_no_cycles_takes_a_callable():
    """A function that leaves a cycle fails with the finding as text; one that leaves none passes."""
    assert garbology.assert_no_cycles(Node) is None
    with pytest.raises(AssertionError, match=r"Node\.itself -> Node"):
        garbology.assert_no_cycles(cyclic)


def test_assert_no_cycles_takes_a_block():
    """Without a function it is a context manager."""
    with garbology.assert_no_cycles():
        Node()
    with pytest.raises(AssertionError, match=r"Node\.itself -> Node"), garbology.assert_no_cycles():
        cyclic()


@pytest.mark.slow
def test_pytest_shows_the_test_that_failed_and_no_line_of_ours(tmp_path):
    """Each of the assertions ends the traceback in the test itself."""
    (tmp_path / "test_leaks.py").write_text(
        """
import garbology

def leave():
    cycle = []
    cycle.append(cycle)
    return cycle

def test_a_callable():
    garbology.assert_no_cycles(leave)

def test_a_block():
    with garbology.assert_no_cycles():
        leave()

def test_an_object():
    with garbology.assert_freed(leave()):
        pass
""",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert "3 failed" in done.stdout
    assert "assertions.py" not in done.stdout
