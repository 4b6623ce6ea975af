"""Whether this is a subinterpreter: NumPy cannot be imported there, and up to 3.11 the attempt may never end."""

from __future__ import annotations

import importlib
import sys
from typing import Any

REFUSED = (
    "garbology.{} needs what can be imported in the main interpreter alone (NumPy, tracemalloc), and this is a "
    "subinterpreter: watch in the main interpreter, or in a process of its own"
)
_MODULE = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"


def is_subinterpreter() -> bool:
    """Whether another interpreter of this process was there first."""
    try:
        interpreters = importlib.import_module(_MODULE)
    except ImportError:  # a build without them
        return False
    return _number(interpreters.get_current()) != _number(interpreters.get_main())


def _number(interpreter: Any) -> int:
    """From 3.13 an interpreter comes as a tuple of its number and where it is from."""
    return int(interpreter[0] if isinstance(interpreter, tuple) else interpreter)
