"""Whether other threads may hold what is new where nobody can look: in the variables of a C function that they run.

A thread that has used no processor time since a block began has made nothing in it, and was given nothing. Of one that
has run, the frames show what its functions in Python hold. C functions between these, and the one that it is in now,
must be known to hold nothing.
"""

from __future__ import annotations

import _thread
import operator
import os
import queue
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, compress, pairwise, starmap, tee
from types import CodeType, FrameType
from typing import Any

from garbology.interpreter.memory_layout import VERSION
from garbology.interpreter.subinterpreters import reader_of_exceptions, reader_of_frames
from garbology.interpreter.thread_stacks import calls_from_c, frames_of, held_ids, stack_ids

#: Packages whose functions wait for work, and call no C function that collects what is new and calls back.
_WAITING = frozenset(
    ["asyncio", "concurrent", "execnet", "multiprocessing", "queue", "selectors", "socketserver", "threading"]
)
# Where the interpreter lets another thread run. In 3.11 a loop's end is a conditional jump.
_BACKWARD_IF = tuple(f"POP_JUMP_BACKWARD_IF_{what}" for what in ("TRUE", "FALSE", "NONE", "NOT_NONE"))
_PAUSES = frozenset(["RESUME", "JUMP_BACKWARD", "JUMP_ABSOLUTE", *_BACKWARD_IF])


def processor_times() -> dict[int, float]:
    """Seconds of processor time that each other thread with a frame has used, by identity; empty if unknown."""
    ask: Any = getattr(time, "pthread_getcpuclockid", None)
    if ask is None:
        return {}
    # One call of a C function that makes the list itself: no thread can end before its clock is asked for.
    idents, asked = tee(chain.from_iterable(starmap(reader_of_frames(), [()])))
    pairs = list(zip(idents, map(ask, asked), strict=False))
    own = _thread.get_ident()
    times = ((ident, _time_of(clock)) for ident, clock in pairs if ident != own)
    return {ident: seconds for ident, seconds in times if seconds is not None}


def _time_of(clock: int) -> float | None:
    """What a thread's clock shows; None where the thread has ended since it was asked for."""
    try:
        return time.clock_gettime(clock)
    except OSError:
        return None


def held_by_other_threads(before: dict[int, float]) -> list[int]:
    """Return the ids of all that the frames of threads refer to which have run since ``before``.

    Only while :func:`garbology.interpreter.exclusive.analysis` is held: a frame that is looked at keeps its variables
    for that moment, when its function ends.
    """
    innermost = (_frame_of(ident) for ident in _threads_that_ran(before))
    return [address for each in innermost for frame in frames_of(each) for address in held_ids(frame)]


def handled_by_threads() -> list[object]:
    """Return the exceptions that threads are handling: the interpreter holds one until its except clause has ended.

    A worker of `concurrent.futures` waits for work within such a clause.
    """
    handled = list(reader_of_exceptions()().values())
    return [
        each[1] if type(each) is tuple else each for each in handled
    ]  # up to 3.11 type, value and traceback


def working_thread(before: dict[int, float]) -> tuple[CodeType, int] | str | None:
    """Code and line of a thread that may hold what is new unseen, or why there is one; None where there is none.

    ``before`` is what :func:`processor_times` answered when the block began. To be called as
    :func:`held_by_other_threads` is.
    """
    with_frame = list(reader_of_frames()())
    unseen = [ident for ident in list(threading._active) if ident not in with_frame]  # type: ignore[attr-defined]
    if unseen:
        return "a thread is in C code, without a frame"
    for ident in _threads_that_ran(before):
        innermost = _frame_of(ident)
        if innermost is not None and not _waits(innermost) and not _is_seen_through(innermost):
            return innermost.f_code, innermost.f_lineno
    return None


def any_has_run(before: dict[int, float]) -> bool:
    """Whether another thread with a frame has used processor time since ``before``."""
    return bool(_threads_that_ran(before))


def call_unless_in_c(function: Callable[[], object], before: dict[int, float], *, but: int) -> None:
    """Call a C ``function`` where no thread is in C, as :func:`_in_c` has it with ``before``, ``but`` one.

    To be called as :func:`held_by_other_threads` is.
    The others go on while that is found out. So the function is called by one call of C functions, in which the
    interpreter does not switch threads, that first finds each at the instruction where it was.
    """
    frames = _frames_of_others()
    others = list(frames.values())
    seen = list(_instructions(others))
    places = dict(zip(others, seen[-len(others) :], strict=False))
    if not _in_c(frames, before, places) - {but}:
        unmoved = map(operator.eq, map(list, [_instructions(others)]), [seen])
        deque(starmap(function, compress([()], unmoved)), maxlen=0)


