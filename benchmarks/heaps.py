"""Heaps to find garbage in: each function makes so many units of its kind and lets them go."""

from __future__ import annotations

import random
from collections.abc import Callable


class Node:
    """An instance with attributes."""


class Other:
    """One more class."""


def instance_pairs(units: int) -> None:
    """Two instances that refer to each other."""
    for _ in range(units):
        node, other = Node(), Other()
        node.other, other.node = other, node


def families(units: int) -> None:
    """A parent with a list of three children, which point back."""
    for _ in range(units):
        parent = Node()
        parent.children = [Other() for _ in range(3)]
        for child in parent.children:
            child.parent = parent


def dict_pairs(units: int) -> None:
    """Two dictionaries that hold each other by a key."""
    for _ in range(units):
        first: dict[str, object] = {}
        first["other"] = {"other": first}


def one_ring(units: int) -> None:
    """Instances in one ring: a single cycle however many there are."""
    first = node = Node()
    for _ in range(units - 1):
        node.next = Node()
        node = node.next
    node.next = first


def doubly_linked_list(units: int) -> None:
    """Instances in a row, each of which knows the one before and the one behind it."""
    node = Node()
    node.before = None
    for _ in range(units - 1):
        node.after = Node()
        node.after.before = node
        node = node.after
    node.after = None


def tree(units: int) -> None:
    """A binary tree whose nodes have a list of children and a pointer to their parent."""
    nodes: list[Node] = []
    for place in range(units):
        node = Node()
        node.parent = nodes[(place - 1) // 2] if place else None
        node.children = []
        if place:
            node.parent.children.append(node)
        nodes.append(node)


def star(units: int) -> None:
    """A hub with a list of all others, which point back to it."""
    hub = Node()
    hub.children = [Other() for _ in range(units)]
    for child in hub.children:
        child.hub = hub


def closures(units: int) -> None:
    """A function that refers to itself through its own cell."""

    def make() -> None:
        def again() -> object:
            return again

    for _ in range(units):
        make()


def payloads(units: int) -> None:
    """Instance pairs with a text and a number each, which the collector does not see."""
    for place in range(units):
        node, other = Node(), Other()
        node.other, other.node = other, node
        node.text, other.number = f"text number {place}", place + 0.5


CLASSES = [type(f"Class{number}", (), {}) for number in range(300)]


def many_shapes(units: int) -> None:
    """Rings of four instances of 300 classes, each with another succession of classes."""
    for number in range(units):
        high, low = divmod(number, 300)
        places = (low, high % 300, (7 * high + low) % 300, (high // 300 + 3 * low) % 300)
        nodes = [CLASSES[place]() for place in places]
        for node, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
            node.following = following


def random_graph(units: int) -> None:
    """Instances each of which refers to two others by chance: most of them are in one cycle, others hang on it."""
    dice = random.Random(1)
    nodes = [Node() for _ in range(units)]
    for node in nodes:
        node.first, node.second = nodes[int(dice.random() * units)], nodes[int(dice.random() * units)]


KEPT: list[object] = []


def beside_live(units: int) -> None:
    """Instance pairs, every other one of which a list keeps alive."""
    for place in range(units):
        node, other = Node(), Other()
        node.other, other.node = other, node
        if place % 2:
            KEPT.append(node)


HEAPS: dict[str, Callable[[int], None]] = {
    function.__name__: function
    for function in (
        *(instance_pairs, families, dict_pairs, closures, payloads, beside_live),
        many_shapes,
        *(one_ring, doubly_linked_list, tree, star, random_graph),
    )
}
