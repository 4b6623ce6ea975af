"""A window's objects, their reference counts and their referents, as arrays.

Everything is read with C loops over C functions, so no user code runs: no ``repr``, ``==`` or ``hash`` of a
watched object, and no ``__dict__`` is touched before its referents are read (touching it changes the graph).
"""

from __future__ import annotations

import bisect
import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.interpreter.traversal import leave_out_dangerous
from garbology.snapshot.addresses import Index, addresses_of, types_of

__all__ = [
    "Index",
    "Referents",
    "Snapshot",
    "addresses_of",
    "count_each",
    "referents_in_chunks",
    "take",
    "types_of",
]

_CHUNK = 4_096  # objects whose referents are held at one time


@dataclass(frozen=True)
class Snapshot:
    """Objects and the references between them, as one moment saw them.

    Attributes
    ----------
    objects : the objects, each once. Object ``i`` below means ``objects[i]``.
    counts : int32, shape (n,). References that hold each object, less those of the snapshot itself; an immortal
        object's huge count is cut to fit.
    starts, targets : int32, shapes (n + 1,) and (m,). The referents of object ``i`` among the objects are
        ``targets[starts[i]:starts[i + 1]]``, in the order in which its type's ``tp_traverse`` visits them, with
        their multiplicity.
    positions : int32, or uint16 where that is enough, shape (m,). Where each of those stands among all referents
        of its source.
    unsettled : bool, shape (n,). The count changed while the snapshot was taken: another thread is using it.
    index : from addresses to places in ``objects``.
    types : the distinct types of the objects.
    kinds : int32, shape (n,). Which of ``types`` each object has.
    """

    objects: list[object]
    counts: NDArray[np.int32]
    starts: NDArray[np.int32]
    targets: NDArray[np.int32]
    positions: NDArray[Any]
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

    def source_of(self, edge: int) -> int:
        """The source of one edge."""
        return bisect.bisect_right(self.starts, edge) - 1  # NumPy would copy `starts` for a Python integer


@dataclass(frozen=True)
class Referents:
    """The referents of some objects in a row: ``objects`` with one mark behind the last referent of each.

    Attributes
    ----------
    objects : list of the referents and the marks.
    addresses : int64, their ``id``.
    marks : int64, the places of the marks, one for each object that was asked.
    mark : the address of the mark.
    """

    objects: list[object]
    addresses: NDArray[np.int64]
    marks: NDArray[np.int64]
    mark: int

    def __len__(self) -> int:
        return len(self.marks)

    def owners(self, block: slice | None = None) -> NDArray[np.int32]:
        """Which of the asked objects each entry (also a mark) belongs to, or each of a block of entries."""
        chosen = block or slice(0, len(self.addresses))
        ends = np.clip(self.marks + 1, chosen.start, chosen.stop)
        return np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=chosen.start))


def referents_in_chunks(
    objects: Sequence[object], start: int = 0, stop: int | None = None
) -> Iterator[Referents]:
    """The referents of ``objects[start:stop]``, some thousand objects at a time; drop one answer before the next.

    One call of ``gc.get_referents`` for many objects costs half of one call for each; a private mark between
    the objects tells them apart in its answer.
    """
    mark = object()
    fence = [mark]
    end = len(objects) if stop is None else stop
    for first in range(start, end, _CHUNK):
        chunk = objects[first : min(first + _CHUNK, end)]
        fenced: list[object] = [fence] * (2 * len(chunk))
        fenced[::2] = chunk
        leave_out_dangerous(fenced)
        referents = gc.get_referents(*fenced)
        del chunk, fenced
        addresses = addresses_of(referents)
        answer = Referents(referents, addresses, np.flatnonzero(addresses == id(mark)), id(mark))
        del referents
        yield answer
        del answer


def take(objects: list[object]) -> Snapshot:
    """Read counts and referents of ``objects``, which the caller holds once, in this list."""
    counts = _fitting(count_each(objects))
    index = Index(objects)
    edges = _Edges(len(objects))
    for referents in referents_in_chunks(objects):
        edges.add(referents, index)
        del referents
    unsettled = _fitting(count_each(objects)) != counts
    types, kinds = types_of(objects)
    return Snapshot(
        objects,
        counts,
        edges.starts,
        edges.targets.whole(),
        edges.positions.whole(),
        unsettled,
        index,
        types,
        kinds,
    )


class _Edges:
    """The references inside a snapshot, as they are found."""

    def __init__(self, count: int) -> None:
        self.starts = np.zeros(count + 1, np.int32)
        self.targets = _Growing(count, np.dtype(np.int32))
        self.positions = _Growing(count, np.dtype(np.uint16))
        self._done = 0

    def add(self, referents: Referents, index: Index) -> None:
        """Take in what the next objects refer to."""
        targets = index.find(referents.addresses)
        inside = targets >= 0
        ends = np.cumsum(inside, dtype=np.int32)[referents.marks]
        begins = np.append(np.int32(0), referents.marks[:-1] + 1).astype(np.int32)
        degrees = np.diff(ends, prepend=np.int32(0))
        self.targets.append(targets[inside])
        self.positions.append(np.flatnonzero(inside).astype(np.int32) - np.repeat(begins, degrees))
        done = self._done + len(referents)
        self.starts[self._done + 1 : done + 1] = ends + self.starts[self._done]
        self._done = done


class _Growing:
    """An array that grows in its place: parts joined at the end would leave as much memory behind again.

    It is of int32 as soon as a number needs that.
    """

    def __init__(self, room: int, kind: np.dtype[Any]) -> None:
        self._array = np.empty(room, kind)
        self._used = 0

    def append(self, part: NDArray[np.int32]) -> None:
        """Put ``part`` at the end."""
        used = self._used + len(part)
        if used > len(self._array):
            self._array.resize(max(used, len(self._array) * 3 // 2), refcheck=False)
        if part.max(initial=0) > np.iinfo(self._array.dtype).max:
            self._array = self._array.astype(np.int32)
        self._array[self._used : used] = part
        self._used = used

    def whole(self) -> NDArray[Any]:
        """All of it; nothing is appended afterwards."""
        self._array.resize(self._used, refcheck=False)
        return self._array


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


def _fitting(counts: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.minimum(counts, np.iinfo(np.int32).max, out=counts).astype(np.int32)


def _raw_counts(objects: Sequence[object]) -> NDArray[np.int64]:
    return np.fromiter(map(sys.getrefcount, objects), np.int64, len(objects))


def _cost_of_counting() -> int:
    probe = object()
    return int(_raw_counts([probe])[0]) - 1  # its one other reference is the local


_COST_OF_COUNTING = _cost_of_counting()