def _frames_of_others() -> dict[int, FrameType]:
    """The innermost frame of each other thread; the own one would be a cycle."""
    frames = reader_of_frames()()
    frames.pop(_thread.get_ident(), None)
    return frames


def _instructions(frames: Sequence[FrameType]) -> Iterator[int]:
    """The innermost frame of each thread, by identity, how many threads there are, and where some ``frames`` are; all
    of it is read when this is gone through.
    """
    innermost = chain.from_iterable(map(operator.methodcaller("values"), starmap(reader_of_frames(), [()])))
    places = map(operator.attrgetter("f_lasti"), frames)
    return chain(map(id, innermost), starmap(_thread._count, [()]), places)


def _in_c(
    frames: dict[int, FrameType], before: dict[int, float], places: Mapping[FrameType, int]
) -> set[int]:
    """The threads with these innermost ``frames``, at the instructions ``places``, that may be at work in a C function.

    They have run since ``before``, as :func:`processor_times` gives it, and neither call a C function that waits nor
    were interrupted between two instructions. What waits for work also calls what it was given, which may be any C
    function; up to 3.10 it is not known which one that is. A thread without a frame, of which the identity is not
    known, is 0.
    """
    ran = [(ident, frames[ident]) for ident in _threads_that_ran(before) if ident in frames]
    in_c = {
        ident
        for ident, frame in ran
        if not _pauses(frame, places[frame]) and _harmless().isdisjoint(stack_ids(frame))
    }
    return in_c | {0} if _thread._count() > len(frames) else in_c


def _threads_that_ran(before: dict[int, float]) -> list[int]:
    """The other threads with a frame, but those that have used no processor time since ``before``."""
    others = [ident for ident in list(reader_of_frames()()) if ident != _thread.get_ident()]
    now = processor_times() if others else {}
    return [ident for ident in others if ident not in before or now.get(ident) != before[ident]]


def _frame_of(ident: int) -> FrameType | None:
    return reader_of_frames()().get(ident)


def _waits(innermost: FrameType) -> bool:
    """Whether a thread waits for work: all of its functions belong to what does nothing else."""
    return all(_package(frame) in _WAITING for frame in frames_of(innermost))


def _package(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name.partition(".")[0] if type(name) is str else ""


def _is_seen_through(innermost: FrameType) -> bool:
    """Whether a thread's functions called each other without C functions between, and what it does now is known."""
    if VERSION < (3, 11):
        return False  # each function is called by a C function there
    frames = list(frames_of(innermost))
    for frame, caller in pairwise(frames):
        # What waits for work calls what it was given through C functions that hold its arguments, and no more.
        if _package(caller) not in _WAITING and calls_from_c(frame) is not False:
            return False
    return (
        _package(innermost) in _WAITING
        or _pauses(innermost, innermost.f_lasti)
        or any(address in _harmless() for address in held_ids(innermost))
    )


def _pauses(frame: FrameType, place: int) -> bool:
    """Whether a function was interrupted between two instructions, at ``place``: it is in no C function."""
    import dis

    code = frame.f_code.co_code
    return 0 <= place < len(code) and dis.opname[code[place]] in _PAUSES


@cache
def _harmless() -> frozenset[int]:
    """The ids of C functions that wait, and hold nothing but their arguments."""
    return frozenset(map(id, _harmless_functions()))


def _harmless_functions() -> Iterator[object]:
    yield from (time.sleep, select.select, os.read)
    for kind in (type(_thread.allocate_lock()), type(_thread.RLock())):
        yield from (vars(kind)[name] for name in ("acquire", "__enter__"))
    yield from (
        vars(kind)[name] for kind in socket.socket.__mro__[1:2] for name in ("recv", "recv_into", "_accept")
    )
    yield vars(type(queue.SimpleQueue()))["get"]
    if hasattr(select, "poll"):
        yield vars(type(select.poll()))["poll"]
    if hasattr(select, "epoll"):
        yield vars(select.epoll)["poll"]
    if hasattr(_thread, "_ThreadHandle"):
        yield vars(_thread._ThreadHandle)["join"]
