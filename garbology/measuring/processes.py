"""A fresh process for one case: a clean environment, a time limit, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import garbology
from garbology.measuring.lifeline import Lifeline
from garbology.measuring.scratch import scratch_directory, variables
from garbology.measuring.worker import FIXED_VARIABLES, MESSAGE_CHARACTERS

# Its alarm comes first where this process was stopped, as by Ctrl-Z, beyond the time limit.
_ENDED_BY_ITS_ALARM = {-getattr(signal, "SIGALRM", 0)} - {0}
_LOG_BYTES = 100_000  # of the end of what a process printed, which may be gigabytes


class Stopped(Exception):
    """No process is started any more."""


class Processes:
    """The processes under way, of any number of threads, so that all can be ended at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def answer(
        self,
        command: Sequence[str],
        case: Mapping[str, Any],
        environment: Mapping[str, str],
        limit_seconds: float,
        *,
        aside: bool = False,
    ) -> dict[str, Any]:
        """Run `command` with one more word, the file that it answers to, and the case on its standard input.

        Its working directory is this process's, with `aside` an empty one: ``python -m`` imports from there first.
        The answer, or what became of the process: status "timeout" or "crashed". Stopped after `stop`.
        """
        with scratch_directory() as place, tempfile.TemporaryFile() as log:
            result = Path(place, "result.json")
            with_place = {**environment, **variables(place)}
            where = place if aside else None
            exit_code = self._run([*command, str(result)], log, with_place, case, limit_seconds, where)
            if exit_code is None:
                return {"status": "timeout", "limit_seconds": limit_seconds, "message": _last_line(log)}
            answer = _read(result)
            # A process that answered and died at its end has crashed all the same.
            if answer is None or exit_code != 0:
                return {"status": "crashed", "exit_code": exit_code, "message": _last_line(log)}
            return answer

    def stop(self) -> None:
        """Kill every process under way, and start no other."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill_group(process)

    def _run(
        self,
        command: Sequence[str],
        output: Any,
        environment: Mapping[str, str],
        case: Mapping[str, Any],
        limit_seconds: float,
        directory: Path | None,
    ) -> int | None:
        """The exit code, None where the time limit was reached."""
        lifeline = Lifeline(limit_seconds)
        try:
            process = self._start(command, output, {**environment, **lifeline.variable}, lifeline, directory)
            return self._finish(process, json.dumps(dict(case)), limit_seconds)
        finally:
            lifeline.cut()

    def _start(
        self,
        command: Sequence[str],
        output: Any,
        environment: Mapping[str, str],
        lifeline: Lifeline,
        directory: Path | None,
    ) -> subprocess.Popen[bytes]:
        with self._lock:  # so that `stop` meets every process that was started
            if self._stopped:
                raise Stopped
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=directory,
                start_new_session=True,
                pass_fds=lifeline.descriptors,
            )
            self._running.add(process)
        lifeline.tie(process.pid)
        return process

    def _finish(self, process: subprocess.Popen[bytes], text: str, limit_seconds: float) -> int | None:
        """The exit code, None where the time limit was reached; every process that it started is killed."""
        started = time.monotonic()
        try:
            process.communicate(text.encode(), timeout=limit_seconds)
            late = time.monotonic() - started >= limit_seconds
            return None if late and process.returncode in _ENDED_BY_ITS_ALARM else process.returncode
        except subprocess.TimeoutExpired:
            return None
        finally:
            _kill_group(process)
            process.wait()
            with self._lock:
                self._running.discard(process)


def clean_environment(target: str, search: Sequence[str] | None = None) -> dict[str, str]:
    """The variables of a measured interpreter: no PYTHON* but the search path, one thread in each library.

    The search path begins with `search`, by default with where the study and this package are imported from here.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    first = _roots(target) if search is None else search
    roots = [*first, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**kept, **FIXED_VARIABLES, "PYTHONPATH": os.pathsep.join(roots)}


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _roots(target: str) -> list[str]:
    """The directories of a checkout from which the study and this package come; none if installed."""
    roots = [Path(garbology.__file__).resolve().parents[1]]
    module = sys.modules.get(target)
    if module is not None and module.__file__:
        roots.insert(0, Path(module.__file__).resolve().parents[target.count(".")])
    main = sys.modules["__main__"]
    if getattr(main.__spec__, "name", None) == target and main.__file__:
        roots.insert(0, Path(main.__file__).resolve().parents[target.count(".")])
    installed = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    return list(dict.fromkeys(str(root) for root in roots if root not in installed))


def _read(result: Path) -> dict[str, Any] | None:
    try:
        answer = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _last_line(log: IO[bytes]) -> str:
    log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:MESSAGE_CHARACTERS] if lines else ""
