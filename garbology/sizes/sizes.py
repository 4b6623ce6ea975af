"""Bytes that objects hold, each buffer once.

An object is charged with what goes when it alone dies: its own memory as `sys.getsizeof` counts it (with the
collector's header), the inline attribute values that `sys.getsizeof` omits from 3.11 on, and the buffer
that it owns. A view (a slice of an array, a `memoryview`) is charged with its header only: the buffer
belongs to the object that owns it, and counts if that object is among the given ones
(`garbology.sizes.buffers` says who owns what).

A `__sizeof__` written in Python never runs: the nearest one written in C along the MRO is called in its
place.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from garbology.interpreter.memory_layout import inline_values_bytes
from garbology.names.classes import (
    COLLECTED_TYPE,
    MANAGED_DICT,
    MANAGED_WEAKREF,
    flags_of,
    inherited_values,
    itemsize_of,
)
from garbology.sizes.buffers import Buffers, SizeFunction, register_size, size_function_of
from garbology.snapshot.addresses import addresses_of, types_of
from garbology.snapshot.arrays import blocks

__all__ = ["bytes_of_each", "held_bytes", "object_bytes", "register_size"]

_HEADER_BYTES = sys.getsizeof([]) - list.__sizeof__([])  # the collector's; 0 in free-threaded builds
_WORD = 8
_FEW_TYPES = 8  # whose objects are looked for one type after the other
#: Distinct types, and which of them each of some objects has: int32, shape (n,).
Kinds = tuple[list[type], NDArray[np.int32]]
_object_sizeof = object.__dict__["__sizeof__"]


def object_bytes(obj: object) -> int:
    """Bytes of one object and of the buffers that it owns."""
    return int(bytes_of_each([obj])[0])


def held_bytes(objects: Iterable[object], notes: list[str] | None = None) -> int:
    """Bytes of all the objects together; an object that is given twice counts once."""
    distinct = list({id(obj): obj for obj in objects}.values())
    return int(bytes_of_each(distinct, notes).sum())


def bytes_of_each(
    objects: Sequence[object], notes: list[str] | None = None, kinds: Kinds | None = None
) -> NDArray[np.int64]:
    """Bytes of each object, int64, shape (len(objects),); a buffer that several share counts at the first
    of them.

    Parameters
    ----------
    objects : distinct objects.
    notes : takes one sentence for each type whose registered size function failed.
    kinds : the types and which of them each object has, where that is known.
    """
    types, codes = kinds or types_of(objects)
    rules = _rules(objects, types, codes)
    buffers = Buffers()
    sizes = np.empty(len(codes), np.int64)
    for block in blocks(len(codes)):
        sizes[block] = _bytes_of_some(objects[block], types, codes[block], rules, buffers)
    if notes is not None:
        notes.extend(buffers.notes.values())
    return sizes


def _bytes_of_some(
    objects: Sequence[object],
    types: list[type],
    codes: NDArray[np.int32],
    rules: Sequence[_Rule],
    buffers: Buffers,
) -> NDArray[np.int64]:
    sizes = np.array([rule.fixed_bytes for rule in rules], np.int64)[codes]
    for measure in (sys.getsizeof, _unbound_bytes):
        mask = np.array([rule.measure is measure for rule in rules], bool)[codes]
        if mask.any():
            chosen = compress(objects, mask.tobytes())
            sizes[mask] = np.fromiter(map(measure, chosen), np.int64, int(mask.sum()))
    more = [rule.has_inline_values or rule.buffers is not None for rule in rules]
    addresses = addresses_of(objects if any(more) else [])
    for number, places in _places_of_each(codes, np.array(more, bool)):
        rule = rules[number]
        if rule.has_inline_values:
            sizes[places] += inline_values_bytes(types[number], addresses[places])
        if rule.buffers is not None:
            sizes[places] += [buffers.new_bytes(objects[place], rule.buffers) for place in places.tolist()]
    return sizes


def _places_of_each(
    codes: NDArray[np.int32], wanted: NDArray[np.bool_]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The ``wanted`` numbers that are among ``codes``, each with its places there, ascending."""
    if wanted.sum() <= _FEW_TYPES:
        each = ((number, np.flatnonzero(codes == number)) for number in np.flatnonzero(wanted).tolist())
        yield from ((number, places) for number, places in each if len(places))
        return
    small = (
        codes.astype(np.uint16) if len(wanted) <= 1 << 16 else codes
    )  # 16 bits are sorted without comparing
    order = np.argsort(small, kind="stable")
    times = np.bincount(codes, minlength=len(wanted))
    ends = np.cumsum(times).tolist()
    for number in np.flatnonzero(wanted & (times > 0)).tolist():
        yield number, order[ends[number - 1] if number else 0 : ends[number]]


@dataclass(frozen=True)
class _Rule:
    """How the instances of one type are weighed: all alike, or each by `measure`."""

    fixed_bytes: int
    measure: object
    has_inline_values: bool
    buffers: SizeFunction | None


def _rules(objects: Sequence[object], types: list[type], codes: NDArray[np.int32]) -> list[_Rule]:
    """How the instances of each type are weighed; nothing is said of types that no object has."""
    places = np.full(len(types), -1, np.int64)
    for block in blocks(len(codes)):
        places[codes[block]] = np.arange(block.start, block.stop)
    return [_rule_of(objects[place]) if place >= 0 else _NONE for place in places.tolist()]


_NONE = _Rule(0, None, has_inline_values=False, buffers=None)


def _rule_of(sample: object) -> _Rule:
    cls = type(sample)
    nearest = next(inherited_values(cls, "__sizeof__"), None)
    written_in_c = type(nearest) is types.MethodDescriptorType
    measure = sys.getsizeof if written_in_c else _unbound_bytes
    alike = _first_in_c(cls) is _object_sizeof and not itemsize_of(cls)
    return _Rule(
        fixed_bytes=measure(sample) if alike else 0,
        measure=None if alike else measure,
        has_inline_values=bool(flags_of(cls) & MANAGED_DICT),
        buffers=size_function_of(cls),
    )


def _first_in_c(cls: type) -> types.MethodDescriptorType:
    for value in inherited_values(cls, "__sizeof__"):
        if type(value) is types.MethodDescriptorType:
            return value
    raise LookupError("object has a __sizeof__ written in C")


def _unbound_bytes(obj: object) -> int:
    """What `sys.getsizeof` would say if no `__sizeof__` were written in Python."""
    cls = type(obj)
    size: int = _first_in_c(cls)(obj)
    return size + _header_bytes(cls)


def _header_bytes(cls: type) -> int:
    """What lies before the object: the collector's header, and from 3.11 two words for dictionary and
    weakrefs.
    """
    flags = flags_of(cls)
    managed = MANAGED_DICT | (MANAGED_WEAKREF if sys.version_info[:2] >= (3, 12) else 0)
    words = 2 * _WORD if sys.version_info[:2] >= (3, 11) and flags & managed else 0
    return words + (_HEADER_BYTES if flags & COLLECTED_TYPE else 0)
