"""A recording from outside: starts the program, samples its memory, passes on signals and its exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from garbology.monitoring import startup_directory
from garbology.monitoring.agreed import PATH, SETTINGS

MEMORY_FILE = "memory.jsonl"
PROGRAM_FILE = "program.json"
_EACH_USS = 10  # samples of RSS for one of USS, which takes the kernel a walk through the page tables
_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT")


@dataclass(frozen=True)
class Settings:
    """How a program is recorded; see `garbology run --help`."""

    budget: float = 0.05
    interval_seconds: float = 0.1
    allocations: bool = False
    children: bool = False
    keys: bool = False
    grow: bool = False
    threshold: tuple[int, ...] = ()
    quiet: bool = False
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def record(program: Sequence[str], directory: Path, settings: Settings) -> int:
    """Run ``python PROGRAM...`` and record it into ``directory``, which exists; its return code, -N for a signal.

    Raises
    ------
    OSError : the interpreter cannot be started, or the directory not be written.
    """
    began_at = perf_counter()
    described = {
        "program": list(program),
        "command": ["garbology", "run", "-o", "DIR", *program],
        "began_at_seconds": began_at,
        "only": settings.only,
        "ignore": settings.ignore,
    }
    begin_recording(directory, described)
    command = [sys.executable, *_own_flags(), *program]
    environment = _environment(directory, settings)
    output = subprocess.DEVNULL if settings.quiet else None
    with (
        _left_to_the_program(),
        subprocess.Popen(command, env=environment, stdout=output) as process,
        _passing_on(process),
    ):
        sampler = MemoryFile(process.pid, directory / MEMORY_FILE, settings.interval_seconds)
        try:
            return _waited_for(process)
        finally:
            sampler.end()


def begin_recording(directory: Path, described: Mapping[str, Any]) -> None:
    """Write what a recording is of, in the place of an earlier one: that is kept until there is another.

    Raises
    ------
    OSError : the directory cannot be written.
    """
    for old in [*directory.glob("process-*.jsonl"), directory / MEMORY_FILE]:
        old.unlink(missing_ok=True)
    (directory / PROGRAM_FILE).write_text(json.dumps(described), encoding="utf-8")


def _waited_for(process: subprocess.Popen[bytes]) -> int:
    while True:
        with suppress(KeyboardInterrupt):  # the program has it too, and decides
            return process.wait()


def _own_flags() -> list[str]:
    """`-X dev`, `-W error` and the like of this interpreter, for the program's."""
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return flags


def _environment(directory: Path, settings: Settings) -> dict[str, str]:
    path = os.environ.get(PATH)
    inside: dict[str, Any] = {
        "directory": str(directory.resolve()),
        "path": path,
        "budget": settings.budget,
        "interval_seconds": 1.0,
        "allocations": settings.allocations,
        "children": settings.children,
        "keys": settings.keys,
        "grow": settings.grow,
        "threshold": list(settings.threshold),
    }
    parts = [str(startup_directory()), *([path] if path else [])]
    return {**os.environ, SETTINGS: json.dumps(inside), PATH: os.pathsep.join(parts)}


@contextmanager
def _left_to_the_program() -> Iterator[None]:
    """Ctrl-C in the terminal reaches the program as well, which decides what becomes of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _passing_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Signals that are sent to us alone are meant for the program."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    for name in _PASSED_ON:
        number = getattr(signal, name, None)
        if number is not None:
            before[number] = signal.signal(number, lambda number, frame: process.send_signal(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class MemoryFile:
    """Samples RSS, and now and then USS, of a process into a file, from this process: one line a sample."""

    def __init__(self, pid: int, path: Path, interval_seconds: float) -> None:
        self._pid = pid
        self._path = path
        self._interval_seconds = interval_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="garbology.memory", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Sample no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        import psutil

        with suppress(psutil.Error, OSError), open(self._path, "w", encoding="utf-8", buffering=1) as file:
            process, number = psutil.Process(self._pid), 0
            while True:
                row = {"seconds": perf_counter(), "rss_bytes": process.memory_info().rss}
                if number % _EACH_USS == 0:
                    footprint = getattr(process, "memory_footprint", process.memory_full_info)()
                    row["uss_bytes"] = getattr(footprint, "uss", 0)
                if not row["rss_bytes"]:  # a zombie
                    return
                file.write(json.dumps(row) + "\n")
                number += 1
                if self._stop.wait(self._interval_seconds):
                    return
