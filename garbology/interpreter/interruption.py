"""Ctrl-C, and what other signal handlers raise, where an exception cannot reach the program.

A signal may come while the interpreter calls the instrument in the middle of the program. ctypes and the collector
print what is raised there, and go on: a timeout would never come. So the signal is sent again, a moment later.
"""

from __future__ import annotations

import _thread
import signal
import time
import types

_AGAIN_SECONDS = 0.01


def interrupt_again(error: BaseException) -> bool:
    """Have the signal handler that raised ``error`` called once more, in a moment; whether there is one."""
    number = signal_of(error)
    if number is not None:
        _thread.start_new_thread(_interrupt, (number,))
    return number is not None


def signal_of(error: BaseException) -> int | None:
    """The signal whose handler raised ``error``; None where something else did."""
    trace = error.__traceback__
    if isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    while trace is not None:
        number = _handled_by(trace.tb_frame.f_code)
        if number is not None:
            return number
        trace = trace.tb_next
    return None


def _handled_by(code: types.CodeType) -> int | None:
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        function = handler.__func__ if type(handler) is types.MethodType else handler
        if type(function) is types.FunctionType and function.__code__ is code:
            return number
    return None


def _interrupt(number: int) -> None:
    time.sleep(_AGAIN_SECONDS)
    _thread.interrupt_main(signal.Signals(number))
