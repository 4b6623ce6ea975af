"""The chain of named references that keeps an object alive."""

import asyncio
import atexit
import ctypes
import gc
import json
import signal
import sys
import threading
import time
import types
import weakref
from collections import deque
from contextvars import ContextVar, copy_context

import numpy as np
import pytest

import garbology
from garbology import why_alive
from garbology.interpreter import thread_stacks

HERE = f"module {__name__}"
CACHE = {}
KEPT = []
VARIABLE = ContextVar("request")


class Node:
    pass


class Bare:
    __slots__ = ("__weakref__", "child")


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    CACHE.clear()
    KEPT.clear()


def held_by(holder_of):
    """A new node, held by what `holder_of` makes of it and nothing else: a weak reference to it."""
    node = Node()
    KEPT.append(holder_of(node))
    return weakref.ref(node)


def steps(alive):
    return [f"{edge.source}{edge.label} > {edge.target}" for edge in alive.edges]


def test_a_module_s_container_is_named_with_its_key():
    """Containers on the way from a module to the object are one edge, as the program would write it."""
    node = Node()
    CACHE["key"] = [0, node]
    reference = weakref.ref(node)
    del node
    alive = why_alive(reference())
    assert (alive.type, alive.kind, alive.root) == ("Node", "module", HERE)
    assert steps(alive) == [f"{HERE}.CACHE['key'][1] > Node"]
    assert (alive.others, alive.unaccounted) == (0, 0)


@pytest.mark.parametrize(
    ("holder_of", "expected"),
    [
        (lambda node: {"a b": node}, [f"{HERE}.KEPT[0]['a b'] > Node"]),
        (lambda node: deque([node]), [f"{HERE}.KEPT[0][0] > Node"]),
        (lambda node: lambda: node, [f"{HERE}.KEPT[0] → closure variable node > Node"]),
        (lambda node: {frozenset([node]): 1}, [f"{HERE}.KEPT[0] → key <frozenset key> → set element > Node"]),
    ],
    ids=["dict", "deque", "closure", "key"],
)
def test_what_kind_of_reference_it_is_can_be_read(holder_of, expected):
    """Keys, elements and closure variables have the names of their edges."""
    assert steps(why_alive(held_by(holder_of)())) == expected


def test_a_weak_reference_s_callback_holds_what_it_is_bound_to():
    """A bound method as a callback keeps its object, and the chain leads through the weak reference."""
    target = Node()

    class Watcher:
        def forget(self, _):
            pass

    watcher = Watcher()
    KEPT.append(weakref.ref(target, watcher.forget))
    reference = weakref.ref(watcher)
    del watcher
    alive = why_alive(reference())
    assert [edge.target for edge in alive.edges] == ["ReferenceType", "Watcher"]
    assert "weakref callback" in alive.edges[-1].label


def test_attributes_and_slots_have_their_names():
    """Inline attributes, dictionaries of instances and slots all read as attributes."""

    def tree(node):
        bare, outer = Bare(), Node()
        outer.child, bare.child = bare, node
        return outer

    alive = why_alive(held_by(tree)())
    assert steps(alive) == [f"{HERE}.KEPT[0] > Node", "Node.child > Bare", "Bare.child > Node"]


def test_a_local_of_the_caller_is_the_answer_only_if_it_is_the_only_one():
    """By a local one asks; what else holds the object is what one wants to know."""
    node = Node()
    alive = why_alive(node)
    assert alive.root.startswith("local 'node' of function ")
    assert "test_a_local_of_the_caller" in alive.root
    assert f"(test_why_alive.py:{sys._getframe().f_lineno - 3})" in alive.root
    assert (alive.others, alive.unaccounted) == (0, 0)
    KEPT.append(node)
    alive = why_alive(node)
    assert steps(alive) == [f"{HERE}.KEPT[0] > Node"]
    assert alive.others == 1
    assert alive.also[0].startswith("local node of function ")


