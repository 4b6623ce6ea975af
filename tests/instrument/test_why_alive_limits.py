"""The chain that keeps an object alive, where it is hard: untracked, immortal, long, many, hostile."""

import gc
import json
import sys
import time
import weakref

import pytest

import garbology
from garbology import why_alive
from garbology.interpreter import thread_stacks
from tests.instrument import shelf


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    shelf.clear()


@pytest.mark.parametrize(
    "make",
    [
        lambda: "".join(["a", "string"]),
        lambda: int("9" * 30),
        lambda: bytes(range(9)),
        lambda: (float("1.5"),),
        dict,
        lambda: float("2.5"),
    ],
    ids=["str", "int", "bytes", "tuple", "dict", "float"],
)
def test_what_the_collector_does_not_track_is_found_too(make):
    """Strings, numbers and untracked containers have holders like any other object."""
    shelf.KEPT.append([make()])
    alive = why_alive(shelf.KEPT[0][0])
    assert shelf.steps(alive)[0].startswith(f"{shelf.NAME}.KEPT[0][0] > ")
    assert alive.unaccounted == 0


def test_an_immortal_object_is_called_immortal():
    """Nothing keeps an immortal object alive; where it has a count its holders are looked for."""
    alive = why_alive(None)
    if garbology.is_immortal(None):
        assert (alive.kind, str(alive)) == ("immortal", "NoneType is alive: immortal: CPython never frees it")
    else:
        assert alive.others > 100
        assert len(alive.also) <= 6


@pytest.mark.slow
def test_a_long_chain_is_short_to_read():
    """A linked list of 300,000 nodes is searched in linear time, and told by its two ends."""
    first = head = shelf.Bare()
    for _ in range(300_000):
        node = shelf.Bare()
        node.child = head
        head = node
    shelf.KEPT.append(head)
    reference = weakref.ref(first)
    del first, head, node
    began = time.process_time()
    alive = why_alive(reference())
    assert time.process_time() - began < 10
    assert alive.omitted > 299_000
    assert len(alive.edges) + alive.omitted >= 300_000
    lines = str(alive).splitlines()
    assert len(lines) < 15
    assert any("299,9" in line and "more references" in line for line in lines)


@pytest.mark.slow
def test_a_heap_of_half_a_million_objects_is_searched_in_seconds():
    """The whole heap is read once, in arrays."""
    many = [[index] for index in range(500_000)]
    shelf.CACHE["many"] = many
    reference = shelf.held_by(lambda node: [node, shelf.CACHE["many"]])
    began = time.process_time()
    alive = why_alive(reference())
    assert time.process_time() - began < 6
    assert alive.root == shelf.NAME


TRAPS = """
    __bool__ __call__ __contains__ __dir__ __eq__ __format__ __getattr__ __getattribute__ __hash__ __index__ __iter__
    __len__ __ne__ __repr__ __sizeof__ __str__ __reduce_ex__ __get__
"""
CALLED = []


def trap(name):
    def method(*args, **kwargs):
        CALLED.append(name)
        raise RuntimeError(name)

    return method


def hostile_class():
    meta_traps = {name: trap(name) for name in TRAPS.split() if name not in ("__call__", "__getattribute__")}
    meta_traps |= {name: property(trap(name)) for name in ("__mro__", "__name__", "__module__", "__dict__")}
    meta = type("Meta", (type,), meta_traps)
    namespace = {name: trap(name) for name in TRAPS.split()} | {"__class__": property(trap("__class__"))}
    return type.__call__(meta, "Hostile", (), namespace)


@pytest.mark.slow
def test_no_user_code_runs():
    """Neither the object nor its holders are asked anything, with traps on every question."""
    cls = hostile_class()
    obj, holder = object.__new__(cls), object.__new__(cls)
    object.__setattr__(holder, "held", obj)
    object.__setattr__(obj, "back", holder)
    shelf.KEPT.append(holder)
    del holder
    CALLED.clear()
    alive = why_alive(obj)
    text = str(alive)
    assert CALLED == []
    assert shelf.steps(alive) == [f"{shelf.NAME}.KEPT[0] > Hostile", "Hostile.held > Hostile"]
    assert text.startswith("Hostile is alive: held by ")


SEARCH = ("garbology.snapshot.heap", "garbology.cycles.upstream")


@pytest.mark.slow
def test_the_question_leaves_nothing_behind():
    """No object of the search outlives it, the collector is as it was, and counts and dictionaries stay."""
    reference = shelf.held_by(lambda node: node)
    why_alive(reference())
    gc.collect()
    gc.disable()
    try:
        before = sys.getrefcount(reference()), len(gc.get_referents(reference()))
        why_alive(reference())
        assert not gc.isenabled()
        left = [item for item in gc.get_objects() if type(item).__module__ in SEARCH]
        assert (left, gc.collect()) == ([], 0)
    finally:
        gc.enable()
    assert (sys.getrefcount(reference()), len(gc.get_referents(reference()))) == before
    why_alive(reference())
    assert gc.isenabled()


def test_the_answer_is_plain_and_holds_nothing():
    """`to_dict` is versioned JSON, and an answer that is kept keeps no object."""
    node = shelf.Node()
    shelf.KEPT.append(node)
    alive = why_alive(node)
    plain = json.loads(json.dumps(alive.to_dict()))
    assert plain["schema"] == "garbology.alive.question"
    assert plain["edges"] == [{"source_type": shelf.NAME, "label": ".KEPT[0]", "target_type": "Node"}]
    reference = weakref.ref(node)
    shelf.KEPT.clear()
    del node
    assert reference() is None


@pytest.mark.slow
def test_locals_are_found_without_reading_memory_too(monkeypatch):
    """Where ctypes or a layout is missing, `f_locals` answers; up to 3.12 that dictionary stays in the frame."""
    monkeypatch.setattr(thread_stacks, "_layout", lambda: None)
    node = shelf.Node()
    alive = why_alive(node)
    assert alive.kind == "frame"
    assert "function test_locals_are_found_without_reading_memory_too" in alive.root
    assert "node" in alive.edges[0].label


@pytest.mark.slow
def test_assert_freed_says_why():
    """The failure names the chain of the first object that is alive, or that a cycle alone holds it."""
    node = shelf.Node()
    with pytest.raises(AssertionError, match=r"local 'node' of function test_assert_freed_says_why"):
        with garbology.assert_freed(node):
            pass
    with pytest.raises(AssertionError, match=r"KEPT\[0\] -> list"):
        with garbology.assert_freed() as freed:
            shelf.KEPT.append([1])
            freed(shelf.KEPT[0])
    with pytest.raises(AssertionError, match="only a reference cycle holds it") as caught:
        with garbology.assert_freed() as freed:
            cyclic = shelf.Node()
            cyclic.itself = cyclic
            freed(cyclic)
            del cyclic
    assert "Node.itself -> Node" in str(caught.value)


@pytest.mark.slow
def test_a_question_leaves_no_garbage():
    """Asked inside a watched function, the search's own objects are all freed by reference counting."""

    def ask():
        kept = [object()]
        garbology.why_alive(kept)

    ask()
    assert garbology.find_cycles(ask).garbage == 0
