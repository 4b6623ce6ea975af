"""A high-water mark that exists once in a process, shared by blocks that each want their own peak."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Block(Protocol):
    """A measured block: its peak so far."""

    peak_bytes: int


class SharedPeak:
    """Hands one resettable high-water mark to several blocks at once, nested or in threads.

    Starting a block resets the mark, which would take the peak from every block still running: so each of
    them notes it first.
    """

    def __init__(self, read_bytes: Callable[[], int], reset: Callable[[], None]) -> None:
        self._read_bytes = read_bytes
        self._reset = reset
        self._running: list[Block] = []
        self._lock = threading.RLock()

    def start(self, block: Block) -> None:
        """Begin a block, whose ``peak_bytes`` then follows the mark; OSError where that cannot be reset."""
        with self.unnoticed():
            pass
        with self._lock:
            self._running.append(block)

    def stop(self, block: Block) -> None:
        """End a block; its ``peak_bytes`` is final."""
        with self._lock:
            self._note()
            self._running[:] = [other for other in self._running if other is not block]

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """Leave what happens inside, work of the instrument itself, out of every running block's peak."""
        with self._lock:
            self._note()
            try:
                yield
            finally:
                self._reset()

    def _note(self) -> None:
        peak_bytes = self._read_bytes()
        for block in self._running:
            block.peak_bytes = max(block.peak_bytes, peak_bytes)
