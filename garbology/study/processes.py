"""A fresh interpreter for one case: a clean environment, a time limit, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import garbology
from garbology.study.worker import DESCRIBE, FIXED_VARIABLES

_MESSAGE_CHARACTERS = 400


class WorkerError(Exception):
    """A fresh interpreter could not even say what it is."""


def describe_interpreter(python: str, target: str) -> dict[str, Any]:
    """Slug, runtime and environment of the interpreter `python`."""
    answer = run_worker(python, target, DESCRIBE, {}, limit_seconds=60)
    if "slug" not in answer:
        raise WorkerError(f"{python} cannot run the study: {answer.get('message') or answer['status']}")
    return answer


def run_worker(
    python: str, target: str, measure: str, case: Mapping[str, Any], *, limit_seconds: float
) -> dict[str, Any]:
    """Run one worker and return its answer, or what became of it: status "timeout" or "crashed"."""
    with tempfile.TemporaryDirectory(prefix="garbology-") as place:
        result, log = Path(place, "result.json"), Path(place, "log")
        command = [python, "-m", "garbology.study.worker", target, measure, str(result)]
        with log.open("wb") as output:
            exit_code = _run(
                command, json.dumps(dict(case)), output, clean_environment(target), limit_seconds
            )
        if exit_code is None:
            return {"status": "timeout", "limit_seconds": limit_seconds, "message": _last_line(log)}
        try:
            answer: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {"status": "crashed", "exit_code": exit_code, "message": _last_line(log)}
        # A process that answered and died at its end has crashed all the same.
        return (
            answer
            if exit_code == 0
            else {"status": "crashed", "exit_code": exit_code, "message": _last_line(log)}
        )


def clean_environment(target: str) -> dict[str, str]:
    """The variables of a measured interpreter: no PYTHON* but the search path, one thread in each library."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    roots = [*_roots(target), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**kept, **FIXED_VARIABLES, "PYTHONPATH": os.pathsep.join(roots)}


def _run(command: list[str], text: str, output: Any, environment: dict[str, str], limit: float) -> int | None:
    """The exit code, None where the time limit was reached; every process that the case started is killed."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        process.communicate(text.encode(), timeout=limit)
        return process.returncode
    except subprocess.TimeoutExpired:
        return None
    finally:
        _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


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


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip()[:_MESSAGE_CHARACTERS] if lines else ""
