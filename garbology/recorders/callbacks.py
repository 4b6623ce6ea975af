"""Listening to the collector: a callback registered for a block, and surely gone after it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

Callback = Callable[[Literal["start", "stop"], dict[str, Any]], None]

#: The list that the interpreter reads. Rebinding ``gc.callbacks`` changes the module, not the interpreter.
_CALLBACKS: list[Any] = gc.callbacks

#: Finding an entry and deleting it are two steps. Reentrant, because a finalizer may record as well.
_REGISTERING = threading.RLock()


@contextmanager
def listening(callback: Callback) -> Iterator[None]:
    """Have the collector call ``callback(phase, info)`` in a block; it may be taken out earlier by others.

    Pass a function rather than a callable instance: the interpreter calls it without building a tuple, so
    that listening allocates nothing the collector counts.
    """
    with _REGISTERING:
        _CALLBACKS.append(callback)
    try:
        yield
    finally:
        _remove(callback)


def _remove(callback: Callback) -> None:
    with _REGISTERING:
        for index, registered in enumerate(_CALLBACKS):
            if (
                registered is callback
            ):  # list.remove would ask other people's callbacks whether they are equal
                del _CALLBACKS[index]
                return
