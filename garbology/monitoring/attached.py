"""A recording in a process that runs already: begun by `startup/attached.py`, over when nobody wants it any more."""

from __future__ import annotations

import atexit
import os
import shutil
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from garbology.interpreter.allocation_tracing import stop_tracing
from garbology.monitoring.agreed import WANTED
from garbology.monitoring.process_recording import ProcessRecording

_POLL_SECONDS = 0.1
_OLD_SECONDS = 30.0

_running: ProcessRecording | None = None


def serve(settings: Mapping[str, Any]) -> None:
    """Record this process until ``settings["seconds"]`` are over or nobody wants it any more; in a thread of its own.

    Raises
    ------
    RuntimeError : it is recorded by such a thread already.
    """
    global _running
    if _running is not None:
        raise RuntimeError("it is attached to already")
    _running = ProcessRecording(settings)
    switched_on = _traced(settings)
    try:
        _running.start(generation=0)
        _wait(Path(settings["directory"]), settings["seconds"], settings.get("temporary", ()))
    finally:
        _end(stop_tracing if switched_on else None)


def _wait(directory: Path, seconds: float | None, temporary: Sequence[str] = ()) -> None:
    until = None if seconds is None else time.monotonic() + seconds
    while until is None or time.monotonic() < until:
        try:
            age = time.time() - (directory / WANTED).stat().st_mtime
        except OSError:
            return
        if age > _OLD_SECONDS:  # who asked was killed
            for each in (str(directory), *temporary):
                shutil.rmtree(each, ignore_errors=True)
            return
        time.sleep(_POLL_SECONDS)


def _traced(settings: Mapping[str, Any]) -> bool:
    """Whether this switched tracemalloc on."""
    if not settings["allocations"] or tracemalloc.is_tracing():
        return False
    tracemalloc.start()
    return True


def _end(stop: Callable[[], bool] | None = None) -> None:
    """Write the end, also where the interpreter exits first; ``stop`` switches tracemalloc off."""
    global _running
    running, _running = _running, None
    if running is not None:
        running.end(stop)


def _end_in_child() -> None:
    """The child of a fork is not looked at, and the thread is not in it."""
    global _running
    running, _running = _running, None
    if running is not None:
        running.abandon()


# Here and not at each recording: neither can be taken back without comparing the program's callbacks.
atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_end_in_child)
