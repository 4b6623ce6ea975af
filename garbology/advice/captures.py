"""Functions that capture each other: a recursive inner function, `even` and `odd`, the parts of an encoder."""

from __future__ import annotations

import functools
import inspect
import types
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from garbology.cycles.folding import Link
from garbology.cycles.graphs import graph_of_pairs
from garbology.cycles.strong import strongly_connected
from garbology.names.call_caches import is_call_cache
from garbology.names.captured import attributes_used
from garbology.names.nodes import code_of
from garbology.text.escaping import safe_text

# What is suspended outlives its function up to 3.10.
_CAN_BE_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_name_of: Any = types.FunctionType.__dict__["__name__"].__get__
_qualified_name_of: Any = types.FunctionType.__dict__["__qualname__"].__get__


def mutual_captures(links: Sequence[Link]) -> list[list[Link]]:
    """The links among functions that capture each other or themselves, those of each group of functions together."""
    among = [
        link for link in links if _is_callable(link.steps[0].holder) and _is_callable(link.steps[-1].referent)
    ]
    if not among:
        return []
    ends = np.array([(link.source, link.target) for link in among])
    nodes, places = np.unique(ends, return_inverse=True)
    sources, targets = places.reshape(ends.shape).T
    _, labels = strongly_connected(graph_of_pairs(sources, targets, len(nodes)))
    groups: dict[int, list[Link]] = defaultdict(list)
    for link, source, target in zip(among, labels[sources].tolist(), labels[targets].tolist(), strict=True):
        if source == target:
            groups[source].append(link)
    return [group for group in groups.values() if any(map(is_captured, group))]


def is_captured(link: Link) -> bool:
    """Whether it is a variable of a closure."""
    return type(link.steps[-1].holder) is types.CellType


def used_of_itself(links: Sequence[Link]) -> list[str]:
    """The attributes for which alone a function captures itself, as a decorator's wrapper does that keeps figures."""
    functions = [
        step.holder for link in links for step in link.steps if type(step.holder) is types.FunctionType
    ]
    if len(links) != 1 or len(functions) != 1 or not is_captured(links[0]):
        return []
    code = code_of(functions[0])
    variable = links[0].label.rpartition("closure variable ")[2]
    return [] if code.co_flags & _CAN_BE_SUSPENDED else attributes_used(code, variable)


def maker_of(link: Link) -> str:
    """The function in which the function was made that has this link's variable: 'Fun.__init__'."""
    functions = [step.holder for step in link.steps if type(step.holder) is types.FunctionType]
    qualified = str.__str__(_qualified_name_of(functions[-1])) if functions else ""
    return safe_text(qualified.rpartition(".<locals>")[0], limit=80)


def names_of(links: Iterable[Link]) -> list[str]:
    """The names of the functions that have these links, each once."""
    paths = list(links)
    functions = [step.holder for link in paths for step in link.steps]
    several = {id(each) for each in functions if type(each) is types.FunctionType}
    if len(paths) == len(several) == 1 and is_captured(paths[0]):  # a wrapper bears the name of what it wraps
        return [paths[0].label.rpartition("closure variable ")[2]]
    names = {str.__str__(_name_of(each)) for each in functions if type(each) is types.FunctionType}
    return [safe_text(name, limit=80) for name in sorted(names)]


def _is_callable(obj: object) -> bool:
    """Whether it is a function, or what wraps one in C."""
    kind = type(obj)
    return kind is types.FunctionType or kind is functools.partial or is_call_cache(obj)
