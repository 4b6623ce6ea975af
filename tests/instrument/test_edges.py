"""Labels of attributes, containers, functions, classes and C types."""

from __future__ import annotations

import collections
import contextvars
import ctypes
import dataclasses
import enum
import functools
import gc
import io
import itertools
import sys
import threading
import time
import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from garbology.names.edges import closure_variable_name, hidden_referents, named_referents
from tests.instrument.edge_checks import complete_edges, labels_of

TARGET = ["target"]


class Node:
    pass


class Slotted:
    __slots__ = ("__private", "public")

    def __init__(self) -> None:
        self.__private = TARGET
        self.public = None


class Inherited(Slotted):
    __slots__ = ("own",)


class ListWithAttributes(list):
    pass


class DictWithSlots(dict):
    __slots__ = ("slot",)


class TupleWithAttributes(tuple):
    pass


class SetWithAttributes(set):
    pass


class Color(enum.Enum):
    RED = TARGET


class Properties:
    @property
    def prop(self) -> int:
        return 1

    @functools.cached_property
    def cached(self) -> list[str]:
        return TARGET

    @classmethod
    def cls_method(cls) -> None: ...

    @staticmethod
    def static() -> None: ...


@dataclasses.dataclass
class Record:
    field: Any


Point = collections.namedtuple("Point", "x y")


def made(cls: type, *args: Any, **attributes: Any) -> Any:
    obj = cls(*args)
    for name, value in attributes.items():
        setattr(obj, name, value)
    return obj


def holder_of_target(default: Any = TARGET, *, option: Any = None) -> Callable[[], Any]:
    captured = TARGET

    def inner() -> Any:
        return captured, default

    return inner


CONTEXT = {"a": 1}
NAMESPACE = {"attribute": 1}
FIRST_NODE = Node()
FUNCTION = holder_of_target
INLINE = sys.version_info >= (3, 11)  # attributes lie beside the instance
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int)

