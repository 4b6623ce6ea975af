"""Programs in interpreters of their own: forks of one that has imported the instrument, which takes half a second.

For what needs an interpreter that may die, or whose module `__main__` is the program's. What is asked of the import
itself, of options or of the very beginning needs one that is started for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE_SECONDS = 120
#: Begins as `python -m experiments.NAME` does: what runs studies opens no window, and imports what it uses.
RUNS_STUDIES = (sys.executable, "-X", "garbology=late")

SERVER = """
import json, os, sys
import garbology
garbology.find_cycles, garbology.watch, garbology.why_alive, garbology.assert_freed, garbology.record_pauses

def received():
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            for number, path in enumerate([os.devnull, asked["out"], asked["err"]]):
                os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
            return asked["code"]
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return ""

exec(received())
"""


class Fresh:
    """Runs each program in a fresh interpreter that has imported garbology, and says how it ended."""

    def __init__(self, *options: str) -> None:
        self._server = subprocess.Popen(
            [sys.executable, *options, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a program that hangs is ended with what it has started
        )

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Exit status, output and errors of a program, given as text."""
        with tempfile.TemporaryDirectory() as directory:
            out, err = (Path(directory) / name for name in ("out", "err"))
            print(
                json.dumps({"code": code, "out": str(out), "err": str(err)}),
                file=self._server.stdin,
                flush=True,
            )
            if not select.select([self._server.stdout], [], [], PATIENCE_SECONDS)[0]:
                os.killpg(self._server.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(code, PATIENCE_SECONDS)
            status = int(self._server.stdout.readline())
            return subprocess.CompletedProcess(code, status, out.read_text(), err.read_text())

    def close(self) -> None:
        """End the interpreter that the others come from."""
        self._server.communicate(timeout=PATIENCE_SECONDS)


class Started:
    """The same where there is no fork: each interpreter is started."""

    def __init__(self, *options: str) -> None:
        self._options = options

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Exit status, output and errors of a program, given as text."""
        command = [sys.executable, *self._options, "-c", f"import garbology\n{code}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)

    def close(self) -> None:
        """Nothing is left to end."""


@contextlib.contextmanager
def interpreters(*options: str) -> Iterator[Fresh | Started]:
    """Such interpreters, all with these options."""
    with contextlib.closing(Fresh(*options) if hasattr(os, "fork") else Started(*options)) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def fresh() -> Iterator[Fresh | Started]:
    """`fresh.run(code)`: how a program ends that has an interpreter, and a module `__main__`, of its own."""
    with interpreters() as each:
        yield each
