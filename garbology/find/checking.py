"""Functions of which every call is checked, made by a decorator."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import AsyncGeneratorType, FunctionType, GeneratorType
from typing import Any

from garbology.find.to_the_end import code_of, is_awaitable, is_to_be_run
from garbology.names.classes import is_class
from garbology.names.edges import safe_type_name, short_type_name

Block = Callable[[], AbstractContextManager[object]]
_ASYNC_GENERATOR = (
    "an asynchronous generator ends where its consumer stops, so a decorator cannot check it: write "
    "`async with garbology.assert_no_cycles():` around the `async for` that consumes it"
)


def checked(func: Any, block: Block) -> Any:
    """What calls ``func`` inside a new ``block()`` each time; a coroutine or a generator is inside to its end.

    Raises
    ------
    TypeError : ``func`` is nothing that a `def` makes.
    """
    if type(func) is staticmethod or type(func) is classmethod:
        return type(func)(checked(func.__func__, block))
    if is_class(func):
        name = short_type_name(func)
        raise TypeError(
            f"assert_no_cycles decorates functions and methods, got the class {name}: write it above each `def` that "
            f"is to be checked, or call assert_no_cycles({name}, ...) where a {name} is made"
        )
    if not callable(func):
        raise TypeError(
            f"assert_no_cycles decorates functions and methods, got {safe_type_name(type(func))}: "
            "write it above a `def`, below @property and the like"
        )
    code = code_of(func)
    flags = 0 if code is None or type(func) is not FunctionType else code.co_flags
    if flags & inspect.CO_ASYNC_GENERATOR:
        raise TypeError(_ASYNC_GENERATOR)
    if flags & inspect.CO_COROUTINE:
        return _coroutine(func, block)
    return _generator(func, block) if flags & inspect.CO_GENERATOR else _function(func, block)


def _function(func: Any, block: Block) -> Any:
    @functools.wraps(func)
    def checking(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with block():
            box = [func(*args, **kwargs)]
        # What another decorator returns may be run only now.
        if is_awaitable(box[0]) and is_to_be_run(box):
            return _awaited(box, block)
        if type(box[0]) is GeneratorType and is_to_be_run(box):
            return _exhausted(box, block)
        return box.pop()

    return checking


def _coroutine(func: Any, block: Block) -> Any:
    @functools.wraps(func)
    async def checking(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with block():
            return await func(*args, **kwargs)

    return checking


def _generator(func: Any, block: Block) -> Any:
    @functools.wraps(func)
    def checking(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with block():
            return (yield from func(*args, **kwargs))

    return checking


async def _awaited(box: list[Any], block: Block) -> Any:
    __tracebackhide__ = True
    if type(box[0]) is AsyncGeneratorType:
        raise TypeError(_ASYNC_GENERATOR)
    with block():
        return await box.pop()


def _exhausted(box: list[Any], block: Block) -> Any:
    __tracebackhide__ = True
    with block():
        return (yield from box.pop())
