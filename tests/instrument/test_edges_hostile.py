"""Objects that answer with lies, exceptions or silence are named without being asked."""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from garbology.interpreter import frame_layout, memory_layout
from garbology.names.classes import is_class
from garbology.names.edges import named_referents, safe_type_name, short_type_name
from garbology.sizes.sizes import bytes_of_each, held_bytes
from tests.instrument.edge_checks import complete_edges

CALLS: list[str] = []


def trap(name: str) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> Any:
        CALLS.append(name)
        raise RuntimeError(f"user code ran: {name}")

    return method


OBJECT_QUESTIONS = """
    __array__ __array_finalize__ __bool__ __buffer__ __bytes__ __call__ __contains__ __dir__ __eq__ __float__
    __format__ __ge__ __get__ __getattr__ __getattribute__ __getitem__ __getstate__ __gt__ __hash__ __index__
    __int__ __iter__ __le__ __len__ __length_hint__ __lt__ __ne__ __next__ __reduce__ __reduce_ex__ __repr__
    __reversed__ __sizeof__ __str__ copy items keys values
"""
CLASS_QUESTIONS = """
    __bool__ __call__ __contains__ __dir__ __eq__ __getattr__ __getattribute__ __hash__ __instancecheck__
    __iter__ __len__ __ne__ __repr__ __sizeof__ __str__ __subclasscheck__ __subclasses__
"""
CLASS_ATTRIBUTES = "__mro__ __dict__ __name__ __module__ __bases__ __flags__ __class__"
OBJECT_TRAPS = {name: trap(name) for name in OBJECT_QUESTIONS.split()}
OBJECT_TRAPS["__class__"] = property(trap("__class__"))
META_TRAPS = {name: trap(name) for name in CLASS_QUESTIONS.split()}
for attribute in CLASS_ATTRIBUTES.split():
    META_TRAPS[attribute] = property(trap(f"type's {attribute}"))
Meta = type("Meta", (type,), META_TRAPS)


class Text(str):
    """A string with traps: its own hash is needed to be a key at all."""

    __slots__ = ()
    __eq__ = OBJECT_TRAPS["__eq__"]
    __repr__ = OBJECT_TRAPS["__repr__"]
    __hash__ = str.__hash__


def hostile(base: type, *args: Any) -> Any:
    """An instance of a subclass of `base` on which every question is a trap."""
    slots = (
        ("slot", "__dict__", "__weakref__")
        if base is object
        else ("slot",)
        if base in (list, dict, set)
        else ()
    )
    namespace = dict(OBJECT_TRAPS, __slots__=slots) if slots else dict(OBJECT_TRAPS)
    cls = type.__call__(Meta, "Hostile", (base,), namespace)
    obj = base.__new__(cls, *args)
    if base in (list, dict, set):
        base.__init__(obj, *args)
    if "slot" not in slots or "__dict__" in slots:
        object.__setattr__(obj, "attribute", ["value"])
    return obj


HOLDERS: dict[str, Callable[[], Any]] = {
    "object": lambda: hostile(object),
    "list": lambda: hostile(list, [hostile(object)]),
    "tuple": lambda: hostile(tuple, (hostile(object), 1)),
    "dict": lambda: hostile(dict, {1: hostile(object)}),
    "set": lambda: hostile(set, {1, 2}),
    "exception": lambda: hostile(ValueError, hostile(object)),
    "class": lambda: type(hostile(object)),
    "str keys": lambda: {Text("a"): hostile(object), Text("b"): 1},
    "list of": lambda: [hostile(object), hostile(list, [])],
    "dict of": lambda: {"a": hostile(object), (1, 2): hostile(dict, {})},
    "dict keyed by class": lambda: {Text("x"): 1, 2: type(hostile(object))},
    "partial": lambda: functools.partial(print, hostile(object), key=hostile(object)),
    "closure": lambda: (lambda captured: lambda: captured)(hostile(object)),
    "generator": lambda: (x for x in [hostile(object)]),
    "array": lambda: np.frompyfunc(lambda index: hostile(object), 1, 1)(np.arange(2)),
    "metadata": lambda: np.dtype("f8", metadata={"k": hostile(object)}),
}


@pytest.fixture(autouse=True)
def calls() -> Iterator[list[str]]:
    CALLS.clear()
    yield CALLS
    CALLS.clear()


