"""The standard library, whose mend is a version of CPython."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import Any

from experiments._upstream.bugs import EXCEPTION, Cut, Work, bug


@bug(
    "asyncio, TaskGroup", "python/cpython#124958", pythons="3.11-3.13", kind=EXCEPTION,
    cut=Cut("the errors and the exception itself are let go of in a finally",
            (r"frame of .*TaskGroup.* → local (me|exc|self|propagate_cancellation_error) -> ",
             r"TaskGroup\._errors", r"TaskGroup\._parent_task -> "), ("clear",)),
)  # fmt: skip
def task_group() -> Work:
    """A block that fails in a group of tasks."""
    import asyncio

    loop = asyncio.new_event_loop()

    async def fail() -> None:
        with suppress(BaseException):  # an ExceptionGroup, which 3.10 does not have
            async with asyncio.TaskGroup():
                raise KeyError

    return lambda: loop.run_until_complete(fail())


@bug(
    "contextlib", "python/cpython#129280", pythons="3.12-3.13", kind=EXCEPTION,
    cut=Cut("open; proposed: `__exit__` lets go of the exception that it threw",
            (r"frame of (_GeneratorContextManager\.)?__exit__ .* → local (value|exc) -> ",), ("clear",)),
)  # fmt: skip
def context_manager() -> Work:
    """A context manager that answers one exception by another."""

    @contextmanager
    def renaming() -> Any:
        try:
            yield
        except KeyError:
            raise ValueError from None

    def work() -> None:
        with suppress(ValueError), renaming():
            raise KeyError

    return work


@bug(
    "sqlite3", "python/cpython#97641", pythons="3.11-3.15",
    cut=Cut("“closing connections explicitly is good practice”",
            (r"^Connection → held inside sqlite3\.Connection -> _lru_cache_wrapper$",), ("close",)),
)  # fmt: skip
def sqlite() -> Work:
    """A connection that is dropped open."""
    import sqlite3

    def work() -> None:
        sqlite3.connect(":memory:").execute("select 1").fetchall()

    return work