def test_a_local_shared_with_an_inner_function_is_a_local():
    """The cell between a variable and its object is nothing that the program's text has."""
    shared = Node()

    def inner():
        return shared

    assert inner() is shared
    alive = why_alive(weakref.ref(shared)())
    assert alive.root.startswith("local 'shared' of function ")
    assert [edge.label for edge in alive.edges] == ["local shared"]


def test_locals_of_other_threads_are_read_without_a_trace():
    """A function that another thread runs is a root; its variable is referred to as often as before."""
    ready, done = threading.Event(), threading.Event()
    references = []

    def work():
        mine = Node()
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


def test_threads_that_go_on_meanwhile_do_no_harm():
    """Stacks that grow and shrink while they are read cost no crash and no wrong answer."""
    stop = threading.Event()

    def dig(depth):
        kept = [Node() for _ in range(3)]
        return dig(depth - 1) if depth else kept

    def work():
        while not stop.is_set():
            dig(30)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    reference = held_by(lambda node: node)
    try:
        answers = {why_alive(reference()).root for _ in range(2)}
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert answers == {HERE}


def test_a_loop_holds_its_sequence():
    """What only an unfinished expression holds has a reference that no object accounts for."""
    for node in [Node()]:
        reference = weakref.ref(node)
        del node
        alive = why_alive(reference())
    assert alive.kind in ("frame", "C")
    assert steps(alive)[0].endswith("[0] > Node")
    if sys.version_info >= (3, 11):
        assert alive.root.startswith("an unfinished expression, call or loop of function ")


def test_references_of_c_code_are_counted():
    """A reference without a holder is C code's."""
    node = Node()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(node))
    reference = weakref.ref(node)
    KEPT.append(node)
    del node
    shared = why_alive(reference())
    KEPT.clear()
    alive = why_alive(reference())
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(reference()))
    assert (shared.kind, shared.unaccounted) == ("module", 1)
    assert alive.root == "held by C code: 1 reference that no Python object accounts for"
    assert (alive.kind, alive.edges, alive.unaccounted) == ("C", [], 1)
    assert str(alive) == f"Node is alive: {alive.root}"


def test_garbage_is_told_from_what_is_held():
    """Where nothing but a cycle holds the object the answer is the cycle."""
    gc.disable()
    try:
        node, leaf = Node(), Bare()
        node.itself, node.leaf = [node], leaf
        references = weakref.ref(node), weakref.ref(leaf)
        del node, leaf
        cycle, hanging = (why_alive(reference()) for reference in references)
    finally:
        gc.enable()
    assert cycle.kind == hanging.kind == "garbage"
    assert cycle.root.startswith("only a reference cycle holds it")
    assert steps(cycle) == ["Node.itself[0] > Node"]
    assert steps(hanging) == ["Node.leaf > Bare"]


def test_a_temporary_is_held_by_nothing():
    """An object that only the call's argument holds dies with the call, and the answer says so."""
    alive = why_alive(Node())
    assert (alive.kind, alive.edges, alive.others) == ("nothing", [], 0)


def test_suspended_code_holds_its_locals():
    """The chain leads through a generator to its local."""

    def generate():
        inner = Node()
        yield weakref.ref(inner)
        yield inner

    KEPT.append(generate())
    alive = why_alive(next(KEPT[0])())
    assert alive.root == HERE
    assert alive.edges[0].target.startswith("generator ")
    assert alive.edges[-1].label == "local inner"


def test_a_task_holds_the_locals_of_its_coroutine():
    """From the running event loop to a local of a coroutine that waits."""
    references = []

    async def job():
        token = Node()
        references.append(weakref.ref(token))
        await asyncio.sleep(60)

    async def main():
        task = asyncio.ensure_future(job())
        await asyncio.sleep(0)
        del task
        return why_alive(references[0]())

    alive = asyncio.run(main())
    assert alive.kind == "frame"
    assert any("coroutine" in edge.target for edge in alive.edges)
    assert alive.edges[-1].label == "local token"


