"""What is read of the process as a whole at a census: its memory beyond the allocators', and what tracemalloc traces.

While tracemalloc runs, pymalloc tells no figures. Each trace has the size of a block, so they are known all the same,
and what `malloc` handed out beyond them is known as well: it is C code's.
"""

from __future__ import annotations

import tracemalloc
from typing import NamedTuple

import numpy as np

from garbology.interpreter.allocators import block_bytes, block_rules, chunk_bytes, read_allocated
from garbology.recorders.memory import anonymous_bytes

_NUMPY = 389_047  # the domain in which NumPy traces the data of arrays, numpy/_core/src/multiarray/alloc.c


class Traced(NamedTuple):
    """What is traced at one moment, in bytes.

    Attributes
    ----------
    traces : how many there are.
    asked : of what was asked for, as tracemalloc counts it; ``numpy`` is the part of it that arrays have as data.
    small : of the blocks that are handed out for it, those that are not `malloc`'s.
    in_c : of those that are.
    """

    traces: int
    asked: int
    numpy: int
    small: int
    in_c: int

    def less(self, other: Traced) -> Traced:
        """The difference of each figure."""
        return Traced(*map(int.__sub__, self, other))


_NOTHING = Traced(0, 0, 0, 0, 0)


class Process(NamedTuple):
    """See the module.

    Attributes
    ----------
    beyond_bytes : anonymous memory beyond what the allocators hold; 0 where that is not known.
    traced : None where tracemalloc does not run.
    """

    beyond_bytes: int
    traced: Traced | None


def read_process() -> Process:
    """The figures of now. Where tracemalloc runs it takes some microseconds a trace, and 130 bytes at its peak."""
    told, anonymous, traced = read_allocated(), anonymous_bytes(), read_traced()
    if told is None or traced or not anonymous:
        return Process(0, traced)
    return Process(anonymous - told.python_held - told.c_held, None)


def read_traced() -> Traced | None:
    """What is traced now; None where tracemalloc does not run."""
    if not tracemalloc.is_tracing():
        return None
    traces = tracemalloc._get_traces()  # type: ignore[attr-defined]
    domains, sizes = np.fromiter((trace[:2] for trace in traces), (np.int64, 2), len(traces)).T
    rules, is_numpys = block_rules(), domains == _NUMPY
    is_in_c = is_numpys | (sizes > rules.above)
    blocks = sizes + np.where(is_numpys, 0, rules.extra)
    return Traced(
        traces=len(traces),
        asked=int(sizes.sum()),
        numpy=int(sizes[is_numpys].sum()),
        small=int(block_bytes(blocks[~is_in_c]).sum()),
        in_c=int(chunk_bytes(blocks[is_in_c]).sum()),
    )


class OwnWork:
    """Takes off what own work has left, from what is traced after it."""

    __slots__ = ("_before", "_left")

    def __init__(self) -> None:
        self._before = self._left = _NOTHING

    def begin(self) -> Process:
        """It begins: the figures of now, without what it has left so far."""
        process = read_process()
        self._before = process.traced or _NOTHING
        return process._replace(traced=process.traced and process.traced.less(self._left))

    def end(self) -> None:
        """It has ended."""
        if not tracemalloc.is_tracing():
            return
        read_process()  # it takes from the lists of what was freed, which the work has filled
        left_before = self._before.less(self._left)
        self._left = (read_process().traced or _NOTHING).less(left_before)

    def kept(self) -> list[object]:
        """What is the instrument's own of it."""
        return [self, self._before, self._left]
