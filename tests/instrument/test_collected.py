"""Collections inside a watched block: what they free is counted, and no assertion passes because of it."""

import gc
import sys
import threading

import numpy as np
import pytest

import garbology
from garbology.find import collected

pytestmark = pytest.mark.usefixtures("quiet_heap")


class Node:
    """Refers to anything."""


class Bare:
    """Takes no weak reference."""

    __slots__ = ("other",)


def cycle():
    node = Node()
    node.itself = node
    return node


def generator_cycle():
    """A cycle that its own finalizer breaks: the collection does not count it."""

    def make(held):
        try:
            yield
        finally:
            held.clear()

    held = []
    held.append(make(held))
    next(held[0])


def test_what_a_collection_inside_frees_is_counted():
    """found.collected_inside is what the collector said; the finding, as text and as JSON, has it."""
    with garbology.watch() as found:
        cycle()
        freed = gc.collect()
    assert freed
    assert found.collected_inside == found.collected_new == freed
    assert found.garbage == 0
    assert found.to_dict()["collected_inside"] == freed
    assert "a collection (generation 2) inside the block freed" in str(found)
    assert "reference counting freed every" not in str(found)


def test_a_block_without_a_collection_says_nothing_of_it():
    """Neither does one whose collections free nothing."""
    with garbology.watch() as found:
        gc.collect()
    assert (found.collected_inside, found.collected_new, found.collected_generations) == (0, 0, [])
    assert "collection" not in str(found).replace("no garbage: ", "")


def test_older_garbage_is_told_apart():
    """What was garbage before the block is collected in it, and no assertion fails for that."""
    older = cycle()
    with garbology.assert_no_cycles():
        del older
        gc.collect()
    cycle()
    with garbology.watch() as found:
        gc.collect()
    assert found.collected_inside > 0
    assert found.collected_new == 0
    assert "none of them made in it" in " ".join(str(found).split())


def in_the_middle(act):
    def block():
        cycle()
        act()

    return block


def by_allocating():
    gc.enable()
    kept = [[] for _ in range(50_000)]
    gc.disable()
    return len(kept)


def in_another_thread():
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()


COLLECTING = {
    "all": gc.collect,
    "the young": lambda: gc.collect(0),
    "middle": lambda: gc.collect(1),
    "young, then all": lambda: (gc.collect(0), gc.collect()),
    "twice": lambda: (gc.collect(), gc.collect()),
    "switched on": by_allocating,
    "another thread": in_another_thread,
}


@pytest.mark.parametrize("act", COLLECTING.values(), ids=COLLECTING)
def test_assert_no_cycles_fails_where_a_collection_hid_them(act):
    """Whoever collects, and whichever generation: reference counting had not freed it."""
    with pytest.raises(AssertionError, match="inside the block freed"):
        garbology.assert_no_cycles(in_the_middle(act))
    with pytest.raises(AssertionError, match="inside the block freed"), garbology.assert_no_cycles():
        cycle()
        act()


def test_a_cycle_that_its_finalizer_breaks_is_noticed():
    """gc.collect() returns 0 of it."""
    with garbology.watch() as found:
        generator_cycle()
        gc.collect()
    assert found.collected_new > 0
    with pytest.raises(AssertionError, match="inside the block freed"), garbology.assert_no_cycles():
        generator_cycle()
        gc.collect()


def test_a_cycle_that_survives_a_collection_is_collected_later():
    """It is old by then, and made in the block all the same; what was old before is not."""
    older = [cycle() for _ in range(3)]
    with garbology.watch() as found:
        kept = cycle()
        gc.collect()
        del kept, older
        gc.collect()
    assert 0 < found.collected_new < found.collected_inside


def test_after_a_collection_the_window_is_still_what_was_made_inside():
    """Older garbage that is dropped after a collection inside is not found."""
    older = [cycle() for _ in range(3)]
    with garbology.watch() as found:
        kept = cycle()
        gc.collect(0)
        cycle()
        del kept, older
    assert [shape.count for shape in found.shapes] == [2]
    gc.collect()


