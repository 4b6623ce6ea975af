"""What `malloc` hands out for Python's objects: an estimate from their sizes, so that the rest can be told to be C's.

pymalloc serves up to 512 bytes. A list, a dictionary or an array is a small block of its own and a table elsewhere; a
text or a tuple is one block.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from garbology.names.classes import basicsize_of, itemsize_of

_PYMALLOC_BYTES = 512
_CHUNK_HEADER_BYTES = 8  # glibc's, before a block; blocks begin at multiples of 16
_IN_ONE_BLOCK = (str, bytes)  # their text follows the object, though their types have no items


def malloc_bytes_of_each(
    sizes: NDArray[np.int64], types: list[type], kinds: NDArray[np.int32]
) -> NDArray[np.int64]:
    """For objects of some ``sizes`` in bytes: int64, shape (n,). ``types[kinds[i]]`` is the type of object ``i``."""
    headers = np.array([_header_bytes(kind) for kind in types], np.int64)[kinds] if len(kinds) else sizes
    blocks = sizes - headers
    chunks = (blocks + _CHUNK_HEADER_BYTES + 15) // 16 * 16
    return np.where(blocks > _PYMALLOC_BYTES, chunks, 0)


def _header_bytes(kind: type) -> int:
    """Bytes of an instance that are not in its largest block."""
    if itemsize_of(kind) or any(kind is each for each in _IN_ONE_BLOCK):
        return 0
    return basicsize_of(kind)
