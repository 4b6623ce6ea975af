"""See what only CPython's cyclic collector can free, name every edge, and say which one to weaken."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from garbology.interpreter import collector
from garbology.interpreter.refcounts import is_immortal, reference_count
from garbology.recorders.pauses import record_pauses

if TYPE_CHECKING:
    from garbology.alive import Alive, why_alive
    from garbology.assertions import assert_freed, assert_no_cycles
    from garbology.find import Found, find_cycles, watch
    from garbology.graph.sizes import register_size

__version__ = "0.1.0"  # pyproject.toml reads it here: it costs no look at the installed distribution

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

_NEED_NUMPY = {
    "Alive": "garbology.alive",
    "why_alive": "garbology.alive",
    "assert_freed": "garbology.assertions",
    "assert_no_cycles": "garbology.assertions",
    "Found": "garbology.find",
    "find_cycles": "garbology.find",
    "watch": "garbology.find",
    "register_size": "garbology.graph.sizes",
}


def __getattr__(name: str) -> Any:
    """What needs NumPy and SciPy; ImportError names what is missing."""
    if name not in _NEED_NUMPY:
        raise AttributeError(f"module 'garbology' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(_NEED_NUMPY[name]), name)
    except ModuleNotFoundError as error:
        if not _is_about_numpy(error):
            raise
        raise ImportError(
            f"garbology.{name} needs {error.name}, which is not installed: pip install {error.name}"
        ) from None
    globals()[name] = value
    return value


def import_all() -> None:
    """Import everything that there is; where there is no NumPy (WebAssembly), the rest works without."""
    try:
        for name in _NEED_NUMPY:
            globals()[name] = getattr(importlib.import_module(_NEED_NUMPY[name]), name)
    except ModuleNotFoundError as error:
        if not _is_about_numpy(error):
            raise


def _is_about_numpy(error: ModuleNotFoundError) -> bool:
    return (error.name or "").partition(".")[0] in ("numpy", "scipy")


# Not at first use: an import leaves garbage of its own, and it must not be mistaken for the program's. Only the
# measured interpreter of a study, which says `-X garbology=late`, imports what its study names and no more: it
# does so before it measures.
if sys._xoptions.get("garbology") != "late":
    import_all()
