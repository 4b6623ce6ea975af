"""Modules that were found to hold what windows made: asked first, for they are likely to do so again.

Who refers to an object is a question to the whole heap, which takes as long as all else that is asked of a small
window. What holds it is often the same: the cache of a parser, a registry of the program's. So modules that were an
answer are remembered by name, and what they hold is searched a few steps deep. What is found so is as certain as what
the heap says; what is not found is asked of the heap.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Iterator

from garbology.interpreter.contents import items_of, value_of
from garbology.interpreter.traversal import safe_referents
from garbology.names.classes import is_class, is_module, namespace_of_module

_MOST_MODULES = 8
_MOST_STEPS = 5  # a registry, an instance in it, its dictionary, a dictionary there, what that holds
_MOST_SEARCHED = 2_000  # objects behind one module

_names: dict[str, None] = {}


def namespaces() -> dict[int, str]:
    """The names of modules, by the addresses of their namespaces."""
    modules = items_of(sys.modules)
    return {id(namespace_of_module(module)): name for name, module in modules if is_module(module)}


def remember(name: str) -> None:
    """A module holds something of a window's; of many the latest are kept."""
    _names.pop(name, None)
    _names[name] = None
    while len(_names) > _MOST_MODULES:
        del _names[next(iter(_names))]


def paths_to(wanted: set[int]) -> list[list[object]]:
    """Ways from what a known module holds to objects at the ``wanted`` addresses, each with what holds the next.

    The first of a way is in the module's namespace, the last is what was wanted. No way leads through a class, a
    module or another namespace, which lead everywhere. Each object is found once, at the end of a short way.
    """
    left, found = set(wanted), list[list[object]]()
    known = namespaces() if _names else {}
    for name in reversed(list(_names)):
        module = value_of(sys.modules, name)
        if left and type(module) is types.ModuleType:
            found += _paths_behind(namespace_of_module(module), left, known)
    return found


def _paths_behind(namespace: object, left: set[int], known: dict[int, str]) -> Iterator[list[object]]:
    ways: dict[int, tuple[object, int]] = {}  # each object found, and the address of what it was found in
    level = [namespace]
    for _ in range(_MOST_STEPS):
        fresh: list[object] = []
        for holder in level:
            if not left or len(ways) > _MOST_SEARCHED:
                return
            for obj in safe_referents(holder):
                address = id(obj)
                if address in left:
                    left.discard(address)
                    yield [*_way(ways, id(holder)), obj]
                if address not in ways and gc.is_tracked(obj) and not _leads_everywhere(obj, known):
                    ways[address] = obj, id(holder)
                    fresh.append(obj)
        level = fresh


def _leads_everywhere(obj: object, known: dict[int, str]) -> bool:
    kind = type(obj)
    if kind is dict:
        return id(obj) in known
    return kind is types.CodeType or is_class(obj) or is_module(obj)


def _way(ways: dict[int, tuple[object, int]], address: int) -> list[object]:
    found: list[object] = []
    while address in ways:
        obj, address = ways[address]
        found.append(obj)
    return found[::-1]