# what holds, what is held (by identity), the labels under which it is held
HELD: dict[str, tuple[Callable[[], Any], Any, list[str]]] = {
    "class of an instance": (lambda: made(Node, a=1), Node, [".__class__"]),
    "mangled slot": (lambda: made(Inherited, own=1), TARGET, ["._Slotted__private"]),
    "inherited slot": (lambda: made(Inherited, public=Node), Node, [".public"]),
    "own slot": (lambda: made(Inherited, own=Node), Node, [".own"]),
    "list": (lambda: [0, TARGET, 1, TARGET], TARGET, ["[1]", "[3]"]),
    "list subclass": (lambda: made(ListWithAttributes, [TARGET], a=1), TARGET, ["[0]"]),
    "tuple": (lambda: (0, TARGET), TARGET, ["[1]"]),
    "tuple subclass": (lambda: made(TupleWithAttributes, (TARGET,), a=1), TARGET, ["[0]"]),
    "namedtuple": (lambda: Point(1, TARGET), TARGET, [".y"]),
    "struct sequence": (lambda: time.struct_time((*range(8), TARGET)), TARGET, [".tm_isdst"]),
    "set": (lambda: {Node, 1}, Node, ["set element"]),
    "frozenset": (lambda: frozenset([frozenset]), frozenset, ["set element"]),
    "set subclass": (lambda: made(SetWithAttributes, {Node}, a=1), Node, ["set element"]),
    "deque": (lambda: collections.deque([1, TARGET]), TARGET, ["[1]"]),
    "dict value": (lambda: {"key": TARGET}, TARGET, ["['key']"]),
    "dict value under a tuple": (lambda: {("a", 1, None): TARGET}, TARGET, ["[('a', 1, None)]"]),
    "dict value under bytes": (lambda: {b"a": TARGET}, TARGET, ["[b'a']"]),
    "dict value under a float": (lambda: {0.5: TARGET}, TARGET, ["[0.5]"]),
    "dict value under an object": (lambda: {Color.RED: TARGET}, TARGET, ["[<Color key>]"]),
    "dict value under a class": (lambda: {Node: TARGET}, TARGET, ["[<class Node>]"]),
    "dict value under a long key": (lambda: {"x" * 500: TARGET}, TARGET, [f"['{'x' * 40}…{'x' * 19}']"]),
    "dict value under an endless number": (lambda: {10**5000: TARGET}, TARGET, ["[<int key>]"]),
    "dict value under a terminal escape": (lambda: {"\x1b[2J": TARGET}, TARGET, ["['\\x1b[2J']"]),
    "dict key": (lambda: {Node: 1}, Node, ["key <class Node>"]),
    "dict subclass": (lambda: made(DictWithSlots, {1: TARGET}, slot=1), TARGET, ["[1]"]),
    "dict subclass's slot": (lambda: made(DictWithSlots, slot=TARGET), TARGET, [".slot"]),
    "OrderedDict": (lambda: collections.OrderedDict(a=1, b=TARGET), TARGET, ["['b']"]),
    "OrderedDict key": (lambda: collections.OrderedDict([(Node, 1)]), Node, ["key <class Node>"] * 2),
    "defaultdict factory": (lambda: collections.defaultdict(Node), Node, [".default_factory"]),
    "defaultdict value": (lambda: collections.defaultdict(list, a=TARGET), TARGET, ["['a']"]),
    "Counter": (lambda: collections.Counter([Node]), Node, ["key <class Node>"]),
    "cell": (lambda: FUNCTION().__closure__[0], TARGET, [".cell_contents"]),
    "globals": (lambda: FUNCTION, globals(), [".__globals__"]),
    "function namespace": (lambda: made_function(), NAMESPACE, [".__dict__"]),
    "bound method's self": (lambda: types.MethodType(FUNCTION, TARGET), TARGET, [".__self__"]),
    "bound method's function": (lambda: types.MethodType(FUNCTION, 1), FUNCTION, [".__func__"]),
    "builtin method": (lambda: TARGET.append, TARGET, [".__self__"]),
    "method wrapper": (lambda: TARGET.__len__, TARGET, [".__self__"]),
    "partial function": (lambda: functools.partial(FUNCTION, 1), FUNCTION, [".func"]),
    "property": (lambda: property(FUNCTION), FUNCTION, [".fget"]),
    "property setter": (lambda: property(None, FUNCTION), FUNCTION, [".fset"]),
    "property deleter": (lambda: property(None, None, FUNCTION), FUNCTION, [".fdel"]),
    "classmethod": (lambda: classmethod(FUNCTION), FUNCTION, [".__func__"]),
    "staticmethod": (lambda: staticmethod(FUNCTION), FUNCTION, [".__func__"]),
    "class base": (lambda: Inherited, Slotted, [".__base__"]),
    "mappingproxy": (lambda: types.MappingProxyType(CONTEXT), CONTEXT, ["wrapped mapping"]),
    "dict view": (lambda: CONTEXT.items(), CONTEXT, ["viewed dict"]),
    "weakref callback": (lambda: weakref.ref(FIRST_NODE, FUNCTION), FUNCTION, ["weakref callback"]),
    "proxy callback": (lambda: weakref.proxy(FIRST_NODE, FUNCTION), FUNCTION, ["weakref callback"]),
    "dead proxy's callback": (lambda: weakref.proxy(Node(), FUNCTION), FUNCTION, []),
    "ContextVar's default": (lambda: contextvars.ContextVar("v", default=TARGET), TARGET, ["default"]),
    "ctypes callback": (lambda: CALLBACK(FUNCTION), FUNCTION, ["ctypes callback"]),
    "ctypes objects": (lambda: ctypes.py_object(TARGET), TARGET, ["._objects"]),
    "map": (lambda: map(FUNCTION, [1]), FUNCTION, ["function"]),
    "filter": (lambda: filter(FUNCTION, [1]), FUNCTION, ["function"]),
    "reversed": (lambda: reversed(TARGET), TARGET, ["iterated list"]),
    "list iterator": (lambda: iter(TARGET), TARGET, ["iterated list"]),
    "callable iterator": (lambda: iter(FUNCTION, TARGET), TARGET, ["sentinel"]),
    "slice": (lambda: slice(1, TARGET), TARGET, [".stop"]),
    "GenericAlias": (lambda: types.GenericAlias(list, (Node,)), list, [".__origin__"]),
    "super": (
        lambda: super(Inherited, Inherited),
        Inherited,
        [".__thisclass__", ".__self__", ".__self_class__"],
    ),
    "module": (lambda: functools, vars(functools), [".__dict__"]),
    "exception's argument tuple": (lambda: ValueError(TARGET).args, TARGET, ["[0]"]),
    "StopIteration's value": (lambda: StopIteration(TARGET), TARGET, [".value"]),
}


