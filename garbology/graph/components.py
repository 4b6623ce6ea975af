"""Strongly connected components of the garbage: the cycles, apart from what merely hangs off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from garbology.graph.snapshot import Snapshot


@dataclass(frozen=True)
class Components:
    """Which garbage belongs to which cycle.

    Attributes
    ----------
    count : how many cyclic components there are.
    labels : int32, shape (n,). The component of each object of the snapshot, from 0 to ``count - 1``; -1 for
        objects that are alive or in no cycle.
    sizes : int64, shape (count,). Objects in each component.
    """

    count: int
    labels: NDArray[np.int32]
    sizes: NDArray[np.int64]

    def edges(self, snapshot: Snapshot) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Sources, targets and positions of the edges inside components: int32, shape (k,) each."""
        sources = snapshot.sources
        labels = self.labels[sources]
        inside = (labels >= 0) & (labels == self.labels[snapshot.targets])
        return sources[inside], snapshot.targets[inside], snapshot.positions[inside]


def cyclic_components(snapshot: Snapshot, garbage: NDArray[np.bool_]) -> Components:
    """The cyclic components among ``garbage`` (bool, shape (n,)).

    A component is cyclic when it has more than one object, or one that refers to itself.
    """
    n = len(snapshot)
    sources, targets = snapshot.sources, snapshot.targets
    if not garbage.all():
        inside = garbage[sources] & garbage[targets]
        sources, targets = sources[inside], targets[inside]
    graph = csr_matrix((np.ones(len(targets)), (sources, targets)), shape=(n, n))
    count, labels = connected_components(graph, directed=True, connection="strong")
    cyclic = np.bincount(labels, minlength=count) > 1
    cyclic[labels[sources[sources == targets]]] = True
    renumbered = np.where(cyclic, np.cumsum(cyclic) - 1, -1).astype(np.int32)[labels]
    renumbered[~garbage] = -1
    total = int(cyclic.sum())
    return Components(total, renumbered, np.bincount(renumbered[renumbered >= 0], minlength=total))
