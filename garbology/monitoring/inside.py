"""A recording from inside the program: begun by `startup/sitecustomize.py`, ended when the interpreter exits."""

from __future__ import annotations

import atexit
import gc
import json
import os
import sys
from typing import Any

from garbology.monitoring.agreed import PATH, SETTINGS
from garbology.monitoring.process_recording import ProcessRecording


def begin() -> None:
    """Record this process as the settings in the environment say; without such nothing happens."""
    text = os.environ.get(SETTINGS, "")
    if not text:
        return
    settings = json.loads(text)
    if not settings["children"]:
        _leave_no_trace(settings["path"])
    if settings["threshold"]:
        gc.set_threshold(*settings["threshold"])
    if settings["allocations"]:
        import tracemalloc

        tracemalloc.start()
    _FromTheStart({**settings, "alive": True}).begin()


def _leave_no_trace(path: str | None) -> None:
    """The environment as the program was given it, for itself and for what it starts."""
    os.environ.pop(SETTINGS, None)
    if path is None:
        os.environ.pop(PATH, None)
    else:
        os.environ[PATH] = path


class _FromTheStart(ProcessRecording):
    """A process from its start to its exit; a child of a fork, where asked for, is another one."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._children = settings["children"]

    def begin(self) -> None:
        """Begin, and end when the interpreter exits."""
        atexit.register(self.end, with_program=True)
        if self._children and hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_in_child)
        self.start()

    def _start_in_child(self) -> None:
        self.start()
        util = sys.modules.get("multiprocessing.util")
        if util is not None:  # its processes exit without `atexit`, and run what is registered with it
            vars(util)["register_after_fork"](self, _FromTheStart.start_in_multiprocessing)

    def start_in_multiprocessing(self) -> None:
        """Begin anew: what was begun in the child before this has been put back (`putting_back`)."""
        self.forget()
        self.start()
        vars(sys.modules["multiprocessing.util"])["Finalize"](None, self.end, exitpriority=0)
