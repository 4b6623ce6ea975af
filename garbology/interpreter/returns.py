"""Being told when functions return, with whatever this interpreter has for that, and putting it back."""

from __future__ import annotations

import _thread
import inspect
import opcode
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

try:
    import ctypes
except ImportError:  # WebAssembly
    ctypes = None  # type: ignore[assignment]

_MOST_EVENTS = 200_000  # a profile function costs every call, two microseconds; after so many it is taken off


_CALL, _RETURN = 0, 3  # PyTrace_CALL, PyTrace_RETURN
_TOOL_NAME = "garbology"
_INTERRUPT_AGAIN_SECONDS = 0.01
_CAN_BE_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class _Listening(threading.local):
    """Whom this thread's profile function tells, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[Returns] = []


_listening = _Listening()


def _profile(unused: int | None, frame: types.FrameType, event: int, result: int | None) -> int:
    """The one profile function of all: it lives as long as the interpreter, whoever stops to listen, and where."""
    try:
        stack = _listening.stack
        while stack and not stack[-1].listens:
            stack.pop()  # stopped by another thread, which cannot take this one's profile function off
        if not stack:
            _take_profile_off()
        else:
            stack[-1].profiled(frame, event, result)
    except KeyboardInterrupt:  # ctypes would swallow it
        _take_profile_off()
        _thread.start_new_thread(_interrupt_again, ())
    return 0


def _interrupt_again() -> None:
    time.sleep(_INTERRUPT_AGAIN_SECONDS)
    _thread.interrupt_main()


def _take_profile_off() -> None:
    if sys.getprofile() is None:  # else it is the program's, not ours
        ctypes.pythonapi.PyEval_SetProfile(_NO_PROFILE, None)


if ctypes is not None and sys.version_info < (3, 12):
    _PROFILE_FUNCTION: Any = ctypes.PYFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_int, ctypes.c_void_p
    )
    ctypes.pythonapi.PyEval_SetProfile.argtypes = [_PROFILE_FUNCTION, ctypes.c_void_p]
    _PROFILE = _PROFILE_FUNCTION(_profile)
    _NO_PROFILE = _PROFILE_FUNCTION()


def _is_suspended(frame: types.FrameType) -> bool:
    """Whether a function only yields, of which a profile function is told as of a return."""
    code = frame.f_code
    if not code.co_flags & _CAN_BE_SUSPENDED:
        return False
    return code.co_code[frame.f_lasti] != opcode.opmap["RETURN_VALUE"]


def _frames_running() -> int:
    count, frame = 0, sys._getframe()
    while frame.f_back is not None:
        count, frame = count + 1, frame.f_back
    return count


class Returns:
    """Calls ``returned(frame, result)`` when a function returns in any thread (3.12 and newer) or in this one.

    ``returned`` answers whether the next return of that function is wanted too. From 3.12 this is
    ``sys.monitoring`` (PEP 669), which costs nothing where it is not wanted; before, a profile function in C: one in
    Python would leave a dictionary of its locals behind in every frame. Where the program has a profiler of its own
    it is left alone, and nothing is told.

    Attributes
    ----------
    listens : whether it goes on.
    told_all : whether it told until it was stopped; it ends by itself where it would cost too much.
    """

    def __init__(self, returned: Callable[[types.FrameType, object], bool]) -> None:
        self.listens = False
        self.told_all = False
        self._returned = returned
        self._tool: int | None = None
        self._left_events = 0
        self._left_frames = 0
        self._busy = False

    def start(self) -> None:
        """Begin to tell."""
        self.listens = True
        if sys.version_info >= (3, 12):
            self._start_monitoring()
        elif ctypes is not None and sys.getprofile() is None:
            self._start_profiling()

    def _start_profiling(self) -> None:
        self._left_events = _MOST_EVENTS
        # Where the stack ends the profile function could not be called, and ctypes would say so aloud.
        self._left_frames = sys.getrecursionlimit() // 2 - _frames_running()
        if self._left_frames > 0:
            self.told_all = True
            _listening.stack.append(self)
            ctypes.pythonapi.PyEval_SetProfile(_PROFILE, None)

    def stop(self) -> None:
        """Tell no more, and leave everything as it was before."""
        self.listens = False
        if sys.version_info >= (3, 12):
            self._stop_monitoring()
        else:
            self._stop_profiling()

    def _stop_profiling(self) -> None:
        stack = _listening.stack
        if any(listening is self for listening in stack):  # else another thread's, which does the rest itself
            while stack and not stack[-1].listens:
                stack.pop()
            if not stack:
                _take_profile_off()

    def profiled(self, frame: types.FrameType, event: int, result: int | None) -> None:
        """The profile function was told of an event; at a return, ``result`` is the address of what is returned."""
        self._left_events -= 1
        self._left_frames += (event == _RETURN) - (event == _CALL)
        if self._left_events <= 0 or self._left_frames <= 0:
            self.told_all = False
            self.stop()
        elif event == _RETURN and result and not self._busy and not _is_suspended(frame):
            self._tell(frame, ctypes.py_object.from_buffer(ctypes.c_void_p(result)).value)

    def _tell(self, frame: types.FrameType, result: object) -> bool:
        self._busy = True  # telling calls functions, too
        try:
            return self._returned(frame, result)
        except Exception:
            return False  # what cannot be read costs a hint, never the program
        finally:
            self._busy = False

    if sys.version_info >= (3, 12):

        def _start_monitoring(self) -> None:
            monitoring = sys.monitoring
            free = [tool for tool in (4, 3, 5) if monitoring.get_tool(tool) is None]
            if free:
                self.told_all = True
                self._tool = free[0]
                monitoring.use_tool_id(self._tool, _TOOL_NAME)
                monitoring.register_callback(self._tool, monitoring.events.PY_RETURN, self._monitored)
                monitoring.set_events(self._tool, monitoring.events.PY_RETURN)
                monitoring.restart_events()  # what an earlier watch had enough of

        def _stop_monitoring(self) -> None:
            monitoring = sys.monitoring
            tool, self._tool = self._tool, None
            if (
                tool is not None and monitoring.get_tool(tool) is _TOOL_NAME
            ):  # else the program took it from us
                monitoring.set_events(tool, monitoring.events.NO_EVENTS)
                monitoring.register_callback(tool, monitoring.events.PY_RETURN, None)
                monitoring.free_tool_id(tool)

        def _monitored(self, code: types.CodeType, offset: int, result: object) -> object:
            if self._busy:
                return None
            return None if self._tell(sys._getframe(1), result) else sys.monitoring.DISABLE
