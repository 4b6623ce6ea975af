"""What is held by C code: told as that where it may be let go of, a leak where nothing can."""

import asyncio
import atexit
import contextlib
import ctypes
import functools
import gc
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import types
import weakref

import numpy as np
import pytest

import garbology

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quiet_heap")]


class Parser:
    """Gives a method of its own to C code."""

    def __init__(self):
        self.payload = bytearray(100_000)

    def fail(self, text):
        """A callback."""
        return ValueError(text)


class Store(sqlite3.Connection):
    """A connection that can register callbacks that lead to itself."""

    def __init__(self, register=None):
        super().__init__(":memory:")
        self.hits = 1
        if register is not None:
            register(self)

    def hit(self):
        """A callback."""
        return self.hits


class Hook:
    """Something callable that holds its owner."""

    def __init__(self, owner):
        self.owner = owner

    def __call__(self):
        return 1


KEPT, LEAKED = [], []


@pytest.fixture(autouse=True)
def no_leftovers():
    yield
    KEPT.clear()
    for reference in LEAKED:
        if (leaked := reference()) is not None:
            leaked.close()
    LEAKED.clear()


def increase(obj):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(obj))


# --- what is alive is not said to be freed


CALLABLES = {
    "bound method": (lambda it: it.fail, "bound method Parser.fail"),
    "partial": (lambda it: functools.partial(print, it), "partial"),
    "lambda": (lambda it: lambda: it, "<lambda>"),
    "hook": (Hook, "Hook"),
    "dict": (lambda it: {"it": it}, "dict"),
    "tuple": (lambda it: (it,), "tuple"),
}


@pytest.mark.parametrize("kind", CALLABLES)
def test_what_c_code_holds_is_told_by_what_it_holds(kind):
    """Never the sentence that everything was freed; no leak, for C code keeps callbacks by design."""
    make, name = CALLABLES[kind]

    def work():
        increase(make(Parser()))

    found = garbology.find_cycles(work)
    assert found.leaks == []
    if kind == "tuple" and not found.leaks_judged:
        pytest.skip(found.leaks_unjudged_reason)  # in a worker of xdist, which has threads
    (held,) = found.held_by_c
    assert name in held.through
    assert held.path.endswith("Parser")
    assert held.bytes > 100_000
    text = str(found)
    assert "freed every" not in text
    assert "still alive, held by C code" in text
    assert json.loads(json.dumps(found.to_dict()))["held_by_c"][0]["path"] == held.path
    garbology.assert_no_cycles(work)


def test_a_tuple_that_c_code_keeps_beside_a_thread_is_not_called_freed():
    """There it may be another thread's, which is building it: it is said that this cannot be judged."""

    def work():
        increase((Parser(),))

    with beside(None):
        found = garbology.find_cycles(work)
    assert (found.leaks, found.held_by_c, found.leaks_judged) == ([], [], False)
    assert "a tuple that C code keeps" in found.leaks_unjudged_reason
    assert "freed every" not in str(found)


def test_no_sentence_speaks_of_what_the_collector_does_not_track():
    """An array of objects that holds itself is on no list: the verdict is about tracked objects."""

    def work():
        array = np.empty(1, object)
        array[0] = array

    assert "freed every tracked object made and dropped here" in str(garbology.find_cycles(work))


def test_everything_was_freed_is_said_where_it_was_seen():
    """Nothing is left, or a container of the program's has it."""

    def drop():
        Parser()

    for work in (drop, lambda: KEPT.append(Parser())):
        found = garbology.find_cycles(work)
        assert found.leaks_judged
        assert found.leaks_unjudged_reason == ""
        assert "freed every tracked object" in str(found)
        assert found.to_dict()["leaks_judged"] is True


# --- callbacks


REGISTERED = {
    "lambda": lambda it: it.create_function("hit", 0, lambda: it.hits),
    "hook": lambda it: it.create_function("hit", 0, Hook(it)),
    "method": lambda it: it.create_function("hit", 0, it.hit),
    "collation": lambda it: it.create_collation("hit", lambda a, b: it.hits),
}


@pytest.mark.parametrize("kind", REGISTERED)
def test_a_connection_that_its_own_callback_keeps_is_a_leak(kind):
    """Nothing that is in use holds the connection, so nothing can let go of the callback."""

    def work():
        LEAKED.append(weakref.ref(Store(REGISTERED[kind])))

    found = garbology.find_cycles(work)
    gc.collect()
    if kind == "collation" and sys.version_info < (3, 11):
        assert found.leaks == []  # a dictionary of the connection's has it there, which the collector sees
        return
    assert LEAKED[0]() is not None
    (leak,) = found.leaks
    assert leak.holder == "sqlite3.Connection"
    assert leak.path.startswith("Store → callback kept by C code -> ")
    assert leak.path.endswith("-> Store")
    assert "Py_DECREF" not in leak.remedy
    assert "unregister" in leak.remedy
    with pytest.raises(AssertionError, match="callback"):
        garbology.assert_no_cycles(work)


def test_an_object_written_in_c_with_a_reference_too_many_is_not_said_to_hold_itself():
    """A missing Py_DECREF is as likely; there is nothing to close or to unregister."""

    def program():
        store = sqlite3.connect(":memory:")
        store.close()
        increase(store)

    (leak,) = garbology.find_cycles(program).leaks
    assert leak.edges == []
    assert "unless the sqlite3.Connection holds itself unseen" in leak.reason
    assert "missing Py_DECREF" in leak.remedy
    assert "unregister" not in leak.remedy


