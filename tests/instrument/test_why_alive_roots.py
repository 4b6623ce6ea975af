"""Where the chain begins: suspended code, exceptions, arrays, contexts, and what C code holds under a name."""

import asyncio
import atexit
import ctypes
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import types
import weakref
from contextvars import ContextVar, copy_context

import numpy as np
import pytest

import garbology
from garbology import why_alive
from tests.instrument import shelf

VARIABLE = ContextVar("request")


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    shelf.clear()


def test_suspended_code_holds_its_locals():
    """The chain leads through a generator to its local."""

    def generate():
        inner = shelf.Node()
        yield weakref.ref(inner)
        yield inner

    shelf.KEPT.append(generate())
    alive = why_alive(next(shelf.KEPT[0])())
    assert alive.root == shelf.NAME
    assert alive.edges[0].target.startswith("generator ")
    assert alive.edges[-1].label == "local inner"


def test_a_task_holds_the_locals_of_its_coroutine():
    """From the running event loop to a local of a coroutine that waits."""
    references = []

    async def job():
        token = shelf.Node()
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


@pytest.mark.slow
def test_an_exception_holds_the_locals_of_the_functions_it_passed():
    """The last uncaught exception has a name, and how to be rid of it is told."""

    def fail():
        victim = shelf.Node()
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


@pytest.mark.slow
def test_object_arrays_and_views_hold_what_the_collector_does_not_see():
    """An element of an object array has its index, a viewed array its view."""
    in_array = shelf.held_by(lambda node: {"array": np.array([[0, node]], dtype=object)})
    assert shelf.steps(why_alive(in_array())) == [
        f"{shelf.NAME}.KEPT[0]['array'] > ndarray",
        "ndarray[0, 1] > Node",
    ]

    base = np.zeros(1000)
    shelf.KEPT[:] = [base[2:5]]
    reference = weakref.ref(base)
    del base
    assert shelf.steps(why_alive(reference())) == [
        f"{shelf.NAME}.KEPT[0] > ndarray",
        "ndarray.base > ndarray",
    ]


@pytest.mark.slow
def test_frozen_objects_are_seen():
    """What the program hid from the collector with `gc.freeze` still holds."""
    reference = shelf.held_by(lambda node: [node])
    with garbology.collector.frozen():
        assert shelf.steps(why_alive(reference())) == [f"{shelf.NAME}.KEPT[0][0] > Node"]


@pytest.mark.slow
def test_context_variables_have_their_names():
    """In the thread's context and in a copy that the program keeps."""
    node = shelf.Node()
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

    alive = why_alive(shelf.held_by(local)())
    assert shelf.steps(alive) == [f"{shelf.NAME}.KEPT[0] > _local", "_local.node (of one thread) > Node"]


def test_callbacks_of_atexit_are_recognised():
    """From 3.14 they can be told apart; before, their arguments have a reference that nothing accounts for."""
    node = shelf.Node()
    reference = weakref.ref(node)
    callback = shelf.Node.__init__
    atexit.register(callback, node)
    del node
    alive = why_alive(reference())
    atexit.unregister(callback)
    assert alive.kind == "C"
    assert "atexit.register" in alive.root


