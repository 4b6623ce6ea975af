"""References between numbered nodes as two arrays, and the search in width from some of them.

NumPy takes a whole level of the search at once. That is slow where levels are narrow, as along a linked list: these
are walked node by node.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from garbology.snapshot.arrays import blocks, ends_of, put, tally

_FEW = 128  # references of a level that take Python about as long as NumPy


@dataclass(frozen=True)
class Graph:
    """References between nodes: those of node ``i`` lead to ``targets[starts[i]:starts[i + 1]]``.

    Attributes
    ----------
    starts, targets : int32, shapes (n + 1,) and (m,).
    """

    starts: NDArray[np.integer[Any]]
    targets: NDArray[np.integer[Any]]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sources(self) -> NDArray[np.int32]:
        """The source of each reference: int32, shape (m,)."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))

    def to_themselves(self) -> NDArray[np.bool_]:
        """Which nodes refer to themselves: bool, shape (n,)."""
        found = np.zeros(len(self), bool)
        found[self.targets[self.sources == self.targets]] = True
        return found


def graph_of_pairs(sources: NDArray[np.integer[Any]], targets: NDArray[np.integer[Any]], n: int) -> Graph:
    """References between ``n`` nodes, in any order, which those of a node keep."""
    starts = np.zeros(n + 1, np.int32)
    np.cumsum(tally(sources, n), out=starts[1:])
    ordered = np.empty(len(targets), np.int32)
    free = starts[:-1].copy()
    for block in blocks(len(sources)):
        order = np.argsort(sources[block], kind="stable")
        own = sources[block][order]
        firsts = np.flatnonzero(np.append(True, own[1:] != own[:-1]))
        times = np.diff(np.append(firsts, len(own)))
        places = free[own] + np.arange(len(own)) - np.repeat(firsts, times)
        ordered[places] = targets[block][order]
        free[own[firsts]] += times.astype(np.int32)
    return Graph(starts, ordered)


def all_reached(graph: Graph, nodes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which nodes can be reached from some (bool, shape (n,)), these included."""
    reached = np.zeros(len(graph), bool)
    put(reached, breadth_first(graph, np.flatnonzero(nodes))[0], True)
    return reached


def breadth_first(
    graph: Graph, first: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """All that can be reached from some nodes, nearest first, and from which node each was reached first.

    int32, shapes (k,) and (n,); the second is -1 for the ``first`` and for what cannot be reached.
    """
    before = np.full(len(graph), -1, np.int32)
    level = first.astype(np.int32)
    before[level] = level
    found = [level]
    while len(level):
        ahead = int((graph.starts[level + 1] - graph.starts[level]).sum())
        if ahead < _FEW:
            passed, width = _walk(graph, level.tolist(), before)
            level = passed[len(passed) - width :]
        else:
            passed = level = np.concatenate(
                [_after(graph, level[block], before) for block in blocks(len(level))]
            )
        found.append(passed)
    before[first] = -1
    return np.concatenate(found), before


def origins(before: NDArray[np.int32]) -> NDArray[np.int32]:
    """From which of its first nodes a search that gave ``before`` reached each node; itself where from none."""
    return ends_of(np.where(before < 0, np.arange(len(before), dtype=np.int32), before))


def _after(graph: Graph, level: NDArray[np.int32], before: NDArray[np.int32]) -> NDArray[np.int32]:
    """What is reached from the nodes of a level for the first time, in the order in which it is reached."""
    begins = graph.starts[level]
    degrees = graph.starts[level + 1] - begins
    ends = np.cumsum(degrees)
    edges = np.arange(ends[-1]) + np.repeat(begins - ends + degrees, degrees)
    targets = graph.targets[edges]
    new = np.flatnonzero(before[targets] < 0)
    targets = targets[new]
    ranks = np.arange(-2, -2 - len(new), -1, dtype=np.int32)
    before[targets[::-1]] = ranks[::-1]  # the last that is written stays: the first one
    is_first = before[targets] == ranks
    found: NDArray[np.int32] = targets[is_first]
    before[found] = np.repeat(level, degrees)[new[is_first]]
    return found


def _walk(graph: Graph, level: list[int], before: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """All levels after this one, up to one with many references or none, and the width of the last."""
    starts, targets, known = graph.starts.data, graph.targets.data, before.data
    passed = array("i")
    ahead = 0
    while level and ahead < _FEW:
        following = []
        ahead = 0
        for node in level:
            for target in targets[starts[node] : starts[node + 1]]:
                if known[target] < 0:
                    known[target] = node
                    following.append(target)
                    ahead += starts[target + 1] - starts[target]
        passed.extend(following)
        level = following
    return np.frombuffer(passed, np.int32) if passed else np.empty(0, np.int32), len(level)
