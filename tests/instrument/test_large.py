"""Cycles of many objects or references: not all of them are read one by one, and yet it is told what they are."""

import collections
import gc
import sys

import numpy as np
import pytest

import garbology
from garbology.names.edges import named_referents, named_referents_at
from garbology.snapshot.arrays import at, put, tally

pytestmark = pytest.mark.usefixtures("frozen_heap")


class Hub:
    pass


class Part:
    pass


def told(found):
    """The edges and the advised edges of the largest shape."""
    shape = max(found.shapes, key=lambda shape: shape.objects)
    return sorted(map(str, shape.edges)), [str(edge) for edge in shape.advice.edges]


def star(parts, kept=None):
    hub = Hub()
    hub.parts = []
    for place in range(parts):
        part = Part()
        part.hub = hub
        hub.parts.append(part)
        if kept is not None and place % 1000 == 0:
            kept.append(Part())


def test_a_hub_of_many_is_told_as_one_of_few(quiet_heap):
    """A list of 20,000 parts that point back has the two edges and the advice that one of five parts has."""
    with garbology.watch() as found:
        star(20_000)
    edges, advised = told(found)
    assert edges == ["Hub.parts[] -> Part", "Part.hub -> Hub"]
    assert advised == ["Part.hub -> Hub"]
    assert found.garbage == gc.collect()


def test_live_objects_between_those_of_a_large_cycle_change_nothing(quiet_heap):
    """Objects that live on, made among the others, are neither told of nor counted."""
    kept = []
    with garbology.watch() as found:
        star(20_000, kept)
    assert told(found) == (["Hub.parts[] -> Part", "Part.hub -> Hub"], ["Part.hub -> Hub"])
    assert found.shapes[0].types == {f"{__name__}.Hub": 1, f"{__name__}.Part": 20_000, "list": 1} or (
        found.shapes[0].types["dict"] == 20_001  # up to 3.10 each instance has a dictionary
    )
    assert found.garbage == gc.collect()


@pytest.mark.slow
def test_many_references_to_one_object_are_one_edge(quiet_heap):
    """A hundred thousand references between a list and one object cost no more names than a few."""
    with garbology.watch() as found:
        hub, part = Hub(), Part()
        hub.parts, part.hub = [part] * 100_000, hub
        del hub, part
    assert told(found)[0] == ["Hub.parts[] -> Part", "Part.hub -> Hub"]
    assert found.shapes[0].advice.verified
    assert found.garbage == 3 + (found.garbage > 3) * 2  # with two dictionaries up to 3.10


def test_several_large_cycles_are_one_shape(quiet_heap):
    """Three rings of a thousand objects each are told once, with their count.

    While one is built each link is all that holds the next, so no link may be weak. That is seen at lines, of which
    CPython tells from 3.12 on; before, there is no moment in the block at which to look.
    """
    with garbology.watch() as found:
        for _ in range(3):
            first = node = Hub()
            for _ in range(999):
                node.next = Hub()
                node = node.next
            node.next = first
        del first, node
    (shape,) = found.shapes
    assert shape.count == 3
    advised = [] if sys.version_info >= (3, 12) else ["Hub.next -> Hub"]
    assert told(found) == (["Hub.next -> Hub"], advised)


def test_a_rare_edge_of_a_large_cycle_is_named(quiet_heap):
    """One part among 20,000 that refers to another by a name of its own has that edge in the drawing."""
    with garbology.watch() as found:
        hub = Hub()
        hub.parts = [Part() for _ in range(20_000)]
        for part in hub.parts:
            part.hub = hub
        hub.parts[12_345].rival = hub.parts[77]
        del hub, part
    assert "Part.rival -> Part" in told(found)[0]


CONTAINERS = {
    "list": lambda items: list(items),
    "tuple": lambda items: tuple(items),
    "deque": lambda items: collections.deque(items),
    "set": lambda items: set(items),
    "dict by text": lambda items: {f"key {i}": item for i, item in enumerate(items)},
    "dict by number": lambda items: dict(enumerate(items)),
    "dict by object": lambda items: {item: [item] for item in items},
    "instance": lambda items: vars_of(items),
}


def vars_of(items):
    hub = Hub()
    for place, item in enumerate(items):
        setattr(hub, f"part{place}", item)
    return hub


@pytest.mark.parametrize("kind", CONTAINERS)
def test_some_referents_are_named_as_all_of_them_are(kind):
    """The names of chosen referents equal those that they have among all, object by object."""
    container = CONTAINERS[kind]([Part() for _ in range(20)])
    everything = named_referents(container)
    chosen = [0, 3, 7, len(everything) - 1] if len(everything) > 8 else [0]
    assert named_referents_at(container, chosen) == [everything[place] for place in chosen]


def test_a_referent_that_is_gone_has_no_name():
    """A position beyond the end, for another thread took the object out, has an empty label."""
    assert named_referents_at([1, 2], [5]) == [("", None)]
    assert named_referents_at(collections.deque([1]), [5]) == [("", None)]


def test_blocks_do_what_the_whole_array_does():
    """Counting, reading and writing in blocks equal NumPy's own, across the borders of blocks."""
    places = np.random.default_rng(0).integers(0, 200_000, 150_000).astype(np.int32)
    values = np.arange(200_000, dtype=np.uint32)[::-1].copy()
    assert np.array_equal(at(values, places), values[places])
    assert np.array_equal(tally(places, 200_000), np.bincount(places, minlength=200_000))
    assert np.array_equal(tally(places % 7, 7), np.bincount(places % 7, minlength=7))
    flags = np.zeros(200_000, bool)
    put(flags, places, True)
    assert np.array_equal(np.flatnonzero(flags), np.unique(places))
