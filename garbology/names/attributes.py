"""Names of attributes: slots, C members, inline values, instance dictionaries and C properties known to be
harmless.
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Iterator
from typing import Any

from garbology.interpreter import memory_layout
from garbology.interpreter.contents import elements_of, items_of
from garbology.names.classes import HEAP_TYPE, flags_of, mro_of, namespace_of, safe_type_name
from garbology.text.escaping import safe_text

Candidate = tuple[str, int]

_get_member = types.MemberDescriptorType.__get__
_get_property = types.GetSetDescriptorType.__get__
_generic_getattribute = object.__getattribute__
_get_code = types.FunctionType.__dict__["__code__"].__get__

# C properties that answer with what they hold: no copy, no computation, nothing materialised. Not here for
# that reason: `__dict__`, `__annotations__`, `f_locals`, `f_back`, `gi_frame`, `__parameters__`,
# `property.__name__`.
PLAIN_PROPERTIES: dict[str, tuple[str, ...]] = {
    "BaseException": ("args", "__traceback__", "__context__", "__cause__"),
    "_asyncio.Future": ("_exception", "_result", "_loop", "_source_traceback", "_cancel_message"),
    "_asyncio.Task": ("_coro", "_fut_waiter"),
    "_io.BufferedRandom": ("raw",),
    "_io.BufferedReader": ("raw",),
    "_io.BufferedWriter": ("raw",),
    "_io.TextIOWrapper": ("buffer",),
    "_ctypes.CFuncPtr": ("restype", "argtypes", "errcheck"),
    "_ctypes.PyCFuncPtr": ("restype", "argtypes", "errcheck"),
    "async_generator": ("ag_code", "__name__", "__qualname__"),
    "builtin_function_or_method": ("__self__",),
    "cell": ("cell_contents",),
    "coroutine": ("cr_code", "__name__", "__qualname__"),
    "frame": ("f_code", "f_globals", "f_builtins", "f_trace"),
    "function": (
        "__code__",
        "__defaults__",
        "__kwdefaults__",
        "__name__",
        "__qualname__",
        "__module__",
        "__doc__",
    ),
    "generator": ("gi_code", "__name__", "__qualname__"),
    "traceback": ("tb_next",),
    "type": ("__bases__", "__mro__"),
    "Token": ("var", "old_value"),
    "_contextvars.Token": ("var", "old_value"),
}


_NAME_LISTS = ("__annotations__", "__match_args__", "__static_attributes__")  # the last from 3.13


def attribute_label(name: str) -> str:
    """Label of an attribute: '.name'."""
    return f".{safe_text(name, limit=80)}"


def inline_attributes(obj: object) -> Iterator[Candidate]:
    """Attributes stored beside the instance (3.11 and newer), and its `__dict__` where it has one."""
    for name, value_id in memory_layout.attribute_ids(obj) or ():
        yield attribute_label(name) if type(name) is str else "attribute", value_id
    namespace_id = memory_layout.instance_dict_id(obj)
    if namespace_id:
        yield ".__dict__", namespace_id


def members(obj: object, cls: type) -> Iterator[Candidate]:
    """Slots and C members that `cls` defines, under the name that code outside the class writes
    (`._Owner__private`).

    A member descriptor reads one pointer; no user code can stand in its way.
    """
    for name, descriptor in namespace_of(cls):
        if type(descriptor) is types.MemberDescriptorType:
            try:
                value = _get_member(descriptor, obj, cls)
            except Exception:  # noqa: S112  an empty slot, or a descriptor taken from another class
                continue
            is_callback = cls is weakref.ReferenceType and name == "__callback__"
            yield "weakref callback" if is_callback else attribute_label(name), id(value)


def plain_properties(obj: object, cls: type) -> Iterator[Candidate]:
    """What the harmless C properties of `cls` answer."""
    names = PLAIN_PROPERTIES.get(safe_type_name(cls))
    if not names:
        return
    descriptors = dict(namespace_of(cls))
    for name in names:
        descriptor = descriptors.get(name)
        if type(descriptor) is types.GetSetDescriptorType:
            try:
                value = _get_property(descriptor, obj, cls)
            except Exception:  # noqa: S112  an empty cell, an unfinished future
                continue
            yield attribute_label(name), id(value)


def class_of(obj: object) -> Iterator[Candidate]:
    """The reference of an instance to its class, which only classes on the heap count."""
    if flags_of(type(obj)) & HEAP_TYPE:
        yield ".__class__", id(type(obj))


def guessed_attributes(obj: object) -> Iterator[Candidate]:
    """Attributes under the names that the class's own code mentions, for interpreters whose layout is not
    known.
    """
    if memory_layout.attribute_ids(obj) is not None or not flags_of(type(obj)) & HEAP_TYPE:
        return
    taken = [namespace_of(cls) for cls in mro_of(type(obj))]
    for name in _mentioned_names(taken):
        if _is_harmless(name, taken):
            try:
                value = _generic_getattribute(obj, name)
            except Exception:  # noqa: S112  this instance has no such attribute
                continue
            yield attribute_label(name), id(value)


def _mentioned_names(namespaces: list[list[tuple[str, Any]]]) -> list[str]:
    names: dict[str, None] = {}
    for namespace in namespaces:
        for name, value in namespace:
            if type(value) is types.FunctionType:
                names.update(dict.fromkeys(_get_code(value).co_names))
            elif name in _NAME_LISTS and (type(value) is tuple or type(value) is dict):
                listed = elements_of(value) if type(value) is tuple else [key for key, _ in items_of(value)]
                names.update(dict.fromkeys(item for item in listed if type(item) is str))
    return list(names)


def _is_harmless(name: str, namespaces: list[list[tuple[str, Any]]]) -> bool:
    """Reading runs no descriptor: nothing along the MRO under that name has a `__get__`."""
    found = [value for namespace in namespaces for own_name, value in namespace if own_name == name]
    return not any(_has_get(type(value)) for value in found)


def _has_get(cls: type) -> bool:
    return any(name == "__get__" for base in mro_of(cls) for name, _ in namespace_of(base))
