"""The search in width, and strongly connected components with whole arrays, beside plain ways of finding both."""

from collections import deque

import numpy as np
import pytest

from garbology.cycles import graphs, strong
from garbology.cycles.graphs import Graph, breadth_first, graph_of_pairs
from garbology.cycles.strong import strongly_connected


def graph_of(sources, targets, n):
    """A graph with the references of each node in their order, repeated ones and all."""
    order = np.argsort(sources, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=n))]).astype(np.int32)
    return Graph(starts, np.asarray(targets, np.int32)[order])


def random_graph(random, most_nodes):
    n = int(random.integers(1, most_nodes))
    m = int(random.integers(0, n * random.integers(1, 5) + 1))
    return graph_of(random.integers(0, n, m), random.integers(0, n, m), n)


def components_of(graph):
    """The nodes of each component, by walking forth and back from each node."""
    following = [graph.targets[slice(*graph.starts[node : node + 2])].tolist() for node in range(len(graph))]
    reached = [set(walk(following, node)[0]) for node in range(len(graph))]
    return {
        frozenset(other for other in reached[node] if node in reached[other]) for node in range(len(graph))
    }


def walk(following, first):
    """The order of a search in width, and by which node each is reached first."""
    order, before, waiting = [first], {first: -1}, deque([first])
    while waiting:
        node = waiting.popleft()
        for target in following[node]:
            if target not in before:
                before[target] = node
                order.append(target)
                waiting.append(target)
    return order, before


def sets_of(labels):
    found = {}
    for node, label in enumerate(labels.tolist()):
        found.setdefault(label, set()).add(node)
    return set(map(frozenset, found.values()))


@pytest.mark.parametrize("few", [1, 3, 128])
def test_a_search_takes_nodes_in_the_order_of_a_plain_queue(few, monkeypatch):
    """Whether a level is taken at once or node by node: the order and the nodes reached from are the queue's."""
    monkeypatch.setattr(graphs, "_FEW", few)
    random = np.random.default_rng(few)
    for _ in range(100):
        graph = random_graph(random, 60)
        following = [
            graph.targets[slice(*graph.starts[node : node + 2])].tolist() for node in range(len(graph))
        ]
        order, before = breadth_first(graph, np.array([0]))
        wanted_order, wanted_before = walk(following, 0)
        assert order.tolist() == wanted_order
        assert before.tolist() == [wanted_before.get(node, -1) for node in range(len(graph))]


def test_pairs_in_any_order_are_a_graph():
    """The referents of a node stand as they were given, repeated ones too; a graph may have no pairs and no nodes."""
    graph = graph_of_pairs(np.array([2, 0, 2, 2, 0]), np.array([1, 2, 0, 1, 3]), 4)
    assert (graph.starts.tolist(), graph.targets.tolist()) == ([0, 2, 2, 5, 5], [2, 3, 1, 0, 1])
    assert graph.sources.tolist() == [0, 0, 2, 2, 2]
    nothing = np.empty(0, np.int32)
    assert graph_of_pairs(nothing, nothing, 3).starts.tolist() == [0, 0, 0, 0]
    assert strongly_connected(graph_of_pairs(nothing, nothing, 0))[0] == 0


def test_pairs_are_a_graph_across_blocks():
    """Of more pairs than are put in order at once."""
    random = np.random.default_rng(0)
    sources, targets = random.integers(0, 500, 150_000), random.integers(0, 500, 150_000)
    graph = graph_of_pairs(sources, targets, 500)
    order = np.argsort(sources, kind="stable")
    assert np.array_equal(graph.targets, targets[order])
    assert np.array_equal(graph.sources, sources[order])


def test_what_refers_to_itself_is_known():
    """Also beside references to others."""
    graph = graph_of_pairs(np.array([0, 1, 1, 3]), np.array([1, 1, 2, 3]), 4)
    assert graph.to_themselves().tolist() == [False, True, False, True]


@pytest.mark.parametrize("much", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("narrow", [1, 48])
def test_components_are_what_reaches_each_other(much, narrow, monkeypatch):
    """On random graphs, whichever of the rules make them small: no graph is so small that none is tried."""
    monkeypatch.setattr(strong, "_FEW", 0)
    monkeypatch.setattr(strong, "_MUCH", much)
    monkeypatch.setattr(strong, "_NARROW", narrow)
    random = np.random.default_rng(narrow)
    for _ in range(150):
        graph = random_graph(random, 40)
        count, labels = strongly_connected(graph)
        assert sets_of(labels) == components_of(graph)
        assert sorted(set(labels.tolist())) == list(range(count))


def _ring(n):
    nodes = np.arange(n)
    return nodes, np.roll(nodes, -1)


def _doubly_linked(n):
    nodes = np.arange(n - 1)
    return np.concatenate([nodes, nodes + 1]), np.concatenate([nodes + 1, nodes])


def _tree_with_lists(n):
    """Each node has a list of its children, which know their parent."""
    nodes, lists = np.arange(n // 2), np.arange(n // 2) + n // 2
    children, parents = nodes[1:], nodes[1:] // 4
    return np.concatenate([nodes, lists[parents], children]), np.concatenate([lists, children, parents])


def _chain_at_a_pair(n):
    nodes = np.arange(n - 1)
    return np.append(nodes, 1), np.append(nodes + 1, 0)


def _two_steps(n):
    nodes = np.arange(n - 2)
    return np.concatenate([nodes, nodes]), np.concatenate([nodes + 1, nodes + 2])


def _random(n):
    random = np.random.default_rng(0)
    return random.integers(0, n, 2 * n), random.integers(0, n, 2 * n)


KINDS = [_ring, _doubly_linked, _tree_with_lists, _chain_at_a_pair, _two_steps, _random]


@pytest.mark.parametrize("shuffled", [False, True], ids=["in order", "shuffled"])
@pytest.mark.parametrize("pairs_of", KINDS, ids=lambda kind: kind.__name__.strip("_"))
def test_components_of_large_graphs_are_those_of_tarjan(pairs_of, shuffled):
    """As many, and the same, as when the same graph is walked node by node."""
    n = 6_000
    names = np.random.default_rng(1).permutation(n) if shuffled else np.arange(n)
    graph = graph_of(*(names[each] for each in pairs_of(n)), n)
    count, labels = strongly_connected(graph)
    wanted = strong._one_by_one(graph)
    assert count == len(set(wanted.tolist()))
    assert len(set(zip(labels.tolist(), wanted.tolist(), strict=True))) == count


def test_most_large_graphs_are_not_walked_node_by_node(monkeypatch):
    """Rings, linked lists and trees become small by the rules alone, in any order of their nodes."""
    walked = []
    by_node = strong._one_by_one
    monkeypatch.setattr(strong, "_one_by_one", lambda graph: walked.append(len(graph)) or by_node(graph))
    n = 6_000
    names = np.random.default_rng(1).permutation(n)
    for pairs_of in (_ring, _doubly_linked, _tree_with_lists, _chain_at_a_pair):
        strongly_connected(graph_of(*(names[each] for each in pairs_of(n)), n))
    assert sum(walked) < n // 10