def test_an_exception_holds_the_locals_of_the_functions_it_passed():
    """The last uncaught exception has a name, and how to be rid of it is told."""

    def fail():
        victim = Node()
        raise ValueError(weakref.ref(victim))

    try:
        fail()
    except ValueError as error:
        sys.last_value = error
        reference = error.args[0]
    try:
        alive = why_alive(reference())
    finally:
        del sys.last_value
    assert alive.root == "the last uncaught exception sys.last_value"
    assert alive.edges[0].source == "module sys"
    assert alive.edges[-1].label == "local victim"
    assert "del sys.last_value" in alive.remedy


def test_object_arrays_and_views_hold_what_the_collector_does_not_see():
    """An element of an object array has its index, a viewed array its view."""
    in_array = held_by(lambda node: {"array": np.array([[0, node]], dtype=object)})
    assert steps(why_alive(in_array())) == [f"{HERE}.KEPT[0]['array'] > ndarray", "ndarray[0, 1] > Node"]

    base = np.zeros(1000)
    KEPT[:] = [base[2:5]]
    reference = weakref.ref(base)
    del base
    assert steps(why_alive(reference())) == [f"{HERE}.KEPT[0] > ndarray", "ndarray.base > ndarray"]


def test_frozen_objects_are_seen():
    """What the program hid from the collector with `gc.freeze` still holds."""
    reference = held_by(lambda node: [node])
    with garbology.collector.frozen():
        assert steps(why_alive(reference())) == [f"{HERE}.KEPT[0][0] > Node"]


def test_context_variables_have_their_names():
    """In the thread's context and in a copy that the program keeps."""
    node = Node()
    reference = weakref.ref(node)

    def ask():
        VARIABLE.set({"node": node_holder.pop()})
        return why_alive(reference())

    node_holder = [node]
    del node
    context = copy_context()
    alive = context.run(ask)
    assert alive.edges[-1].label.endswith("context variable request['node']")
    token = VARIABLE.set(reference())
    try:
        del context
        alive = why_alive(reference())
    finally:
        VARIABLE.reset(token)
    assert (alive.kind, alive.edges[-1].label) == ("context", "context variable request")


def test_thread_local_data_is_an_attribute():
    """The tables between a `threading.local` and its data are left out."""

    def local(node):
        data = threading.local()
        data.node = node
        return data

    alive = why_alive(held_by(local)())
    assert steps(alive) == [f"{HERE}.KEPT[0] > _local", "_local.node (of one thread) > Node"]


def test_callbacks_of_atexit_are_recognised():
    """From 3.14 they can be told apart; before, their arguments have a reference that nothing accounts for."""
    node = Node()
    reference = weakref.ref(node)
    callback = Node.__init__
    atexit.register(callback, node)
    del node
    alive = why_alive(reference())
    atexit.unregister(callback)
    assert alive.kind == "C"
    assert "atexit.register" in alive.root


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a signal that nobody else uses")
def test_signal_handlers_and_trace_functions_are_roots():
    """What C code holds under a name has that name."""
    node = Node()
    reference = weakref.ref(node)
    before = signal.signal(signal.SIGUSR1, lambda *_, node=node: None)
    del node
    alive = why_alive(reference())
    signal.signal(signal.SIGUSR1, before)
    assert alive.root == f"signal.signal, as the handler of number {int(signal.SIGUSR1)}"
    assert alive.edges[-1].label == ".__kwdefaults__['node']"


def test_classes_functions_modules_and_running_frames():
    """They have the names of the source, and a frame that runs is held by its thread."""
    assert str(why_alive(Node)).startswith(
        f"class Node is alive: held by {HERE}\n    {HERE}.Node -> class Node"
    )
    assert steps(why_alive(held_by)) == [f"{HERE}.held_by > function held_by"]
    assert why_alive(types).type == "module types"
    assert why_alive(sys).edges[-1].target == "module sys"
    assert why_alive(sys._getframe()).root.startswith("a thread, which is running function ")


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
    KEPT.append([make()])
    alive = why_alive(KEPT[0][0])
    assert steps(alive)[0].startswith(f"{HERE}.KEPT[0][0] > ")
    assert alive.unaccounted == 0


