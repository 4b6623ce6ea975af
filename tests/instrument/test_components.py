"""Cyclic components of graphs with repeated edges, self references and live parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from garbology.cycles.components import cyclic_components
from garbology.cycles.reachability import reachable_from
from garbology.snapshot import snapshot as snapshots

edge_lists = st.integers(1, 9).flatmap(
    lambda n: st.tuples(
        st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40)
    )
)


def lists_that_refer(count, edges):
    objects = [[] for _ in range(count)]
    for source, target in edges:
        objects[source].append(objects[target])
    return objects


def brute_force(count, edges):
    reach = np.zeros((count, count), bool)
    for source, target in edges:
        reach[source, target] = True
    for middle in range(count):
        reach |= reach[:, [middle]] & reach[[middle], :]
    return reach


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(graph=edge_lists, root=st.integers(0, 8))
def test_components_are_those_of_brute_force(graph, root):
    """Two garbage objects share a label exactly when each reaches the other; the rest has none."""
    count, edges = graph
    objects = lists_that_refer(count, edges)
    try:
        snapshot = snapshots.take(list(objects))
        roots = np.arange(count) == root
        garbage = ~reachable_from(snapshot, roots)
        components = cyclic_components(snapshot, garbage)
    finally:
        for obj in objects:
            obj.clear()
    reach = brute_force(count, edges)
    assert np.array_equal(garbage, ~(roots | reach[root % count] if root < count else roots))
    mutual = reach & reach.T & garbage[:, None] & garbage
    labels = components.labels
    assert np.array_equal(labels >= 0, mutual.diagonal())
    assert np.array_equal((labels[:, None] == labels) & (labels >= 0), mutual)
    assert components.sizes.tolist() == [int((labels == label).sum()) for label in range(components.count)]


def test_a_referent_that_is_repeated_ends_the_search_too():
    """A list that holds one other list three times, and itself twice, is one component."""
    first, second = [], []
    first += [second, first, second, second, first]
    second += [first, first]
    components = cyclic_components(snapshots.take([first, second]), np.ones(2, bool))
    first.clear(), second.clear()
    assert (components.count, components.labels.tolist(), components.sizes.tolist()) == (1, [0, 0], [2])


def test_the_source_of_one_edge_is_that_of_all_of_them():
    """Also beside objects without references."""
    objects = [[], [[], []], [], (), [1, [2]], []]
    snapshot = snapshots.take([*objects, *objects[1]])
    assert [snapshot.source_of(edge) for edge in range(len(snapshot.targets))] == snapshot.sources.tolist()
    assert len(snapshot.targets) >= 2
