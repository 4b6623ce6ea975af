"""An interpreter that is on other machines: a runtime on one kind of hardware, on whichever worker is free."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from garbology.cluster import worker
from garbology.cluster.code import Code
from garbology.cluster.dispatch import Dispatch
from garbology.measuring.interpreters import Interpreter, InterpreterError


class Remote(Interpreter):
    """A runtime on like hardware; each case is measured by one of the workers that have it."""

    def __init__(
        self,
        name: str,
        description: Mapping[str, Any],
        sweep: str,
        code: Code,
        dispatch: Dispatch,
        stop: Callable[[], None],
    ) -> None:
        self.name = name
        self._description = dict(description)
        self._group: str = self._description["slug"]
        self._sweep = sweep
        self._code = code
        self._dispatch = dispatch
        self._stop = stop
        self._pythons: dict[str, str] = {}  # by the worker's address
        self._lacking: dict[str, str] = {}

    @property
    def environment(self) -> Mapping[str, Any]:
        """What it is measured in, hardware included."""
        environment: Mapping[str, Any] = self._description["environment"]
        return environment

    @property
    def worker_count(self) -> int:
        """How many workers have it."""
        return len(self._pythons)

    def join(self, address: str, python: str, lacking: Mapping[str, str]) -> None:
        """Have one more worker, which has the interpreter at the path `python`."""
        self._pythons[address] = python
        self._lacking.update({target: why for target, why in lacking.items() if why})

    def describe(self, target: str) -> dict[str, Any]:
        """As a record has it; InterpreterError if one of its workers cannot run `target`."""
        if why := self._lacking.get(target):
            raise InterpreterError(why)
        return self._description

    def run(self, target: str, measure: str, case: Mapping[str, Any], limit_seconds: float) -> dict[str, Any]:
        """Measure a case once on one of the workers."""
        request = {
            "sweep": self._sweep,
            "digest": self._code.digest,
            "target": self._code.targets[target],
            "measure": measure,
            "case": dict(case),
            "limit_seconds": limit_seconds,
        }
        return self._dispatch.take(
            self._group,
            worker.measure,
            lambda address: {**request, "python": self._pythons[address]},
            limit_seconds,
        )

    def stop(self) -> None:
        """Kill what is under way; it measures nothing afterwards."""
        self._stop()

    def admit(self) -> bool:
        """Keep a worker for one more case: each measures one, and another waits there where samples are short."""
        return self._dispatch.admit(self._group)

    def dismiss(self) -> None:
        """Give up what `admit` kept."""
        self._dispatch.dismiss(self._group)

    def neighbours(self, jobs: int) -> int:
        """The workers that share a machine; they measure beside each other."""
        return self._dispatch.neighbours(self._group)
