"""What NumPy does with whole arrays, done in blocks: it turns every index into eight bytes first.

In a window of millions of objects those copies would be the peak of memory; a block stays in a processor's cache.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_BLOCK = 65_536
_FEW = 4_096
_ROUNDS = 32  # enough for chains of 2 ** 32
_Scalar = TypeVar("_Scalar", bound=np.generic)
_Place = TypeVar("_Place", bound=np.integer)
_Item = TypeVar("_Item", bound=Hashable)


def blocks(count: int) -> Iterator[slice]:
    """All places from 0 to ``count - 1``, some at a time."""
    for first in range(0, count, _BLOCK):
        yield slice(first, min(first + _BLOCK, count))


def tally(numbers: NDArray[np.integer[Any]], count: int) -> NDArray[np.int32]:
    """How often each number below ``count`` is among ``numbers``: int32, shape (count,)."""
    times = np.zeros(count, np.int32)
    for block in blocks(len(numbers)):
        if count < _FEW:
            times += np.bincount(numbers[block], minlength=count).astype(np.int32)
        else:
            np.add.at(times, numbers[block].astype(np.intp), np.int32(1))
    return times


def counted(items: Iterable[_Item]) -> dict[_Item, int]:
    """How often each of ``items`` occurs, in the order of their first occurrence.

    ``Counter(items)`` would ask ``isinstance(items, Mapping)``, which asks all classes of the program's below that.
    """
    times: dict[_Item, int] = {}
    for item in items:
        times[item] = times.get(item, 0) + 1
    return times


def at(values: NDArray[_Scalar], places: NDArray[np.integer[Any]]) -> NDArray[_Scalar]:
    """``values[places]``."""
    found = np.empty(len(places), values.dtype)
    for block in blocks(len(places)):
        found[block] = values[places[block]]
    return found


def ends_of(ways: NDArray[_Place]) -> NDArray[_Place]:
    """Where each of some ways ends: ``ways[i]`` is the place to which ``i`` leads in one step, an end leads to itself.

    By pointer jumping: a chain of a million takes twenty rounds. A ring has no end, and is given up.
    """
    for _ in range(_ROUNDS):
        further = at(ways, ways)
        if np.array_equal(further, ways):
            break
        ways = further
    return ways


def distinct(values: NDArray[_Place]) -> NDArray[_Place]:
    """The values, ascending, each once.

    ``numpy.unique`` puts them into a table by their lower bits, which can take it twenty times as long; and like
    ``numpy.isin`` and ``numpy.median`` it imports ``numpy.ma`` at first use, whose objects would be the window's.
    """
    return without_repeats(np.sort(values))


def without_repeats(values: NDArray[_Place]) -> NDArray[_Place]:
    """Ascending values, each once."""
    new = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return values if new.all() else values[new]


def packed(first: NDArray[np.integer[Any]], second: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Pairs of places as one number each, ascending, each pair once."""
    pairs = np.empty(len(first), np.int64)
    for block in blocks(len(pairs)):
        pairs[block] = first[block].astype(np.int64) << 32 | second[block]
    pairs.sort()
    return without_repeats(pairs)


def first_of(pairs: NDArray[np.int64]) -> NDArray[np.int32]:
    """The first place of each of the pairs that :func:`packed` gives; no copy."""
    return pairs.view(np.int32)[1 if np.little_endian else 0 :: 2]


def second_of(pairs: NDArray[np.int64]) -> NDArray[np.int32]:
    """The second place of each; no copy."""
    return pairs.view(np.int32)[0 if np.little_endian else 1 :: 2]


def among(values: NDArray[_Place], chosen: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which of ``values`` are among the ``chosen``."""
    ascending = np.sort(np.asarray(chosen, values.dtype))
    if not len(ascending):
        return np.zeros(len(values), bool)
    places = np.searchsorted(ascending, values)
    places[places == len(ascending)] = 0
    found: NDArray[np.bool_] = ascending[places] == values
    return found


def put(values: NDArray[_Scalar], places: NDArray[np.integer[Any]], value: Any) -> None:
    """``values[places] = value``."""
    for block in blocks(len(places)):
        values[places[block]] = value
