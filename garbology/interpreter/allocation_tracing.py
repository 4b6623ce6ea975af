"""tracemalloc switched off in a program that goes on, at a moment when that does no harm.

CPython crashes where it is switched off while another thread is in the middle of an allocation without the GIL, as in a
sort of NumPy's (https://github.com/python/cpython/issues/128679; mended in 3.12.9 and 3.13.2). So that is done when all
other threads wait, or are between two instructions.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from _thread import get_ident
from functools import cache
from typing import Any

from garbology.interpreter import exclusive
from garbology.interpreter.other_threads import call_unless_in_c, processor_times
from garbology.interpreter.subinterpreters import others_run

try:
    import ctypes
except ImportError:  # pragma: no cover - builds without libffi
    ctypes = None  # type: ignore[assignment]

_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 5.0
_QUIET_SECONDS = 0.25  # who waits for the GIL is awake each 5 ms; on a busy machine one waits for a core, too

_asker = 0
_noted: tuple[float, dict[int, float]] = 0.0, {}  # when, and the processor times then
_is_asked = False  # of the main thread, and not done yet: the program has calls in the same short queue
_is_wanted = False  # a call that is late switches nothing off that somebody else has switched on since


def stop_tracing(patience_seconds: float = _PATIENCE_SECONDS) -> bool:
    """Switch `tracemalloc` off, from any thread; whether it is off.

    It is not where other threads were at work for all of ``patience_seconds``, and this CPython may crash then.
    """
    global _asker, _noted, _is_wanted
    if _is_mended():
        tracemalloc.stop()
    _asker, _noted, _is_wanted = get_ident(), (0.0, {}), True
    until = time.monotonic() + patience_seconds
    while tracemalloc.is_tracing() and time.monotonic() < until:
        _stop_where_no_other_is_in_c(_POLL_SECONDS)
        if tracemalloc.is_tracing():
            if time.monotonic() - _noted[0] > 2 * _quiet_seconds():
                _noted = time.monotonic(), processor_times()
            _have_the_main_thread_do_it()
            time.sleep(_POLL_SECONDS)
    _is_wanted = False
    return not tracemalloc.is_tracing()


def _is_mended() -> bool:
    version = sys.version_info[:3]
    return (3, 12, 9) <= version < (3, 13) or version >= (3, 13, 2)


def is_stopped_safely() -> bool:
    """Whether `tracemalloc` can be switched off for certain: no other thread is in an allocation without the GIL."""
    return _is_mended() or not others_run()


def _have_the_main_thread_do_it() -> None:
    """When it next runs Python code, which may be much later."""
    global _is_asked
    if ctypes is None or _is_asked:
        return
    _is_asked = True  # before it is done, which may be at once
    if ctypes.pythonapi.Py_AddPendingCall(_call(), None):
        _is_asked = False


@cache
def _call() -> Any:
    """Kept for good: a call that is asked for cannot be taken back."""
    return ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(_do_what_was_asked)


def _do_what_was_asked(_: object) -> int:
    global _is_asked
    _is_asked = False
    _stop_where_no_other_is_in_c()
    return 0


def _stop_where_no_other_is_in_c(wait_seconds: float = 0.0) -> None:
    """Not while another thread analyses: its list of objects would be kept by its frame, which is looked at here."""
    analysis = exclusive.analysis()
    if analysis.acquire(blocking=wait_seconds > 0, timeout=wait_seconds or -1):
        try:
            if _is_wanted and tracemalloc.is_tracing():
                call_unless_in_c(tracemalloc.stop, _times_before(), but=_asker)
        finally:
            analysis.release()


def _times_before() -> dict[int, float]:
    """The processor times at a moment that is so long ago that who has run since is known; before there is one, none.

    Who waits for the GIL in the middle of an allocation has not run either, if the moment is just over.
    """
    noted_at, times = _noted
    return times if time.monotonic() - noted_at > _quiet_seconds() else {}


def _quiet_seconds() -> float:
    return max(_QUIET_SECONDS, 2 * sys.getswitchinterval())
