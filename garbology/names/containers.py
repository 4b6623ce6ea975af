"""Names of what containers hold, by what `garbology.interpreter.contents` reads of them."""

from __future__ import annotations

import collections
import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from garbology.interpreter.contents import elements_of, items_of, length_of, places_of_referents, slot_ids
from garbology.names.attributes import Candidate, attribute_label
from garbology.names.classes import inherited_values, is_class, short_type_name
from garbology.text.escaping import key_text


def key_label(key: object) -> str:
    """Text of a dictionary key: its repr where that cannot run user code, '<Type key>' otherwise."""
    text = key_text(key)
    if text is not None:
        return text
    return f"<class {short_type_name(key)}>" if is_class(key) else f"<{short_type_name(key)} key>"


def dict_items(obj: dict[Any, Any]) -> Iterator[Candidate]:
    """Values first: a dictionary whose keys are all strings does not show its keys to the collector."""
    copied = items_of(obj)
    for key, value in copied:
        yield f"[{key_label(key)}]", id(value)
    for key, _ in copied:
        yield f"key {key_label(key)}", id(key)


def ordered_dict_keys(obj: dict[Any, Any]) -> Iterator[Candidate]:
    """An OrderedDict holds each key a second time, for its order."""
    for key, _ in items_of(obj):
        yield f"key {key_label(key)}", id(key)


def list_items(obj: list[Any]) -> Iterator[Candidate]:
    """Elements by index."""
    for index, address in enumerate(slot_ids(obj)):
        yield f"[{index}]", address


def deque_items(obj: collections.deque[Any]) -> Iterator[Candidate]:
    """Elements by index."""
    for index, item in enumerate(elements_of(obj)):
        yield f"[{index}]", id(item)


def tuple_items(obj: tuple[Any, ...]) -> Iterator[Candidate]:
    """Elements by field name in a namedtuple, by index otherwise."""
    fields = field_names(type(obj))
    for index, address in enumerate(slot_ids(obj)):
        yield attribute_label(fields[index]) if index < len(fields) else f"[{index}]", address


def field_names(cls: type) -> tuple[str, ...]:
    """Field names of a namedtuple class, empty for any other."""
    declared = next(inherited_values(cls, "_fields"), ())
    fields: list[Any] = elements_of(declared) if type(declared) is tuple else []
    return tuple(fields) if all(type(name) is str for name in fields) else ()


def elements_at(obj: Any, positions: Sequence[int]) -> list[tuple[str, object]] | None:
    """The label and the object at some places among all that the collector sees of a large plain container, without
    naming the others; an empty label where there is nothing any more. None of anything else.
    """
    kind = type(obj)
    if kind is dict:
        return _entries_at(obj, positions)
    if all(kind is not known for known in (list, tuple, collections.deque, set, frozenset)):
        return None
    seen = gc.get_referents(obj)
    if kind is list or kind is tuple:
        places = places_of_referents(obj)
        return [_item(f"[{_at(places, position)}]", seen, position) for position in positions]
    if kind is collections.deque:
        before = len(seen) - length_of(obj)  # newer versions show its class first
        if min(positions) < before or not 0 <= before <= 1:
            return None
        return [_item(f"[{position - before}]", seen, position) for position in positions]
    return [_item("set element", seen, position) for position in positions]


def _at(places: Sequence[int], position: int) -> int | str:
    return places[position] if position < len(places) else "?"


def _entries_at(obj: dict[Any, Any], positions: Sequence[int]) -> list[tuple[str, object]] | None:
    items = items_of(obj)
    seen = gc.get_referents(obj)
    each = len(seen) // max(1, len(items))
    if each not in (1, 2) or len(seen) != each * len(items):
        return None
    found = []
    for position in positions:
        (key, value), item = items[position // each], seen[position]
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
