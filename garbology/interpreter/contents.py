"""What a container of the program's holds, read without touching the container: the one door to it.

What is found through gc may be under construction: C code makes a list or tuple with empty (NULL) slots and fills
it later, and to index, iterate, copy or slice it then ends the interpreter. So elements come from
``gc.get_referents`` alone, which leaves empty slots out, and where slots are empty their places are read from
memory as numbers. Another thread may change a dictionary at any time; its entries are taken in one call of a C
function that runs no code of the program and lets no other thread run.
"""

from __future__ import annotations

import collections
import gc
import itertools
import operator
from collections.abc import Sequence
from typing import Any

from garbology.interpreter.memory_layout import can_read_memory, words_at

try:
    import ctypes
except ImportError:  # pragma: no cover - builds without libffi, WebAssembly
    ctypes = None  # type: ignore[assignment]

_HEADER_WORDS = 2  # ob_refcnt and ob_type; then a list has ob_size and ob_item
_MOST_SLOTS = 1 << 40
_get_basicsize = type.__dict__["__basicsize__"].__get__
_TUPLE_ITEMS_BYTES: int = _get_basicsize(tuple)  # they follow the header, which grew by a hash in 3.14


def length_of(obj: Any) -> int:
    """How many slots a list, tuple or deque has, of a subclass too; none of its methods is called."""
    if _is_kind(obj, list):
        return list.__len__(obj)
    return tuple.__len__(obj) if _is_kind(obj, tuple) else collections.deque.__len__(obj)


def elements_of(obj: Any) -> list[object]:
    """The elements of a list, tuple, deque, set or frozenset in their order; empty slots are left out.

    Of an instance of a subclass the elements alone, without its attributes.
    """
    seen = gc.get_referents(obj)
    if _is_kind(obj, list) or _is_kind(obj, tuple):
        filled = len(seen) if _is_exact(obj) else sum(map(bool, slot_ids(obj)))
        return seen[len(seen) - filled :][::-1]  # visited from the end, after what the subclass has
    if _is_kind(obj, collections.deque):
        return seen[len(seen) - collections.deque.__len__(obj) :]
    return seen


def slots_of(obj: Any, item: object) -> list[int]:
    """The places of the slots of a list or tuple that have ``item``, ascending; of a long one no number is made."""
    seen = gc.get_referents(obj)
    if _is_exact(obj) and length_of(obj) == len(seen):
        is_item = map(operator.is_, reversed(seen), itertools.repeat(item))
        return list(itertools.compress(itertools.count(), is_item))
    return [place for place, address in enumerate(slot_ids(obj)) if address == id(item)]


def slot_ids(obj: Any) -> list[int]:
    """``id`` of the element in each slot of a list or tuple; 0 where the slot is empty.

    Where memory cannot be read, what is known of a subclass's instance is its last referents.
    """
    count = length_of(obj)
    seen = gc.get_referents(obj)
    if count == len(seen) and _is_exact(obj):
        return list(map(id, reversed(seen)))
    words = _words_of(obj, count)
    if words is not None:
        return words
    tail = seen[max(0, len(seen) - count) :]
    return [0] * (count - len(tail)) + list(map(id, reversed(tail)))


def slots_are(holder: object, objects: Sequence[object]) -> bool:
    """Whether ``holder`` is a tuple of just these objects: the arguments by which the heap was asked."""
    return type(holder) is tuple and slot_ids(holder) == list(map(id, objects))


def places_of_referents(obj: Any) -> Sequence[int]:
    """For each referent of an exact list or tuple, in the order of ``gc.get_referents``, its index."""
    count = length_of(obj)
    if count == len(gc.get_referents(obj)):
        return range(count - 1, -1, -1)  # no slot is empty; a list of the places would be large
    return [place for place, address in reversed(list(enumerate(slot_ids(obj)))) if address]


def items_of(obj: Any) -> list[tuple[Any, Any]]:
    """Keys and values of a dict, of a subclass too, as one moment saw them.

    ``dict.copy`` asks a subclass that has its own ``__iter__`` for its ``keys``.
    """
    return list(dict.items(obj))


def keys_of_each(dicts: Sequence[dict[Any, Any]]) -> list[tuple[Any, ...]]:
    """The keys of each of some dicts, of subclasses too, as one moment saw them."""
    return list(map(tuple, map(dict.keys, dicts)))


def value_of(namespace: Any, name: str, default: Any = None) -> Any:
    """What a dict has under an exact string. Other keys are not compared: their ``__eq__`` may be the program's.

    A dict whose keys are all exact strings does not show them to the collector; in that the name is looked up.
    """
    if len(gc.get_referents(namespace)) == dict.__len__(namespace):
        return dict.get(namespace, name, default)
    found = (value for key, value in items_of(namespace) if type(key) is str and key == name)
    return next(found, default)


def _words_of(obj: Any, count: int) -> list[int] | None:
    if not count or not can_read_memory():
        return None if count else []
    if _is_kind(obj, tuple):
        return words_at(id(obj) + _TUPLE_ITEMS_BYTES, count)
    # Another thread may move the elements at any time. Attributes and a slice of C types let none run in between.
    view = _ListView.from_address(id(obj))
    words: list[int] = view.items.contents[: view.count] if view.items else []
    return words


def _is_exact(obj: Any) -> bool:
    kind = type(obj)
    return kind is list or kind is tuple


def _is_kind(obj: Any, wanted: type) -> bool:
    return any(base is wanted for base in type.__dict__["__mro__"].__get__(type(obj)))


if ctypes is not None:

    class _ListView(ctypes.Structure):
        _fields_ = [  # noqa: RUF012
            ("before", ctypes.c_size_t * _HEADER_WORDS),
            ("count", ctypes.c_ssize_t),
            ("items", ctypes.POINTER(ctypes.c_size_t * _MOST_SLOTS)),
        ]
