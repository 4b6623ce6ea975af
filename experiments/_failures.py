"""A function that fails some frames deep with an array in each, and what programs do with the exception."""

from __future__ import annotations

import gc
import sys
import traceback
import types
import weakref
from collections.abc import Callable
from typing import Any

from garbology.recorders import WaitingGarbage

Work = Callable[[], None]
LAST_EXCEPTION = ("last_exc", "last_type", "last_value", "last_traceback")  # of sys, for the debugger


class Array(bytearray):
    """Bytes that can be counted while they are alive: each refers to a token, see `waiting_garbage`."""

    __slots__ = ("__weakref__", "token")

    token: object

    def __repr__(self) -> str:
        return f"<Array of {len(self)} bytes>"  # as NumPy does, and not every byte


def fail(frames: int, array_bytes: int, waiting: WaitingGarbage, places: list[Any]) -> None:
    """Fail so many frames deep, with one array in each; weak references to them go to `places`."""
    array = Array(array_bytes)
    array.token = waiting.token
    places.append(weakref.ref(array))
    if frames > 1:
        fail(frames - 1, array_bytes, waiting, places)
    raise ValueError("a failure that the arrays know nothing of")


def live_frames() -> int:
    """How many frames of `fail` are alive."""
    frames = (each for each in gc.get_objects() if type(each) is types.FrameType)
    return sum(frame.f_code is fail.__code__ for frame in frames)


def drop(work: Work) -> None:
    """Handle it and let the block end: Python deletes the name."""
    try:
        work()
    except ValueError as error:
        str(error)


def save(work: Work) -> None:
    """Give it another name in the function that caught it."""
    try:
        work()
    except ValueError as error:
        saved = error
        str(saved)


def save_and_delete(work: Work) -> None:
    """The same, and the name goes whatever happens."""
    try:
        work()
    except ValueError as error:
        saved = error
        try:
            str(saved)
        finally:
            del saved


def keep(work: Work) -> Any:
    """Return it, as a list of failures would keep it."""
    try:
        work()
    except ValueError as error:
        return error


def keep_without_variables(work: Work) -> Any:
    """Return it with its traceback, whose frames forget their variables."""
    try:
        work()
    except ValueError as error:
        traceback.clear_frames(error.__traceback__)
        return error


def keep_without_traceback(work: Work) -> Any:
    """Return it without its traceback."""
    try:
        work()
    except ValueError as error:
        return error.with_traceback(None)


def keep_text(work: Work) -> Any:
    """Return what would be printed."""
    try:
        work()
    except ValueError:
        return traceback.format_exc()


def keep_text_of_variables(work: Work) -> Any:
    """Return what would be printed, with the text of every local variable."""
    try:
        work()
    except ValueError as error:
        return traceback.TracebackException.from_exception(error, capture_locals=True)


def keep_another(work: Work) -> Any:
    """Raise another exception while this one is handled, and return that, without its own traceback."""
    try:
        try:
            work()
        except ValueError:
            raise KeyError("another")  # noqa: B904 - that is what is measured
    except KeyError as error:
        return error.with_traceback(None)


def keep_another_from_none(work: Work) -> Any:
    """The same with `from None`, which says that the first one is not to be shown."""
    try:
        try:
            work()
        except ValueError:
            raise KeyError("another") from None
    except KeyError as error:
        return error.with_traceback(None)


def keep_another_and_its_cause(work: Work) -> Any:
    """The same with the first one as the cause, which has lost its traceback."""
    try:
        try:
            work()
        except ValueError as error:
            raise KeyError("another") from error.with_traceback(None)
    except KeyError as error:
        return error.with_traceback(None)


def log_and_buffer(work: Work) -> object:
    """Log it to a handler that keeps its records until there are enough, as test runners do."""
    from logging.handlers import MemoryHandler

    return logged(work, MemoryHandler(capacity=100))


def log_and_queue(work: Work) -> object:
    """Log it to a handler that puts its records into a queue, having made text of the exception."""
    from logging.handlers import QueueHandler
    from queue import SimpleQueue

    return logged(work, QueueHandler(SimpleQueue()))


def logged(work: Work, handler: Any) -> object:
    """Log the failure with its traceback, and return the handler."""
    import logging

    logger = logging.Logger("experiment")
    logger.addHandler(handler)
    try:
        work()
    except ValueError:
        logger.exception("failed")
    return handler


def ask_future_for_result(work: Work) -> None:
    """Let a thread do the work, and ask for the result: the exception is raised here again."""
    future = finished_future(work)
    try:
        future.result()
    except ValueError as error:
        str(error)


def ask_future_for_exception(work: Work) -> None:
    """Let a thread do the work, and ask for the exception, which then is not raised."""
    future = finished_future(work)
    str(future.exception())


def finished_future(work: Work) -> Any:
    """The future of work that a thread has done."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(work)


def leave_to_prompt(work: Work) -> None:
    """Let it reach the interactive prompt, which remembers the last exception for the debugger."""
    import code

    prompt = code.InteractiveInterpreter({"work": work})
    vars(prompt)["write"] = str  # so that it prints nothing here
    prompt.runsource("work()")


def forget_last_exception() -> None:
    """What one does at the prompt to let go of the last exception."""
    for name in LAST_EXCEPTION:
        if hasattr(sys, name):
            delattr(sys, name)


HANDLE: dict[str, Callable[[Work], object]] = {
    "except as error": drop,
    "saved = error": save,
    "saved, then del": save_and_delete,
    "returned": keep,
    "clear_frames": keep_without_variables,
    "without traceback": keep_without_traceback,
    "format_exc": keep_text,
    "capture_locals": keep_text_of_variables,
    "__context__": keep_another,
    "from None": keep_another_from_none,
    "stripped __cause__": keep_another_and_its_cause,
    "MemoryHandler": log_and_buffer,
    "QueueHandler": log_and_queue,
    "future.result()": ask_future_for_result,
    "future.exception()": ask_future_for_exception,
    "interactive prompt": leave_to_prompt,
}
