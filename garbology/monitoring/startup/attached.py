"""What `garbology attach` puts into a running process: begins a recording there, in a thread of its own.

It runs in a namespace of its own, which it empties at the end, and has no class: nothing of it is left, neither in the
program's modules nor as garbage. Whatever goes wrong is written to a file for the one who attaches.
"""

import gc
import importlib.machinery
import importlib.util
import json
import os
import sys
import threading
import types
from typing import Any


def begin(settings: dict[str, Any]) -> None:
    """Record this process as ``settings`` say; returns at once."""
    threading.Thread(target=_run, args=(settings,), name="garbology.attach", daemon=True).start()


def _run(settings: dict[str, Any]) -> None:
    finder = types.SimpleNamespace(find_spec=_finding(settings["places"]))
    try:
        with open(os.path.join(settings["directory"], "reached"), "w"):
            pass
        sys.meta_path.append(finder)  # a program may have put something else there, which is told
        _record(settings)
    except BaseException as error:
        _write_failure(settings["directory"], error)
    if type(sys.meta_path) is list:
        sys.meta_path[:] = [each for each in sys.meta_path if each is not finder]
    for places in settings["places"].values():
        for place in places:
            sys.path_importer_cache.pop(place, None)
    globals().clear()


def _finding(places: dict[str, list[str]]) -> Any:
    """Finds garbology, and NumPy for it, where the process has none; nothing else."""
    path_finder = importlib.machinery.PathFinder

    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        return path_finder.find_spec(name, places[name]) if path is None and name in places else None

    return find_spec


def _record(settings: dict[str, Any]) -> None:
    if importlib.util.find_spec("numpy") is None:  # before anything is imported
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")
    was_enabled = gc.isenabled()
    gc.disable()  # so that what the imports leave is still young afterwards, and not taken for the program's
    try:
        from garbology.monitoring.attached import serve
    finally:
        if was_enabled:
            gc.enable()
    serve(settings)


def _write_failure(directory: str, error: BaseException) -> None:
    text = json.dumps(
        {"kind": type(error).__name__, "text": str(error), "name": getattr(error, "name", None)}
    )
    partial = os.path.join(directory, "failed.partial")
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(partial, os.path.join(directory, "failed.json"))
    except Exception:  # the one who asked is gone, or the program lets nobody write; its errors are its own
        return
