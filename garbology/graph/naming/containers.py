"""Names of what containers hold. Each is copied with one C call first, since other threads may change it
meanwhile.
"""

from __future__ import annotations

import collections
import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from garbology.graph.naming.attributes import Candidate, attribute_label
from garbology.graph.naming.classes import inherited_values, is_class, short_type_name
from garbology.graph.naming.text import key_text


def key_label(key: object) -> str:
    """Text of a dictionary key: its repr where that cannot run user code, '<Type key>' otherwise."""
    text = key_text(key)
    if text is not None:
        return text
    return f"<class {short_type_name(key)}>" if is_class(key) else f"<{short_type_name(key)} key>"


def dict_items(obj: dict[Any, Any]) -> Iterator[Candidate]:
    """Values first: a dictionary whose keys are all strings does not show its keys to the collector."""
    copied = list(dict.items(obj))  # `dict.copy` asks a subclass that has its own `__iter__` for its `keys`
    for key, value in copied:
        yield f"[{key_label(key)}]", id(value)
    for key, _ in copied:
        yield f"key {key_label(key)}", id(key)


def ordered_dict_keys(obj: dict[Any, Any]) -> Iterator[Candidate]:
    """An OrderedDict holds each key a second time, for its order."""
    for key, _ in list(dict.items(obj)):
        yield f"key {key_label(key)}", id(key)


def list_items(obj: list[Any]) -> Iterator[Candidate]:
    """Elements by index."""
    for index, item in enumerate(list.copy(obj)):
        yield f"[{index}]", id(item)


def deque_items(obj: collections.deque[Any]) -> Iterator[Candidate]:
    """Elements by index (`deque.copy` would call the class)."""
    for index, item in enumerate(list(collections.deque.__iter__(obj))):
        yield f"[{index}]", id(item)


def tuple_items(obj: tuple[Any, ...]) -> Iterator[Candidate]:
    """Elements by field name in a namedtuple, by index otherwise."""
    fields = field_names(type(obj))
    for index, item in enumerate(tuple.__iter__(obj)):
        yield attribute_label(fields[index]) if index < len(fields) else f"[{index}]", id(item)


def field_names(cls: type) -> tuple[str, ...]:
    """Field names of a namedtuple class, empty for any other."""
    fields = next(inherited_values(cls, "_fields"), ())
    if type(fields) is tuple and all(type(name) is str for name in fields):
        return fields
    return ()


def elements_at(obj: Any, positions: Sequence[int]) -> list[tuple[str, object]] | None:
    """The label and the object at some places among all that the collector sees of a large plain container, without
    naming the others; an empty label where there is nothing any more. None of anything else.
    """
    kind = type(obj)
    if kind is list or kind is tuple:  # visited from the end
        indexes = [len(obj) - 1 - position for position in positions]
        return [_item(f"[{index}]", obj, index) for index in indexes]
    if kind is collections.deque:
        copied = list(obj)
        before = len(gc.get_referents(obj)) - len(copied)  # newer versions show its class first
        if min(positions) < before or not 0 <= before <= 1:
            return None
        return [_item(f"[{position - before}]", copied, position - before) for position in positions]
    if kind is set or kind is frozenset:
        seen = gc.get_referents(obj)
        return [_item("set element", seen, position) for position in positions]
    return _entries_at(obj, positions) if kind is dict else None


def _entries_at(obj: dict[Any, Any], positions: Sequence[int]) -> list[tuple[str, object]] | None:
    keys, values = list(obj), list(obj.values())
    seen = gc.get_referents(obj)
    each = len(seen) // max(1, len(keys))
    if each not in (1, 2) or len(seen) != each * len(keys) or len(keys) != len(values):
        return None
    found = []
    for position in positions:
        key, value, item = keys[position // each], values[position // each], seen[position]
        if item is not value and item is not key:
            return None
        found.append((f"[{key_label(key)}]" if item is value else f"key {key_label(key)}", item))
    return found


def _item(label: str, items: Sequence[object], index: int) -> tuple[str, object]:
    try:
        return (label, items[index]) if index >= 0 else ("", None)
    except IndexError:  # another thread took it out
        return "", None


ELEMENTS: dict[str, Callable[[Any], Iterator[Candidate]]] = {
    "dict": dict_items,
    "collections.OrderedDict": ordered_dict_keys,
    "collections.deque": deque_items,
    "list": list_items,
    "tuple": tuple_items,
}
