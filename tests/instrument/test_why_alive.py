"""The chain of named references that keeps an object alive."""

import ctypes
import gc
import sys
import threading
import weakref
from collections import deque

import pytest

from garbology import why_alive
from tests.instrument import shelf


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    shelf.clear()


@pytest.mark.slow
def test_a_module_s_container_is_named_with_its_key():
    """Containers on the way from a module to the object are one edge, as the program would write it."""
    node = shelf.Node()
    shelf.CACHE["key"] = [0, node]
    reference = weakref.ref(node)
    del node
    alive = why_alive(reference())
    assert (alive.type, alive.kind, alive.root) == ("Node", "module", shelf.NAME)
    assert shelf.steps(alive) == [f"{shelf.NAME}.CACHE['key'][1] > Node"]
    assert (alive.others, alive.unaccounted) == (0, 0)


@pytest.mark.parametrize(
    ("holder_of", "expected"),
    [
        (lambda node: {"a b": node}, [f"{shelf.NAME}.KEPT[0]['a b'] > Node"]),
        (lambda node: deque([node]), [f"{shelf.NAME}.KEPT[0][0] > Node"]),
        (lambda node: lambda: node, [f"{shelf.NAME}.KEPT[0] → closure variable node > Node"]),
        (
            lambda node: {frozenset([node]): 1},
            [f"{shelf.NAME}.KEPT[0] → key <frozenset key> → set element > Node"],
        ),
    ],
    ids=["dict", "deque", "closure", "key"],
)
def test_what_kind_of_reference_it_is_can_be_read(holder_of, expected):
    """Keys, elements and closure variables have the names of their edges."""
    assert shelf.steps(why_alive(shelf.held_by(holder_of)())) == expected


@pytest.mark.slow
def test_a_weak_reference_s_callback_holds_what_it_is_bound_to():
    """A bound method as a callback keeps its object, and the chain leads through the weak reference."""
    target = shelf.Node()

    class Watcher:
        def forget(self, _):
            pass

    watcher = Watcher()
    shelf.KEPT.append(weakref.ref(target, watcher.forget))
    reference = weakref.ref(watcher)
    del watcher
    alive = why_alive(reference())
    assert [edge.target for edge in alive.edges] == ["ReferenceType", "Watcher"]
    assert "weakref callback" in alive.edges[-1].label


def test_attributes_and_slots_have_their_names():
    """Inline attributes, dictionaries of instances and slots all read as attributes."""

    def tree(node):
        bare, outer = shelf.Bare(), shelf.Node()
        outer.child, bare.child = bare, node
        return outer

    alive = why_alive(shelf.held_by(tree)())
    assert shelf.steps(alive) == [f"{shelf.NAME}.KEPT[0] > Node", "Node.child > Bare", "Bare.child > Node"]


@pytest.mark.slow
def test_a_local_of_the_caller_is_the_answer_only_if_it_is_the_only_one():
    """By a local one asks; what else holds the object is what one wants to know."""
    node = shelf.Node()
    alive = why_alive(node)
    assert alive.root.startswith("local 'node' of function ")
    assert "test_a_local_of_the_caller" in alive.root
    assert f"(test_why_alive.py:{sys._getframe().f_lineno - 3})" in alive.root
    assert (alive.others, alive.unaccounted) == (0, 0)
    shelf.KEPT.append(node)
    alive = why_alive(node)
    assert shelf.steps(alive) == [f"{shelf.NAME}.KEPT[0] > Node"]
    assert alive.others == 1
    assert alive.also[0].startswith("local node of function ")


def test_a_local_shared_with_an_inner_function_is_a_local():
    """The cell between a variable and its object is nothing that the program's text has."""
    shared = shelf.Node()

    def inner():
        return shared

    assert inner() is shared
    alive = why_alive(weakref.ref(shared)())
    assert alive.root.startswith("local 'shared' of function ")
    assert [edge.label for edge in alive.edges] == ["local shared"]


@pytest.mark.slow
def test_locals_of_other_threads_are_read_without_a_trace():
    """A function that another thread runs is a root; its variable is referred to as often as before."""
    ready, done = threading.Event(), threading.Event()
    references = []

    def work():
        mine = shelf.Node()
        references.append(weakref.ref(mine))
        ready.set()
        done.wait()

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    ready.wait()
    before = sys.getrefcount(references[0]())
    alive = why_alive(references[0]())
    after = sys.getrefcount(references[0]())
    done.set()
    thread.join()
    assert alive.root.startswith("local 'mine' of function ")
    assert alive.root.endswith(" in thread 'worker'")
    assert (alive.others, alive.unaccounted, after) == (0, 0, before)


@pytest.mark.slow
def test_threads_that_go_on_meanwhile_do_no_harm(eager_threads):
    """Stacks that grow and shrink while they are read cost no crash and no wrong answer."""
    stop = threading.Event()

    def dig(depth):
        kept = [shelf.Node() for _ in range(3)]
        return dig(depth - 1) if depth else kept

    def work():
        while not stop.is_set():
            dig(30)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    reference = shelf.held_by(lambda node: node)
    try:
        answers = {why_alive(reference()).root for _ in range(2)}
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert answers == {shelf.NAME}


def test_a_loop_holds_its_sequence():
    """What only an unfinished expression holds has a reference that no object accounts for.

    From 3.15 the loop has no iterator. The tuple itself, which another thread might be building, is not shown then.
    """
    for node in [shelf.Node()]:
        reference = weakref.ref(node)
        del node
        alive = why_alive(reference())
    assert alive.kind in ("frame", "C")
    assert alive.edges or sys.version_info >= (3, 15)
    assert all(step.endswith("[0] > Node") for step in shelf.steps(alive)[:1])
    if sys.version_info >= (3, 11):
        assert alive.root.startswith("an unfinished expression, call or loop of function ")


@pytest.mark.slow
def test_references_of_c_code_are_counted():
    """A reference without a holder is C code's."""
    node = shelf.Node()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(node))
    reference = weakref.ref(node)
    shelf.KEPT.append(node)
    del node
    shared = why_alive(reference())
    shelf.KEPT.clear()
    alive = why_alive(reference())
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(reference()))
    assert (shared.kind, shared.unaccounted) == ("module", 1)
    assert alive.root == "held by C code: 1 reference that no Python object accounts for"
    assert (alive.kind, alive.edges, alive.unaccounted) == ("C", [], 1)
    assert str(alive) == f"Node is alive: {alive.root}"


@pytest.mark.slow
def test_garbage_is_told_from_what_is_held():
    """Where nothing but a cycle holds the object the answer is the cycle."""
    gc.disable()
    try:
        node, leaf = shelf.Node(), shelf.Bare()
        node.itself, node.leaf = [node], leaf
        references = weakref.ref(node), weakref.ref(leaf)
        del node, leaf
        cycle, hanging = (why_alive(reference()) for reference in references)
    finally:
        gc.enable()
    assert cycle.kind == hanging.kind == "garbage"
    assert cycle.root.startswith("only a reference cycle holds it")
    assert shelf.steps(cycle) == ["Node.itself[0] > Node"]
    assert shelf.steps(hanging) == ["Node.leaf > Bare"]


@pytest.mark.slow
def test_a_temporary_is_held_by_nothing():
    """An object that only the call's argument holds dies with the call, and the answer says so."""
    alive = why_alive(shelf.Node())
    assert (alive.kind, alive.edges, alive.others) == ("nothing", [], 0)
