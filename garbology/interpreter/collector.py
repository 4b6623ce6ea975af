"""The cyclic collector's settings: changed for a block, put back after it, and which kind of collector this is."""

from __future__ import annotations

import functools
import gc
import sysconfig
import threading
import weakref
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
    """Automatic collection switched off, from making this to :meth:`end`, or until it is dropped.

    Pauses may overlap in any order, as those of two tasks or threads do: the collector is on again, if it was on
    before the first, when the last one ends. In the child of a fork those of other threads have ended.
    """

    def __init__(self) -> None:
        self._switch = _Switch()
        self._switch.turn(self)

    @classmethod
    def renew(cls) -> None:
        """Have a lock that no thread holds."""
        _Switch.lock = threading.RLock()

    def will_enable(self) -> bool:
        """Whether the collector will be on once this has ended."""
        return self._switch.was_enabled and _Switch.going_on[-1] is self._switch

    def end(self) -> None:
        """Put the collector back as it was, unless a later pause goes on; that one does so then."""
        self._switch.turn_back()


class _Switch:
    """What a pause has switched, and how to put it back.

    A signal's handler may raise wherever a function of ours begins or one in C returns, in here, too. So the switch
    is entered before it is turned, and turning back may be done again: it is done when the pause is dropped, if that
    has not come to its end.
    """

    lock = threading.RLock()  # a finalizer may pause while its thread does
    going_on: ClassVar[list[_Switch]] = []

    def __init__(self) -> None:
        self.was_enabled = False
        self._number = -1
        self._pause: weakref.ref[Pause] | None = None

    def turn(self, pause: Pause) -> None:
        """Switch the collector off until ``pause`` ends or is dropped."""
        with self.lock:
            self._pause = weakref.ref(pause, self.turn_back)
            self.was_enabled = gc.isenabled()
            self._number = switched(self.turn_back)
            self.going_on.append(self)
            gc.disable()

    def turn_back(self, _dropped: object = None) -> None:
        """Do so, or leave it to the next pause; the switch is let go last."""
        with self.lock:
            was_put_back(self._number)
            if self in self.going_on:
                self._hand_over(self.going_on.index(self))
            self._pause = None

    def _hand_over(self, place: int) -> None:
        if place + 1 < len(self.going_on):
            self.going_on[place + 1].was_enabled = self.was_enabled
        elif self.was_enabled:
            gc.enable()
        else:
            gc.disable()
        self.going_on.remove(self)


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