REGISTERING = """
import codecs, logging, os, sys, weakref, garbology
class Node:
    def ask(self, *arguments): pass
    def find(self, name): return codecs.CodecInfo(self.ask, self.ask) if name == "node" else None
def find_once(node):
    reference = weakref.ref(node)
    codecs.register(lambda name: reference().find(name))
    codecs.lookup("node")
def registered(register):
    node = Node()
    register(node)
    return weakref.ref(node)
for register in (
    lambda node: os.register_at_fork(before=node.ask),
    lambda node: os.register_at_fork(after_in_parent=lambda: node),
    lambda node: os.register_at_fork(after_in_child=node.ask),
    lambda node: codecs.register(node.ask),
    lambda node: codecs.register_error("node", node.ask),
    find_once,
    lambda node: sys.addaudithook(node.ask),
):
    print(garbology.why_alive(registered(register)()).root)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="no forks there")
def test_registries_of_the_interpreter_are_recognised():
    """Most never let go of what they have; hooks of audits are held so that nothing tells them apart."""
    command = [sys.executable, "-c", REGISTERING]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    *known, audited = printed.splitlines()
    assert known == [
        *["os.register_at_fork, as a callback"] * 3,
        "codecs.register, as a search function",
        "codecs.register_error, as a handler",
        "codecs.lookup, which keeps what it has found",
    ]
    assert "(hooks of sys.addaudithook" in audited


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a signal that nobody else uses")
def test_signal_handlers_and_trace_functions_are_roots():
    """What C code holds under a name has that name."""
    node = shelf.Node()
    reference = weakref.ref(node)
    before = signal.signal(signal.SIGUSR1, lambda *_, node=node: None)
    del node
    alive = why_alive(reference())
    signal.signal(signal.SIGUSR1, before)
    assert alive.root == f"signal.signal, as the handler of number {int(signal.SIGUSR1)}"
    assert alive.edges[-1].label == ".__kwdefaults__['node']"


class Handler:
    """Handles a signal, or traces."""

    def __call__(self, *_):
        """Do nothing."""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a signal that nobody else uses")
def test_a_handler_that_nothing_else_holds_is_named():
    """The object itself may be what C code holds under a name."""
    handler = Handler()
    reference = weakref.ref(handler)
    before = signal.signal(signal.SIGUSR1, handler)
    del handler
    alive = why_alive(reference())
    signal.signal(signal.SIGUSR1, before)
    assert (alive.kind, alive.edges) == ("C", [])
    assert alive.root == f"signal.signal, as the handler of number {int(signal.SIGUSR1)}"


@pytest.mark.slow
@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="a caller's stack holds the arguments until it goes on"
)
def test_what_was_handed_on_is_not_held_by_an_unfinished_call():
    """The stack of a caller that waits for a function ends before the arguments that it gave away."""

    def ask(node):
        return why_alive(node)

    reference = weakref.ref(held_by_c(shelf.Node()))
    alive = ask(reference())
    assert alive.root == "held by C code: 1 reference that no Python object accounts for"
    release(reference())


def held_by_c(node):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(node))
    return node


def release(node):
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(node))


def trace(*_):
    return trace


@pytest.mark.parametrize("start", [pytest.param(sys.settrace, marks=pytest.mark.slow), sys.setprofile])
def test_a_trace_function_changes_no_answer(start):
    """Up to 3.10 one in Python leaves a dictionary of its locals in every frame, those of the instrument included."""
    before = {sys.settrace: sys.gettrace(), sys.setprofile: sys.getprofile()}[start]
    reference = shelf.held_by(lambda node: node)
    gc.collect()

    start(trace)
    try:
        alive = why_alive(reference())
        found = garbology.find_cycles(shelf.Node)
        now = {sys.settrace: sys.gettrace(), sys.setprofile: sys.getprofile()}[start]
    finally:
        start(before)
    assert now is trace
    assert (shelf.steps(alive), alive.others, found.garbage) == ([f"{shelf.NAME}.KEPT[0] > Node"], 0, 0)
    assert gc.collect() == 0


@pytest.mark.slow
def test_classes_functions_modules_and_running_frames():
    """They have the names of the source, and a frame that runs is held by its thread."""
    assert str(why_alive(shelf.Node)).startswith(
        f"class Node is alive: held by {shelf.NAME}\n    {shelf.NAME}.Node -> class Node"
    )
    assert shelf.steps(why_alive(shelf.held_by)) == [f"{shelf.NAME}.held_by > function held_by"]
    assert why_alive(types).type == "module types"
    assert why_alive(sys).edges[-1].target == "module sys"
    assert why_alive(sys._getframe()).root.startswith("a thread, which is running function ")


@pytest.mark.slow
def test_what_the_instrument_imports_is_not_held_for_its_sake():
    """No chain and no other holder of what others hold, too, is a module of the instrument's own."""
    for obj in (np, types, sys.modules["gc"], sys.modules["inspect"], sys.modules["threading"]):
        alive = why_alive(obj)
        assert alive.kind == "module"
        assert not [text for text in [alive.root, *alive.also] if text.startswith("module garbology")]


@pytest.mark.slow
def test_a_part_of_the_instrument_is_held_by_the_instrument():
    """What only the instrument's own modules hold is not called garbage, or held by nothing."""
    alive = why_alive(garbology.find.window._warm_up)
    assert alive.root == "module garbology.find.window"
    assert alive.edges[-1].label == "._warm_up"


@pytest.mark.slow
def test_a_chain_begins_at_the_home_of_what_it_leads_to():
    """A logger's handler is held by the module logging, and not by the first library that has a logger."""
    handler = logging.NullHandler()
    logging.getLogger("garbology.tests.a_logger").addHandler(handler)
    reference = weakref.ref(handler)
    del handler
    alive = why_alive(reference())
    logging.getLogger("garbology.tests.a_logger").handlers.clear()
    assert alive.kind == "module"
    assert alive.root == "module logging"
    assert alive.edges[-1].label == ".handlers[0]"


@pytest.mark.slow
def test_a_public_name_comes_before_a_private_one():
    """Of two modules that hold the same, the one whose name and attribute are public begins the chain."""
    node = shelf.Node()
    reference = weakref.ref(node)
    public, private = types.ModuleType("a_module_z"), types.ModuleType("_a_module_a")
    public.name = private.name = public._name = node
    del node
    sys.modules["_a_module_a"], sys.modules["a_module_z"] = private, public
    del public, private
    try:
        alive = why_alive(reference())
    finally:
        del sys.modules["_a_module_a"], sys.modules["a_module_z"]
    assert alive.root == "module a_module_z"
    assert [edge.label for edge in alive.edges] == [".name"]
