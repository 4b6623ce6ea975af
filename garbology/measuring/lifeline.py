"""A measured process ends with the process that started it, however that one ends, and at its time limit.

The runner keeps the writing end of a pipe, which the system closes when the runner is gone, be it by SIGKILL. On Linux
the system itself then kills the whole process group of the measured process, whatever program that is. Elsewhere a
thread of the measured process waits for it. An alarm in the measured process ends it a little after its time limit,
which the runner sees to as long as it is there.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import MutableMapping
from contextlib import suppress

VARIABLE = (
    "GARBOLOGY_LIFELINE"  # "FD SECONDS PID": the pipe's reading end, -1 where there is none; the runner
)
_PATIENCE_SECONDS = 10.0  # beyond the time limit, so that the runner is the first to end what takes too long
_MOST_SECONDS = 4_000_000.0  # what the timers of every system take
_BY_KERNEL = sys.platform == "linux"


class Lifeline:
    """The runner's side: give `variable` and `descriptors` to a process, `tie` it once it runs, `cut` at its end."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._reading, self._writing = (-1, -1) if os.name == "nt" else os.pipe()
        if _BY_KERNEL:  # the measured process asks whether the pipe is closed, and does not wait for it
            os.set_blocking(self._reading, False)

    @property
    def variable(self) -> dict[str, str]:
        """What the measured process finds in its environment."""
        seconds = min(self._limit_seconds + _PATIENCE_SECONDS, _MOST_SECONDS)
        return {VARIABLE: f"{self._reading} {seconds} {os.getpid()}"}

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the measured process inherits."""
        return () if self._reading < 0 else (self._reading,)

    def tie(self, group: int) -> None:
        """Have the process group `group` killed when this process is gone."""
        if sys.platform == "linux":
            import fcntl

            # The settings belong to the pipe's end, which the measured process shares: it need not do anything.
            with suppress(OSError):  # the group has ended already
                fcntl.fcntl(self._reading, fcntl.F_SETOWN, -group)
                fcntl.fcntl(self._reading, fcntl.F_SETSIG, signal.SIGKILL)
                flags = fcntl.fcntl(self._reading, fcntl.F_GETFL)
                fcntl.fcntl(self._reading, fcntl.F_SETFL, flags | os.O_ASYNC)

    def cut(self) -> None:
        """Close both ends: on Linux what is left of the group is killed."""
        if self._reading >= 0:
            os.close(self._reading)
            os.close(self._writing)
            self._reading = self._writing = -1


def hold(environment: MutableMapping[str, str] = os.environ) -> None:
    """The measured process's side: end with the runner, and at the time limit at the latest."""
    words = environment.pop(VARIABLE, "").split()  # it is nothing to the processes that are started here
    if len(words) != 3:
        return
    reading, seconds, runner = int(words[0]), float(words[1]), int(words[2])
    _end_after(seconds)
    if reading >= 0:
        with suppress(OSError):
            os.set_inheritable(reading, False)
    if not _BY_KERNEL:
        import _thread

        _thread.start_new_thread(_end_with, (reading, runner))
    elif _is_closed(reading):  # before it was tied
        _end()


def _end_after(seconds: float) -> None:
    if hasattr(signal, "setitimer"):  # no thread, and it also ends a loop in C
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    else:
        import faulthandler

        faulthandler.dump_traceback_later(seconds, exit=True)


def _is_closed(reading: int) -> bool:
    try:  # a wrapper of the interpreter may have closed it, and its number may be another file's
        return stat.S_ISFIFO(os.fstat(reading).st_mode) and os.read(reading, 1) == b""
    except OSError:
        return False


def _end_with(reading: int, runner: int) -> None:
    if sys.platform == "win32":
        import _winapi

        _winapi.WaitForSingleObject(_winapi.OpenProcess(_winapi.SYNCHRONIZE, False, runner), _winapi.INFINITE)
    else:
        os.read(reading, 1)
    _end()


def _end() -> None:
    if hasattr(os, "killpg"):
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
