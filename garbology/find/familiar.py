"""Cycles that are known again: of a structure that was read before nothing is named, and nothing advised, once more.

A program leaves the same cycles again and again. What one of them is called depends on its types, on where each
reference stands among those of its source, and on a few names beside: attributes that are there, keys, code. Where
:func:`garbology.cycles.coloring.color` hashes all of that, cycles of equal hashes have equal names, in later snapshots
as well. Not so where a place says less than a name: in frames, exceptions, classes and objects of C code. A cycle with
one of these is read each time.
"""

from __future__ import annotations

import functools
import types
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.coloring import color
from garbology.cycles.components import Components, cycles_in
from garbology.cycles.result import CycleShape
from garbology.interpreter.memory_layout import attributes_tell_places
from garbology.sizes.retained import RetainedSizes
from garbology.snapshot.arrays import tally
from garbology.snapshot.snapshot import Snapshot

_MOST_STRUCTURES = 8_192
_MOST_TYPES = 4_096
_UNSURE = np.uint64(0)
_PLAIN = [
    *(dict, list, tuple, set, frozenset, deque, functools.partial),
    *(types.CellType, types.FunctionType, types.MethodType, types.BuiltinMethodType),
]


@dataclass
class Recognised:
    """What was known again in a snapshot, and what was not.

    Attributes
    ----------
    shapes : those that are known, with what there is of them now in ``count``, ``bytes`` and ``garbage``.
    others : the other components, numbered anew, with their ``weights`` and ``signatures``.
    """

    shapes: list[CycleShape]
    others: Components
    weights: RetainedSizes
    signatures: NDArray[np.uint64]


class Familiar:
    """Structures of cycles by their signatures, each with the shape that it was found to be; at most so many."""

    def __init__(self) -> None:
        self._shapes: dict[int, CycleShape | None] = {}  # None: cycles of this signature have several shapes
        self._types: dict[int, tuple[weakref.ref[type], int]] = {}
        self._types_met = 0

    def recognise(
        self,
        snapshot: Snapshot,
        components: Components,
        weights: RetainedSizes,
        wants_advice: Callable[[CycleShape], bool],
    ) -> Recognised:
        """Tell the cycles whose structure is known from the others; what ``wants_advice`` is one of these."""
        signatures = self._signatures(snapshot, components)
        structures, numbers = np.unique(signatures, return_inverse=True)
        shapes = [self._shapes.get(signature) for signature in structures.tolist()]
        known = [None if shape is None or wants_advice(shape) else shape for shape in shapes]
        others = np.array([shape is None for shape in known], bool)[numbers]
        found = [
            _counted(shape, numbers == number, weights)
            for number, shape in enumerate(known)
            if shape is not None
        ]
        rest = replace(
            weights,
            component_bytes=weights.component_bytes[others],
            component_objects=weights.component_objects[others],
        )
        return Recognised(found, components.only(others), rest, signatures[others])

    def learn(self, shape: CycleShape, signatures: NDArray[np.uint64]) -> None:
        """Cycles of these signatures were read, and are of this shape."""
        if len(self._shapes) >= _MOST_STRUCTURES:
            self._shapes.clear()
        plain = replace(shape, advice=None)
        for signature in signatures[signatures != _UNSURE].tolist():
            known = self._shapes.setdefault(signature, plain)
            if known is not None and known.key != plain.key:
                self._shapes[signature] = None

    def _signatures(self, snapshot: Snapshot, components: Components) -> NDArray[np.uint64]:
        """A hash of each component that is the same for equal ones of other snapshots; 0 where names may differ."""
        cycles = cycles_in(snapshot, components)
        labels, kinds = cycles.of(components.labels), cycles.of(snapshot.kinds)
        there = tally(kinds[labels >= 0], len(snapshot.types)) > 0
        numbers = np.zeros(len(snapshot.types), np.uint64)
        unsure = np.zeros(len(snapshot.types), bool)
        for place in np.flatnonzero(there).tolist():
            numbers[place] = self._number_of(snapshot.types[place])
            unsure[place] = not _is_told_by_places(snapshot.types[place])
        signatures = color(snapshot, components, cycles, ordered=True, numbers=numbers).signatures
        signatures[labels[unsure[kinds] & (labels >= 0)]] = _UNSURE
        return signatures

    def _number_of(self, kind: type) -> int:
        """A number that no other type has had, nor will have."""
        reference, number = self._types.get(id(kind), (None, 0))
        if reference is None or reference() is not kind:
            if len(self._types) >= _MOST_TYPES:
                self._types.clear()
            self._types_met = number = self._types_met + 1
            self._types[id(kind)] = weakref.ref(kind), number
        return number


def _is_told_by_places(kind: type) -> bool:
    return any(kind is each for each in _PLAIN) or attributes_tell_places(kind)


def _counted(shape: CycleShape, chosen: NDArray[np.bool_], weights: RetainedSizes) -> CycleShape:
    """The shape, as often as it is among the ``chosen`` components."""
    return replace(
        shape,
        count=int(chosen.sum()),
        bytes=int(weights.component_bytes[chosen].sum()),
        garbage=int(weights.component_objects[chosen].sum()),
    )
