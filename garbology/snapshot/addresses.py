"""Addresses of objects as arrays, and the way back from an address to a place in a list.

CPython's ``id`` is the address. An array of objects holds just these addresses, so they are read from its buffer,
four times as fast as by calling ``id`` for each; no method of an object is called either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from garbology.snapshot.arrays import blocks, distinct, without_repeats

_BLOCK = 16_384  # objects that are held at one time: what fits a processor's cache
_PAGE_BITS = 12
_CELL_BITS = 5  # two objects that the collector tracks are at least 32 bytes apart
_IN_CELL = (1 << _CELL_BITS) - 1  # an object begins at 0 or 16 of it: one bit says which
_CELLS = 1 << (_PAGE_BITS - _CELL_BITS)
_MOST_CELLS = 6  # for each object
_REGION_BITS = 8  # of pages: an arena, of 256 or of 64 pages, lies in one region
_REGION_PAGES = 1 << _REGION_BITS
_FEWEST_OBJECTS = 1_024  # fewer are sorted sooner than a table is made
_FEWEST_SLOTS = 4_096  # that regions may be spread over to get one each, or a slot for so many objects:
_OBJECTS_A_SLOT = 16


def addresses_of(objects: Sequence[object]) -> NDArray[np.int64]:
    """``id`` of each object: int64, shape (n,)."""
    addresses = np.empty(len(objects), np.int64)
    for first, held in _blocks(iter(objects), len(objects)):
        addresses[first : first + len(held)] = _pointers(held)
    return addresses


def place_of(obj: object, objects: Sequence[object]) -> int | None:
    """Where ``obj`` stands among ``objects``, by identity (``list.index`` would compare); None if it does not."""
    for first, held in _blocks(iter(objects), len(objects)):
        places = np.flatnonzero(_pointers(held) == id(obj))
        if len(places):
            return first + int(places[0])
    return None


def types_of(objects: Sequence[object]) -> tuple[list[type], NDArray[np.int32]]:
    """The distinct types of ``objects``, and which of them each object has (int32, shape (n,)).

    Types are told apart by their address: a metaclass may define ``__hash__`` or ``__eq__``.
    """
    types: list[type] = []
    known = np.empty(0, np.int64)  # addresses of `types`, sorted
    numbers = np.empty(0, np.int32)  # where each of those stands in `types`
    kinds = np.empty(len(objects), np.int32)
    for first, held in _blocks(map(type, objects), len(objects)):
        addresses = _pointers(held)
        new = np.flatnonzero(~among(addresses, known))
        if len(new):
            more, places = np.unique(addresses[new], return_index=True)
            types.extend(held[new[places]])
            known = np.append(known, more)
            numbers = np.append(numbers, np.arange(len(numbers), len(types), dtype=np.int32))
            order = np.argsort(known)
            known, numbers = known[order], numbers[order]
        kinds[first : first + len(held)] = numbers[np.searchsorted(known, addresses)]
    return types, kinds


def among(addresses: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of ``addresses`` are in the sorted ``known``."""
    if not len(known):
        return np.zeros(addresses.shape, bool)
    nearest = np.minimum(np.searchsorted(known, addresses), len(known) - 1)
    found: NDArray[np.bool_] = known[nearest] == addresses
    return found


def _blocks(objects: Iterator[object], count: int) -> Iterator[tuple[int, NDArray[np.object_]]]:
    for first in range(0, count, _BLOCK):
        yield first, np.fromiter(islice(objects, _BLOCK), object, min(_BLOCK, count - first))


def _pointers(held: NDArray[np.object_]) -> NDArray[np.intp]:
    return np.frombuffer(held, np.intp)


class Index:
    """From addresses to places in a list of objects.

    Many objects that lie close together are found by a table, which needs neither sorting nor searching.
    """

    def __init__(self, objects: Sequence[object]) -> None:
        self._enter(addresses_of(objects))

    @classmethod
    def of(cls, addresses: NDArray[np.int64]) -> Index:
        """An index of objects whose addresses are known."""
        index = cls.__new__(cls)
        index._enter(addresses)
        return index

    def _enter(self, addresses: NDArray[np.int64]) -> None:
        table = _Table.of(addresses) if len(addresses) >= _FEWEST_OBJECTS else None
        self._lookup = table or _Sorted(addresses)

    def find(self, addresses: NDArray[np.int64]) -> NDArray[np.int32]:
        """Place of each address among the objects, -1 where it is none of theirs: int32, shape (n,)."""
        found = np.empty(len(addresses), np.int32)
        for block in blocks(len(addresses)):
            found[block] = self._lookup.find(addresses[block])
        return found


