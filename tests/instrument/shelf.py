"""A place of its own where the tests of `why_alive` put what is to be alive, and how they read the answer."""

import weakref

NAME = f"module {__name__}"
CACHE = {}
KEPT = []


class Node:
    pass


class Bare:
    __slots__ = ("__weakref__", "child")


def clear():
    CACHE.clear()
    KEPT.clear()


def held_by(holder_of):
    """A new node, held by what `holder_of` makes of it and nothing else: a weak reference to it."""
    node = Node()
    KEPT.append(holder_of(node))
    return weakref.ref(node)


def steps(alive):
    return [f"{edge.source}{edge.label} > {edge.target}" for edge in alive.edges]
