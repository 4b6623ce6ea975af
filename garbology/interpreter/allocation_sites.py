"""Where an object was allocated, as tracemalloc recorded it."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from garbology.interpreter.memory_layout import WORD, can_read_memory

_MANAGED_DICT = 1 << 4
# 3.11's own function looks for the block behind the two words where such an object keeps its attributes.
_FORGETS_WORDS = sys.version_info[:2] == (3, 11)
_WORDS_BEFORE = 4  # the collector's header and those two
_get_flags = type.__dict__["__flags__"].__get__


def allocation_traceback(obj: object) -> tracemalloc.Traceback | None:
    """Where an object was allocated; None where tracemalloc did not trace it.

    CPython 3.11's `tracemalloc.get_object_traceback` answers None for every instance of a class that is written in
    Python and has no `__slots__`: it is asked by the address of the block there.
    """
    traceback = tracemalloc.get_object_traceback(obj)
    if traceback is None and _FORGETS_WORDS and _get_flags(type(obj)) & _MANAGED_DICT and can_read_memory():
        frames = _traceback_by_address()(0, id(obj) - _WORDS_BEFORE * WORD)
        traceback = tracemalloc.Traceback(frames) if frames else None
    return traceback


def traced(objects: Iterable[object]) -> Iterator[object]:
    """Which of many objects tracemalloc traced, as something that is true or false of each."""
    quick: Any = getattr(tracemalloc, "_get_object_traceback", allocation_traceback)
    return map(allocation_traceback if _FORGETS_WORDS else quick, objects)


@cache
def _traceback_by_address() -> Callable[[int, int], Any]:
    import ctypes

    function = ctypes.pythonapi._PyTraceMalloc_GetTraceback
    function.argtypes = [ctypes.c_uint, ctypes.c_size_t]
    function.restype = ctypes.py_object
    return function
