"""Run to its end what a call only begins: coroutines and generators.

To call an async function is not to run it, and to judge what the call leaves would pass whatever the function does.
What is returned unstarted, and is held by nothing else, is run: a coroutine or an asynchronous generator in an event
loop of its own, a generator by exhausting it.

The loop is made, and has run once, before the window is opened. Its own objects are older than what is judged then.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import opcode
import sys
from collections import deque
from collections.abc import Iterable
from types import AsyncGeneratorType, CodeType, CoroutineType, FunctionType, GeneratorType, MethodType
from typing import Any, cast

from garbology.interpreter.refcounts import reference_count
from garbology.names.classes import inherited_values, is_class

_ASYNCHRONOUS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE
_REMEDY = "write `async with garbology.watch() as found:` around `await` there"
_FUTURES = ("add_done_callback", "addCallbacks")  # an object with one of these is completed by others


def function_of(func: object) -> object:
    """The function that calling ``func`` runs, as far as that can be seen without calling anything."""
    while True:
        if type(func) is MethodType:
            func = func.__func__
        elif type(func) is functools.partial:
            func = func.func
        elif type(func) is staticmethod:
            func = func.__func__
        else:
            break
    if type(func) is not FunctionType:
        called = next(inherited_values(type(func), "__call__"), None)
        func = called if type(called) is FunctionType else func
    return func


def code_of(func: object) -> CodeType | None:
    """The code that calling ``func`` runs, None where that is not seen."""
    function = function_of(func)
    return function.__code__ if type(function) is FunctionType else None


def is_asynchronous(func: object) -> bool:
    """Whether calling ``func`` only makes a coroutine or an asynchronous generator."""
    code = code_of(func)
    return code is not None and bool(code.co_flags & _ASYNCHRONOUS)


class Run:
    """Runs to its end what calls of ``func`` return.

    Raises
    ------
    TypeError : ``func`` is asynchronous, and an event loop runs in this thread: it can run no other.
    """

    def __init__(self, func: object) -> None:
        self._loop: Any = None
        self._is_class = is_class(func)  # its call has made an object, whether that can be awaited or not
        if is_asynchronous(func):
            _refuse_inside_a_loop()
            _warm_up()
            self._loop = _new_loop()
            self._loop.run_until_complete(_nothing())

    def finish(self, box: list[object]) -> None:
        """Run what is in ``box``, which alone holds it, if that has only begun; its result is in the box then.

        Raises
        ------
        TypeError : it is asynchronous, and an event loop runs in this thread.
        """
        if type(box[0]) is GeneratorType and not is_awaitable(box[0]) and is_to_be_run(box):
            deque(cast("Iterable[object]", box.pop()), maxlen=0)
            box.append(None)
        elif not self._is_class and is_awaitable(box[0]) and is_to_be_run(box):
            self._finish_in_loop(box)

    def close(self) -> None:
        """Close the loop, where there is one that has not run."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.close()

    def _finish_in_loop(self, box: list[object]) -> None:
        if _running_loop() is not None:
            _drop(box)
            _refuse_inside_a_loop()
        loop = self._loop = self._loop or _new_loop()
        try:
            box.append(loop.run_until_complete(_await(box.pop())))
        finally:
            _end(loop)


def is_to_be_run(box: list[object]) -> bool:
    """Whether what is in ``box`` has not begun, and nothing else holds it that might run it later."""
    return _is_unstarted(box[0]) and reference_count(box[0]) == 1


def is_awaitable(obj: object) -> bool:
    """Whether only `await` or `async for` runs it."""
    kind = type(obj)
    if kind is GeneratorType:
        return bool(obj.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE)  # type: ignore[attr-defined]
    if kind is CoroutineType or kind is AsyncGeneratorType:
        return True
    return _has(kind, "__await__") and not any(_has(kind, name) for name in _FUTURES)


def _refuse_inside_a_loop() -> None:
    if _running_loop() is not None:
        raise TypeError(f"an async function cannot be run here, where an event loop runs: {_REMEDY}")


def _has(kind: type, name: str) -> bool:
    return next(inherited_values(kind, name), None) is not None


def _is_unstarted(obj: object) -> bool:
    """Whether none of its code has run yet; what is no coroutine or generator of Python's cannot say so."""
    kind = type(obj)
    frame: Any = None
    if kind is GeneratorType:
        frame = obj.gi_frame  # type: ignore[attr-defined]
    elif kind is CoroutineType:
        frame = obj.cr_frame  # type: ignore[attr-defined]
    elif kind is AsyncGeneratorType:
        frame = obj.ag_frame  # type: ignore[attr-defined]
    else:
        return True
    return frame is not None and frame.f_lasti <= _begin_of(frame.f_code)


def _begin_of(code: CodeType) -> int:
    """The last place where a frame may stand that has not begun: from 3.11, behind what makes the generator."""
    made_by = opcode.opmap.get("RETURN_GENERATOR")
    operations = code.co_code[::2]
    return -1 if made_by is None or made_by not in operations else 2 * operations.index(made_by) + 2


def _running_loop() -> object:
    asyncio = sys.modules.get("asyncio")
    return None if asyncio is None else asyncio._get_running_loop()


def _new_loop() -> Any:
    return importlib.import_module("asyncio").new_event_loop()


@functools.cache
def _warm_up() -> None:
    """Run what is imported and cached at first use."""
    loop = _new_loop()
    loop.run_until_complete(_nothing())
    _end(loop)


async def _nothing() -> None:
    return None


async def _await(obj: Any) -> object:
    if type(obj) is AsyncGeneratorType:
        async for _ in obj:
            pass
        return None
    return await obj


def _drop(box: list[object]) -> None:
    if type(box[0]) is CoroutineType:
        box[0].close()  # or it would be said that it was never awaited
    box.clear()


async def _cancel_all() -> None:
    """Cancel the other tasks and wait for them, in a task: their tracebacks lead to the frames that run the loop.

    What those held would be a cycle, as asyncio.run() leaves one of cancelled tasks on 3.12 and 3.13.
    """
    asyncio = sys.modules["asyncio"]
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)


def _end(loop: Any) -> None:
    """End what is left, as asyncio.run() does: tasks, asynchronous generators, threads, the loop itself."""
    try:
        loop.run_until_complete(_cancel_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