@pytest.mark.parametrize("name", HOLDERS)
def test_no_user_code_runs(name: str, calls: list[str]) -> None:
    """Naming and weighing a hostile object, and everything it holds, calls nothing of it."""
    holder = HOLDERS[name]()
    calls.clear()
    edges = complete_edges(holder)
    for _, referent in edges:
        named_referents(referent)
        safe_type_name(referent)
        short_type_name(referent)
        is_class(referent)
    assert bytes_of_each([holder, *(x for _, x in edges)]).min() >= 0
    assert calls == []
    assert edges


@pytest.mark.parametrize("name", HOLDERS)
def test_no_user_code_runs_without_ctypes(name: str, calls: list[str], without_layout: None) -> None:
    """The fallbacks for interpreters whose memory cannot be read do not run user code either."""
    holder = HOLDERS[name]()
    calls.clear()
    complete_edges(holder)
    assert calls == []


@pytest.fixture
def without_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_layout, "_attributes_are_readable", lambda: False)
    monkeypatch.setattr(frame_layout, "_first_local", lambda kind: None)


class Ordinary:
    default = None

    def __init__(self) -> None:
        self.first = ["first"]
        self.default = ["default"]
        setattr(self, "un" + "mentioned", ["unmentioned"])

    @functools.cached_property
    def cached(self) -> list[str]:
        return ["cached"]


def test_names_without_ctypes_come_from_the_code_of_the_class(without_layout: None) -> None:
    """Attributes that the class's methods mention keep their names; the others say that the name is
    unknown.
    """
    obj = Ordinary()
    labels = {referent[0]: label for label, referent in complete_edges(obj) if type(referent) is list}
    namespace = dict(complete_edges(obj)).get(".__dict__")
    if namespace is None:
        assert labels == {
            "first": ".first",
            "default": ".default",
            "unmentioned": "attribute (name unknown)",
        }
    else:
        assert labels == {}


def test_a_proxy_is_not_followed(calls: list[str]) -> None:
    """Proxies, live or dead, are objects of their own."""
    alive = hostile(object)
    proxy = weakref.proxy(alive, [].append)
    dead = weakref.proxy(hostile(object))
    calls.clear()
    assert [label for label, _ in complete_edges(proxy)] == ["weakref callback"]
    assert complete_edges(dead) == []
    assert safe_type_name(proxy) == safe_type_name(type(proxy))
    assert calls == []


def test_type_names_are_bounded_and_printable() -> None:
    """Names cannot write to the terminal nor fill it."""
    cls = type("Evil\x1b[2J", (), {"__module__": "a" * 1000, "__qualname__": "f.<locals>.Evil\x1b\n"})
    assert len(safe_type_name(cls)) <= 200
    assert safe_type_name(cls).isprintable()
    assert short_type_name(cls) == r"Evil\x1b\n"
    assert safe_type_name(3) == "int"
    assert safe_type_name(type("Named", (), {"__module__": 3})) == "Named"
    assert safe_type_name(type("Late", (), {"first": 1, "__module__": "app"})) == "app.Late"
    assert safe_type_name(functools.partial(print)) == "functools.partial"


def test_a_class_that_calls_itself_list_is_no_list() -> None:
    """The name of a class decides nothing that could go wrong."""
    cls = type("list", (), {"__module__": "builtins", "__qualname__": "list"})
    obj = cls()
    obj.attribute = ["value"]
    assert dict(complete_edges(obj))[".__class__"] is cls


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.floats() | st.booleans(),
    lambda children: st.one_of(
        st.lists(children, max_size=4),
        st.tuples(children, children),
        st.dictionaries(st.integers() | st.text(max_size=3), children, max_size=4),
        st.builds(lambda x: functools.partial(print, x), children),
        st.builds(lambda x: lambda: x, children),
        st.builds(lambda x: (y for y in [x]), children),
        st.builds(lambda names: build(names), st.dictionaries(st.text(max_size=2), children, max_size=6)),
    ),
    max_leaves=20,
)


class Plain:
    pass


def build(attributes: dict[str, Any]) -> Plain:
    obj = Plain()
    for name, value in attributes.items():
        setattr(obj, name, value)
    return obj


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(values)
def test_edges_are_complete_on_random_graphs(root: Any) -> None:
    """Every object of a random graph has exactly the edges that the collector sees, each with a label."""
    seen: dict[int, object] = {id(root): root}
    waiting = [root]
    while waiting and len(seen) < 200:
        for _, referent in complete_edges(waiting.pop()):
            if id(referent) not in seen and gc.is_tracked(referent) and type(referent) is not type:
                seen[id(referent)] = referent
                waiting.append(referent)
    assert held_bytes(seen.values()) > 0