def made_function() -> Any:
    def function() -> None: ...

    function.__dict__ = NAMESPACE
    return function


# what holds, the labels that its edges have among others
LABELS: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "function": (lambda: FUNCTION, {".__defaults__", ".__kwdefaults__", ".__code__", ".__name__"}),
    "annotations": (lambda: annotated(), {".__annotations__"}),
    "annotations that were not read": (
        lambda: annotated_by_objects(),
        {".__annotate__" if sys.version_info >= (3, 14) else ".__annotations__"},
    ),
    "closure": (lambda: FUNCTION(), {".__closure__"}),
    "partial": (lambda: functools.partial(FUNCTION, 1, option=2), {".func", ".args", ".keywords"}),
    "class": (lambda: Inherited, {".__dict__", ".__mro__", ".__bases__", ".__base__"}),
    "class namespace": (lambda: named(Properties)[".__dict__"], {"['prop']", "['cached']", "['static']"}),
    "SimpleNamespace": (lambda: types.SimpleNamespace(a=1), {".__dict__"}),
    "lru_cache": (lambda: cached_function(), {".__dict__", "held inside functools.lru_cache"}),
    "itertools": (lambda: itertools.cycle(TARGET), {"held inside itertools.cycle"}),
    "threading.local": (lambda: threading.local(), {"held inside _thread._local"}),
    "zip": (lambda: zip(TARGET, TARGET, strict=True), {"iterators", "result"}),
    "enumerate": (lambda: enumerate(TARGET), {"iterator", "result"}),
    "memoryview": (lambda: memoryview(bytearray(1)), {"managed buffer"}),
    "context": (lambda: contextvars.copy_context(), {"context variables"}),
    "enum member": (lambda: Color.RED, {"._value_", "._name_"} if INLINE else {".__dict__"}),
    "dataclass": (lambda: Record(TARGET), {".field"} if INLINE else {".__dict__"}),
    "subclass's dict": (lambda: made(TupleWithAttributes, (1, 2), a=1), {".__dict__", "[0]", "[1]"}),
    "text stream": (lambda: io.TextIOWrapper(io.BytesIO()), {".buffer"}),
    "buffered stream": (lambda: io.BufferedReader(io.BytesIO()), {".raw"}),
    "exception": (lambda: ValueError(1), {".args"}),
}


def annotated() -> Any:
    def function(value: int) -> None: ...

    assert function.__annotations__
    return function


def annotated_by_objects() -> Any:
    namespace: dict[str, Any] = {"kind": Node}
    exec("def function(value: kind): ...", namespace)  # in this file all annotations are strings
    return namespace["function"]


def cached_function() -> Any:
    @functools.lru_cache
    def function(value: object) -> object:
        return value

    function(Node)
    return function


def named(holder: object) -> dict[str, Any]:
    return dict(complete_edges(holder))


@pytest.mark.parametrize("name", HELD)
def test_the_held_object_has_its_labels(name: str) -> None:
    """What is held is named as the program names it, once for each reference."""
    make, held, labels = HELD[name]
    assert sorted(labels_of(make(), held)) == sorted(labels)


@pytest.mark.parametrize("name", LABELS)
def test_the_holder_has_these_edges(name: str) -> None:
    """Edges to objects that only the holder knows have their names too."""
    make, labels = LABELS[name]
    assert labels <= set(named(make()))


def attribute_labels(obj: object, target: object) -> list[str]:
    """Labels of attributes wherever they are: in the object, or up to 3.10 in its dictionary."""
    namespace = named(obj).get(".__dict__")
    return labels_of(obj, target) + ([] if namespace is None else labels_of(namespace, target))


def test_attributes_have_names() -> None:
    """Each attribute that refers to the same object is an edge of its own name."""
    obj = made(Node, first=TARGET, other=1, second=TARGET, gone=2)
    del obj.gone
    assert attribute_labels(obj, TARGET) in ([".first", ".second"], ["['first']", "['second']"])


