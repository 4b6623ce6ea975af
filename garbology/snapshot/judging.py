"""Whether it can be judged what a window's objects are held by, and where not, why."""

from __future__ import annotations

import atexit
import sys
import types
from collections.abc import Iterator

from garbology.interpreter import collector
from garbology.interpreter.memory_layout import can_read_memory
from garbology.interpreter.other_threads import processor_times, working_thread
from garbology.interpreter.thread_stacks import frames_of
from garbology.names.classes import mro_of
from garbology.names.frames import code_name, code_site
from garbology.snapshot.arrays import among
from garbology.snapshot.listing import listing
from garbology.snapshot.snapshot import types_of

_PAUSING = 0x20 | 0x80 | 0x200  # generators, coroutines, asynchronous generators (inspect.CO_...)
_ANALYSIS = ("garbology.leaks.", "garbology.find.explain.", "garbology.find.few.")


class Opening:
    """What is remembered of the moment at which a window was opened.

    Attributes
    ----------
    times : processor time of each other thread (:mod:`garbology.interpreter.other_threads`).
    unjudged : why the window allows no judgement, once :meth:`close` was called; empty where it does.
    """

    def __init__(self, entering: types.FrameType) -> None:
        self._frame = id(_user_frame(entering))
        self.times = processor_times()
        self._at_exit = atexit._ncallbacks()
        self.unjudged = "the block has not ended"

    def close(self, leaving: types.FrameType, error: BaseException | None) -> None:
        """The window ends in frame ``leaving``, by ``error`` if that is not None; during an analysis."""
        self.unjudged = self._why_not_judged(leaving, error)

    def registered_at_exit(self) -> bool:
        """Whether the block registered a callback with atexit, which shows those nowhere."""
        return atexit._ncallbacks() > self._at_exit

    def _why_not_judged(self, leaving: types.FrameType, error: BaseException | None) -> str:
        frame = _user_frame(leaving)
        if error is not None:
            return "an exception ended the block, and the interpreter holds that"
        if frame is None or id(frame) != self._frame:
            return "one function opened the block and another one closed it"
        if any(each.f_code.co_flags & _PAUSING for each in _down_to(frame, leaving)):
            return "the block is part of a generator or coroutine, which C code may have resumed meanwhile"
        return _why_not_in_this_process() or self._why_not_beside_threads()

    def _why_not_beside_threads(self) -> str:
        working = working_thread(self.times)
        if working is None or isinstance(working, str):
            return working or ""
        where = f"{code_name(working[0])} ({code_site(*working)})"
        return f"another thread was at work, in C code that {where} called"


def _down_to(last: types.FrameType, frame: types.FrameType) -> Iterator[types.FrameType]:
    """The callers of ``frame`` as far as ``last``; those of ours may be generators, in which what is watched runs."""
    for caller in frames_of(frame):
        yield caller
        if caller is last:
            break


def _why_not_in_this_process() -> str:
    if collector.kind() == "free-threaded":
        return "reference counts are not exact on a free-threaded build"
    if collector.program_has_frozen():
        return "the program froze objects, which the collector does not list"
    if not can_read_memory():
        return "memory cannot be read here"
    if _has_greenlets():
        return "there are greenlets, whose C stacks may hold what no frame shows"
    return ""


def _has_greenlets() -> bool:
    """Whether there is a greenlet besides the thread's own: its C stack may hold what no frame shows."""
    module = sys.modules.get("greenlet")
    if type(module) is not types.ModuleType:
        return module is not None
    if _threads_with_greenlets(vars(module).get("_greenlet")) == 0:
        return False
    greenlet = id(vars(module).get("greenlet"))
    kinds, kind_of_each = types_of(listing().without_gaps())
    are = [place for place, kind in enumerate(kinds) if greenlet in map(id, mro_of(kind))]
    return int(among(kind_of_each, are).sum()) > 1


def _threads_with_greenlets(extension: object) -> int | None:
    """As the library counts them, from 2.0 on: each has a greenlet of its own as soon as it asks for any.

    Libraries that can do without import it too, SQLAlchemy and Playwright for instance.
    """
    count = vars(extension).get("get_total_main_greenlets") if type(extension) is types.ModuleType else None
    return count() if type(count) is types.BuiltinFunctionType else None


def _user_frame(frame: types.FrameType | None) -> types.FrameType | None:
    return next((caller for caller in frames_of(frame) if not is_own(caller)), None)


def is_of_the_analysis(frame: types.FrameType) -> bool:
    """Whether a frame holds objects only to judge them: it stands above the frame that closed the window."""
    return is_own(frame, _ANALYSIS)


def is_own(frame: types.FrameType, packages: tuple[str, ...] = ("garbology.",)) -> bool:
    """Whether a frame belongs to the instrument, or to some of its packages."""
    name = frame.f_globals.get("__name__")
    return type(name) is str and f"{name}.".startswith(packages)
