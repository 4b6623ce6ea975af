"""The way into the command line, which needs libraries that measuring does not: one line where they are missing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from garbology.study.declaration import Study

_USAGE = 2


def run_package(package: str, arguments: Sequence[str] | None = None) -> int:
    """All studies of a package as a program: list, run, matrix and report; returns the exit status."""
    return _call("run_package", package, package, arguments)


def run_study(study: Study, arguments: Sequence[str] | None = None) -> int:
    """One study as a program; returns the exit status."""
    return _call("run_study", study.name, study, arguments)


def _call(name: str, program: str, *arguments: Any) -> int:
    try:
        command = importlib.import_module("garbology.cli.command")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "garbology":
            raise
        remedy = "pip install 'garbology[experiments]', in a clone pip install -e '.[experiments]'"
        print(f"{program}: {error.name} is missing: {remedy}", file=sys.stderr)  # noqa: T201  # no click to echo with
        return _USAGE
    status: int = getattr(command, name)(*arguments)
    return status