def test_an_attribute_may_be_the_class() -> None:
    """The class as an attribute and as the class are two edges."""
    obj = made(Node, kind=Node)
    assert sorted(attribute_labels(obj, Node)) in ([".__class__", ".kind"], [".__class__", "['kind']"])


@pytest.mark.parametrize("count", [1, 29, 30, 31, 100])
def test_any_number_of_attributes(count: int) -> None:
    """Names stay right where the attributes no longer fit inline."""
    values = {f"a{index}": [index] for index in range(count)}
    obj = made(type("Crowded", (), {}), **values)
    for name, value in values.items():
        assert attribute_labels(obj, value) in ([f".{name}"], [f"['{name}']"])


def test_attributes_in_another_order_and_with_holes() -> None:
    """Instances that set different attributes of one class are told apart."""
    cls = type("Sparse", (), {})
    made(cls, a=1, b=2, c=3)
    obj = made(cls, c=TARGET, a=NAMESPACE)
    assert attribute_labels(obj, TARGET) in ([".c"], ["['c']"])
    assert attribute_labels(obj, NAMESPACE) in ([".a"], ["['a']"])


def test_a_materialised_dict_keeps_the_edges_complete() -> None:
    """After someone touched `__dict__`, the edges are still what the collector sees in that version."""
    obj = made(Node, a=TARGET)
    namespace = obj.__dict__
    edges = complete_edges(obj)
    assert (".__dict__", namespace) in edges or (".a", TARGET) in edges
    complete_edges(namespace)


def test_attributes_are_read_without_materialising_the_dict() -> None:
    """Naming the attributes leaves the object as small as it was."""
    obj = made(Node, a=TARGET)
    before = named_referents(obj)
    for _ in range(3):
        named_referents(obj)
    assert named_referents(obj) == before
    assert (".__dict__" in dict(before)) == (not INLINE)


def test_closure_variables_have_names() -> None:
    """A function's cells are known by the names of the variables."""
    inner = FUNCTION()
    by_name = {
        closure_variable_name(inner, i): cell.cell_contents for i, cell in enumerate(inner.__closure__)
    }
    assert by_name == {"captured": TARGET, "default": TARGET}


def test_closure_variable_name_refuses_what_is_no_closure() -> None:
    """A wrong index or object is named in the error."""
    with pytest.raises(IndexError, match="2 closure variables, got index 2"):
        closure_variable_name(FUNCTION(), 2)
    with pytest.raises(TypeError, match="Python function, got list"):
        closure_variable_name(TARGET, 0)  # type: ignore[arg-type]


def test_context_variables_have_names() -> None:
    """A value in a context is found under the name of its variable."""
    variable = contextvars.ContextVar("request")
    context = contextvars.copy_context()
    context.run(variable.set, TARGET)
    waiting, labels = [context], []
    while waiting:
        for label, referent in complete_edges(waiting.pop()):
            if referent is TARGET:
                labels.append(label)
            elif type(referent).__name__.startswith("hamt"):
                waiting.append(referent)
    assert labels == ["context variable request"]


def test_object_arrays_show_their_elements() -> None:
    """The collector does not see the elements of an object array; their labels are the indexes."""
    array = np.array([[None, TARGET], [NAMESPACE, None]], dtype=object)
    assert labels_of(array, TARGET) == ["[0, 1]"]
    assert labels_of(array[1:], NAMESPACE) == []
    assert labels_of(array[1:], array) == [".base"]


def test_structured_arrays_and_dtype_metadata_show_what_they_hold() -> None:
    """Object fields are labelled by field and index; metadata by its key."""
    array = np.zeros(2, dtype=[("number", "f8"), ("value", object)])
    array["value"][1] = TARGET
    assert labels_of(array, TARGET) == ["['value'][1]"]
    dtype = np.dtype("f8", metadata={"owner": TARGET})
    assert labels_of(dtype, TARGET) == [".metadata['owner']"]
    assert (".dtype", dtype) in hidden_referents(np.zeros(1, dtype))


def test_naming_makes_no_garbage() -> None:
    """The collector has nothing to do after the edges of every kind of object were named."""
    holders = [make() for make, *_ in HELD.values()]
    gc.collect()
    gc.disable()
    try:
        for holder in holders:
            named_referents(holder)
        assert gc.collect() == 0
    finally:
        gc.enable()
