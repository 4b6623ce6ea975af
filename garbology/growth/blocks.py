"""What the allocators hand out for Python's objects, from their sizes: blocks in steps of 16 bytes.

A list, a dictionary or an array is a small block of its own and a table elsewhere; a text or a tuple is one block. What
`malloc` hands out of it is an estimate, so that the rest can be told to be C's.
"""

from __future__ import annotations

import _thread
import sys

import numpy as np
from numpy.typing import NDArray

from garbology.interpreter.allocators import block_bytes, block_rules, chunk_bytes
from garbology.names.classes import basicsize_of, itemsize_of, mro_of

_IN_ONE_BLOCK = (str, bytes)  # their text follows the object, though their types have no items
# A lock has a semaphore (sem_t) from `malloc`, of which its size does not tell.
_LOCKS, _LOCK_BYTES = (_thread.LockType, _thread.RLock), 32 if sys.version_info < (3, 14) else 0


def blocks_of_each(
    sizes: NDArray[np.int64], types: list[type], kinds: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The blocks for objects of some ``sizes`` in bytes, and those of them that are `malloc`'s: int64, shape (n,) each.

    ``types[kinds[i]]`` is the type of object ``i``.
    """
    if not len(kinds):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    rules = block_rules()
    headers = np.minimum(np.array([_header_bytes(kind) for kind in types], np.int64)[kinds], sizes)
    above = np.array([0 if _has_mallocs_table(kind) else rules.above for kind in types], np.int64)[kinds]
    rest, rest_in_c = _of_blocks(sizes - headers, above, rules.extra)
    own, own_in_c = _of_blocks(headers, rules.above, rules.extra)
    in_locks = np.array([_lock_bytes(kind, rules.extra) for kind in types], np.int64)[kinds]
    return rest + own + in_locks, rest_in_c + own_in_c + in_locks


def _of_blocks(
    sizes: NDArray[np.int64], above: NDArray[np.int64] | int, extra: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    is_in_c = (sizes > 0) & (sizes > above)
    in_c = np.where(is_in_c, chunk_bytes(sizes + extra), 0)
    pythons = np.where((sizes > 0) & ~is_in_c, block_bytes(sizes + extra), 0)
    return pythons + in_c, in_c


def _has_mallocs_table(kind: type) -> bool:
    """Whether `malloc` hands out what follows an instance, however small that is: the data of an array of NumPy's."""
    return any(base is np.ndarray for base in mro_of(kind))


def _lock_bytes(kind: type, extra: int) -> int:
    has_semaphore = _LOCK_BYTES and any(kind is each for each in _LOCKS)
    return int(chunk_bytes(_LOCK_BYTES + extra)) if has_semaphore else 0


def _header_bytes(kind: type) -> int:
    """Bytes of an instance that are not in its largest block."""
    if itemsize_of(kind) or any(kind is each for each in _IN_ONE_BLOCK):
        return 0
    return basicsize_of(kind)
