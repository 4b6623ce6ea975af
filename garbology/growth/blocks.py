"""What `malloc` hands out for Python's objects: an estimate from their sizes, so that the rest can be told to be C's.

A list, a dictionary or an array is a small block of its own and a table elsewhere; a text or a tuple is one block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from garbology.interpreter.allocators import block_rules, chunk_bytes
from garbology.names.classes import basicsize_of, itemsize_of

_IN_ONE_BLOCK = (str, bytes)  # their text follows the object, though their types have no items


def malloc_bytes_of_each(
    sizes: NDArray[np.int64], types: list[type], kinds: NDArray[np.int32]
) -> NDArray[np.int64]:
    """For objects of some ``sizes`` in bytes: int64, shape (n,). ``types[kinds[i]]`` is the type of object ``i``."""
    if not len(kinds):
        return np.zeros(0, np.int64)
    headers = np.array([_header_bytes(kind) for kind in types], np.int64)[kinds]
    both: NDArray[np.int64] = _of_blocks(sizes - headers) + _of_blocks(headers)
    return both


def _of_blocks(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    rules = block_rules()
    chunks: NDArray[np.int64] = np.where(
        (sizes > 0) & (sizes > rules.above), chunk_bytes(sizes + rules.extra), 0
    )
    return chunks


def _header_bytes(kind: type) -> int:
    """Bytes of an instance that are not in its largest block."""
    if itemsize_of(kind) or any(kind is each for each in _IN_ONE_BLOCK):
        return 0
    return basicsize_of(kind)
