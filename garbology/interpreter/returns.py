"""Being told when functions return, are called, yield and are closed, and putting back what was changed for that."""

from __future__ import annotations

import inspect
import opcode
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from garbology.interpreter.exclusive import is_analysing_here
from garbology.interpreter.executed import Executed
from garbology.interpreter.interruption import interrupt_again, signal_of
from garbology.interpreter.putting_back import is_exiting, switched, was_put_back

try:
    import ctypes
except ImportError:  # WebAssembly
    ctypes = None  # type: ignore[assignment]

_MOST_EVENTS = 200_000  # a profile function costs every call, two microseconds; after so many it is taken off


_CALL, _RETURN, _C_CALL = 0, 3, 4  # PyTrace_CALL, PyTrace_RETURN, PyTrace_C_CALL
# What else is told of than returns; the last at chosen places within a line.
CALLED, YIELDED, CLOSED, INSIDE, WITHIN = "called", "yielded", "closed", "inside", "within"
_MOST_FOLLOWED = 64  # functions of which every line is told
_MOST_READ = 1_000  # functions of which each line is noted once
_TOOL_NAME = "garbology"
_OWN_CODE = str(Path(__file__).parent.parent)  # of which nothing is told
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
    except BaseException as error:  # ctypes would swallow it
        _take_profile_off()
        interrupt_again(error)
    return 0


def _without_signals_at_its_start(function: Any) -> Any:
    """``function``, in which no signal is handled before its first statement, which may be a `try`.

    On 3.11 the first instruction handles what is pending, unless it says that it resumes after a `yield from`.
    """
    code: types.CodeType = function.__code__
    if sys.version_info[:2] == (3, 11) and code.co_code[:2] == bytes((opcode.opmap["RESUME"], 0)):
        function.__code__ = code.replace(co_code=bytes((opcode.opmap["RESUME"], 2)) + code.co_code[2:])
    return function


def _take_profile_off() -> None:
    if sys.getprofile() is None:  # else it is the program's, not ours
        ctypes.pythonapi.PyEval_SetProfile(_NO_PROFILE, None)


