"""Finalizers of the standard library that have nothing to do any more: what is closed, finished, or has been asked."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

from garbology.names.classes import inherited_values
from garbology.names.classes import namespace_of as entries_of


def is_idle(obj: object) -> bool:
    """Whether the finalizer of ``obj`` is a known one that has nothing to do; no code of the program's is asked."""
    finalizer = found_in(type(obj), "__del__")
    for module, name, has_nothing_to_do in _KNOWN:
        known = _class_in(module, name)
        if known is not None and finalizer is namespace_of(known).get("__del__"):
            return has_nothing_to_do(known, obj)
    return False


def _class_in(module: str, name: str) -> Any:
    loaded = sys.modules.get(module)
    return vars(loaded).get(name) if type(loaded) is types.ModuleType else None


def _was_asked(known: Any, future: object) -> bool:
    """It would tell of an exception that nobody has asked for."""
    return not known._log_traceback.__get__(future)


def _is_finished(known: Any, task: object) -> bool:
    """It would tell of a task that was never finished as well."""
    return known.done(task) and _was_asked(known, task)


def _is_closed_loop(known: Any, loop: object) -> bool:
    """It would close the loop."""
    kind = type(loop)
    is_as_known = found_in(kind, "is_closed") is known.is_closed and found_in(kind, "_closed") is None
    return is_as_known and object.__getattribute__(loop, "_closed") is True


def _is_closed_socket(known: Any, socket: object) -> bool:
    """It would close the socket."""
    return bool(known.fileno(socket) == -1)


_KNOWN: tuple[tuple[str, str, Callable[[Any, object], bool]], ...] = (
    ("_asyncio", "Task", _is_finished),
    ("_asyncio", "Future", _was_asked),
    ("asyncio.base_events", "BaseEventLoop", _is_closed_loop),
    ("_socket", "socket", _is_closed_socket),
)


def namespace_of(cls: type) -> dict[str, Any]:
    """The attributes of a class itself, whatever its metaclass says; those alone whose names are exact strings."""
    return dict(entries_of(cls))


def found_in(cls: type, name: str) -> object:
    """What a class or the first of its bases has by a name; None where none has."""
    return next(inherited_values(cls, name), None)
