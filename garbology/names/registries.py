"""Lists of callbacks that only the interpreter holds, known by what the standard library has put into each."""

from __future__ import annotations

import codecs
import encodings
import functools
import sys
import types
from typing import Any

from garbology.interpreter.contents import elements_of, items_of, length_of, value_of
from garbology.names.classes import is_module, namespace_of_module

_MOST_CALLBACKS = 10_000
_CALLABLES = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial)
_CALLED_AT_A_FORK = {
    "threading": ("_after_fork",),
    "logging": (
        *("_after_at_fork_child_reinit_locks", "_acquireLock", "_releaseLock"),
        *("_prepareFork", "_afterFork"),  # from 3.13
    ),
}


def registry_of(obj: object) -> str:
    """What fills a list or dictionary that C code holds; empty where that is not known."""
    if type(obj) is list and length_of(obj) <= _MOST_CALLBACKS:
        return _name_of_list(elements_of(obj))
    if type(obj) is dict and dict.__len__(obj) <= _MOST_CALLBACKS:
        return _name_of_dict(items_of(obj))
    return ""


def holders_of_callables(obj: object) -> list[str]:
    """What may hold a callable that nothing visible holds."""
    if not any(type(obj) is kind for kind in _CALLABLES):
        return []
    return ["hooks of sys.addaudithook", *(["callbacks of sys.monitoring"] if _is_monitored() else [])]


def _is_monitored() -> bool:
    """Whether a debugger, profiler or coverage tool has registered with the interpreter."""
    return sys.version_info >= (3, 12) and any(sys.monitoring.get_tool(tool) for tool in range(6))


def _name_of_list(elements: list[object]) -> str:
    if any(each is encodings.search_function for each in elements):
        return "codecs.register, as a search function"
    return "os.register_at_fork, as a callback" if any(map(_is_called_at_a_fork, elements)) else ""


def _is_called_at_a_fork(obj: object) -> bool:
    """Whether it is what the standard library has registered: each of the three lists has something of `logging`."""
    if type(obj) is not types.FunctionType:
        return False
    for module, names in _CALLED_AT_A_FORK.items():
        found = value_of(sys.modules, module)
        namespace = namespace_of_module(found) if is_module(found) else {}
        if any(obj is value_of(namespace, name) for name in names):
            return True
    return False


def _name_of_dict(entries: list[tuple[Any, Any]]) -> str:
    if any(entry is codecs.strict_errors for _, entry in entries):
        return "codecs.register_error, as a handler"
    if entries and all(type(entry) is codecs.CodecInfo for _, entry in entries):
        return "codecs.lookup, which keeps what it has found"
    return ""
