"""Strongly connected components with whole arrays.

Node by node, as Tarjan's algorithm goes, Python takes a microsecond for each. So a large graph is made small first, by
rules that NumPy applies to all of it at once:

- A node without a referrer or without a referent is on no cycle.
- A node with a single referrer is on a cycle only together with that one, so the two become one node. Whether it is in
  the referrer's component is seen when that is known: it is not where it leads to nothing in there. The same holds for
  a node with a single referent, with all references turned round.
- Nodes that refer to each other are in one component.
- What can be reached from a node and leads to it is that node's component. A random graph has one large one.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from garbology.cycles.graphs import Graph, all_reached, graph_of_pairs
from garbology.snapshot.arrays import at, distinct, ends_of, first_of, packed, put, second_of, tally

_Places = NDArray[np.int32]
_Pairs = tuple[_Places, _Places]

_FEW = 500  # references that are followed one by one as soon
_MUCH = 0.9  # of the references may be left by a rule that is worth its time
_NARROW = 48


def strongly_connected(graph: Graph) -> tuple[int, _Places]:
    """How many strongly connected components a graph has, and the number of that of each node: int32, shape (n,)."""
    if len(graph.targets) <= _FEW:
        labels = _one_by_one(graph)
    else:
        labels = _labels((graph.sources, graph.targets.astype(np.int32, copy=False)), len(graph))
    used = np.zeros(len(graph), bool)
    put(used, labels, True)
    numbers = np.cumsum(used, dtype=np.int32)
    count = int(numbers[-1]) if len(numbers) else 0
    numbers -= np.int32(1)
    return count, at(numbers, labels)


def _labels(pairs: _Pairs, n: int) -> _Places:
    """For each of ``n`` nodes one of its component, the same for all of it."""
    pairs = _on_both_sides(pairs, n)
    if len(pairs[0]) <= _FEW:
        return _of_few(pairs, n)
    for backwards in (False, True):
        labels = _by_single_referrers(pairs[::-1] if backwards else pairs, n)
        if labels is not None:
            return labels
    labels = _by_mutual(pairs, n)
    return _by_reach(pairs, n) if labels is None else labels


def _on_both_sides(pairs: _Pairs, n: int) -> _Pairs:
    """The references whose source has a referrer and whose target has a referent, as long as many have not."""
    while True:
        sources, targets = pairs
        kept = at(tally(targets, n) > 0, sources)
        kept &= at(tally(sources, n) > 0, targets)
        kept &= sources != targets
        left = np.count_nonzero(kept)
        if left == len(sources):
            return pairs
        pairs = sources[kept], targets[kept]
        if left > _MUCH * len(sources):
            return pairs


# --- a node and its single referrer


def _by_single_referrers(pairs: _Pairs, n: int) -> _Places | None:
    """The labels, with each node joined to its single referrer first; None where few have one."""
    sources, targets = pairs
    referrers = np.arange(n, dtype=np.int32)
    referrers[targets] = sources
    times = tally(targets, n)  # a node may refer to another several times
    times[targets[at(referrers, targets) != sources]] = 0
    if np.count_nonzero(times) <= (1 - _MUCH) * len(sources):
        return None
    np.copyto(referrers, np.arange(n, dtype=np.int32), where=times == 0)
    labels = _labels_of_joined(pairs, _first_referrers(referrers))
    same = at(labels, sources) == at(labels, targets)
    sources = sources[same]
    _dissolve_trees(labels, at(labels, sources), times)
    _let_go(labels, tally(sources, n), referrers, times)
    return labels


def _dissolve_trees(labels: _Places, inside: _Places, times: _Places) -> None:
    """Take components apart that have no references but those by which their nodes were joined, and a root.

    ``inside`` is the component of each reference that is inside one. As :func:`_let_go` would, with one node of a long
    chain after the other.
    """
    n = len(labels)
    others = tally(inside, n)
    np.subtract.at(others, labels, times)
    are_trees = np.zeros(n, bool)
    put(are_trees, labels[times == 0], True)
    are_trees &= others == 0
    in_trees = at(are_trees, labels)
    np.copyto(labels, np.arange(n, dtype=np.int32), where=in_trees)
    times[in_trees] = 0


def _first_referrers(referrers: _Places) -> _Places:
    """Where the way up from each node ends: at one without a single referrer, or at the least node of a ring."""
    least = np.minimum(referrers, np.arange(len(referrers), dtype=np.int32))
    up, doublings = referrers, 0
    while True:
        # From `up` on the way goes as far as it came till there, and `least` is the least node on either part.
        ends = at(least, up)
        if (doublings < 4 or not doublings % 4) and np.array_equal(ends, at(ends, referrers)):
            return ends
        least = np.minimum(least, ends)
        up, doublings = at(up, up), doublings + 1


def _let_go(labels: _Places, referents: _Places, referrers: _Places, times: _Places) -> None:
    """Take what leads to nothing in its component out of it.

    ``referents`` counts the references of each node to its component, ``times`` those of its single referrer to it; 0
    where it has several.
    """
    level = np.flatnonzero((times > 0) & (referents == 0)).astype(np.int32)
    while len(level) >= _NARROW:
        labels[level] = level
        above = referrers[level]
        np.subtract.at(referents, above, times[level])
        level = distinct(above[(times[above] > 0) & (referents[above] == 0)])
    _let_go_singly(level.tolist(), labels.data, referents.data, referrers.data, times.data)


def _let_go_singly(
    left: list[int], labels: memoryview, referents: memoryview, referrers: memoryview, times: memoryview
) -> None:
    """The same node by node, as along a linked list one after the other is let go of."""
    while left:
        node = left.pop()
        labels[node] = node
        above = referrers[node]
        referents[above] -= times[node]
        if times[above] and not referents[above]:
            left.append(above)


# --- nodes that are in one component


def _by_mutual(pairs: _Pairs, n: int) -> _Places | None:
    """The labels, with all nodes that refer to each other joined first; None where few do."""
    sources, targets = pairs
    onwards = sources < targets
    both = np.concatenate(
        [packed(sources[onwards], targets[onwards]), packed(targets[~onwards], sources[~onwards])]
    )
    both.sort()
    both = both[1:][both[1:] == both[:-1]]
    if len(both) <= (1 - _MUCH) * len(sources):
        return None
    return _labels_of_joined(pairs, _joined(first_of(both), second_of(both), n))


def _joined(some: _Places, others: _Places, n: int) -> _Places:
    """The least node of what hangs together by these pairs, whichever way round: int32, shape (n,)."""
    least = np.arange(n, dtype=np.int32)
    while True:
        ends, other_ends = at(least, some), at(least, others)
        if np.array_equal(ends, other_ends):
            return least
        np.minimum.at(least, np.maximum(ends, other_ends), np.minimum(ends, other_ends))
        least = ends_of(least)


def _by_reach(pairs: _Pairs, n: int) -> _Places:
    """The labels, from what one node with many references reaches and is reached from."""
    sources, targets = pairs
    graph, backwards = graph_of_pairs(sources, targets, n), graph_of_pairs(targets, sources, n)
    pivot = np.zeros(n, bool)
    pivot[np.argmax(np.diff(graph.starts).astype(np.int64) * np.diff(backwards.starts))] = True
    sides = all_reached(graph, pivot) + all_reached(backwards, pivot) * np.int8(2)
    del backwards
    together = np.flatnonzero(sides == 3).astype(np.int32)
    if len(together) < (1 - _MUCH) * np.count_nonzero(np.diff(graph.starts)):
        return _one_by_one(graph)
    del graph
    apart = (sides[sources] == sides[targets]) & (sides[sources] != 3)
    labels = _labels((sources[apart], targets[apart]), n)
    labels[together] = together[0]
    return labels


def _labels_of_joined(pairs: _Pairs, into: _Places) -> _Places:
    """The labels of all nodes, where each is one with the node that ``into`` names for it."""
    sources, targets = (at(into, each) for each in pairs)
    apart = sources != targets
    sources, targets = sources[apart], targets[apart]
    occurring = np.zeros(len(into), bool)
    put(occurring, sources, True)
    put(occurring, targets, True)
    nodes = np.flatnonzero(occurring).astype(np.int32)
    numbers = np.cumsum(occurring, dtype=np.int32)
    numbers -= np.int32(1)
    inner = _labels((at(numbers, sources), at(numbers, targets)), len(nodes))
    labels = np.arange(len(into), dtype=np.int32)
    labels[nodes] = nodes[inner]
    return at(labels, into)


# --- node by node


def _of_few(pairs: _Pairs, n: int) -> _Places:
    """The labels where few of the nodes have references."""
    nodes = distinct(np.concatenate(pairs))
    sources, targets = (np.searchsorted(nodes, each) for each in pairs)
    few = graph_of_pairs(sources, targets, len(nodes))
    labels = np.arange(n, dtype=np.int32)
    labels[nodes] = nodes[_one_by_one(few)]
    return labels


def _one_by_one(graph: Graph) -> _Places:
    """The labels by Tarjan's algorithm, without recursion.

    R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972) 146-160.
    """
    n = len(graph)
    starts, targets = graph.starts.data, graph.targets.data
    # Arrays, for lists would take ten times the memory.
    following, labels = array("i", graph.starts[:-1].tobytes()), array("i", [-1]) * n
    numbers, lowest = array("i", [0]) * n, array("i", [0]) * n
    count = 0
    waiting = array("i")
    for root in range(n):
        path = array("i", [] if numbers[root] else [root])
        while path:
            node = path[-1]
            place = following[node]
            if not numbers[node]:
                count += 1
                numbers[node] = lowest[node] = count
                waiting.append(node)
            if place < starts[node + 1]:
                following[node] = place + 1
                target = targets[place]
                if not numbers[target]:
                    path.append(target)
                elif labels[target] < 0 and numbers[target] < lowest[node]:
                    lowest[node] = numbers[target]
                continue
            path.pop()
            if path and lowest[node] < lowest[path[-1]]:
                lowest[path[-1]] = lowest[node]
            if lowest[node] == numbers[node]:
                while labels[node] < 0:
                    labels[waiting.pop()] = node
    return np.frombuffer(labels, np.int32) if n else np.empty(0, np.int32)