class _Sorted:
    """Places by binary search."""

    def __init__(self, addresses: NDArray[np.int64]) -> None:
        self._order = np.argsort(addresses, kind="stable").astype(np.int32)  # nearly sorted: runs pay
        self._sorted = addresses[self._order]

    def find(self, addresses: NDArray[np.int64]) -> NDArray[np.int32]:
        if not len(self._sorted):
            return np.full(addresses.shape, -1, np.int32)
        places = np.minimum(np.searchsorted(self._sorted, addresses), len(self._sorted) - 1)
        return np.where(self._sorted[places] == addresses, self._order[places], np.int32(-1))


class _Table:
    """Places by region of the address space, by page of the region, and by cell of the page.

    ``_regions[slot]`` is the region whose number ends in the bits of ``slot``; its pages begin at ``slot``'s entry
    in ``_first``. The cells of a page begin at its entry in ``_rows``: the first ones, all empty, are of every page
    where there is no object. A cell is -1, or twice the place of the object that begins in it and one more if that
    is in the cell's upper half.

    Regions are few. Slots for the pages themselves, of which two arenas far apart may end in the same bits, would
    take up to 15 bytes an object, by the addresses that the process happens to get.
    """

    def __init__(self, pages: NDArray[np.int64], regions: NDArray[np.int64], bits: int) -> None:
        self._mask = (1 << bits) - 1
        slots = regions & self._mask
        self._regions = np.full(1 << bits, -1, np.int64)
        self._regions[slots] = regions
        self._first = np.zeros(1 << bits, np.int32)
        self._first[slots] = np.arange(0, len(regions) * _REGION_PAGES, _REGION_PAGES, dtype=np.int32)
        self._rows = np.zeros(len(regions) * _REGION_PAGES, np.int32)
        self._rows[self._entries(pages, self._slots(pages))] = (
            np.arange(1, len(pages) + 1, dtype=np.int32) * _CELLS
        )
        self._cells = np.full((len(pages) + 1) * _CELLS, -1, np.int32)

    @classmethod
    def of(cls, addresses: NDArray[np.int64]) -> _Table | None:
        """A table, or None where objects lie too far apart, too close together or not on their grid."""
        pages = _distinct(addresses >> _PAGE_BITS)
        if len(pages) * _CELLS > _MOST_CELLS * len(addresses):
            return None
        regions = without_repeats(pages >> _REGION_BITS)
        bits = len(regions).bit_length()
        while 1 << bits <= max(_FEWEST_SLOTS, len(addresses) // _OBJECTS_A_SLOT):
            if len(distinct(regions & ((1 << bits) - 1))) == len(regions):
                table = cls(pages, regions, bits)
                return table if table._fill(addresses) else None
            bits += 1
        return None

    def _fill(self, addresses: NDArray[np.int64]) -> bool:
        """Enter all objects; say whether each of them is found again."""
        for first in range(0, len(addresses), _BLOCK):
            part = addresses[first : first + _BLOCK]
            codes = np.arange(2 * first, 2 * (first + len(part)), 2, dtype=np.int32)
            codes |= ((part >> (_CELL_BITS - 1)) & 1).astype(np.int32)
            self._cells[self._places(part)[0]] = codes
        return all(
            np.array_equal(
                self.find(addresses[first : first + _BLOCK]),
                np.arange(first, min(first + _BLOCK, len(addresses))),
            )
            for first in range(0, len(addresses), _BLOCK)
        )

    def _slots(self, pages: NDArray[np.int64]) -> NDArray[np.int64]:
        return (pages >> _REGION_BITS) & self._mask

    def _entries(self, pages: NDArray[np.int64], slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each page stands in ``_rows``, if its region is known."""
        return self._first[slots] + (pages & (_REGION_PAGES - 1))

    def _places(self, addresses: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The cell that an object at each address has, and whether its region is known."""
        pages = addresses >> _PAGE_BITS
        slots = self._slots(pages)
        cells = self._rows[self._entries(pages, slots)] + ((addresses >> _CELL_BITS) & (_CELLS - 1))
        return cells, self._regions[slots] == pages >> _REGION_BITS

    def find(self, addresses: NDArray[np.int64]) -> NDArray[np.int32]:
        cells, known = self._places(addresses)
        codes = self._cells[cells]
        known &= (addresses & _IN_CELL) == (codes & 1) << (_CELL_BITS - 1)
        return np.where(known, codes >> 1, np.int32(-1))


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distinct numbers, sorted; runs of equal ones are dropped first, which makes sorting short."""
    return distinct(numbers[np.append(True, numbers[1:] != numbers[:-1])])
