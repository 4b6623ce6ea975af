"""Being told when functions return, with whatever this interpreter has for that, and putting it back."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

try:
    import ctypes
except ImportError:  # WebAssembly
    ctypes = None  # type: ignore[assignment]

_MOST_EVENTS = 10_000  # a profile function costs every call; after so many it is taken off


_RETURN = 3  # PyTrace_RETURN


def _take_profile_off() -> None:
    ctypes.pythonapi.PyEval_SetProfile(_PROFILE_FUNCTION(), None)


if ctypes is not None and sys.version_info < (3, 12):
    _PROFILE_FUNCTION: Any = ctypes.PYFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_int, ctypes.c_void_p
    )
    ctypes.pythonapi.PyEval_SetProfile.argtypes = [_PROFILE_FUNCTION, ctypes.c_void_p]


class Returns:
    """Calls ``returned(frame, result)`` when a function returns in any thread (3.12 and newer) or in this one.

    ``returned`` answers whether the next return of that function is wanted too. From 3.12 this is
    ``sys.monitoring`` (PEP 669), which costs nothing where it is not wanted; before, a profile function in C: one in
    Python would leave a dictionary of its locals behind in every frame. Where the program has a profiler of its own
    it is left alone, and nothing is told.
    """

    def __init__(self, returned: Callable[[types.FrameType, object], bool]) -> None:
        self._returned = returned
        self._tool: int | None = None
        self._left_events = 0
        self._busy = False
        self._hook: Any = None

    def start(self) -> None:
        """Begin to tell."""
        if sys.version_info >= (3, 12):
            self._start_monitoring()
        elif ctypes is not None and sys.getprofile() is None:
            self._left_events = _MOST_EVENTS
            self._hook = _PROFILE_FUNCTION(self._profile)
            ctypes.pythonapi.PyEval_SetProfile(self._hook, None)

    def stop(self) -> None:
        """Tell no more, and leave everything as it was before."""
        if sys.version_info >= (3, 12):
            self._stop_monitoring()
        elif self._hook is not None:
            _take_profile_off()
            self._hook = None

    def _profile(self, unused: int | None, frame: types.FrameType, event: int, result: int | None) -> int:
        self._left_events -= 1
        if self._left_events <= 0:
            _take_profile_off()
        elif event == _RETURN and result and not self._busy:
            self._tell(frame, ctypes.py_object.from_buffer(ctypes.c_void_p(result)).value)
        return 0

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
                self._tool = free[0]
                monitoring.use_tool_id(self._tool, "garbology")
                monitoring.register_callback(self._tool, monitoring.events.PY_RETURN, self._monitored)
                monitoring.set_events(self._tool, monitoring.events.PY_RETURN)
                monitoring.restart_events()  # what an earlier watch had enough of

        def _stop_monitoring(self) -> None:
            monitoring = sys.monitoring
            if self._tool is not None:
                monitoring.set_events(self._tool, monitoring.events.NO_EVENTS)
                monitoring.register_callback(self._tool, monitoring.events.PY_RETURN, None)
                monitoring.free_tool_id(self._tool)
                self._tool = None

        def _monitored(self, code: types.CodeType, offset: int, result: object) -> object:
            if self._busy:
                return None
            return None if self._tell(sys._getframe(1), result) else sys.monitoring.DISABLE