@pytest.mark.parametrize("act", COLLECTING.values(), ids=COLLECTING)
def test_assert_freed_fails_where_a_collection_freed_it(act):
    """The object is gone, and would not be without the collection."""
    with pytest.raises(AssertionError, match=r"1 of 1 objects were freed by a collection \(generation \d\)"):
        with garbology.assert_freed() as freed:
            freed(cycle())
            act()


@pytest.mark.parametrize("make", [list, Bare, lambda: np.zeros(3), lambda: (object(),)])
def test_what_garbage_held_is_not_freed_by_counting(make):
    """It hangs in a cycle, untracked or without weak references as it may be, and goes when that is collected."""
    with pytest.raises(AssertionError, match="freed by a collection"), garbology.assert_freed() as freed:
        owner = cycle()
        owner.held = make()
        freed(owner.held)
        del owner
        gc.collect()


def test_what_is_freed_beside_a_collection_passes():
    """Before it, after it, and while it frees nothing."""
    with garbology.assert_freed() as freed:
        freed(Node())
        freed([])
        gc.collect()
        node = Node()
        freed(node)
        gc.collect()
        del node
        cycle()
        gc.collect()


@pytest.mark.slow
def test_a_program_that_clears_the_callbacks_is_not_believed():
    """What cannot be told fails; the list is the program's afterwards."""

    def callback(phase, info):
        return None

    before = gc.callbacks[:]
    try:
        with pytest.raises(AssertionError, match="cannot be told"), garbology.assert_freed() as freed:
            freed(cycle())
            gc.callbacks[:] = [callback]
            gc.collect()
        assert gc.callbacks == [callback]
        with garbology.watch() as found:
            gc.callbacks[:] = [callback]
        assert gc.callbacks == [callback]
        assert found.garbage == 0
    finally:
        gc.callbacks[:] = before


def test_the_callbacks_are_as_before():
    """They are there while a block is open, and the program's own stay in their order."""

    def callback(phase, info):
        return None

    before = gc.callbacks[:]
    try:
        with garbology.watch(), garbology.assert_freed():
            gc.callbacks.append(callback)
            assert len(gc.callbacks) > len(before) + 1
        assert gc.callbacks == [*before, callback]
    finally:
        gc.callbacks[:] = before


@pytest.mark.slow
def test_many_collections_cost_no_more_than_they_may(monkeypatch):
    """A block that collects at every allocation is not read each time; that it was not is said."""
    monkeypatch.setattr(collected, "_MOST_READ", 100)
    with garbology.watch() as found:
        for _ in range(5):
            kept = [cycle() for _ in range(100)]
            gc.collect()
        del kept
    assert found.collected_inside > 0
    assert found.collected_new is None
    assert "could not be seen" in " ".join(str(found).split())
    with pytest.raises(AssertionError, match="could not be seen"), garbology.assert_no_cycles():
        for _ in range(5):
            kept = [cycle() for _ in range(100)]
            gc.collect()
        del kept
    gc.collect()


@pytest.mark.slow
def test_a_look_that_fails_costs_the_program_nothing(monkeypatch, capfd):
    """Nothing is printed, nothing is raised, and the collection happens."""

    def fail(*arguments):
        raise RuntimeError("for the test")

    monkeypatch.setattr(collected.Collections, "_count_alone", fail)
    with garbology.watch() as found:
        cycle()
        assert gc.collect()
    assert found.collected_new is None
    assert capfd.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interruption_while_the_window_is_read_reaches_the_program(
    monkeypatch, capfd, wait_for_interruption
):
    """Ctrl-C in our callback is not swallowed by the collector."""

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(collected.Collections, "_count", interrupted)
    with pytest.raises(KeyboardInterrupt), garbology.watch():
        gc.collect()
        wait_for_interruption()
    assert capfd.readouterr().err == ""
    assert gc.callbacks == [each for each in gc.callbacks if "_called" not in repr(each)]


@pytest.mark.slow
def test_looking_at_collections_leaves_no_garbage():
    """The instrument's own lists and arrays go by reference counting."""
    with garbology.watch():
        gc.collect()
    gc.collect()
    with garbology.watch():
        kept = [cycle() for _ in range(10)]
        gc.collect(0)
        gc.collect()
    assert gc.collect() == 0
    kept.clear()
