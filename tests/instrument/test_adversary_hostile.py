"""Objects that lie, raise, recurse or never answer are never asked: neither by a finding, nor by its advice or text."""

import asyncio
import contextvars
import functools
import gc
import itertools
import json
import sys
import time
import types
import warnings
import weakref

import numpy as np
import pytest

import garbology
from garbology.find import explain
from garbology.snapshot import snapshot

QUESTIONS = """
    __eq__ __hash__ __bool__ __len__ __iter__ __getattribute__ __getattr__ __setattr__ __delattr__ __repr__ __str__
    __format__ __sizeof__ __dir__ __reduce__ __reduce_ex__ __contains__ __getitem__ __setitem__ __delitem__ __index__
    __call__ __enter__ __exit__ __get__ __set__ __delete__ __int__ __float__ __array__ __instancecheck__
    __subclasscheck__ __lt__ __le__ __gt__ __ge__ __ne__ __next__ __fspath__ __length_hint__ __copy__ __missing__
"""


def hostile_namespace(calls, answer):
    def trap(name):
        def method(*arguments, **options):
            calls.append(name)
            return answer()

        return method

    namespace = {name: trap(name) for name in QUESTIONS.split()}
    return {**namespace, "__class__": property(trap("__class__"))}


def raises():
    raise RuntimeError("asked")


def recurses():
    return recurses()


def never_returns():
    time.sleep(3600)


def lies():
    return 42


@pytest.fixture
def calls():
    return []


@pytest.mark.parametrize(
    "answer", [raises, recurses, never_returns, lies], ids=lambda answer: answer.__name__
)
@pytest.mark.parametrize(
    "base", [object, list, dict, set, tuple, Exception, type], ids=lambda base: base.__name__
)
def test_no_question_is_asked(base, answer, calls):
    """Finding, naming, advising, proving, printing and drawing call nothing of a hostile class or its metaclass."""
    meta = type("Meta", (type,), hostile_namespace(calls, answer))
    if base is type:
        made = functools.partial(type.__new__, meta, "Trap", (), {})
    else:
        trap = type.__new__(meta, "Trap", (base,), hostile_namespace(calls, answer))
        made = functools.partial(base.__new__, trap)
    keep = []

    def make():
        first, second = made(), made()
        if base is type:
            type.__setattr__(first, "other", second), type.__setattr__(second, "other", first)
        else:
            object.__setattr__(first, "other", second), object.__setattr__(second, "other", [first, (first,)])
        keep.append(weakref.proxy(first)) if base not in (tuple, type) else None

    with garbology.collector.paused():
        found = garbology.find_cycles(make)
        json.dumps(found.to_dict())
        text = str(found)
    assert found.garbage >= 2
    assert "Trap" in text
    assert calls == []


def test_slots_without_weak_references_on_a_hostile_metaclass(calls):
    """Whether a class takes weak references is read from the class, not asked of its metaclass."""
    meta = type("Meta", (type,), hostile_namespace(calls, raises))
    trap = type.__new__(meta, "Trap", (), {"__slots__": ("other",)})
    slot = type.__dict__["__dict__"].__get__(trap)["other"]

    def make():
        first, second = object.__new__(trap), object.__new__(trap)
        slot.__set__(first, second), slot.__set__(second, first)

    found = garbology.find_cycles(make)
    assert found.shapes[0].advice.remedy == "clear"  # they take no weak references
    assert calls == []


@pytest.mark.slow
def test_a_long_cycle_of_hostile_classes(calls):
    """The reading of cycles too long to be read whole asks nothing either."""
    meta = type("Meta", (type,), hostile_namespace(calls, raises))
    trap = type.__new__(meta, "Trap", (), {})

    def make():
        nodes = [object.__new__(trap) for _ in range(600)]
        for before, after in itertools.pairwise(nodes):
            object.__setattr__(before, "after", after), object.__setattr__(after, "before", [before])

    found = garbology.find_cycles(make)
    assert 600 in found.shapes[0].types.values()
    assert "before" in str(found)
    assert calls == []


class Node:
    """Refers to another."""


class Loud:
    """Says when it dies."""

    def __init__(self, calls):
        self.calls = calls

    def __del__(self):
        self.calls.append("finalizer")


class LoudLeaf:
    """Says when it dies, and the collector does not even track it."""

    __slots__ = ("calls",)

    def __del__(self):
        LOUD.append("finalizer")


LOUD = []


def with_finally(calls):
    try:
        yield
    finally:
        calls.append("finally")


def suspended(calls):
    generator = with_finally(calls)
    next(generator)
    return generator


def in_an_array(calls):
    array = np.empty(1, object)
    array[0] = Loud(calls)
    return array


def called_back(calls):
    node = Node()
    calls_back = weakref.ref(node, lambda reference: calls.append("callback"))
    KEPT.append(calls_back)
    return node


def proxied(calls):
    node = Node()
    KEPT.append(weakref.proxy(node, lambda reference: calls.append("callback")))
    return node


KEPT = []


@pytest.mark.slow
@pytest.mark.parametrize(
    "hanging",
    [
        Loud,
        suspended,
        in_an_array,
        called_back,
        proxied,
        lambda calls: LoudLeaf(),
        lambda calls: [{"deep": (Loud(calls),)}],
        lambda calls: functools.partial(print, Loud(calls)),
    ],
)
def test_a_proof_runs_no_code_of_what_hangs_off_the_cycle(hanging, calls):
    """What would die with the cycle and say so prevents the trial, as if it were on the cycle itself."""

    def make():
        first, second = Node(), Node()
        first.next, second.next = second, first
        first.hanging = hanging(calls)

    LOUD.clear()
    with garbology.collector.paused():
        found = garbology.find_cycles(make)
        assert found.shapes[0].advice.edges
        assert not found.shapes[0].advice.verified
        assert calls == LOUD == []
    KEPT.clear()
    gc.collect()


