"""Objects of four attributes in every layout, and ways to refer to many of them."""

from __future__ import annotations

import gc
import weakref
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Plain:
    """An ordinary class: its instances have a `__dict__`."""

    def __init__(self, a: Any, b: Any, c: Any, d: Any) -> None:
        self.a, self.b, self.c, self.d = a, b, c, d


class Slotted:
    """The same with a fixed place for each attribute, and neither `__dict__` nor weak references."""

    __slots__ = ("a", "b", "c", "d")

    def __init__(self, a: Any, b: Any, c: Any, d: Any) -> None:
        self.a, self.b, self.c, self.d = a, b, c, d


class SlottedReferable(Slotted):
    """Slots, and a place to remember weak references."""

    __slots__ = ("__weakref__",)


@dataclass
class Data:
    """A dataclass, as one writes it."""

    a: Any
    b: Any
    c: Any
    d: Any


@dataclass(slots=True)
class SlottedData:
    """A dataclass with slots."""

    a: Any
    b: Any
    c: Any
    d: Any


Named = namedtuple("Named", "a b c d")


def make_tuple(a: Any, b: Any, c: Any, d: Any) -> Any:
    """A tuple of the four values."""
    return (a, b, c, d)


def make_dict(a: Any, b: Any, c: Any, d: Any) -> Any:
    """A dict of the four values."""
    return {"a": a, "b": b, "c": c, "d": d}


def make_and_read_dict(a: Any, b: Any, c: Any, d: Any) -> Any:
    """An ordinary instance whose `__dict__` has been read once."""
    instance = Plain(a, b, c, d)
    vars(instance)
    return instance


MAKE: dict[str, Callable[..., Any]] = {
    "tuple": make_tuple,
    "namedtuple": Named,
    "dict": make_dict,
    "__slots__": Slotted,
    "slots, weakref": SlottedReferable,
    "class": Plain,
    "class, dict read": make_and_read_dict,
    "dataclass": Data,
    "dataclass, slots": SlottedData,
}


def fill(places: list[Any], make: Callable[..., Any], values: tuple[Any, ...]) -> None:
    """Put a new object into every place."""
    for index in range(len(places)):
        places[index] = make(*values)


def references_visited(obj: object) -> int:
    """How many references the collector follows from an object, and from its dictionary if it has one."""
    if not gc.is_tracked(obj):
        return 0
    referents = gc.get_referents(obj)
    dictionaries = [each for each in referents if type(each) is dict and gc.is_tracked(each)]
    return len(referents) + sum(len(gc.get_referents(each)) for each in dictionaries)


def nothing(_: object = None) -> None:
    """A callback that does nothing."""


def read_directly(holders: list[Any]) -> None:
    """An attribute of each."""
    for holder in holders:
        holder.a


def read_by_call(holders: list[Any]) -> None:
    """An attribute of what each weak reference refers to."""
    for holder in holders:
        holder().a


def read_by_key(holders: Any) -> None:
    """An attribute of each value."""
    for key in range(len(holders)):
        holders[key].a


def hold_weak_values(objects: list[Any]) -> Any:
    """The objects as values of a dictionary that does not keep them."""
    holders: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
    for key, obj in enumerate(objects):
        holders[key] = obj
    return holders


HOLD_AND_READ: dict[str, tuple[Callable[[list[Any]], Any], Callable[[Any], None] | None]] = {
    "strong": (lambda objects: [obj for obj in objects], read_directly),  # noqa: C416 - as the others do
    "weakref.ref": (lambda objects: [weakref.ref(obj) for obj in objects], read_by_call),
    "ref with callback": (lambda objects: [weakref.ref(obj, nothing) for obj in objects], read_by_call),
    "weakref.proxy": (lambda objects: [weakref.proxy(obj) for obj in objects], read_directly),
    "weakref.finalize": (lambda objects: [weakref.finalize(obj, nothing) for obj in objects], None),
    "weak dict value": (hold_weak_values, read_by_key),
}
