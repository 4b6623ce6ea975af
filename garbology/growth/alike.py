"""Many small holders that are one place in the program: each of a thousand sessions has a list that gains an entry.

Each by itself gains too little to be named. Objects of one type that objects of the same types hold are summed, and
some of them are named: where these are all held by one chain, that is what is said of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.growth.baseline import Last
from garbology.growth.gains import Gains
from garbology.growth.trend import Slope
from garbology.snapshot.arrays import distinct

_MOST_GROUPS = 8
_MOST_SAMPLED = 12  # of a group, whose chains are compared
_HOLDERS_ABOVE = 2  # whose types tell groups apart
_LEVELS_ABOVE = 4  # where a few may hold a whole group
_FEW = 4


@dataclass(frozen=True)
class Group:
    """Objects that are held alike, and gain together.

    Attributes
    ----------
    sampled : places in the first census of some of them, the one that gained most first.
    count : how many gained anything.
    rate : bytes a step of all together.
    entries : that all together have gained.
    """

    sampled: list[int]
    count: int
    rate: Slope
    entries: float


def groups_of(
    gains: Gains, others: Sequence[int], last: Last, least: float, *, surely: bool = False
) -> list[Group]:
    """Groups of small holders that together gain ``least`` bytes a step again and again, most bytes first.

    ``others`` are left out: what is named by itself, and what has stopped.
    """
    is_small = gains.gained[-1] > 0
    is_small[list(others)] = False
    small = np.flatnonzero(is_small)
    now = last.places_now(gains.places[small])
    small, now = small[now >= 0], now[now >= 0]
    groups = []
    for members in _alike(last, now):
        columns = small[members]
        rate = gains.rate(columns)
        if len(columns) > 1 and gains.grow(columns, rate, least, surely=surely):
            groups.append(
                Group(_sampled(gains, columns), len(columns), rate, float(gains.entries[-1, columns].sum()))
            )
    return sorted(groups, key=lambda group: -group.rate.value)[:_MOST_GROUPS]


def _alike(last: Last, now: NDArray[np.int32]) -> Iterator[NDArray[np.intp]]:
    """The places in ``now`` (of objects in the last census) of those with one type, and one type of what holds them.

    Where a few objects hold all of these further up, as two tables of sessions do, those of each are told apart.
    """
    census = last.census
    kinds = np.append(census.kinds, np.int32(-1))  # no parent is at -1
    keys, above = np.zeros(len(now), np.int64), [now]
    for level in range(_LEVELS_ABOVE):
        if level <= _HOLDERS_ABOVE:
            keys = keys * (len(census.types) + 1) + kinds[above[-1]] + 1
        above.append(np.where(above[-1] < 0, np.int32(-1), census.parents[above[-1]]))
    for members in _split_by(keys):
        few = (each[members] for each in above[1:] if len(distinct(each[members])) <= _FEW)
        yield from (members[part] for part in _split_by(next(few, np.zeros(len(members), np.int32))))


def _split_by(keys: NDArray[np.integer[Any]]) -> list[NDArray[np.intp]]:
    """The places of each distinct key."""
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1) if len(keys) else []


def _sampled(gains: Gains, columns: NDArray[np.intp]) -> list[int]:
    """The places of some in the first census: of all the range, from what gained most to what gained least."""
    order = columns[np.argsort(-gains.gained[-1, columns], kind="stable")]
    chosen = order[np.linspace(0, len(order) - 1, min(_MOST_SAMPLED, len(order))).astype(int)]
    places: list[int] = gains.places[chosen].tolist()
    return places
