"""A window's objects, their reference counts and their referents, as arrays.

Everything is read with C loops over C functions, so no user code runs: no ``repr``, ``==`` or ``hash`` of a
watched object, and no ``__dict__`` is touched before its referents are read (touching it changes the graph).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CHUNK = 16_384  # objects whose referents are held at one time


class Index:
    """From addresses to places in a list of objects."""

    def __init__(self, objects: Sequence[object]) -> None:
        addresses = addresses_of(objects)
        self._order = np.argsort(addresses, kind="stable").astype(np.int32)  # nearly sorted: runs pay
        self._sorted = addresses[self._order]

    def find(self, addresses: NDArray[np.int64]) -> NDArray[np.int32]:
        """Place of each address among the objects, -1 where it is none of theirs: int32, the same shape."""
        if not len(self._sorted):
            return np.full(addresses.shape, -1, np.int32)
        places = np.searchsorted(self._sorted, addresses)
        places[places == len(self._sorted)] = 0
        return np.where(self._sorted[places] == addresses, self._order[places], np.int32(-1)).astype(np.int32)


@dataclass(frozen=True)
class Snapshot:
    """Objects and the references between them, as one moment saw them.

    Attributes
    ----------
    objects : the objects, each once. Object ``i`` below means ``objects[i]``.
    counts : int64, shape (n,). References that hold each object, less those of the snapshot itself.
    starts, targets : int32, shapes (n + 1,) and (m,). The referents of object ``i`` among the objects are
        ``targets[starts[i]:starts[i + 1]]``, in the order in which its type's ``tp_traverse`` visits them, with
        their multiplicity.
    positions : int32, shape (m,). Where each of those stands among all referents of its source.
    unsettled : bool, shape (n,). The count changed while the snapshot was taken: another thread is using it.
    index : from addresses to places in ``objects``.
    types : the distinct types of the objects.
    kinds : int32, shape (n,). Which of ``types`` each object has.
    """

    objects: list[object]
    counts: NDArray[np.int64]
    starts: NDArray[np.int32]
    targets: NDArray[np.int32]
    positions: NDArray[np.int32]
    unsettled: NDArray[np.bool_]
    index: Index
    types: list[type]
    kinds: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.objects)

    @property
    def sources(self) -> NDArray[np.int32]:
        """The source of each edge: int32, shape (m,)."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))


def addresses_of(objects: Sequence[object]) -> NDArray[np.int64]:
    """``id`` of each object: int64, shape (n,)."""
    return np.fromiter(map(id, objects), np.int64, len(objects))


def types_of(objects: Sequence[object]) -> tuple[list[type], NDArray[np.int32]]:
    """The distinct types of ``objects``, and which of them each object has (int32, shape (n,))."""
    every = list(map(type, objects))
    distinct = dict(zip(map(id, every), every, strict=True))  # by address: a metaclass may define __hash__
    addresses = np.sort(np.fromiter(distinct, np.int64, len(distinct)))
    kinds = np.searchsorted(addresses, addresses_of(every)).astype(np.int32)
    return [distinct[address] for address in addresses.tolist()], kinds


@dataclass(frozen=True)
class Referents:
    """The referents of some objects in a row: ``objects`` with one mark behind the last referent of each.

    Attributes
    ----------
    objects : list of the referents and the marks.
    addresses : int64, their ``id``.
    marks : int64, the places of the marks, one for each object that was asked.
    """

    objects: list[object]
    addresses: NDArray[np.int64]
    marks: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.marks)

    def owners(self) -> NDArray[np.int64]:
        """Which of the asked objects each entry (also a mark) belongs to."""
        return np.repeat(np.arange(len(self.marks)), np.diff(self.marks, prepend=-1))


def referents_in_chunks(objects: Sequence[object]) -> Iterator[Referents]:
    """The referents of ``objects``, some thousand objects at a time; drop one answer before the next.

    One call of ``gc.get_referents`` for many objects costs half of one call for each; a private mark between
    the objects tells them apart in its answer.
    """
    mark = object()
    fence = [mark]
    for first in range(0, len(objects), _CHUNK):
        chunk = objects[first : first + _CHUNK]
        fenced: list[object] = [fence] * (2 * len(chunk))
        fenced[::2] = chunk
        referents = gc.get_referents(*fenced)
        del chunk, fenced
        addresses = addresses_of(referents)
        answer = Referents(referents, addresses, np.flatnonzero(addresses == id(mark)))
        del referents
        yield answer
        del answer


def take(objects: list[object]) -> Snapshot:
    """Read counts and referents of ``objects``, which the caller holds once, in this list."""
    counts = count_each(objects)
    index = Index(objects)
    degrees: list[NDArray[np.int32]] = []
    targets: list[NDArray[np.int32]] = []
    positions: list[NDArray[np.int32]] = []
    for referents in referents_in_chunks(objects):
        found = index.find(referents.addresses)
        edges = np.flatnonzero(found >= 0)
        owners = referents.owners()[edges]
        begins = np.concatenate([[-1], referents.marks[:-1]]) + 1
        degrees.append(np.bincount(owners, minlength=len(referents)).astype(np.int32))
        targets.append(found[edges])
        positions.append((edges - begins[owners]).astype(np.int32))
        del referents
    starts = np.zeros(len(objects) + 1, np.int32)
    np.cumsum(_joined(degrees), out=starts[1:])
    unsettled = count_each(objects) != counts
    types, kinds = types_of(objects)
    return Snapshot(
        objects, counts, starts, _joined(targets), _joined(positions), unsettled, index, types, kinds
    )


def _joined(parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    return np.concatenate(parts) if parts else np.empty(0, np.int32)


def count_each(objects: Sequence[object]) -> NDArray[np.int64]:
    """Reference counts of all of ``objects``, less the reference that ``objects`` itself holds to each.

    Parameters
    ----------
    objects : a list; each of its entries is one reference, which is taken off.

    Returns
    -------
    int64 array of shape ``(len(objects),)``; immortal objects keep their huge count.

    The whole count is one C loop, so under the GIL no other thread runs between two of its objects.
    """
    return _raw_counts(objects) - _COST_OF_COUNTING


def _raw_counts(objects: Sequence[object]) -> NDArray[np.int64]:
    return np.fromiter(map(sys.getrefcount, objects), np.int64, len(objects))


def _cost_of_counting() -> int:
    probe = object()
    return int(_raw_counts([probe])[0]) - 1  # its one other reference is the local


_COST_OF_COUNTING = _cost_of_counting()
