"""Bytes that objects hold, each buffer once.

An object is charged with what goes when it alone dies: its own memory as `sys.getsizeof` counts it (with the
collector's header), the inline attribute values that `sys.getsizeof` omits from 3.11 on, and the buffer
that it owns. A view (a slice of an array, a `memoryview`) is charged with its header only: the buffer
belongs to the object that owns it, and counts if that object is among the given ones
(`garbology.graph.buffers` says who owns what).

A `__sizeof__` written in Python never runs: the nearest one written in C along the MRO is called in its
place.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from garbology.graph.addresses import types_of
from garbology.graph.buffers import Buffers, SizeFunction, register_size, size_function_of
from garbology.graph.naming.classes import (
    COLLECTED_TYPE,
    MANAGED_DICT,
    MANAGED_WEAKREF,
    flags_of,
    inherited_values,
    itemsize_of,
)
from garbology.interpreter.memory_layout import inline_values_bytes

__all__ = ["bytes_of_each", "held_bytes", "object_bytes", "register_size"]

_HEADER_BYTES = sys.getsizeof([]) - list.__sizeof__([])  # the collector's; 0 in free-threaded builds
_WORD = 8
_object_sizeof = object.__dict__["__sizeof__"]


def object_bytes(obj: object) -> int:
    """Bytes of one object and of the buffers that it owns."""
    return int(bytes_of_each([obj])[0])


def held_bytes(objects: Iterable[object], notes: list[str] | None = None) -> int:
    """Bytes of all the objects together; an object that is given twice counts once."""
    distinct = list({id(obj): obj for obj in objects}.values())
    return int(bytes_of_each(distinct, notes).sum())


def bytes_of_each(objects: Sequence[object], notes: list[str] | None = None) -> NDArray[np.int64]:
    """Bytes of each object, int64, shape (len(objects),); a buffer that several share counts at the first
    of them.

    Parameters
    ----------
    objects : distinct objects.
    notes : takes one sentence for each type whose registered size function failed.
    """
    samples, codes = _one_of_each_type(objects)
    rules = [_rule_of(sample) for sample in samples]
    sizes = np.array([rule.fixed_bytes for rule in rules], np.int64)[codes]
    for measure in (sys.getsizeof, _unbound_bytes):
        mask = np.array([rule.measure is measure for rule in rules], bool)[codes]
        if mask.any():
            chosen = compress(objects, mask.tobytes())
            sizes[mask] = np.fromiter(map(measure, chosen), np.int64, int(mask.sum()))
    buffers = Buffers()
    for number, rule in enumerate(rules):
        if rule.has_inline_values or rule.buffers is not None:
            mask = codes == number
            alike = list(compress(objects, mask.tobytes()))
            if rule.has_inline_values:
                sizes[mask] += inline_values_bytes(alike)
            if rule.buffers is not None:
                sizes[mask] += [buffers.new_bytes(obj, rule.buffers) for obj in alike]
    if notes is not None:
        notes.extend(buffers.notes.values())
    return sizes


@dataclass(frozen=True)
class _Rule:
    """How the instances of one type are weighed: all alike, or each by `measure`."""

    fixed_bytes: int
    measure: object
    has_inline_values: bool
    buffers: SizeFunction | None


def _one_of_each_type(objects: Sequence[object]) -> tuple[list[object], NDArray[np.int32]]:
    """One instance of each type, and the number of each object's type."""
    types, kinds = types_of(objects)
    places = np.empty(len(types), np.int64)
    places[kinds] = np.arange(len(objects))
    return [objects[place] for place in places.tolist()], kinds


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