def test_what_others_hold_does_not_prevent_a_proof(calls):
    """A finalizer of an object that lives on would not run, so the trial is made."""
    loud = Loud(calls)

    def make():
        first, second = Node(), Node()
        first.next, second.next = second, first
        first.hanging = loud

    assert garbology.find_cycles(make).shapes[0].advice.verified
    assert calls == []


def test_weak_references_that_are_hostile_themselves(calls):
    """Whether a weak reference has a callback is read from the reference, by no attribute of its class."""
    trap = type("Trap", (weakref.ref,), {"__getattribute__": lambda self, name: calls.append(name)})
    keep = []

    def make():
        first, second = Node(), Node()
        first.next, second.next = second, first
        keep.extend([trap(first), weakref.proxy(second)])

    assert garbology.find_cycles(make).shapes[0].advice.verified
    assert calls == []


def test_a_coroutine_that_was_never_awaited_is_not_killed_for_a_proof():
    """Its death is told by a warning, which is the program's to see."""

    async def never():
        """Do nothing."""

    def make():
        first, second = Node(), Node()
        first.next, second.next = second, first
        first.coroutine = never()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with garbology.collector.paused():
            found = garbology.find_cycles(make)
            assert not found.shapes[0].advice.verified
            assert told == []
            gc.collect()
    assert [str(each.message).rpartition("'")[2] for each in told] == [" was never awaited"]


def test_what_another_thread_drops_meanwhile_is_no_garbage():
    """An object that only the list of the window's objects holds dies with that list, without a collector."""
    nodes = [Node(), [Node()], Node()]
    nodes[0].next = Node()
    finding = explain.explain(nodes, [], snapshot.count_each([]))
    assert finding.garbage == 0
    assert finding.garbage_bytes == 0


@pytest.mark.parametrize(
    "name", ["\ud800", "new\nline", "\x1b[31mred", "x" * 10_000, "ünïcode", "", "\u202e", "[0]"]
)
def test_names_do_not_spoil_the_text(name):
    """Whatever an attribute, a key or a class is called, the text can be printed and stays within its lines."""

    def make():
        node = type(name.replace("\ud800", "?") or "_", (), {})()
        vars(node)[name] = {name: node}

    text = str(garbology.find_cycles(make))
    lines = text.encode().decode().split("\n")
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) <= 80


def bound_to_a_context():
    variable = contextvars.ContextVar("variable")
    context = contextvars.copy_context()
    node = Node()
    node.context = context
    context.run(variable.set, node)


def cached_method():
    node = Node()
    node.cached = functools.lru_cache(lambda key: node)
    node.cached(1)


def asynchronous():
    async def work():
        node = Node()
        node.task = asyncio.current_task()
        node.future = asyncio.get_running_loop().create_future()
        node.future.add_done_callback(functools.partial(print, node))
        await asyncio.sleep(0)

    asyncio.run(work())


def module_torn_down():
    module = types.ModuleType("torn")
    exec("class Inner:\n    def method(self): return Inner\nkept = Inner()", module.__dict__)
    module.kept.module = module
    module.__dict__["__name__"] = None
    module.__dict__["__builtins__"] = None


def of_dataclasses():
    import dataclasses

    made = dataclasses.make_dataclass("Made", ["other"], slots=True)
    first = made(None)
    first.other = made(first)


def of_ctypes():
    ctypes = pytest.importorskip("ctypes")
    node = Node()
    node.callback = ctypes.CFUNCTYPE(None)(lambda: node)
    node.structure = type("Made", (ctypes.Structure,), {"_fields_": [("object", ctypes.py_object)]})(node)


def of_enums():
    import enum

    made = enum.Enum("Made", "RED GREEN")
    made.RED.other = made.GREEN


def of_namedtuples():
    import collections

    held = []
    held.append(collections.namedtuple("Made", "first second")(held, 1))


def of_itertools():
    import itertools

    held = []
    held.extend([iter(held), map(print, held), itertools.chain(held), zip(held), itertools.cycle(held)])
    next(held[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        bound_to_a_context,
        cached_method,
        asynchronous,
        module_torn_down,
        of_dataclasses,
        of_ctypes,
        of_enums,
        of_namedtuples,
        of_itertools,
    ],
    ids=lambda make: make.__name__,
)
def test_programs_of_every_kind(make):
    """The number found is what the collector then frees, every edge has a name, and text and proof come out."""
    make()  # what is imported and cached at first use
    with garbology.collector.paused():
        gc.collect()
        found = garbology.find_cycles(make)
        collected = gc.collect()
    finalizers = make is asynchronous  # a Future has one, and the collector counts what it makes
    assert found.garbage == collected or (finalizers and 0 < found.garbage <= collected), str(found)
    assert all(edge.label for shape in found.shapes for edge in shape.edges)
    with garbology.collector.paused():
        gc.collect()
        again = garbology.find_cycles(make)
        assert len(str(again).splitlines()) <= 40
        assert len(again.shapes) == len(found.shapes) > 0
    gc.collect()
    assert sys.getprofile() is None