def test_an_immortal_object_is_called_immortal():
    """Nothing keeps an immortal object alive; where it has a count its holders are looked for."""
    alive = why_alive(None)
    if garbology.is_immortal(None):
        assert (alive.kind, str(alive)) == ("immortal", "NoneType is alive: immortal: CPython never frees it")
    else:
        assert alive.others > 100
        assert len(alive.also) <= 6


def test_a_long_chain_is_short_to_read():
    """A linked list of 300,000 nodes is searched in linear time, and told by its two ends."""
    first = head = Bare()
    for _ in range(300_000):
        node = Bare()
        node.child = head
        head = node
    KEPT.append(head)
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


def test_a_heap_of_half_a_million_objects_is_searched_in_seconds():
    """The whole heap is read once, in arrays."""
    many = [[index] for index in range(500_000)]
    CACHE["many"] = many
    reference = held_by(lambda node: [node, CACHE["many"]])
    began = time.process_time()
    alive = why_alive(reference())
    assert time.process_time() - began < 6
    assert alive.root == HERE


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


def test_no_user_code_runs():
    """Neither the object nor its holders are asked anything, with traps on every question."""
    cls = hostile_class()
    obj, holder = object.__new__(cls), object.__new__(cls)
    object.__setattr__(holder, "held", obj)
    object.__setattr__(obj, "back", holder)
    KEPT.append(holder)
    del holder
    CALLED.clear()
    alive = why_alive(obj)
    text = str(alive)
    assert CALLED == []
    assert steps(alive) == [f"{HERE}.KEPT[0] > Hostile", "Hostile.held > Hostile"]
    assert text.startswith("Hostile is alive: held by ")


def test_the_question_leaves_nothing_behind():
    """No object of the search outlives it, the collector is as it was, and counts and dictionaries stay."""
    reference = held_by(lambda node: node)
    why_alive(reference())
    gc.collect()
    gc.disable()
    try:
        before = sys.getrefcount(reference()), len(gc.get_referents(reference()))
        why_alive(reference())
        assert not gc.isenabled()
        left = [item for item in gc.get_objects() if type(item).__module__ == "garbology.graph.heap"]
        assert (left, gc.collect()) == ([], 0)
    finally:
        gc.enable()
    assert (sys.getrefcount(reference()), len(gc.get_referents(reference()))) == before
    why_alive(reference())
    assert gc.isenabled()


def test_the_answer_is_plain_and_holds_nothing():
    """`to_dict` is versioned JSON, and an answer that is kept keeps no object."""
    node = Node()
    KEPT.append(node)
    alive = why_alive(node)
    plain = json.loads(json.dumps(alive.to_dict()))
    assert plain["schema"] == "garbology.alive"
    assert plain["edges"] == [{"source_type": HERE, "label": ".KEPT[0]", "target_type": "Node"}]
    reference = weakref.ref(node)
    KEPT.clear()
    del node
    assert reference() is None


def test_locals_are_found_without_reading_memory_too(monkeypatch):
    """Where ctypes or a layout is missing, `f_locals` answers; up to 3.12 that dictionary stays in the frame."""
    monkeypatch.setattr(thread_stacks, "_layout", lambda: None)
    node = Node()
    alive = why_alive(node)
    assert alive.kind == "frame"
    assert "function test_locals_are_found_without_reading_memory_too" in alive.root
    assert "node" in alive.edges[0].label


def test_assert_freed_says_why():
    """The failure names the chain of the first object that is alive, or that a cycle alone holds it."""
    node = Node()
    with pytest.raises(AssertionError, match=r"local 'node' of function test_assert_freed_says_why"):
        with garbology.assert_freed(node):
            pass
    with pytest.raises(AssertionError, match=r"KEPT\[0\] -> list"):
        with garbology.assert_freed() as freed:
            KEPT.append([1])
            freed(KEPT[0])
    with pytest.raises(AssertionError, match="only a reference cycle holds it") as caught:
        with garbology.assert_freed() as freed:
            cyclic = Node()
            cyclic.itself = cyclic
            freed(cyclic)
            del cyclic
    assert "Node.itself -> Node" in str(caught.value)
