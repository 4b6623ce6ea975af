"""Modules that were found to hold what windows made: asked first, for they are likely to do so again.

Who refers to an object is a question to the whole heap, which takes as long as all else that is asked of a small
window. What holds it is often the same: the cache of a parser, a registry of the program's. So modules that were an
answer are remembered by name, and what they hold is searched a few steps deep. What is found so is as certain as what
the heap says; what is not found is asked of the heap.
"""

from __future__ import annotations

import gc
import operator
import sys
import types
from itertools import repeat

from garbology.interpreter.contents import items_of, value_of
from garbology.interpreter.traversal import leave_out_dangerous, safe_referents
from garbology.names.classes import (
    is_metaclass,
    is_module,
    is_module_type,
    length_function_of,
    namespace_of_module,
)

_MOST_MODULES = 8
_MOST_STEPS = 5  # a registry, an instance in it, its dictionary, a dictionary there, what that holds
_MOST_SEARCHED = 2_000  # objects behind one module
_MOST_ENTRIES = 10_000  # of a container

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

    The first of a way is in the module's namespace, the last is what was wanted. No way leads through a class, a module
    or another namespace, which lead everywhere. Each object is found once, at the end of a short way.
    """
    left, found = set(wanted), list[list[object]]()
    known = namespaces() if _names else {}
    for name in reversed(list(_names)):
        module = value_of(sys.modules, name)
        if left and type(module) is types.ModuleType:
            ways = _ways_behind(namespace_of_module(module), left, known)
            if ways:
                remember(name)
            found += ways
    return found


def _ways_behind(namespace: object, left: set[int], known: dict[int, str]) -> list[list[object]]:
    """The ways from one module; what is found is no longer ``left``."""
    found: list[list[object]] = []
    levels = [[namespace]]
    seen = {id(namespace)}
    for _ in range(_MOST_STEPS):
        leave_out_dangerous(levels[-1])
        referents = gc.get_referents(*filter(_is_small, levels[-1]))
        there = dict(zip(map(id, referents), referents, strict=True))
        for address in left.intersection(there):
            found.append(_way(levels, there[address]))
        left.difference_update(there)
        fresh = _that_lead_further(there, seen, known) if left and len(seen) < _MOST_SEARCHED else []
        if not fresh:
            break
        levels.append(fresh)
    return found


def _that_lead_further(there: dict[int, object], seen: set[int], known: dict[int, str]) -> list[object]:
    kinds = {id(kind): kind for kind in map(type, there.values())}
    nowhere = {address for address, kind in kinds.items() if _leads_everywhere(kind)}
    fresh = {
        address: obj
        for address, obj in there.items()
        if id(type(obj)) not in nowhere
        and address not in seen
        and gc.is_tracked(obj)
        and address not in known
    }
    seen.update(fresh)
    return list(fresh.values())[:_MOST_SEARCHED]


def _is_small(obj: object) -> bool:
    """Whether an object is no container of very many entries, which takes as long to search as the heap."""
    length = length_function_of(type(obj))
    return length is None or length(obj) <= _MOST_ENTRIES


def _leads_everywhere(kind: type) -> bool:
    return kind is types.CodeType or is_metaclass(kind) or is_module_type(kind)


def _way(levels: list[list[object]], end: object) -> list[object]:
    """Back from something that an object of the last level refers to."""
    way = [end]
    for level in levels[:0:-1]:
        holders = (obj for obj in level if any(map(operator.is_, safe_referents(obj), repeat(way[-1]))))
        way.append(next(holders))
    return way[::-1]
