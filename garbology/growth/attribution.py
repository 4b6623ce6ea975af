"""Who has what was made since: each new object belongs to the older one from which it is reached first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order

from garbology.cycles.reachability import graph_of_pairs
from garbology.growth.census import Census
from garbology.snapshot.arrays import ends_of


@dataclass(frozen=True)
class Attribution:
    """What has changed between two censuses.

    Attributes
    ----------
    gained : int64, shape (n of the first,). Bytes that each object of the first census has more than then: what it has
        itself, and what is new and belongs to it, less what has died of that.
    unheld : bytes of new objects that no older one leads to.
    holders : int32, shape (n of the second,). To which object of the second census, which is older, each new one
        belongs; -1 where to none, and of what is not new.
    before : int32, shape (n of the second,). The place of each in the first; -1 of what is new.
    """

    gained: NDArray[np.int64]
    unheld: int
    holders: NDArray[np.int32]
    before: NDArray[np.int32]

    def place_now(self, place: int) -> int:
        """Where the object at ``place`` of the first census is in the second; -1 where it has died."""
        return next(iter(np.flatnonzero(self.before == place).tolist()), -1)


def attribute(first: Census, now: Census, before: NDArray[np.int32]) -> Attribution:
    """Compare two censuses; ``before`` (int32, shape (n of the second,)) has the place of each in the first."""
    new = before < 0
    old = before >= 0
    alive = np.zeros(len(first.addresses), bool)
    alive[before[old]] = True
    gained = np.zeros(len(first.addresses), np.int64)
    gained[before[old]] = now.bytes[old] - first.bytes[before[old]]
    owners = living_owners(first.parents, alive)
    died = ~alive & (owners >= 0)
    np.subtract.at(gained, owners[died], first.bytes[died])
    holders = first_holders(now, new)
    held = holders >= 0
    np.add.at(gained, before[holders[held]], now.bytes[held])
    return Attribution(gained, int(now.bytes[new & ~held].sum()), holders, before)


def living_owners(parents: NDArray[np.int32], alive: NDArray[np.bool_]) -> NDArray[np.int32]:
    """For each object the nearest on the way up that is ``alive``; itself where it is, -1 where none is."""
    n = len(parents)
    up = np.append(np.where(parents < 0, n, parents), n)
    up[:n][alive] = np.flatnonzero(alive)
    owners = ends_of(up)[:n].astype(np.int32)
    return np.where(np.append(alive, False)[owners], owners, np.int32(-1))


def first_holders(census: Census, new: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The older object from which each new one is reached first: int32, shape (n,)."""
    n = len(new)
    holders = np.full(n + 1, -1, np.int32)
    entering = ~new[census.sources]
    sources, targets = census.sources[entering], census.targets[entering]
    holders[targets[::-1]] = sources[::-1]  # the first of several stays
    inner = ~entering
    graph = graph_of_pairs(
        np.append(census.sources[inner], np.full(len(targets), n)).astype(np.int32),
        np.append(census.targets[inner], targets).astype(np.int32),
        n + 1,
    )
    _, parents = breadth_first_order(graph, n)
    up: NDArray[np.int64] = np.where((parents < 0) | (parents == n), np.arange(n + 1), parents)
    return np.where(new, holders[ends_of(up)[:n]], np.int32(-1)).astype(np.int32)
