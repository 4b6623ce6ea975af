"""Ctrl-C and what a system or a terminal sends in its place, all heard as one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def heard_interrupts() -> Iterator[None]:
    """End on SIGINT, SIGTERM and SIGHUP alike.

    A shell starts background jobs with SIGINT ignored, which we undo; `nohup` ignores SIGHUP, which is meant.
    """
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name)]
    before: dict[int, Any] = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, _hung_up)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _hung_up(number: int, frame: object) -> None:
    """The terminal has gone: end once, since shell and system may both say so."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
