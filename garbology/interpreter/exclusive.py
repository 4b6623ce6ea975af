"""One analysis at a time, and no proof in another's window: what is done for one finding must not change another.

The lists of two analyses would hold each other's objects, and both find too little. A proof frees objects, and another
window that contains them would count them no more.
"""

from __future__ import annotations

import _thread
import threading
from itertools import count

from garbology.interpreter.putting_back import (
    renewed_after_fork,
    switched,
    waited_for_at_exit,
    was_put_back,
)

_MOST_WAITED_AT_EXIT_SECONDS = 2.0

_analysis = _thread.RLock()
_closing = (
    threading.Condition()
)  # its lock may be entered again: a finalizer may close a window while its thread does
_windows: dict[int, int] = {}  # those that are open: when each was opened, and by which thread
_moments = count()


def analysis() -> _thread.RLock:
    """The lock of all analyses in this process, to be held from listing the heap until the lists are gone.

    The same thread may enter again: a registered size, or a finalizer of the program's, may analyse something
    itself. It is never held while watched code runs, so nobody can wait for a thread that waits for it. The
    child of a fork has a new one, for whoever held the old one is not there.
    """
    return _analysis


def is_analysing_here() -> bool:
    """Whether this thread holds the lock already, as where a collection runs in the middle of an analysis."""
    return _analysis._is_owned()  # type: ignore[attr-defined, no-any-return]


class OpenWindow:
    """A window, from :meth:`open` to :meth:`close`."""

    def __init__(self) -> None:
        self._opened = next(_moments)
        self._switched = -1

    def open(self) -> None:
        """What is made from now on is in the window."""
        self._switched = switched(self.close)
        _windows[self._opened] = _thread.get_ident()

    def close(self) -> None:
        """The window has been read, or never will be; closing it again changes nothing."""
        was_put_back(self._switched)
        with _closing:
            _windows.pop(self._opened, None)
            _closing.notify_all()


def moment() -> int:
    """Now: windows that are opened later contain nothing that is there now."""
    return next(_moments)


def wait_for_windows(moment: int, seconds: float) -> bool:
    """Whether no window is open that was opened before ``moment``.

    Those of other threads are waited for, at most so many ``seconds``. Those of this thread cannot end meanwhile.
    """
    with _closing:
        _closing.wait_for(lambda: not _older(moment) or _thread.get_ident() in _older(moment), seconds)
        return not _older(moment)


def _older(moment: int) -> list[int]:
    """The threads of the windows that were opened before ``moment`` and are open."""
    return [thread for opened, thread in list(_windows.items()) if opened < moment]


def _renew() -> None:
    global _analysis, _closing
    _analysis = _thread.RLock()
    _closing = threading.Condition()


def _wait_at_exit() -> None:
    """What a daemon thread holds in the middle of an analysis would never be finalized, for it never goes on."""
    if _analysis.acquire(timeout=_MOST_WAITED_AT_EXIT_SECONDS):
        _analysis.release()


renewed_after_fork(_renew)
waited_for_at_exit(_wait_at_exit)
