"""Names of what containers hold. Each is copied with one C call first, since other threads may change it
meanwhile.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator
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


ELEMENTS: dict[str, Callable[[Any], Iterator[Candidate]]] = {
    "dict": dict_items,
    "collections.OrderedDict": ordered_dict_keys,
    "collections.deque": deque_items,
    "list": list_items,
    "tuple": tuple_items,
}
