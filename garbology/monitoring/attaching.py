"""A process that runs already is recorded: begun there, kept wanted, brought home, and cleared away, from outside."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

from garbology.monitoring import startup_directory
from garbology.monitoring.agreed import WANTED
from garbology.monitoring.injection import AttachError, Target, inject, withdraw
from garbology.monitoring.outside import MEMORY_FILE, MemoryFile, begin_recording
from garbology.monitoring.signals import noted_signals

_POLL_SECONDS = 0.1
_MOST_WAITED_SECONDS = 30.0  # for the last record
_MOST_IMPORT_SECONDS = 60.0
_BROUGHT = ("numpy",)
# The main thread only begins a thread: handlers of signals, which may raise, run in the main thread alone.
_SCRIPT = """def run():
    space = {{'__name__': 'garbology attach'}}
    try:
        exec(compile({code!r}, 'garbology attach', 'exec'), space)
        space['begin']({settings!r})
    except Exception as error:
        space['_write_failure']({settings!r}['directory'], error)
import _thread
try:
    _thread.start_new_thread(run, ())
finally:
    del run  # it and its namespace, which refer to each other, would be the program's garbage
"""


@dataclass(frozen=True)
class AttachSettings:
    """How a running process is recorded; see `garbology attach --help`."""

    seconds: float | None = None
    wait_seconds: float = 15.0
    budget: float = 0.05
    interval_seconds: float = 0.1
    allocations: bool = False
    keys: bool = False
    alive: bool = False
    grow: bool = False
    kept: bool = True
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def attach(target: Target, directory: Path, settings: AttachSettings) -> None:
    """Record a process into ``directory``, which exists, until the time is over, Ctrl-C, or its end.

    Raises
    ------
    AttachError : it cannot be attached to, or it cannot record itself; it goes on as before.
    OSError : a directory cannot be written.
    KeyboardInterrupt : Ctrl-C came before the recording began.
    """
    with noted_signals() as came, _private_directory(target) as shared:
        script = _prepared(target, shared, settings, [] if settings.kept else [str(directory)])
        began_at = perf_counter()
        try:
            inject(target, script)
            _wait_for_the_beginning(target, shared, settings.wait_seconds, came)
        except BaseException:
            withdraw(target, script)
            raise
        describe(target, directory, settings, began_at)
        sampler = MemoryFile(target.pid, directory / MEMORY_FILE, settings.interval_seconds)
        try:
            _keep_wanted(target, shared, came)
        finally:
            sampler.end()
            _bring_home(shared, directory)
        _raise_failure(target, shared / "failed.json")


@contextmanager
def _private_directory(target: Target) -> Iterator[Path]:
    """Of the process's user alone, with a name that cannot be guessed; gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="garbology-"))
    try:
        if target.uid >= 0 and target.uid != os.geteuid():
            os.chown(directory, target.uid, -1)
            _refuse_unreachable(target, directory)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _refuse_unreachable(target: Target, directory: Path) -> None:
    """Where TMPDIR is closed to the process's user, it would seem to run no Python code."""
    for each in directory.resolve().parents:
        found = each.stat()
        if found.st_uid != target.uid and not found.st_mode & (stat.S_IXGRP | stat.S_IXOTH):
            raise AttachError(
                f"{target.pid}: its user cannot enter {each}: set TMPDIR to a directory that all can, such as /tmp"
            )


def _prepared(target: Target, shared: Path, settings: AttachSettings, temporary: list[str]) -> Path:
    """The script that the process is to run, with what it needs beside it.

    Where this process is killed, that one removes the ``temporary`` directories.
    """
    (shared / WANTED).touch()
    archive = shared / "garbology.zip"
    _write_archive(archive)
    inside: dict[str, Any] = {
        **asdict(settings),
        "directory": str(shared),
        "temporary": temporary,
        "interval_seconds": 1.0,
        "places": {"garbology": [str(archive)], **_places(target)},
    }
    code = (startup_directory() / "attached.py").read_text(encoding="utf-8")
    script = shared / "begin.py"
    script.write_text(_SCRIPT.format(code=code, settings=inside), encoding="utf-8")
    if target.uid >= 0:
        for path in shared.iterdir():
            os.chown(path, target.uid, -1)
    return script