if ctypes is not None and sys.version_info < (3, 12):
    _PROFILE_FUNCTION: Any = ctypes.PYFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_int, ctypes.c_void_p
    )
    ctypes.pythonapi.PyEval_SetProfile.argtypes = [_PROFILE_FUNCTION, ctypes.c_void_p]
    _PROFILE = _PROFILE_FUNCTION(_without_signals_at_its_start(_profile))
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

    ``passed(event, frame)``, where it is given, is called at other moments: when a function is called or resumed,
    when it yields, when it begins another line, as far as it is followed, and when a generator that is being closed
    is about to let its variables go. The last two are known from 3.12; before, calls of C functions stand for lines.
    Both answer whether the next such event of that function is wanted too. From 3.12 this is
    ``sys.monitoring`` (PEP 669), which costs nothing where it is not wanted; before, a profile function in C: one in
    Python would leave a dictionary of its locals behind in every frame. Where the program has a profiler of its own
    it is left alone, and nothing is told.

    Nothing is told of what the analysis of a block inside this one calls: that is no work of the program's.

    Each function that is called or resumed is noted in ``executed``, and from 3.12 its lines, each once.

    Attributes
    ----------
    listens : whether it goes on.
    told_all : whether it told until it was stopped; it ends by itself where it would cost too much.
    told_every_call : whether no other listened instead of it meanwhile, as one does before 3.12.
    """

    def __init__(
        self,
        returned: Callable[[types.FrameType, object], bool],
        passed: Callable[[str, types.FrameType], bool] | None = None,
        executed: Executed | None = None,
    ) -> None:
        self.listens = False
        self.told_all = False
        self.told_every_call = True
        self._returned = returned
        self._passed = passed
        self._executed = executed
        self._tool: int | None = None
        self._wanted = 0  # events, of all functions
        self._followed: list[types.CodeType] = []
        self._within: dict[int, frozenset[int]] = {}  # by the address of a followed function's code
        self._read: list[types.CodeType] = []
        self._disabled: set[int] = set()  # events at places of the code that are not wanted again
        self._left_events = 0
        self._left_frames = 0
        self._busy = False
        self._began_in_an_analysis = False
        self._switched = -1

    def prepare(self) -> None:
        """All of :meth:`start` but that it tells; nothing where the program has ended, which takes down what tells."""
        if is_exiting():
            return
        self.listens = True
        self._began_in_an_analysis = is_analysing_here()  # by a finalizer, which works for the program
        self._switched = switched(self.stop)
        if sys.version_info >= (3, 12):
            self._prepare_monitoring()

    def start(self) -> None:
        """Begin to tell.

        Whatever runs from now on the interpreter makes ready for that, ourselves included: see :meth:`prepare`.
        """
        if not self.listens:
            self.prepare()
        if not self.listens:
            return
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
            for outer in _listening.stack:
                outer.told_every_call = False
            _listening.stack.append(self)
            ctypes.pythonapi.PyEval_SetProfile(_PROFILE, None)

    def stop(self) -> None:
        """Tell no more, and leave everything as it was before."""
        self.listens = False
        if sys.version_info >= (3, 12):
            self._stop_monitoring()
        else:
            self._stop_profiling()
        was_put_back(self._switched)

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
        elif self._busy or frame.f_code.co_filename.startswith(_OWN_CODE):
            return
        elif event in (_CALL, _C_CALL) or (event == _RETURN and result):
            place = (id(frame.f_code) << 32 | frame.f_lasti + 1) << 3 | event
            if place not in self._disabled and not self._tell_of(frame, event, result):
                self._disabled.add(place)

    def _tell_of(self, frame: types.FrameType, event: int, result: int | None) -> bool:
        if event == _CALL:
            self.note(frame)
        if event != _RETURN:
            return self._tell_of_passing(CALLED if event == _CALL else INSIDE, frame)
        if _is_suspended(frame):
            return self._tell_of_passing(YIELDED, frame)
        return self._tell(frame, ctypes.py_object.from_buffer(ctypes.c_void_p(result)).value)

    def note(self, frame: types.FrameType) -> None:
        """Note that a function begins or goes on, and from 3.12 which of its lines run from now on."""
        if self._executed is None:
            return
        is_new = self._executed.begins(frame.f_code)
        if sys.version_info >= (3, 12):
            if is_new:
                self._read_lines_from_now_on(frame, self._executed)
            self._executed.line(frame.f_code, frame.f_lineno)  # of what is left of it nothing is told

    def follow(self, code: types.CodeType, within: Callable[[types.CodeType], frozenset[int]]) -> None:
        """Tell of each line of a function, and of some instructions ``within`` lines, by their offsets."""
        if sys.version_info >= (3, 12):
            self._follow_lines(code, within)

    def _tell(self, frame: types.FrameType, result: object) -> bool:
        return self._ask(self._returned, frame, result)

    def _tell_of_passing(self, event: str, frame: types.FrameType) -> bool:
        return self._passed is not None and self._ask(self._passed, event, frame)

    def _ask(self, callback: Callable[[Any, Any], bool], first: object, second: object) -> bool:
        """Without a tuple of arguments, which would be in the window of who listens."""
        if is_analysing_here() and not self._began_in_an_analysis:
            return True
        self._busy = True  # telling calls functions, too
        try:
            return callback(first, second)
        except Exception as error:
            if signal_of(error) is not None:
                raise
            return False  # what cannot be read costs a hint, never the program
        finally:
            self._busy = False

    if sys.version_info >= (3, 12):

        def _prepare_monitoring(self) -> None:
            monitoring = sys.monitoring
            free = [tool for tool in (4, 3, 5) if monitoring.get_tool(tool) is None]
            if free:
                self._tool = free[0]
                monitoring.use_tool_id(self._tool, _TOOL_NAME)
                self._wanted = 0
                for event, callback in self._callbacks():
                    monitoring.register_callback(self._tool, event, callback)
                    self._wanted |= event
                monitoring.register_callback(self._tool, monitoring.events.LINE, self._at_line)
                monitoring.register_callback(self._tool, monitoring.events.INSTRUCTION, self._at_instruction)

        def _start_monitoring(self) -> None:
            if self._tool is not None:
                self.told_all = True
                sys.monitoring.set_events(self._tool, self._wanted)
                sys.monitoring.restart_events()  # what an earlier watch had enough of

        def _stop_monitoring(self) -> None:
            monitoring = sys.monitoring
            tool = self._tool
            if tool is None or monitoring.get_tool(tool) is not _TOOL_NAME:  # the program took it from us
                self._tool = None
                return
            monitoring.set_events(tool, monitoring.events.NO_EVENTS)
            for codes in (self._followed, self._read):
                while codes:
                    monitoring.set_local_events(tool, codes[-1], monitoring.events.NO_EVENTS)
                    del codes[-1]
            for event, _ in self._callbacks():
                monitoring.register_callback(tool, event, None)
            monitoring.register_callback(tool, monitoring.events.LINE, None)
            monitoring.register_callback(tool, monitoring.events.INSTRUCTION, None)
            self._within.clear()
            self._tool = None  # not before: what a signal's handler ends is done again
            monitoring.free_tool_id(tool)

        def _follow_lines(
            self, code: types.CodeType, within: Callable[[types.CodeType], frozenset[int]]
        ) -> None:
            events = sys.monitoring.events
            if self._tool is None or len(self._followed) >= _MOST_FOLLOWED:
                return
            if not any(code is other for other in self._followed):
                self._followed.append(code)
                offsets = self._within[id(code)] = within(code)
                wanted = events.LINE | (events.INSTRUCTION if offsets else events.NO_EVENTS)
                sys.monitoring.set_local_events(self._tool, code, wanted)

        def _at_instruction(self, code: types.CodeType, offset: int) -> object:
            if offset not in self._within.get(id(code), ()):
                return sys.monitoring.DISABLE
            if self._busy or not self.listens:
                return None
            try:
                return None if self._tell_of_passing(WITHIN, sys._getframe(1)) else sys.monitoring.DISABLE
            except RecursionError:  # where the stack ends, the program's next call fails and not this one
                return None

        def _read_lines_from_now_on(self, frame: types.FrameType, executed: Executed) -> None:
            code, monitoring = frame.f_code, sys.monitoring
            if self._tool is not None and len(self._read) < _MOST_READ:
                self._read.append(code)
                told = monitoring.get_local_events(self._tool, code)
                monitoring.set_local_events(self._tool, code, told | monitoring.events.LINE)
                executed.is_read(code)

        def _at_line(self, code: types.CodeType, line: int) -> object:
            if not self.listens:
                return None
            try:
                if self._executed is not None:
                    self._executed.line(code, line)  # another thread may be busy
                if id(code) not in self._within:
                    return sys.monitoring.DISABLE
                if self._busy:
                    return None
                return None if self._tell_of_passing(INSIDE, sys._getframe(1)) else sys.monitoring.DISABLE
            except RecursionError:  # where the stack ends, the program's next call fails and not this one
                return None

        def _callbacks(self) -> tuple[tuple[int, Callable[..., object]], ...]:
            events = sys.monitoring.events
            if self._passed is None:
                return ((events.PY_RETURN, self._monitored),)
            return (
                (events.PY_RETURN, self._monitored),
                (events.PY_START, self._called),
                (events.PY_RESUME, self._called),
                (events.PY_YIELD, self._yielded),
                (events.PY_UNWIND, self._unwound),
            )

        def _monitored(self, code: types.CodeType, offset: int, result: object) -> object:
            if self._busy or not self.listens:
                return None
            if code.co_filename.startswith(_OWN_CODE):
                return sys.monitoring.DISABLE
            try:
                return None if self._tell(sys._getframe(1), result) else sys.monitoring.DISABLE
            except RecursionError:  # where the stack ends, the program's next call fails and not this one
                return None

        def _called(self, code: types.CodeType, offset: int) -> object:
            if not self.listens:
                return None
            if code.co_filename.startswith(_OWN_CODE):
                return sys.monitoring.DISABLE
            try:
                self.note(sys._getframe(1))  # another thread may be busy
                if self._busy:
                    return None
                return None if self._tell_of_passing(CALLED, sys._getframe(1)) else sys.monitoring.DISABLE
            except RecursionError:  # where the stack ends, the program's next call fails and not this one
                return None

        def _yielded(self, code: types.CodeType, offset: int, result: object) -> object:
            if self._busy or not self.listens:
                return None
            if code.co_filename.startswith(_OWN_CODE):
                return sys.monitoring.DISABLE
            try:
                return None if self._tell_of_passing(YIELDED, sys._getframe(1)) else sys.monitoring.DISABLE
            except RecursionError:  # where the stack ends, the program's next call fails and not this one
                return None

        def _unwound(self, code: types.CodeType, offset: int, error: BaseException) -> None:
            """Only a generator that is closed lets its variables go here: another exception keeps the frame."""
            if type(error) is GeneratorExit and self.listens and not self._busy:
                try:
                    self._tell_of_passing(CLOSED, sys._getframe(1))
                except RecursionError:
                    return
