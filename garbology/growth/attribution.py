"""Who has what was made since: each new object belongs to the older one from which it is reached first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.graphs import breadth_first, graph_of_pairs, origins
from garbology.growth.census import Census
from garbology.snapshot.arrays import at, blocks, distinct, ends_of


@dataclass(frozen=True)
class Attribution:
    """What has changed between two censuses.

    Attributes
    ----------
    gained : int64, shape (n of the first,). Bytes that each object of the first census has more than then: what it has
        itself, and what is new and belongs to it, less what has died of that.
    unheld : bytes of new objects that no older one leads to.
    before : int32, shape (n of the second,). The place of each in the first; -1 of what is new.
    """

    gained: NDArray[np.int64]
    unheld: int
    before: NDArray[np.int32]


def attribute(first: Census, now: Census, before: NDArray[np.int32]) -> Attribution:
    """Compare two censuses; ``before`` (int32, shape (n of the second,)) has the place of each in the first."""
    alive = np.zeros(len(first.addresses), bool)
    gained = np.zeros(len(first.addresses), np.int64)
    for places, more in grown_themselves(first, now, before):
        alive[before[places]] = True
        gained[before[places]] = more
    owners = living_owners(first.parents, alive)
    died = np.flatnonzero(~alive & (owners >= 0))
    np.subtract.at(gained, owners[died], first.bytes[died])
    new = np.flatnonzero(before < 0)
    holders = first_holders(now, new)
    held = holders >= 0
    np.add.at(gained, before[holders[held]], now.bytes[new[held]])
    return Attribution(gained, int(now.bytes[new[~held]].sum()), before)


def grown_themselves(
    first: Census, now: Census, before: NDArray[np.int32]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The places in the second census of what is old, some at a time, and the bytes each has more than in the first."""
    for block in blocks(len(before)):
        places = np.flatnonzero(before[block] >= 0) + block.start
        yield places, now.bytes[places] - first.bytes[before[places]]


def living_owners(parents: NDArray[np.int32], alive: NDArray[np.bool_]) -> NDArray[np.int32]:
    """For each object the nearest on the way up that is ``alive``; itself where it is, -1 where none is."""
    n = len(parents)
    up = np.full(n + 1, n, np.int32)
    for block in blocks(n):
        own = np.arange(block.start, block.stop, dtype=np.int32)
        above = np.where(parents[block] < 0, np.int32(n), parents[block])
        up[block] = np.where(alive[block], own, above)
    owners = ends_of(up)[:n]
    ends = np.append(alive, False)
    owners[~at(ends, owners)] = -1
    return owners


def first_holders(census: Census, new: NDArray[np.int64]) -> NDArray[np.int32]:
    """Of each of the ``new`` places of a census the older one from which it is reached first; -1 where from none.

    int32, shape (len(new),). The references of the census lead to nothing else.
    """
    n = len(new)
    sources, targets = _numbered(census, new)
    entering = sources < 0
    holders = np.full(n, -1, np.int32)
    holders[targets[entering][::-1]] = census.sources[entering][::-1]  # the first of several stays
    inner = graph_of_pairs(sources[~entering], targets[~entering], n)
    _, before = breadth_first(inner, np.flatnonzero(holders >= 0))
    return at(holders, origins(before))


def heaviest(census: Census, before: NDArray[np.int32], holder: int) -> int | None:
    """The place of that new object of those to which a ``holder`` refers that has most bytes with what is below it."""
    new = np.flatnonzero(before < 0)
    sources, targets = _numbered(census, new)
    first = distinct(targets[census.sources == holder])
    if not len(first):
        return None
    inner = graph_of_pairs(sources[sources >= 0], targets[sources >= 0], len(new))
    _, reached_from = breadth_first(inner, first)
    size = np.zeros(len(new), np.int64)
    np.add.at(size, origins(reached_from), census.bytes[new])
    return int(new[first[np.argmax(size[first])]])


def _numbered(census: Census, new: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The references of a census by numbers among the ``new`` places; -1 of a source that is not new."""
    numbers = np.full(len(census.addresses), -1, np.int32)
    numbers[new] = np.arange(len(new), dtype=np.int32)
    return numbers[census.sources], numbers[census.targets]
