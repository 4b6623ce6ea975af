"""Reference counts that mean the same on every CPython.

``sys.getrefcount`` adds the references of asking, and how many those are changed with the calling convention:
a local with one reference reads 2 up to 3.13 and 1 from 3.14. Here the cost of asking is measured once, with a
probe that takes the same path as the question, and taken off.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

#: Counts from here up mark an immortal object on every version: 3.11 starts them at about 10**9, 3.12 and 3.13
#: read 2**32 - 1, 3.14 and 3.15 read 3 * 2**30 (PEP 683). No list of references has 2**28 entries by accident.
IMMORTAL_COUNT = 2**28


class OwnReference(weakref.ref[Any]):
    """A weak reference of our own: a plain one may be the program's, which is then held once more than before."""

    __slots__ = ()


def is_immortal(obj: object) -> bool:
    """Whether CPython never changes the reference count of ``obj`` (PEP 683)."""
    return sys.getrefcount(obj) >= IMMORTAL_COUNT


def _count_with_asking(obj: object) -> int:
    # From 3.14 a caller lends a local and gives a temporary away, so our own parameter may or may not be a
    # reference. Without it both look the same.
    held = [obj]
    del obj
    return sys.getrefcount(held[0])


def _cost_of_asking() -> int:
    probe = object()
    return _count_with_asking(probe) - 1  # its one other reference is the local


_COST_OF_ASKING = _cost_of_asking()


def reference_count(obj: object) -> int | None:
    """How many references hold ``obj``, those of asking left out; None where it is immortal.

    A local variable that alone holds its object counts 1 on every CPython, a temporary 0. Call it directly: a
    call through ``map`` or ``functools.partial`` adds the references which those hold. On free-threaded builds
    the number is approximate, because references may be deferred there (PEP 703).
    """
    held = [obj]
    del obj
    count = sys.getrefcount(held[0])
    return None if count >= IMMORTAL_COUNT else count - _COST_OF_ASKING
