"""Trial deletion: what only the cyclic collector can free, without running it.

The collector's own rule (see "InternalDocs/garbage_collector.md" in CPython): take from each object's reference
count the references that come from the other objects. What is left is held from outside, and whatever cannot be
reached from an object that is held from outside is garbage.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import _sparsetools, csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from garbology.snapshot.arrays import tally
from garbology.snapshot.snapshot import Snapshot


def held_from_outside(snapshot: Snapshot) -> NDArray[np.bool_]:
    """Which objects something beyond the snapshot holds, or somebody was using while it was taken.

    bool, shape (n,). A count that is *below* what the other objects hold cannot be explained, so that object
    counts as held as well: calling a live object garbage is the worse error.
    """
    inside = tally(snapshot.targets, len(snapshot))
    held: NDArray[np.bool_] = snapshot.counts != inside
    return held | snapshot.unsettled


def unreachable(snapshot: Snapshot) -> NDArray[np.bool_]:
    """Which objects only the cyclic collector can free: bool, shape (n,)."""
    roots = held_from_outside(snapshot)
    if not roots.any():
        return np.ones(len(snapshot), bool)
    return ~reachable_from(snapshot, roots)


def reachable_from(snapshot: Snapshot, roots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which objects can be reached from ``roots`` (bool, shape (n,)), the roots included."""
    reached = np.zeros(len(snapshot) + 1, bool)
    graph = graph_from(snapshot, roots)
    reached[breadth_first_order(graph, len(snapshot), return_predecessors=False)] = True
    return reached[:-1]


def graph_from(snapshot: Snapshot, roots: NDArray[np.bool_]) -> csr_matrix:
    """The references as a matrix with one more node, the last, that refers to all ``roots`` (bool, shape (n,))."""
    first = np.flatnonzero(roots).astype(np.int32)
    starts = np.append(snapshot.starts, snapshot.starts[-1:] + np.int32(len(first)))
    return graph_of(starts, np.concatenate([snapshot.targets, first]))


def graph_of(starts: NDArray[np.integer[Any]], targets: NDArray[np.integer[Any]]) -> csr_matrix:
    """A sparse matrix of these references; its values are never looked at, so they are one value in memory.

    SciPy's constructor asks an abstract class whether its argument is a matrix, and that asks classes of the program.
    """
    matrix = csr_matrix.__new__(csr_matrix)
    shape = (len(starts) - 1, len(starts) - 1)
    ones = np.broadcast_to(np.float64(1), targets.shape)
    vars(matrix).update(vars(_EMPTY), data=ones, indices=targets, indptr=starts, _shape=shape)
    return matrix


def graph_of_pairs(
    sources: NDArray[np.integer[Any]], targets: NDArray[np.integer[Any]], n: int
) -> csr_matrix:
    """A sparse matrix of references between ``n`` nodes, given in any order; repeated ones are there once."""
    kind = np.int64 if max(n, len(sources)) > np.iinfo(np.int32).max else np.int32
    starts, ordered = np.empty(n + 1, kind), np.empty(len(targets), kind)
    ones = np.ones(len(targets), np.int8)
    rows, columns = sources.astype(kind, copy=False), targets.astype(kind, copy=False)
    _sparsetools.coo_tocsr(n, n, len(rows), rows, columns, ones, starts, ordered, np.empty_like(ones))
    matrix = graph_of(starts, ordered)
    matrix.data = ones
    matrix.sum_duplicates()
    return graph_of(matrix.indptr, matrix.indices)


def strongly_connected(graph: csr_matrix) -> tuple[int, NDArray[np.int32]]:
    """How many strongly connected components a graph has, and the number of that of each node: int32, shape (n,).

    Where its C++ code gets no memory SciPy prints the exception, and returns 0 and numbers that mean nothing.
    """
    count, labels = connected_components(graph, directed=True, connection="strong")
    if count <= 0 and len(labels):
        raise MemoryError("no memory for the search for cycles")
    return int(count), labels


_EMPTY = csr_matrix((1, 1), dtype=np.float64)
