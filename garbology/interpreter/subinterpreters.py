"""Whether this is a subinterpreter, where NumPy cannot be imported (up to 3.11 the attempt may never end), and whether
there are others, of which CPython 3.12 and 3.13 make frame objects in the wrong interpreter.
"""

from __future__ import annotations

import _thread
import importlib
import sys
from collections.abc import Callable
from functools import cache
from types import FrameType
from typing import Any

REFUSED = (
    "garbology.{} needs what can be imported in the main interpreter alone (NumPy, tracemalloc), and this is a "
    "subinterpreter: watch in the main interpreter, or in a process of its own"
)
_MIXES_FRAMES = (3, 12) <= sys.version_info < (3, 14)
_MODULE = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"


def is_subinterpreter() -> bool:
    """Whether another interpreter of this process was there first."""
    interpreters = _interpreters()
    if interpreters is None:
        return False
    return _number(interpreters.get_current()) != _number(interpreters.get_main())


def reader_of_frames() -> Callable[[], dict[int, FrameType]]:
    """`sys._current_frames`, or where that could crash the process `dict`: then no thread's frame is known.

    In CPython 3.12 and 3.13 it makes frame objects for the threads of all interpreters, with the allocator of the one
    that asks; one with a GIL of its own frees them with its own, and runs meanwhile.
    """
    return dict if _others_may_run() else sys._current_frames


def others_run() -> bool:
    """Whether there is another thread."""
    return _thread._count() > 0 or len(reader_of_frames()()) > 1


def reader_of_exceptions() -> Callable[[], dict[int, Any]]:
    """`sys._current_exceptions`, or `dict`, as :func:`reader_of_frames`."""
    return dict if _others_may_run() else sys._current_exceptions


def _others_may_run() -> bool:
    interpreters = _interpreters() if _MIXES_FRAMES else None
    return interpreters is not None and len(interpreters.list_all()) > 1


@cache
def _interpreters() -> Any:
    try:
        return importlib.import_module(_MODULE)
    except ImportError:  # a build without them
        return None


def _number(interpreter: Any) -> int:
    """From 3.13 an interpreter comes as a tuple of its number and where it is from."""
    return int(interpreter[0] if isinstance(interpreter, tuple) else interpreter)
