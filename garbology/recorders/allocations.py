"""What Python itself allocates in a block, by tracemalloc: peak, remainder, blocks, and NumPy's share."""

from __future__ import annotations

import platform
import tracemalloc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from garbology.interpreter.subinterpreters import others_run
from garbology.recorders.peaks import SharedPeak

#: The tracemalloc domain of NumPy's array data (``np.lib.tracemalloc_domain``, here so that NumPy is not
#: imported).
NUMPY_DOMAIN = 389047


@dataclass
class TracedAllocations:
    """The allocations of a block, final at its end, all counted from its beginning.

    ``peak_bytes`` is the highest total in between. ``current_bytes`` and ``blocks`` (pieces of memory) are
    what is left at the end, negative where the block freed more than it allocated, and ``numpy_bytes`` the
    part of ``current_bytes`` that is array data.
    """

    peak_bytes: int = 0
    current_bytes: int = 0
    blocks: int = 0
    numpy_bytes: int = 0


@contextmanager
def traced_allocations(frames: int = 1) -> Iterator[TracedAllocations]:
    """Trace a block's allocations; gives ``TracedAllocations``. Blocks may be nested.

    Traced code is 9 to 15 times slower at one frame, so measure time elsewhere. If tracing was on before,
    it goes on afterwards with its own number of frames; only its peak,
    ``tracemalloc.get_traced_memory()[1]``, is reset. Where other threads are at work without a pause, CPython before
    3.12.9 and 3.13.2 may crash when it is switched off: there it goes on, with a ``RuntimeWarning``.
    """
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start(frames)
    try:
        yield from _traced()
    finally:
        if not was_tracing and not _switched_off():
            warnings.warn(
                "tracemalloc is still on: other threads were at work all the time, and CPython "
                f"{platform.python_version()} may crash where it is switched off meanwhile; call tracemalloc.stop() "
                "when they wait",
                RuntimeWarning,
                stacklevel=3,
            )


def _switched_off() -> bool:
    """Whether tracemalloc was; where no other thread is, what finds out about threads is not imported."""
    if not others_run():
        tracemalloc.stop()
        return True
    from garbology.interpreter.allocation_tracing import stop_tracing

    return stop_tracing()


def _traced() -> Iterator[TracedAllocations]:
    traced = TracedAllocations()
    before = _Totals.now()
    _TRACED.start(traced)
    try:
        yield traced
    finally:
        _TRACED.stop(traced)
        if tracemalloc.is_tracing():  # else the block switched it off, and with that forgot everything
            after = _Totals.now()
            traced.peak_bytes = max(0, traced.peak_bytes - before.bytes)
            traced.current_bytes = after.bytes - before.bytes
            traced.blocks = after.blocks - before.blocks
            traced.numpy_bytes = after.numpy_bytes - before.numpy_bytes


class _Totals(NamedTuple):
    """Everything traced at one time."""

    bytes: int
    blocks: int
    numpy_bytes: int

    @classmethod
    def now(cls) -> _Totals:
        """Read the totals; the snapshot, itself traced, is in none of them."""
        total_bytes = tracemalloc.get_traced_memory()[0]
        with _TRACED.unnoticed():
            traces = tracemalloc.take_snapshot().traces
            numpy_bytes = sum(trace.size for trace in traces if trace.domain == NUMPY_DOMAIN)
            return cls(total_bytes, len(traces), numpy_bytes)


_TRACED = SharedPeak(lambda: tracemalloc.get_traced_memory()[1], tracemalloc.reset_peak)