def test_an_older_leak_does_not_excuse_a_new_one():
    """A connection that was leaked before is in no use, and holds nothing of the new one."""

    def work():
        LEAKED.append(weakref.ref(Store(REGISTERED["lambda"])))

    for _ in range(3):
        assert len(garbology.find_cycles(work).leaks) == 1


def test_what_an_open_connection_may_hold_is_no_leak():
    """The connection is in use: it may hold the callback, and what it is given."""
    connection = sqlite3.connect(":memory:")
    KEPT.append(connection)

    def register():
        it = Parser()
        connection.create_function("it", 0, lambda: it)

    def give():
        increase([Parser()])  # as a parser that waits for the rest of a list

    with contextlib.closing(connection):
        for work in (register, give):
            found = garbology.find_cycles(work)
            assert found.leaks == [], str(found)
            assert len(found.held_by_c) == 1
            assert "sqlite3.Connection" in found.held_by_c[0].reason
            garbology.assert_no_cycles(work)


def test_what_is_registered_at_exit_is_no_leak():
    """Although it alone leads to a connection: atexit calls it, and closes that."""

    def work():
        store = Store()
        LEAKED.append(weakref.ref(store))
        atexit.register(lambda: store.close())

    found = garbology.find_cycles(work)
    assert found.leaks == [], str(found)
    if sys.version_info < (3, 14):
        assert "atexit.register may hold it" in found.held_by_c[0].reason


# --- whether it was judged


def test_a_finding_says_why_it_was_not_judged():
    """An exception, an import, a coroutine: one line each."""

    async def awaited():
        with garbology.watch() as found:
            increase(Parser())
        return found

    with contextlib.suppress(ValueError), garbology.watch() as failed:
        raise ValueError
    with garbology.watch() as imported:
        KEPT.append(types.ModuleType("a_module"))
    for found, word in (
        (failed, "exception"),
        (imported, "imported"),
        (asyncio.run(awaited()), "coroutine"),
    ):
        assert not found.leaks_judged
        assert word in found.leaks_unjudged_reason
        assert "not judged" in str(found)
        assert "freed every" not in str(found)


# --- beside other threads


@contextlib.contextmanager
def beside(target):
    """A thread that runs ``target(ready, stop)``, or waits."""
    ready, stop = threading.Event(), threading.Event()
    thread = (
        threading.Thread(target=target, args=(ready, stop)) if target else threading.Thread(target=stop.wait)
    )
    thread.start()
    ready.wait() if target else None
    try:
        yield
    finally:
        stop.set()
        thread.join()


def poll(ready, stop):
    ready.set()
    while not stop.is_set():
        time.sleep(0.0005)


def count(ready, stop):
    ready.set()
    number = 0
    while not stop.is_set():
        number += 1


@pytest.mark.parametrize("target", [None, poll, count])
def test_a_leak_is_found_beside_another_thread(target, eager_threads):
    """A thread that waits, or runs functions that can be looked into, keeps nothing from being judged."""
    if target and sys.version_info < (3, 11):
        pytest.skip("each function is called by C code there")

    def work():
        time.sleep(0.01)
        for _ in range(3):
            increase(Parser())

    with beside(target):
        found = garbology.find_cycles(work)
    assert found.leaks_judged, found.leaks_unjudged_reason
    assert [leak.count for leak in found.leaks] == [3]


def test_what_another_thread_s_variables_hold_is_no_leak():
    """An object that a thread made in the window, and has in a variable."""
    if sys.version_info < (3, 11):
        pytest.skip("each function is called by C code there")

    def hold(ready, stop):
        it = Parser()
        ready.set()
        stop.wait()
        return it

    with contextlib.ExitStack() as stack:
        found = garbology.find_cycles(lambda: stack.enter_context(beside(hold)) and None)
    assert found.leaks_judged, found.leaks_unjudged_reason
    assert found.leaks == []


def test_what_c_code_in_another_thread_collects_is_not_judged():
    """A list that C code is building of what a generator yields, which waits."""

    def collect(ready, stop):
        def parts():
            yield Parser()
            ready.set()
            stop.wait()

        list(parts())

    with contextlib.ExitStack() as stack:
        found = garbology.find_cycles(lambda: stack.enter_context(beside(collect)) and None)
    assert found.leaks == []
    assert not found.leaks_judged
    assert "thread" in found.leaks_unjudged_reason
    assert "collect" in str(found) or "parts" in str(found)


def test_leaks_are_judged_in_a_worker_of_xdist(tmp_path):
    """execnet's thread waits for the next test."""
    pytest.importorskip("xdist")
    (tmp_path / "test_one.py").write_text(
        "import ctypes, garbology\n"
        "class Node: pass\n"
        "def leave(): ctypes.pythonapi.Py_IncRef(ctypes.py_object(Node()))\n"
        "def test_one(): assert len(garbology.find_cycles(leave).leaks) == 1\n"
        "def test_two(): assert len(garbology.find_cycles(leave).leaks) == 1\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=dict(os.environ), check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout
