"""Names of what no candidate accounts for: what a type is known to hold out of Python's reach, or 'held
inside TYPE'.
"""

from __future__ import annotations

import gc
import types
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from garbology.interpreter import memory_layout
from garbology.interpreter.contents import elements_of, items_of
from garbology.interpreter.frame_layout import local_names
from garbology.names.call_caches import INSIDE
from garbology.names.classes import mro_of, safe_type_name
from garbology.names.frames import CODE_OF
from garbology.text.escaping import safe_text

Leftovers = list[object]

# What each type of iterator or wrapper visits, in the order of its C `tp_traverse`; used only if all of it
# is there.
IN_ORDER: dict[str, tuple[str, ...]] = {
    "enumerate": ("iterator", "result"),
    "filter": ("iterator", "function"),
    "map": ("iterators", "function"),
    "zip": ("iterators", "result"),
    "reversed": ("sequence",),
    "list_iterator": ("iterated list",),
    "list_reverseiterator": ("iterated list",),
    "tuple_iterator": ("iterated tuple",),
    "set_iterator": ("iterated set",),
    "dict_keyiterator": ("iterated dict",),
    "dict_valueiterator": ("iterated dict",),
    "iterator": ("iterated sequence",),
    "callable_iterator": ("callable", "sentinel"),
}

# Types whose remaining referents are all of one sort.
ALIKE: dict[str, str] = {
    "set": "set element",
    "frozenset": "set element",
    "cell": ".cell_contents",
    "mappingproxy": "wrapped mapping",
    "dict_keys": "viewed dict",
    "dict_values": "viewed dict",
    "dict_items": "viewed dict",
    "method-wrapper": "wrapped descriptor",
    "memoryview": "managed buffer",
    "managedbuffer": ".obj",
    "coroutine_wrapper": "coroutine",
    "weakref.ReferenceType": "weakref callback",
    "weakref.ProxyType": "weakref callback",
    "weakref.CallableProxyType": "weakref callback",
    "functools._lru_cache_wrapper": INSIDE,
    "_contextvars.ContextVar": "default",
    "_contextvars.Token": "context",
    "_contextvars.Context": "context variables",
}


def leftover_labels(obj: object, leftovers: Leftovers) -> list[str]:
    """Label each of the leftovers, given in the order in which the collector sees them."""
    for cls in mro_of(type(obj)):
        name = safe_type_name(cls)
        labels = _labels_by_type(name, obj, leftovers)
        if labels is not None:
            return labels
    return _unknown(obj, leftovers)


def _labels_by_type(name: str, obj: object, leftovers: Leftovers) -> list[str] | None:
    if name in IN_ORDER and len(leftovers) == len(IN_ORDER[name]):
        return list(IN_ORDER[name])
    if name in ALIKE:
        return [ALIKE[name]] * len(leftovers)
    if name in BY_CODE:
        return BY_CODE[name](obj, leftovers)
    return None


def _unknown(obj: object, leftovers: Leftovers) -> list[str]:
    inside = f"held inside {safe_type_name(obj)}"
    if memory_layout.attribute_ids(obj) is not None:
        return [inside] * len(leftovers)
    namespaces = [item for item in leftovers if type(item) is dict]
    return [
        ".__dict__" if len(namespaces) == 1 and item is namespaces[0] else "attribute (name unknown)"
        for item in leftovers
    ]


def _function(obj: object, leftovers: Leftovers) -> list[str]:
    """The remaining dictionary of a function is its annotations; reading them could run `__annotate__`.

    Before they are read for the first time they are a tuple of names and values (up to 3.13).
    """
    return [_function_label(item) or f"held inside {safe_type_name(obj)}" for item in leftovers]


def _function_label(item: object) -> str:
    if type(item) is tuple:
        names = [element for element in elements_of(item)[:1] if type(element) is str]
        return ".__annotations__" if names else ".__type_params__"
    if type(item) is types.FunctionType:
        return ".__annotate__"
    return ".__annotations__" if type(item) is dict else ""


def _running(kind: str) -> Callable[[Any, Leftovers], list[str]]:
    """Frames and generators: the caller, the function that runs, the namespace of a class body, the value
    stack.
    """

    def labels(obj: Any, leftovers: Leftovers) -> list[str]:
        code = CODE_OF[kind](obj)
        return [
            _OWN_FRAME[kind] if type(item) is types.FrameType else _running_label(item, code)
            for item in leftovers
        ]

    return labels


def _async_generator(obj: Any, leftovers: Leftovers) -> list[str]:
    """The hook of the event loop comes first among all referents, or (3.10) is the only bound method."""
    labels = _running("async_generator")(obj, leftovers)
    hook = type(leftovers[0]) is types.MethodType and leftovers[0] is gc.get_referents(obj)[0]
    return ["finalizer hook", *labels[1:]] if hook else labels


def _running_label(item: object, code: types.CodeType) -> str:
    if type(item) is types.FunctionType and _get_code(item) is code:
        return "running function"
    if item is code:
        return ".f_code"
    if type(item) is dict and (not code.co_flags & _OPTIMIZED or _are_variables(item, code)):
        return ".f_locals"
    return "value stack"


def _are_variables(namespace: object, code: types.CodeType) -> bool:
    """Whether it is a copy of a function's variables: `frame.f_locals` and `locals()` leave one up to 3.12.

    A program may have put something there under a name that no variable can have, as trio does.
    """
    keys = [key for key, _ in items_of(namespace)]
    variables = set(map(id, local_names(code)))
    added = [key for key in keys if id(key) not in variables]
    return len(added) < len(keys) and not any(type(key) is not str or key.isidentifier() for key in added)


_get_code = types.FunctionType.__dict__["__code__"].__get__
_get_variable_name = ContextVar.__dict__["name"].__get__
_OWN_FRAME = {
    "frame": ".f_back",
    "generator": ".gi_frame",
    "coroutine": ".cr_frame",
    "async_generator": ".ag_frame",
}
_OPTIMIZED = 1  # CO_OPTIMIZED: the locals are in slots, not in a dictionary


def _context_node(obj: object, leftovers: Leftovers) -> list[str]:
    """A node of a context's tree is visited from its end: value before key; a subtree has no key."""
    return list(_context_labels(leftovers))


def _context_labels(leftovers: Leftovers) -> Iterator[str]:
    at = 0
    while at < len(leftovers):
        item, following = leftovers[at], leftovers[at + 1 : at + 2]
        if safe_type_name(item).startswith("hamt_"):
            yield "context variables"
            at += 1
        elif following and type(following[0]) is ContextVar:
            yield f"context variable {_variable_name(following[0])}"
            yield "key"
            at += 2
        else:
            yield "held inside contextvars.Context"
            at += 1


def _variable_name(variable: object) -> str:
    name = _get_variable_name(variable)
    return safe_text(name, limit=80) if type(name) is str else "(name unknown)"


def _ctypes_function(obj: object, leftovers: Leftovers) -> list[str]:
    thunk = "_ctypes.CThunkObject"
    return [
        "held inside ctypes callback" if safe_type_name(i) == thunk else "ctypes callback" for i in leftovers
    ]


BY_CODE: dict[str, Callable[[Any, Leftovers], list[str]]] = {
    "function": _function,
    "_ctypes.CFuncPtr": _ctypes_function,
    "_ctypes.PyCFuncPtr": _ctypes_function,
    "hamt_bitmap_node": _context_node,
    "hamt_collision_node": _context_node,
    **{kind: _running(kind) for kind in CODE_OF},
    "async_generator": _async_generator,
}
