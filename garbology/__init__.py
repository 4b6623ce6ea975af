"""See what only CPython's cyclic collector can free, name every edge, and say which one to weaken.

PYTEST_DONT_REWRITE: pytest, which finds the plugin, would warn where this was imported before it.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from garbology.alive.question import Alive, why_alive
    from garbology.assertions import assert_freed, assert_no_cycles
    from garbology.cycles.result import Advice, CycleShape, Edge, Node
    from garbology.find.found import Found
    from garbology.find.window import find_cycles, watch
    from garbology.growth.diagnosis import diagnose, diagnosing
    from garbology.growth.holders import Holder
    from garbology.growth.report import Report
    from garbology.interpreter import collector
    from garbology.interpreter.refcounts import is_immortal, reference_count
    from garbology.leaks.leak import HeldByC, Leak
    from garbology.monitoring.monitors import monitor
    from garbology.monitoring.seen import Seen, SeenShape
    from garbology.recorders.pauses import Collection, Pauses, record_pauses
    from garbology.sizes.sizes import register_size

__version__ = "0.1.0"  # pyproject.toml reads it here: it costs no look at the installed distribution

__all__ = [
    "Advice",
    "Alive",
    "Collection",
    "CycleShape",
    "Edge",
    "Found",
    "HeldByC",
    "Holder",
    "Leak",
    "Node",
    "Pauses",
    "Report",
    "Seen",
    "SeenShape",
    "assert_freed",
    "assert_no_cycles",
    "collector",
    "diagnose",
    "diagnosing",
    "find_cycles",
    "is_immortal",
    "monitor",
    "record_pauses",
    "reference_count",
    "register_size",
    "watch",
    "why_alive",
]

_LIGHT = {
    "collector": "garbology.interpreter.collector",
    "is_immortal": "garbology.interpreter.refcounts",
    "record_pauses": "garbology.recorders.pauses",
    "reference_count": "garbology.interpreter.refcounts",
    # What these answer with.
    "Collection": "garbology.recorders.pauses",
    "Pauses": "garbology.recorders.pauses",
}
_NEED_NUMPY = {
    "Alive": "garbology.alive.question",
    "why_alive": "garbology.alive.question",
    "assert_freed": "garbology.assertions",
    "assert_no_cycles": "garbology.assertions",
    "Found": "garbology.find.found",
    "diagnose": "garbology.growth.diagnosis",
    "diagnosing": "garbology.growth.diagnosis",
    "find_cycles": "garbology.find.window",
    "monitor": "garbology.monitoring.monitors",
    "watch": "garbology.find.window",
    "register_size": "garbology.sizes.sizes",
    # What these answer with.
    "Advice": "garbology.cycles.result",
    "CycleShape": "garbology.cycles.result",
    "Edge": "garbology.cycles.result",
    "Node": "garbology.cycles.result",
    "HeldByC": "garbology.leaks.leak",
    "Leak": "garbology.leaks.leak",
    "Holder": "garbology.growth.holders",
    "Report": "garbology.growth.report",
    "Seen": "garbology.monitoring.seen",
    "SeenShape": "garbology.monitoring.seen",
}
_HOME = {**_LIGHT, **_NEED_NUMPY}


def __getattr__(name: str) -> Any:
    """What was not imported with this module; ImportError names what is missing.

    What needs NumPy comes all at once: whoever opens a window has imported everything before.
    """
    if name not in _HOME:
        raise AttributeError(f"module 'garbology' has no attribute {name!r}")
    try:
        value = _imported(name)
        if name in _NEED_NUMPY and not _IS_LATE:
            import_all()
    except ModuleNotFoundError as error:
        if not _is_about_numpy(error):
            raise
        raise ImportError(
            f"garbology.{name} needs {error.name}, which is not installed: pip install {error.name}"
        ) from None
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext garbology`` calls: it adds ``%%garbage``, ``%why_alive`` and ``%%growth``."""
    importlib.import_module("garbology.notebook.magics").load(shell)


def import_all() -> None:
    """Import everything that there is; where NumPy is not (WebAssembly, a subinterpreter), the rest works without."""
    for name in _LIGHT:
        _imported(name)
    if _is_subinterpreter():
        return
    try:
        for name in _NEED_NUMPY:
            _imported(name)
    except ModuleNotFoundError as error:
        if not _is_about_numpy(error):
            raise


def _imported(name: str) -> Any:
    """A public name, from where it is defined; from now on it is found without this."""
    if name in _NEED_NUMPY and _is_subinterpreter():
        raise ImportError(_refused(name))
    try:
        home = importlib.import_module(_HOME[name])
    except ImportError as error:
        if type(error) is ImportError and _is_subinterpreter():  # an isolated one has not even tracemalloc
            raise ImportError(_refused(name)) from None
        raise
    value = globals()[name] = home if _HOME[name].endswith(f".{name}") else getattr(home, name)
    return value


def _is_subinterpreter() -> bool:
    return bool(importlib.import_module("garbology.interpreter.subinterpreters").is_subinterpreter())


def _refused(name: str) -> str:
    return str(importlib.import_module("garbology.interpreter.subinterpreters").REFUSED.format(name))


def _is_about_numpy(error: ModuleNotFoundError) -> bool:
    return (error.name or "").partition(".")[0] == "numpy"


def _is_loaded_by_pytest() -> bool:
    """Whether pytest loads its plugins, as it does in every session."""
    if "_pytest.config" not in sys.modules:
        return False
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name in ("load_setuptools_entrypoints", "import_plugin"):
            return True
        frame = frame.f_back
    return False


def _is_command() -> bool:
    """Whether this process is the command `garbology`: it records other processes, and opens no window of its own."""
    arguments: list[str] = getattr(sys, "argv", None) or [""]
    if (
        arguments[0] == "-m"
    ):  # so it is until the module of `python -m` is found, the packages above it imported
        return sys.orig_argv[-len(arguments)].removeprefix("-m") == "garbology"
    return os.path.splitext(os.path.basename(arguments[0]))[0] == "garbology"


# Not at first use: an import leaves garbage of its own, and it must not be mistaken for the program's; and a fork
# beside a thread that imports leaves the child with half of it. But what the plugin needs is imported when something is
# to be watched. The measured interpreter of a study, which says `-X garbology=late`, imports what its study names and
# no more: it does so before it measures. What measures other processes alone starts in half the time.
_IS_LATE = sys._xoptions.get("garbology") == "late" or _is_command()
if not _is_loaded_by_pytest():
    if _IS_LATE:
        for each in _LIGHT:
            _imported(each)
        del each
    else:
        import_all()
