"""A virtual environment for each Python that is measured, with what a measured interpreter needs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import garbology
from garbology.measuring.discovery import Candidate

_MARK = "garbology.json"  # written last: an environment without it was not finished
_SECONDS = 900
_QUIET = ["--disable-pip-version-check", "--no-input"]


class PreparationError(Exception):
    """An environment cannot be made; the message is the last line of what was tried."""


def place_of(candidate: Candidate, directory: Path) -> Path:
    """Where under `directory` the candidate's environment is, or will be."""
    return directory / candidate.label.replace(" ", "")


def found(candidate: Candidate, directory: Path, packages: Sequence[str] = ()) -> Path | None:
    """The Python of the environment that was made before with the same packages; None where there is none."""
    place = place_of(candidate, directory)
    python = place / "bin" / "python"
    return python if python.exists() and _read(place / _MARK) == _wanted(candidate, packages) else None


def prepare(candidate: Candidate, directory: Path, packages: Sequence[str] = ()) -> Path:
    """Make the candidate's environment under `directory`, and return its Python.

    `packages` is what pip is to install there, by default what `requirements` says.
    """
    place = place_of(candidate, directory)
    python = place / "bin" / "python"
    shutil.rmtree(place, ignore_errors=True)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _make(candidate.path, place, python, packages or requirements())
        (place / _MARK).write_text(json.dumps(_wanted(candidate, packages)), encoding="utf-8")
    except OSError as error:
        raise PreparationError(str(error)) from None
    return python


def requirements() -> list[str]:
    """What pip is to install: this checkout with the packages that cases use, or this release of the distribution."""
    root = Path(garbology.__file__).resolve().parents[1]
    if (root / "pyproject.toml").is_file():
        return ["-e", f"{root}[interactive,measured]"]
    return [f"garbology[interactive,measured]=={garbology.__version__}"]


def _wanted(candidate: Candidate, packages: Sequence[str]) -> dict[str, object]:
    return {"python": candidate.path, "packages": list(packages or requirements())}


def _make(base: str, place: Path, python: Path, packages: Sequence[str]) -> None:
    """By uv where it is present; else by venv and a pip of today: the base may have none, or ours be too old for it."""
    uv = shutil.which("uv")
    if uv:
        _run([uv, "venv", "-q", "--python", base, str(place)])
        _run([uv, "pip", "install", "-q", "--python", str(python), *packages])
        return
    _run([base, "-m", "venv", "--without-pip", str(place)])
    site = next(place.glob("lib/python3*/site-packages"), None)
    if site is None:
        raise PreparationError(f"`{Path(base).name} -m venv` made none, and said nothing")
    _run([sys.executable, "-m", "pip", *_QUIET, "install", "-q", "--target", str(site), "pip"])
    _run([str(python), "-m", "pip", *_QUIET, "install", "-q", *packages])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PreparationError(" ".join(str(error).split())) from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        errors = [line for line in lines if "error" in line.lower()] or lines
        raise PreparationError(f"{Path(command[0]).name}: {errors[-1].strip()}")


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
