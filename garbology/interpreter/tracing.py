"""Trace functions of the program's, which must not see the instrument at work."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any


class untraced:
    """Switch off trace and profile functions in Python: up to 3.10 they leave a dictionary of its locals in each frame.

    Those of the instrument's frames would hold what is being looked at, and be garbage themselves afterwards.
    """

    def __init__(self) -> None:
        self._paused: list[tuple[Callable[[Any], object], Any]] = []

    def __enter__(self) -> None:
        """Switch them off in this thread."""
        for get, put in ((sys.gettrace, sys.settrace), (sys.getprofile, sys.setprofile)):
            if sys.version_info < (3, 11) and type(get()) in (types.FunctionType, types.MethodType):
                self._paused.append((put, get()))
                put(None)

    def __exit__(self, *_: object) -> None:
        """Put them back."""
        while self._paused:
            put, function = self._paused.pop()
            put(function)
