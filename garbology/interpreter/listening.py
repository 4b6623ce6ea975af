"""Callbacks of the collector: put into its list for a block, and surely gone after it."""

from __future__ import annotations

import functools
import gc
import threading
from typing import Any, Literal

from garbology.interpreter.interruption import interrupt_again
from garbology.interpreter.putting_back import renewed_after_fork, switched, was_put_back
from garbology.interpreter.tracing import untraced

Phase = Literal["start", "stop"]

#: The list that the interpreter reads. Rebinding ``gc.callbacks`` changes the module, not the interpreter.
_CALLBACKS: list[Any] = gc.callbacks

#: Finding an entry and deleting it are two steps. Reentrant, because a finalizer may listen as well.
_changing = threading.RLock()


def add_callback(callback: Any) -> None:
    """Have the collector call ``callback(phase, info)``."""
    with _changing:
        _CALLBACKS.append(callback)


def remove_callback(callback: Any) -> bool:
    """Have it called no more; whether it was there, for the program may have changed the list."""
    with _changing:
        for index, registered in enumerate(_CALLBACKS):
            if registered is callback:  # list.remove would ask other callbacks whether they are equal
                del _CALLBACKS[index]
                return True
    return False


class Listener:
    """Hears of every collection from :meth:`start` to :meth:`stop`; a subclass says what to do in :meth:`called`."""

    def __init__(self) -> None:
        self._callback: Any = None
        self._switched = -1

    def start(self) -> None:
        """Begin to listen."""
        self._callback = functools.partial(_called, self)
        self._switched = switched(self.stop)
        add_callback(self._callback)

    def stop(self) -> None:
        """Listen no more."""
        if self._callback is not None and not remove_callback(self._callback):
            self.was_removed()
        self._callback = None  # which holds us; last, for what a signal has ended is done again
        was_put_back(self._switched)

    def called(self, phase: Phase, info: dict[str, int]) -> None:
        """The collector starts, or has stopped."""
        raise NotImplementedError

    def was_removed(self) -> None:
        """The program has taken the callback away meanwhile."""

    def failed(self) -> None:
        """:meth:`called` raised."""


@untraced
def _called(listener: Listener, phase: Phase, info: dict[str, int]) -> None:
    try:
        listener.called(phase, info)
    except BaseException as error:  # the collector would print and swallow it
        listener.failed()
        interrupt_again(error)


def _renew() -> None:
    global _changing
    _changing = threading.RLock()


renewed_after_fork(_renew)
