"""See what only CPython's cyclic collector can free, name every edge, and say which one to weaken."""

from __future__ import annotations

from typing import Any

from garbology.interpreter import collector
from garbology.interpreter.refcounts import is_immortal, reference_count
from garbology.recorders.pauses import record_pauses

__all__ = [
    "Alive",
    "Found",
    "assert_freed",
    "assert_no_cycles",
    "collector",
    "find_cycles",
    "is_immortal",
    "record_pauses",
    "reference_count",
    "register_size",
    "watch",
    "why_alive",
]

# Not at first use: an import leaves garbage of its own, and it must not be mistaken for the program's.
try:
    from garbology.alive import Alive, why_alive
    from garbology.assertions import assert_freed, assert_no_cycles
    from garbology.find import Found, find_cycles, watch
    from garbology.graph.sizes import register_size
except ModuleNotFoundError as error:
    # Counts, the collector's settings and the recorders also work where there is no NumPy (WebAssembly).
    if (error.name or "").partition(".")[0] not in ("numpy", "scipy"):
        raise
    _MISSING = error.name

    def __getattr__(name: str) -> Any:
        if name in __all__:
            raise ImportError(
                f"garbology.{name} needs {_MISSING}, which is not installed: pip install {_MISSING}"
            )
        raise AttributeError(f"module 'garbology' has no attribute {name!r}")
