"""Listening to the collector: a callback registered for a block, and surely gone after it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from garbology.interpreter.listening import add_callback, remove_callback
from garbology.interpreter.putting_back import switched, was_put_back

Callback = Callable[[Literal["start", "stop"], dict[str, Any]], None]


@contextmanager
def listening(callback: Callback) -> Iterator[None]:
    """Have the collector call ``callback(phase, info)`` in a block; it may be taken out earlier by others.

    Pass a function rather than a callable instance: the interpreter calls it without building a tuple, so
    that listening allocates nothing the collector counts.
    """
    number = switched(functools.partial(remove_callback, callback))
    add_callback(callback)
    try:
        yield
    finally:
        was_put_back(number)
        remove_callback(callback)
