"""The cyclic collector's settings: changed for a block, put back after it, and which kind of collector this is."""

from __future__ import annotations

import functools
import gc
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

from garbology.interpreter.putting_back import renewed_after_fork, switched, was_put_back

CollectorKind = Literal["generational", "incremental", "free-threaded"]

_FEWEST_FROZEN = 1_000  # gc.freeze() in a program freezes all of the interpreter's modules, which is more


def _frozen_by_interpreter() -> int:
    """3.12 starts with some hundred objects frozen; a program may have frozen its own before it imported this."""
    count = gc.get_freeze_count() if hasattr(gc, "get_freeze_count") else 0
    return count if count < _FEWEST_FROZEN else 0


_FROZEN_BY_INTERPRETER = _frozen_by_interpreter()


class Pause:
    """Automatic collection switched off, from making this to :meth:`end`.

    Pauses may overlap in any order, as those of two tasks or threads do: the collector is on again, if it was on
    before the first, when the last one ends. In the child of a fork those of other threads have ended.
    """

    _lock = threading.RLock()  # a finalizer may pause while its thread does
    _going_on: ClassVar[list[Pause]] = []

    def __init__(self) -> None:
        with self._lock:
            self._was_enabled = gc.isenabled()
            self._going_on.append(self)
            self._switched = switched(self.end)
            gc.disable()

    @classmethod
    def renew(cls) -> None:
        """Have a lock that no thread holds."""
        cls._lock = threading.RLock()

    def will_enable(self) -> bool:
        """Whether the collector will be on once this has ended."""
        return self._was_enabled and self._going_on[-1] is self

    def end(self) -> None:
        """Put the collector back as it was, unless a later pause goes on; that one does so then."""
        with self._lock:
            if self not in self._going_on:
                return
            was_put_back(self._switched)
            place = self._going_on.index(self)
            del self._going_on[place]
            if place < len(self._going_on):
                self._going_on[place]._was_enabled = self._was_enabled
            elif self._was_enabled:
                gc.enable()
            else:
                gc.disable()


renewed_after_fork(Pause.renew)


@contextmanager
def paused() -> Iterator[None]:
    """Switch automatic collection off for a block; afterwards it is on again if it was on before."""
    pause = Pause()
    try:
        yield
    finally:
        pause.end()


@contextmanager
def threshold(threshold0: int, threshold1: int = 10, threshold2: int = 10) -> Iterator[None]:
    """Set the collection thresholds for a block (see ``gc.set_threshold``); afterwards the old ones hold again.

    The incremental collector of 3.14.0-3.14.4 ignores ``threshold2`` and reads it back as 0.
    """
    before = gc.get_threshold()
    gc.set_threshold(threshold0, threshold1, threshold2)
    number = switched(functools.partial(gc.set_threshold, *before))
    try:
        yield
    finally:
        was_put_back(number)
        gc.set_threshold(*before)


@contextmanager
def frozen() -> Iterator[None]:
    """Keep all objects alive now out of every collection inside a block (see ``gc.freeze``).

    Raises
    ------
    RuntimeError : the program has frozen objects itself. CPython has one permanent generation, so letting ours
        go would let the program's go with them.
    """
    if program_has_frozen():
        raise RuntimeError(
            f"the program has frozen {gc.get_freeze_count():,} objects itself, and they would thaw with ours: "
            "call gc.unfreeze() first, or do without collector.frozen()"
        )
    gc.freeze()
    number = switched(gc.unfreeze)
    try:
        yield
    finally:
        was_put_back(number)
        gc.unfreeze()


def program_has_frozen() -> bool:
    """Whether the program has frozen objects itself (``gc.freeze``): no list of the collector's has them then."""
    return gc.get_freeze_count() > _FROZEN_BY_INTERPRETER


@functools.cache
def kind() -> CollectorKind:
    """Which collector this interpreter has, found out by trying it.

    'free-threaded' collects the whole heap at a stop of the world (PEP 703). 'incremental' is the collector of
    3.14.0 to 3.14.4, recognised by a third threshold that cannot be set (reverted in 3.14.5: python/cpython
    #148726). All others are 'generational'.
    """
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "free-threaded"
    with paused(), threshold(700, 5, 3):
        return "incremental" if gc.get_threshold()[2] == 0 else "generational"
