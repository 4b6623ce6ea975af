"""An environment for each release: made once, under the cache directory, from wheels; nothing else is installed to.

The measuring interpreter's own site-packages stay as they are. What the instrument needs (NumPy) has an
environment of its own, which each release's finds after its own packages: a release that brings a NumPy keeps it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

DIRECTORY = "GARBOLOGY_UPSTREAM"  # the environments' directory, instead of the cache directory
INSTRUMENT = (
    "click numpy objgraph psutil"  # where garbology is not installed, and its metadata cannot be read
)
_MARK = "complete.txt"
_PATHS = "zz-instrument.pth"  # read last
_IDENTITY = (
    "import sys, sysconfig; "
    "print(sys.implementation.cache_tag, *sys.version_info[:3], sysconfig.get_path('purelib'))"
)


class CannotInstall(Exception):
    """An environment could not be made; the message is the installer's last word."""


def directory() -> Path:
    """Where environments are made and found again."""
    if chosen := os.environ.get(DIRECTORY):
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "garbology", "upstream")


def version_of(python: Path | None) -> tuple[int, int]:
    """Major and minor version of a Python, of this process unless it is given."""
    _, major, minor, *_ = _identity(python)
    return int(major), int(minor)


def place_of(requirement: str, python: Path | None = None) -> Path:
    """The directory of the environment of a requirement, for a Python: of this process unless it is given."""
    tag, *version, _ = _identity(python)
    name = Path(requirement.partition(" ")[0]).name
    release = re.sub(r"[^\w.=-]", "_", name).replace("==", "-")
    digest = hashlib.sha256(requirement.encode()).hexdigest()[:8]
    return directory() / f"{tag}-{'.'.join(version)}" / f"{release}-{digest}"


def python_of(requirement: str, python: Path | None = None) -> Path | None:
    """The Python of the environment of a requirement; None where it was not made, or not to its end."""
    place = place_of(requirement, python)
    return _python(place) if (place / _MARK).exists() and _python(place).exists() else None


def packages_of(requirement: str) -> Path | None:
    """Where an environment of this version of Python has its packages; None where it was not made."""
    python = python_of(requirement)
    return None if python is None else _site_packages(python)


def make(requirement: str, python: Path | None = None, built: tuple[str, ...] = ()) -> Path:
    """Make the environment of a requirement where it is not there; CannotInstall where that fails."""
    instrument = _make(" ".join(instrument_requirements()), python, ())
    made = _make(requirement, python, built)
    paths = "".join(f"{path}\n" for path in shared_paths(instrument))
    _site_packages(made).joinpath(_PATHS).write_text(paths, encoding="utf-8")
    return made


def shared_paths(instrument: Path) -> list[str]:
    """Where a release's environment looks after its own packages: in the instrument's."""
    return [str(_site_packages(instrument))]


def _make(requirement: str, python: Path | None, built: tuple[str, ...]) -> Path:
    if there := python_of(requirement, python):
        return there
    place = place_of(requirement, python)
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        _install(place, requirement, python or Path(sys.executable), built)
    except CannotInstall:
        shutil.rmtree(place, ignore_errors=True)
        raise
    (place / _MARK).write_text(requirement, encoding="utf-8")
    return _python(place)


def _install(place: Path, requirement: str, python: Path, built: tuple[str, ...]) -> None:
    words = requirement.split()
    wheels = ["--only-binary", ":all:", *(word for name in built for word in ("--no-binary", name))]
    uv = shutil.which("uv")
    if uv:
        _run([uv, "venv", "-q", "--python", str(python), str(place)])
        install = [uv, "pip", "install", "-q", "--python", str(_python(place))]
    else:
        _run([str(python), "-m", "venv", "--without-pip", str(place)])
        pip = [sys.executable, "-m", "pip", "--python", str(_python(place)), "--disable-pip-version-check"]
        install = [*pip, "install", "-q", "--no-input"]
    if words:
        _run([*install, *wheels, *words])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise CannotInstall(_last_word(done.stdout) or f"{command[0]} failed with status {done.returncode}")


def _last_word(output: str) -> str:
    """The installer's error in one line: the last that says ERROR, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or [""])[-1][:300]


def instrument_requirements() -> list[str]:
    """What garbology requires, without its extras, and the peer that is asked in the same process."""
    try:
        needed = requires("garbology") or []
    except PackageNotFoundError:
        return INSTRUMENT.split()
    return sorted({*(each.replace(" ", "") for each in needed if ";" not in each), "objgraph"})


def _identity(python: Path | None) -> list[str]:
    if python is None:
        return [str(sys.implementation.cache_tag), *map(str, sys.version_info[:3]), ""]
    done = subprocess.run([str(python), "-c", _IDENTITY], capture_output=True, text=True, check=True)
    return done.stdout.strip().split(maxsplit=4)


def _site_packages(python: Path) -> Path:
    return Path(_identity(python)[-1])


def _python(place: Path) -> Path:
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
