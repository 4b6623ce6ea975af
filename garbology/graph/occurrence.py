"""One cycle of the garbage, object by object: its members and the references between them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from garbology.graph.snapshot import Index, Snapshot


@dataclass(frozen=True)
class Occurrence:
    """Some objects, mostly those of one strongly connected component, and the references between them.

    Attributes
    ----------
    objects : its objects, in the order in which they were made.
    sources, targets : int32, shape (m,). Places in ``objects`` of each reference's ends.
    positions : int32, shape (m,). Where each reference stands among all referents of its source.
    edges : int32, shape (m,). Where each reference stands among all of the snapshot.
    types, kinds : the distinct types, and which of them each object has: int32, shape (len(objects),).
    find : from addresses to places in ``objects``, -1 where there is none: int32.
    enclosed : nothing else refers to any of them, so that they die when their own cycles are cut.
    """

    objects: Sequence[object] = field(repr=False)
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    positions: NDArray[np.int32]
    edges: NDArray[np.int32]
    types: list[type] = field(repr=False)
    kinds: NDArray[np.int32] = field(repr=False)
    find: Callable[[NDArray[np.int64]], NDArray[np.int32]] = field(repr=False)
    enclosed: bool = True

    def in_degrees(self) -> NDArray[np.int64]:
        """References to each object from inside: int64, shape (len(objects),)."""
        return np.bincount(self.targets, minlength=len(self.objects))

    def is_acyclic_without(self, removed: NDArray[np.bool_]) -> bool:
        """Whether no cycle is left once the ``removed`` references (bool, shape (m,)) are gone."""
        sources, targets = self.sources[~removed], self.targets[~removed]
        if (sources == targets).any():
            return False
        n = len(self.objects)
        graph = csr_matrix((np.ones(len(targets)), (sources, targets)), shape=(n, n))
        count, _ = connected_components(graph, connection="strong")
        return bool(count == n)


def occurrence_of(snapshot: Snapshot, members: NDArray[np.int64]) -> Occurrence:
    """The part of a snapshot whose objects stand at ``members`` (ascending)."""
    begins = snapshot.starts[members]
    degrees = snapshot.starts[members + 1] - begins
    ends = np.cumsum(degrees, dtype=np.int32)
    edges = np.arange(ends[-1] if len(ends) else 0, dtype=np.int32)
    edges += np.repeat(begins - (ends - degrees), degrees)
    targets = snapshot.targets[edges]
    places = np.searchsorted(members, targets).astype(np.int32)
    places[places == len(members)] = 0
    inside = members[places] == targets
    del targets
    return Occurrence(
        objects=list(map(snapshot.objects.__getitem__, members.tolist())),
        sources=np.repeat(np.arange(len(members), dtype=np.int32), degrees)[inside],
        targets=places[inside],
        positions=snapshot.positions[edges[inside]],
        edges=edges[inside],
        types=snapshot.types,
        kinds=snapshot.kinds[members],
        find=functools.partial(_find, snapshot.index, members),
        enclosed=int(inside.sum()) == int(snapshot.counts[members].sum()),
    )


def _find(index: Index, members: NDArray[np.int64], addresses: NDArray[np.int64]) -> NDArray[np.int32]:
    wanted = index.find(addresses)
    places = np.searchsorted(members, wanted)
    places[places == len(members)] = 0
    return np.where(members[places] == wanted, places, -1).astype(np.int32)


def with_all_that_holds_it(
    snapshot: Snapshot, garbage: NDArray[np.bool_], members: NDArray[np.int64]
) -> NDArray[np.int64]:
    """``members`` (places in the snapshot) and all garbage from which they can be reached, ascending."""
    n = len(snapshot)
    kept = garbage[snapshot.sources] & garbage[snapshot.targets]
    sources = np.concatenate([snapshot.targets[kept], np.full(len(members), n)])
    targets = np.concatenate([snapshot.sources[kept], members])
    reverse = csr_matrix((np.ones(len(targets)), (sources, targets)), shape=(n + 1, n + 1))
    reached = breadth_first_order(reverse, n, return_predecessors=False)
    return np.sort(reached[reached < n]).astype(np.int64)
