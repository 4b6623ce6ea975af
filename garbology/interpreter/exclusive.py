"""One analysis at a time: the lists of two of them would hold each other's objects, and both find too little."""

from __future__ import annotations

import _thread
import os

_analysis = _thread.RLock()


def analysis() -> _thread.RLock:
    """The lock of all analyses in this process, to be held from listing the heap until the lists are gone.

    The same thread may enter again: a registered size, or a finalizer of the program's, may analyse something
    itself. It is never held while watched code runs, so nobody can wait for a thread that waits for it. The
    child of a fork has a new one, for whoever held the old one is not there.
    """
    return _analysis


def _renew() -> None:
    global _analysis
    _analysis = _thread.RLock()


if hasattr(os, "register_at_fork"):  # not on WebAssembly
    os.register_at_fork(after_in_child=_renew)
