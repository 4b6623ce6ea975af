"""Signals that wait: their handlers raise, and what they came upon, a recording or a gdb, has to be ended in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """In the block, those that have a handler in Python, as Ctrl-C has, raise nothing: they are put on this list.

    Only the main thread hears signals; in another the list stays empty.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    known = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known if callable(signal.getsignal(number))}
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def delayed_signals() -> Iterator[None]:
    """Those that :func:`noted_signals` notes are handled after the block, however it ends: several as one."""
    came: list[int] = []
    try:
        with noted_signals() as came:
            yield
    finally:
        for number in came[:1]:
            signal.raise_signal(number)
