"""What cases are measured in: a fresh process of some Python for each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from garbology.measuring.processes import Processes, clean_environment
from garbology.measuring.worker import DESCRIBE
from garbology.study.signals import exit_text

OLDEST = (3, 10)
_DESCRIBE_SECONDS = 60


class InterpreterError(Exception):
    """An interpreter cannot be found, or cannot run a study; the message is one line."""


class LostError(Exception):
    """What measures is gone for good, as a scheduler may be: the run ends; the message is one line."""


class Interpreter(Protocol):
    """Runs each case in a fresh process; may be used by several threads at once."""

    name: str  # as it was asked for, to be shown

    def describe(self, target: str) -> dict[str, Any]:
        """`slug`, `runtime` and `environment`, as a record has them; InterpreterError if it cannot run `target`."""

    def run(self, target: str, measure: str, case: Mapping[str, Any], limit_seconds: float) -> dict[str, Any]:
        """Measure a case once: status and values, or what became of the attempt, as in `Sample`."""

    def stop(self) -> None:
        """Kill what is under way; it measures nothing afterwards."""

    def admit(self) -> bool:
        """Keep a place for the next `run`, where there is one; on one machine it is --jobs alone that says so."""
        return True

    def dismiss(self) -> None:
        """Give up the place that `admit` kept last: no `run` follows it."""
        return

    def neighbours(self, jobs: int) -> int:
        """How many cases are measured beside each other on one machine: what the record says."""
        return jobs


class Native(Interpreter):
    """A Python of this machine, by its path.

    `search` are the directories from which the study and this package are imported there, unless they are
    those from which they are imported here.
    """

    def __init__(
        self, python: str = sys.executable, name: str = "", search: Sequence[str] | None = None
    ) -> None:
        self.python = python
        self.name = name or python
        self._search = search
        self._processes = Processes()
        self._description: dict[str, Any] | None = None
        self._failure = ""

    def describe(self, target: str) -> dict[str, Any]:
        """Ask once what it is; another Python than this one also loads each study, to see that it can."""
        if self._failure:  # one that hangs is asked once, and not for every study
            raise InterpreterError(self._failure)
        if self._description is None:
            try:
                self._description = self._ask(target, load=False)
            except InterpreterError as error:
                self._failure = str(error)
                raise
        has_it = self.python == sys.executable and self._search is None
        return self._description if has_it else self._ask(target, load=True)

    def run(self, target: str, measure: str, case: Mapping[str, Any], limit_seconds: float) -> dict[str, Any]:
        """Measure a case once, in `garbology.measuring.worker`."""
        return self._answer(self._command(target, measure), target, case, limit_seconds)

    def stop(self) -> None:
        """Kill what is under way; it measures nothing afterwards."""
        self._processes.stop()

    def _ask(self, target: str, *, load: bool) -> dict[str, Any]:
        command = self._command(target if load else "", DESCRIBE)
        try:
            answer = self._answer(command, target, {}, _DESCRIBE_SECONDS)
        except OSError as error:
            raise InterpreterError(f"{self.name} cannot be run: {error.strerror or error}") from None
        why = "" if "slug" in answer else self._unfit() or answer.get("message") or _became_of(answer)
        why = why or _too_old(str(answer["runtime"]["version"]))
        if why:
            raise InterpreterError(f"{self.name} cannot run the study: {why}{_remedy(why, target)}")
        return answer

    def _answer(
        self, command: Sequence[str], target: str, case: Mapping[str, Any], limit_seconds: float
    ) -> dict[str, Any]:
        aside = self._search is not None  # nothing but what `search` says is to be imported
        environment = clean_environment(target, self._search)
        return self._processes.answer(command, case, environment, limit_seconds, aside=aside)

    def _command(self, target: str, measure: str) -> list[str]:
        return [self.python, "-X", "garbology=late", "-m", "garbology.measuring.worker", target, measure]

    def _unfit(self) -> str:
        """That it is too old for this program, or why it does not even start; empty where neither is so."""
        command = [self.python, "-c", "import platform; print(platform.python_version())"]
        try:
            answer = subprocess.run(
                command, capture_output=True, text=True, timeout=_DESCRIBE_SECONDS, check=True
            )
            return _too_old(answer.stdout.strip())
        except subprocess.CalledProcessError as error:
            return next(iter(error.stderr.strip().splitlines()), "")
        except (OSError, ValueError, subprocess.SubprocessError):
            return ""


def _too_old(version: str) -> str:
    """That a version such as '3.9.18' is too old for this program; empty where it is not."""
    if tuple(map(int, version.split(".")[:2])) >= OLDEST:
        return ""
    return f"Python {version} is too old, {'.'.join(map(str, OLDEST))} or newer is needed"


def _remedy(why: str, target: str) -> str:
    """Who installs what a study imports, where that is what is missing; empty where it is not."""
    if not why.startswith("ModuleNotFoundError"):
        return ""
    matrix = (
        "" if target.endswith(".py") else f", or let `python -m {target.rpartition('.')[0]} matrix` do it"
    )
    extra = "pip install 'garbology[measured]', in a clone pip install -e '.[measured]'"
    return f": install there what a study needs ({extra}){matrix}"


def _became_of(answer: Mapping[str, Any]) -> str:
    if answer["status"] == "timeout":
        return f"it said nothing in {answer['limit_seconds']:g} seconds"
    return exit_text(answer["exit_code"])
