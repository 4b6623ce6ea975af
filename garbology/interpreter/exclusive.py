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
_giving_way: list[OpenWindow] = []  # those that are open, too, and leave to others what is made in these
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
    """A window, from :meth:`open` to :meth:`close`.

    One that ``gives_way`` has no say in proofs. What is made in others meanwhile is theirs to judge: ``inside`` has the
    marks around that, begin and end of each.
    """

    def __init__(self, *, gives_way: bool = False) -> None:
        self.inside: list[object] = []
        self._gives_way = gives_way
        self._opened = next(_moments)
        self._switched = -1

    def open(self) -> None:
        """What is made from now on is in the window."""
        self._switched = switched(self.close)
        if self._gives_way:
            _giving_way.append(self)
        else:
            _windows[self._opened] = _thread.get_ident()

    def was_around(self, begin: object, end: object) -> None:
        """Tell those that give way of a window that was open between two marks."""
        for other in _giving_way:
            if other is not self:
                other.inside += [begin, end]

    def close(self) -> None:
        """The window has been read, or never will be; closing it again changes nothing."""
        was_put_back(self._switched)
        with _closing:
            _windows.pop(self._opened, None)
            _giving_way[:] = [each for each in _giving_way if each is not self]
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
