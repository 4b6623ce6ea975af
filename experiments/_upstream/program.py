"""The study as a program: it makes the environments of the cases that are asked for, then measures them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from experiments._upstream import environments
from experiments._upstream.bugs import BUGS, Bug
from experiments._upstream.elsewhere import requirements
from experiments._upstream.peers import REQUIREMENT
from garbology.measuring.interpreters import Native
from garbology.measuring.locating import find_interpreter
from garbology.study import Study, run_study


def main(study: Study, arguments: Sequence[str] | None = None) -> int:
    """Make what is missing, and say so; then measure as every study does. Returns the exit status."""
    own, rest = _parser().parse_known_args(arguments)
    if own.only:
        rest = [word for word in rest if word != "--quick"]  # which has four cases, others perhaps
    names = own.only or [case["bug"] for _, case in study.grid("quick" if "--quick" in rest else "default")]
    chosen = [BUGS[name] for name in dict.fromkeys(names)]
    pythons = [rest[place + 1] for place, word in enumerate(rest[:-1]) if word == "--python"]
    if not own.no_install:
        for path in [_path_of(python) for python in pythons] or [None]:
            prepare(chosen, path)
            _make("other tools", REQUIREMENT, path)
    return run_study(study, [*rest, *(word for name in own.only for word in ("--case", f"bug={name}"))])


def prepare(bugs: Iterable[Bug], python: Path | None) -> None:
    """Make each environment that is not there; one that cannot be made is named, and the others go on."""
    version = environments.version_of(python)
    for bug in bugs:
        for requirement in requirements(bug) if bug.runs_on(version) else []:
            _make(bug.name, requirement, python, bug.built)


def _make(name: str, requirement: str, python: Path | None, built: tuple[str, ...] = ()) -> None:
    if environments.python_of(requirement, python) is not None:
        return
    _say(f"{name}: installing {requirement} into {environments.place_of(requirement, python)}")
    try:
        environments.make(requirement, python, built)
    except environments.CannotInstall as error:
        _say(f"{name}: not measured, {requirement} cannot be installed: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--only", action="append", default=[], choices=sorted(BUGS))
    parser.add_argument("--no-install", action="store_true")
    return parser


def _path_of(python: str) -> Path | None:
    """The path of a Python of this machine; None for another kind of interpreter, which has no environments."""
    found = find_interpreter(python)
    return Path(found.python) if isinstance(found, Native) else None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - before there is a progress line