def _places(target: Target) -> dict[str, list[str]]:
    """Where NumPy lies, for a process that has none and could load this one."""
    if sys.version_info[:2] != target.version:
        return {}
    specs = {name: find_spec(name) for name in _BROUGHT}
    return {name: [str(Path(each.origin).parents[1])] for name, each in specs.items() if each and each.origin}


def _write_archive(path: Path) -> None:
    package = Path(__file__).parents[1]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in sorted(package.rglob("*.py")):
            archive.write(each, each.relative_to(package.parent))


def _wait_for_the_beginning(target: Target, shared: Path, seconds: float, came: list[int]) -> None:
    """First until the script is reached, then until what it imports is there, which a busy process takes long for."""
    _wait_for(
        "reached",
        (target, shared, seconds, came),
        "its main thread has run no Python code for {:g} seconds (it waits, or is in C code): nothing was attached; "
        "--wait gives it longer",
    )
    _wait_for(
        "process-*.jsonl",
        (target, shared, seconds + _MOST_IMPORT_SECONDS, came),
        "it has not imported garbology within {:g} seconds: nothing is recorded; --wait gives it longer",
    )


def _wait_for(pattern: str, where: tuple[Target, Path, float, list[int]], refusal: str) -> None:
    target, shared, seconds, came = where
    until = monotonic() + seconds
    while not any(shared.glob(pattern)):
        if came:
            raise KeyboardInterrupt
        _raise_failure(target, shared / "failed.json")
        if not lives(target.pid):
            raise AttachError(f"{target.pid}: it ended before it could be attached to")
        if monotonic() > until:
            raise AttachError(f"{target.pid}: {refusal.format(seconds)}")
        sleep(_POLL_SECONDS)


def _raise_failure(target: Target, path: Path) -> None:
    try:
        failure = json.loads(_text(path))
    except (OSError, ValueError):
        return
    kind, text, name = (str(failure.get(key)) for key in ("kind", "text", "name"))
    if kind in ("ModuleNotFoundError", "ImportError") and not name.startswith("garbology"):
        text = f"its Python has no {name}: install garbology there, or run this one with python{target.version_text}"
    elif kind in ("ModuleNotFoundError", "ImportError"):
        text = f"the garbology that is installed there is another version: {text}"
    raise AttachError(f"{target.pid}: {text}")


def describe(target: Target, directory: Path, settings: AttachSettings, began_at: float) -> None:
    """What the recording in ``directory`` is of."""
    described = {
        "program": ["process", str(target.pid)],
        "command": ["garbology", "attach", "-o", "DIR", str(target.pid)],
        "began_at_seconds": began_at,
        "only": settings.only,
        "ignore": settings.ignore,
    }
    begin_recording(directory, described)


def _keep_wanted(target: Target, shared: Path, came: list[int]) -> None:
    """Until the recording has ended; a signal asks for its end, and a second one does not wait for it."""
    while _goes_on(target, shared) and not came:
        (shared / WANTED).touch()
        sleep(_POLL_SECONDS)
    (shared / WANTED).unlink(missing_ok=True)
    until = monotonic() + _MOST_WAITED_SECONDS
    while _goes_on(target, shared) and len(came) < 2 and monotonic() < until:
        sleep(_POLL_SECONDS)


def _goes_on(target: Target, shared: Path) -> bool:
    return lives(target.pid) and not _has_ended(shared)


def _has_ended(shared: Path) -> bool:
    return any('"garbology.recording.end"' in _last_line(path) for path in shared.glob("process-*.jsonl"))


def _last_line(path: Path) -> str:
    with _opened(path) as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 4_096))
        lines = file.read().decode(errors="replace").splitlines()
    return lines[-1] if lines else ""


def _bring_home(shared: Path, directory: Path) -> None:
    """The rows that are JSON, and nothing else: the directory is another user's."""
    for path in sorted(shared.glob("process-*.jsonl")):
        with open(directory / path.name, "w", encoding="utf-8") as file:
            for line in _text(path).splitlines():
                try:
                    row = json.loads(line)
                except ValueError:
                    break
                file.write(json.dumps(row) + "\n")


def _text(path: Path) -> str:
    with _opened(path) as file:
        text: str = file.read().decode(errors="replace")
    return text


def _opened(path: Path) -> Any:
    """A file, and nothing that a link leads to."""
    return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")


def lives(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
