"""The second way, by the collector's own analysis: forced here on builds that do not need it."""

import gc
import sysconfig
import weakref

import pytest

import garbology
from garbology.interpreter import freethreading

pytestmark = pytest.mark.usefixtures("quiet_heap")

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


class Node:
    """Anything."""


class Parent:
    """Holds its child, which holds it."""

    def __init__(self):
        self.child = Node()
        self.child.parent = self


@pytest.fixture
def by_collector(monkeypatch):
    monkeypatch.setattr(freethreading, "_forced", "collector")


def loop_of(*kinds):
    nodes = [kind() for kind in kinds]
    for node, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        node.append(following) if type(node) is list else setattr(node, "next", following)


def closure():
    kept = []
    kept.append(lambda: kept)


def with_dependents():
    parent = Parent()
    parent.names = [["a" * 1000], {"key": object()}]


SIMPLE = {
    "parent and child": Parent,
    "two lists": lambda: loop_of(list, list),
    "list and instance": lambda: loop_of(list, Node, Node),
    "closure": closure,
    "a thousand": lambda: [Parent() for _ in range(1000)] and None,
    "what hangs off": with_dependents,
    "nothing": lambda: [[object()]],
}


def comparable(found):
    return [(shape.count, shape.objects, shape.edges, shape.types) for shape in found.shapes]


@pytest.mark.slow
@pytest.mark.parametrize("name", SIMPLE)
def test_both_ways_find_the_same(name, monkeypatch):
    """On simple graphs the two ways agree on garbage, bytes and shapes, and each says which it was."""
    settled = [
        (Parent(), loop_of(Node, Node)) for _ in range(100)
    ]  # what a class's instances share, among it
    settled.clear()
    garbology.find_cycles(SIMPLE[name])
    gc.collect()
    first = garbology.find_cycles(SIMPLE[name])
    gc.collect()
    monkeypatch.setattr(freethreading, "_forced", "collector")
    second = garbology.find_cycles(SIMPLE[name])
    assert second.garbage == first.garbage
    assert second.garbage_bytes == first.garbage_bytes
    assert comparable(second) == comparable(first)
    assert second.method == second.to_dict()["method"] == "collector"
    if not FREE_THREADED:
        assert first.method == first.to_dict()["method"] == "reference counts"


def test_the_text_says_that_the_collector_was_asked(by_collector):
    """A reader is told that the numbers come from the collector."""
    assert "asking the collector" in str(garbology.find_cycles(Parent))


@pytest.mark.skipif(FREE_THREADED, reason="counts are not exact on this build")
def test_the_default_way_is_not_mentioned():
    """Where counts are exact the text has no word about the way."""
    assert "asking the collector" not in str(garbology.find_cycles(Parent))


@pytest.mark.parametrize("flags", [0, gc.DEBUG_UNCOLLECTABLE])
def test_the_collector_is_put_back_exactly(by_collector, flags):
    """gc.garbage, debug flags, callbacks, switch and thresholds are as before, and no callback is called."""
    calls, earlier = [], object()
    gc.garbage.append(earlier)
    gc.callbacks.append(lambda phase, info: calls.append(phase))
    gc.set_debug(flags)
    try:
        before = (gc.isenabled(), gc.get_threshold(), gc.get_debug(), list(gc.callbacks), list(gc.garbage))
        found = garbology.find_cycles(Parent)
        with pytest.raises(KeyError), garbology.watch():
            raise KeyError
        after = (gc.isenabled(), gc.get_threshold(), gc.get_debug(), list(gc.callbacks), list(gc.garbage))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.callbacks.pop()
    assert found.garbage == 2 + 2 * (len(found.shapes[0].types) > 2)
    assert (after, calls) == (before, [])


def test_the_garbage_is_still_there_for_the_program(by_collector):
    """Nothing is freed: the next collection finds the same objects."""
    found = garbology.find_cycles(Parent)
    assert gc.collect() >= found.garbage > 0


def test_what_was_garbage_before_is_not_found(by_collector):
    """Only what was made inside the block is judged."""
    loop_of(list, list, list)
    assert garbology.find_cycles(lambda: loop_of(Node, Node)).shapes[0].types.get("list") is None


def test_a_window_inside_another_and_frozen_objects_stay_as_they_are(by_collector):
    """What is frozen outside stays frozen, by the program as by an outer window, and both windows find theirs."""
    with garbology.watch() as outer:
        frozen = gc.get_freeze_count()
        inner = garbology.find_cycles(lambda: [Parent() for _ in range(100)] and None)
        assert gc.get_freeze_count() == frozen > 0
        Parent()
    assert inner.shapes
    assert outer.garbage > inner.garbage > 0


def test_its_price_is_that_finalizers_run(by_collector):
    """What the documentation warns of: the garbage's finalizers run in the analysis."""
    events = []
    parents = []

    def make():
        parent = Parent()
        weakref.finalize(parent, events.append, "finalized")
        parents.append(weakref.ref(parent))

    assert garbology.find_cycles(make).garbage
    assert events == ["finalized"]


def test_the_way_is_chosen_by_itself():
    """The build decides, not the caller."""
    assert freethreading.method() == ("collector" if FREE_THREADED else "reference counts")


@pytest.mark.skipif(not FREE_THREADED, reason="needs a free-threaded build (Py_GIL_DISABLED)")
def test_a_free_threaded_build_finds_cycles_of_each_kind():
    """On the builds that this is for, cycles are found and named."""
    for make in (Parent, closure, lambda: loop_of(list, Node)):
        found = garbology.find_cycles(make)
        assert found.method == "collector"
        assert found.garbage >= 2
        assert found.shapes
