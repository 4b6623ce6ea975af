"""What runs on a worker: each function takes JSON and returns JSON, and Dask knows it by its name alone.

A worker keeps what it is given in a directory of its own, ``~/.cache/garbology`` or what GARBOLOGY_WORKER_DIRECTORY
says: the code of each sweep, by its digest, and an environment for each interpreter, which is made once.
"""

from __future__ import annotations

import json
import os
import platform
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import psutil

import garbology
from garbology.cluster.code import unpack
from garbology.interpreter import hardware
from garbology.measuring.discovery import discover
from garbology.measuring.interpreters import InterpreterError, Native
from garbology.measuring.locating import find_interpreter
from garbology.measuring.locks import Lock, LockedError, take
from garbology.measuring.matrix import describe, prepare_all
from garbology.measuring.processes import Stopped
from garbology.measuring.scratch import sweep

STARTED = (
    "garbology-started"  # the topic of the event that a sample has begun; its message is the sample's key
)
DIRECTORY = "GARBOLOGY_WORKER_DIRECTORY"
_ENVIRONMENTS = "environments"
_PATIENCE_SECONDS, _PAUSE_SECONDS = (
    3600.0,
    0.5,
)  # while another worker of this machine makes the same environments

_lock = threading.Lock()
_natives: dict[tuple[str, str, str], Native] = {}  # by sweep, digest of the code and Python


def _on_the_wire(function: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[str], str]:
    @wraps(function)
    def called(text: str) -> str:
        return json.dumps(function(json.loads(text)), allow_nan=False)

    return called


@_on_the_wire
def announce(request: dict[str, Any]) -> dict[str, Any]:
    """What this worker is: its garbology, its hardware and, if they are asked for, its interpreters.

    These are found as by ``matrix --list``.
    """
    sweep()
    return {
        "garbology": garbology.__version__,
        "python": platform.python_version(),
        "has_code": (_code_directory() / request["digest"]).is_dir(),
        "hardware": {
            "cpu_model": hardware.cpu_model(),
            "cpu_count": os.cpu_count(),
            "total_memory_bytes": int(psutil.virtual_memory().total),
            "kernel": hardware.kernel(),
        },
        "interpreters": describe(discover()) if request.get("interpreters") else [],
    }


@_on_the_wire
def install(request: dict[str, Any]) -> dict[str, Any]:
    """Lay the code of a sweep down; whatever is measured for it is imported from there."""
    return {"place": str(unpack(request["wheel"], request["digest"], _code_directory()))}


@_on_the_wire
def prepare(request: dict[str, Any]) -> dict[str, Any]:
    """Find the interpreters that were asked for, and describe each: what it is, which studies it cannot run.

    With "matrix" each CPython of this machine gets an environment first.
    """
    said: list[str] = []
    made, failures = _environments(tuple(request["requirements"]), said) if request["matrix"] else ([], 0)
    texts = [*made, *request["pythons"]] or [""]
    found = []
    for text in dict.fromkeys(texts):
        try:
            python, name = _python(text)
            found.append({"name": name, "python": python, **_described(request, python)})
        except InterpreterError as error:
            said.append(str(error))
            failures += 1
    return {"interpreters": found, "sentences": said, "failures": failures}


@_on_the_wire
def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Measure a case once, in a fresh process; what a sample says of it, or that another version is here."""
    _tell_start(request["key"])
    digest = request["digest"]
    if not (_code_directory() / digest).is_dir():
        there = sorted(path.name for path in _code_directory().glob("[0-9a-f]*"))
        return {"refused": f"the worker has {', '.join(there) or 'no code'}, the sweep measures {digest}"}
    native = _native(request["sweep"], digest, request["python"])
    target = _target(request["target"], digest)
    try:
        return native.run(target, request["measure"], request["case"], request["limit_seconds"])
    except Stopped:
        return {"refused": "the sweep was stopped"}


@_on_the_wire
def stop(request: dict[str, Any]) -> dict[str, Any]:
    """Kill what is under way of a sweep; nothing of it is measured here afterwards."""
    with _lock:
        chosen = [native for key, native in _natives.items() if key[0] == request["sweep"]]
    for native in chosen:
        native.stop()
    return {"stopped": len(chosen)}


def _described(request: Mapping[str, Any], python: str) -> dict[str, Any]:
    """The interpreter's description, and of each study why it cannot run it, empty where it can."""
    digest, description = request["digest"], None
    lacking: dict[str, str] = {}
    native = _native(request["sweep"], digest, python)
    for target, place in request["targets"].items():
        try:
            description = native.describe(_target(place, digest))
            lacking[target] = ""
        except InterpreterError as error:
            lacking[target] = str(error)
    return {"description": description, "lacking": lacking}


def _native(sweep_id: str, digest: str, python: str) -> Native:
    with _lock:
        for key in [key for key in _natives if key[0] != sweep_id and len(_natives) > 100]:
            del _natives[key]
        key = (sweep_id, digest, python)
        if key not in _natives:
            _natives[key] = Native(python, search=[str(_code_directory() / digest)])
        return _natives[key]


def _python(text: str) -> tuple[str, str]:
    """The path and the name of an interpreter; of this worker's own where nothing else was asked for."""
    if not text:
        own = Native()
        return own.python, f"Python {platform.python_version()}"
    found = find_interpreter(text)
    if type(found) is not Native:
        raise InterpreterError(f"{text} is measured on one machine only: leave --scheduler out")
    path = Path(found.python)
    is_ours = path.is_relative_to(_directory() / _ENVIRONMENTS)
    return found.python, path.parents[1].name if is_ours else text


def _environments(requirements: tuple[str, ...], said: list[str]) -> tuple[list[str], int]:
    """The Pythons of this machine's environments: one worker makes them, the others wait for it."""
    directory = _directory() / _ENVIRONMENTS
    directory.mkdir(parents=True, exist_ok=True)
    lock = _patiently(directory / ".lock")
    try:
        notes: list[str] = []
        made = prepare_all(discover(), directory, notes.append, requirements)
        said += [note for note in notes if "left out" in note]
        return made
    finally:
        lock.release()


def _patiently(path: Path) -> Lock:
    waited = 0.0
    while True:
        try:
            return take(path)
        except LockedError:
            if waited > _PATIENCE_SECONDS:
                raise
        threading.Event().wait(_PAUSE_SECONDS)
        waited += _PAUSE_SECONDS


def _target(place: str, digest: str) -> str:
    """Where a study is on this machine: a file of its own lies among the code."""
    return str(_code_directory() / digest / place) if place.endswith(".py") else place


def _code_directory() -> Path:
    return _directory() / "code"


def _directory() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(DIRECTORY) or cache / "garbology").resolve()


def _tell_start(key: str) -> None:
    """Say that a sample has begun, so that the client knows since when it runs; nothing where no worker runs this."""
    try:
        from distributed import get_worker

        get_worker().log_event(STARTED, {"key": key})
    except (ImportError, ValueError):
        return
