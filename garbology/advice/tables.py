"""Weak references in containers: what a set, a dict of like values or a record of fixed names is to become."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from garbology.advice.sampling import is_made_by_the_program
from garbology.cycles.folding import Link
from garbology.interpreter.traversal import safe_referents
from garbology.names.attribute_code import functions_of
from garbology.names.edges import named_referents, named_referents_at

_MOST_ENTRIES = 64  # of a dict that are looked at
_CACHE_NAMES = ("cache", "registry", "registered", "instances", "lookup", "memo", "index", "pool", "by_")
_RECORDS = (".__dict__", ".__kwdefaults__", ".keywords")


def container_remedy(link: Link) -> tuple[str, str] | None:
    """The remedy's name and the end of its sentence, with `{target}` in it, for what a set or a dict holds."""
    last = link.steps[-1]
    kind = type(last.holder)
    if kind is set:
        return "WeakSet", "is an element of a set: make the set a weakref.WeakSet"
    if kind is frozenset:
        return "weakref", "is an element of a frozenset: keep weakref.ref(...) in it"
    if kind is not dict:
        return None
    if last.label.startswith("key "):
        return "WeakKeyDictionary", "is a key of a dict: make the dict a weakref.WeakKeyDictionary"
    if not last.label.startswith("[") or _holds_attributes(link):
        return None
    if is_table(link):
        return "WeakValueDictionary", "only looks {target} up: make it a weakref.WeakValueDictionary"
    return "weakref", "has a fixed name: hold weakref.ref(...) or weakref.proxy(...) at that key"


def _holds_attributes(link: Link) -> bool:
    """Whether the dict is an object's own, whose values are its attributes."""
    in_thread = not link.label.endswith(
        "]"
    )  # thread-local data, whose attributes are in a dict of each thread
    return len(link.steps) > 1 and (link.steps[-2].label == ".__dict__" or in_thread)


def is_table(link: Link) -> bool:
    """Whether a dict looks like values up by keys that differ; else it is a record, whose names stand in the source."""
    table = link.steps[-1].holder
    if len(link.steps) > 1 and (
        link.steps[-2].label in _RECORDS
        or (link.steps[-2].label == ".cell_contents" and "kw" in link.label.lower())
    ):
        return False
    entries = _entries(table)
    values = [value for label, value in entries if label.startswith("[")]
    keys = [label for label, _ in entries if label.startswith("[")]
    if not all(map(takes_weak_references, values)):
        return False  # a record of several things
    if not all(key.startswith(("['", '["')) for key in keys):
        return True
    if _are_names_in_the_source(keys, link):
        return False
    return len(keys) > 1 or is_called_a_cache(link.label) or _is_plural(link.label)


def _entries(table: Any) -> list[tuple[str, object]]:
    """Some entries of a dict, values by `['key']`; only what the collector shows is read."""
    count = len(safe_referents(table))
    if count <= _MOST_ENTRIES:
        return named_referents(table)
    return named_referents_at(table, range(_MOST_ENTRIES))


def _are_names_in_the_source(keys: list[str], link: Link) -> bool:
    """Whether the keys stand as constants in the code of the classes that the edge joins."""
    owners = [type(link.steps[0].holder), type(link.steps[-1].referent)]
    classes = [owner for owner in owners if is_made_by_the_program(owner)]
    codes = [function.__code__ for owner in classes for _, function in functions_of(owner)]
    constants = {text for code in codes for constant in code.co_consts for text in _texts(constant)}
    return {key[2:-2] for key in keys} <= constants


def _texts(constant: object) -> list[str]:
    several = constant if type(constant) is tuple else (constant,)
    return [each for each in several if type(each) is str]


def is_called_a_cache(label: str) -> bool:
    """Whether a name says that things are looked up: `_cache`, `instances`, `by_name`."""
    return any(word in label.lower() for word in _CACHE_NAMES)


def _is_plural(label: str) -> bool:
    name = label.partition("[")[0].lower()
    return name.endswith("s") and not name.endswith(("ss", "kwargs"))


def has_its_address_for_key(table: object, value: object) -> bool:
    """Whether a dict holds something by its own address, as `ctypes` keeps what something was made from."""
    if type(table) is not dict:
        return False
    return any(label == f"[{id(value)}]" and held is value for label, held in _entries(table))


def attribute_leads_out(obj: object, name: str, is_inside: Callable[[object], bool]) -> bool:
    """Whether an attribute of an object holds something that is not on the cycle, so that a closure may hold it."""
    for label, value in named_referents(obj):
        if label == f".{name}":
            return not is_inside(value)
        if label == ".__dict__" and type(value) is dict and attribute_in(value, name, is_inside):
            return True
    return False


def attribute_in(namespace: dict[str, object], name: str, is_inside: Callable[[object], bool]) -> bool:
    """The same of an object's own dict."""
    return any(label == f"['{name}']" and not is_inside(value) for label, value in named_referents(namespace))


def takes_weak_references(obj: object) -> bool:
    """Whether a weak reference to it can be made."""
    offset = type.__dict__["__weakrefoffset__"].__get__(type(obj))
    known = (types.FunctionType, set, types.GeneratorType)
    return bool(offset) or any(type(obj) is kind for kind in known)  # `in` would ask the metaclass
