"""Which Pythons this machine has, and why one of them is left out.

Only the standard library, and nothing of this package: the test runner's configuration reads this file before anything
is installed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 10)
_ASK_SECONDS = 20
_NAME = re.compile(r"python3\.\d+t?$")
# As Debian, Fedora and CPython's own installation call them; pyenv and uv say it in the name of the directory.
_DEBUG_NAME = re.compile(r"python3(\.\d+)?(t?d|-dbg|-debug)$")
_DEBUG_DIRECTORY = re.compile(r"debug|-dbg|\dt?d$")
_QUESTION = """
import json, platform, sys, sysconfig
print(json.dumps({
    "version": platform.python_version(),
    "implementation": sys.implementation.name,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "debug": hasattr(sys, "gettotalrefcount"),
    "environment": sys.prefix != sys.base_prefix,
    "executable": sys._base_executable if hasattr(sys, "_base_executable") else sys.executable,
}))
"""


@dataclass(frozen=True)
class Candidate:
    """A Python that was found; `left_out` says why it is not to be measured, empty where it is."""

    path: str
    version: str = ""
    free_threaded: bool = False
    debug: bool = False
    left_out: str = ""

    @property
    def label(self) -> str:
        """What tells it from the others: ``3.14.10``, ``3.14.0t``, ``3.13.0 (debug)``."""
        return self.version + ("t" if self.free_threaded else "") + (" (debug)" if self.debug else "")


def discover(environment: Mapping[str, str] | None = None) -> list[Candidate]:
    """Every Python 3 on PATH, of pyenv and of uv, oldest version first; those left out are named with the reason."""
    return select(ask(path) for path in executables(os.environ if environment is None else environment))


def executables(environment: Mapping[str, str]) -> list[str]:
    """The paths of Pythons, each file once however many links lead to it; pyenv's shims are none."""
    found: dict[str, str] = {}
    for directory in [*managed_directories(environment), *_path(environment)]:
        for path in sorted(_pythons_in(directory)):
            found.setdefault(os.path.realpath(path), str(path))
    return list(found.values())


def managed_directories(environment: Mapping[str, str]) -> list[Path]:
    """The ``bin`` directories of the versions that pyenv and uv installed, the newest patch level first."""
    home = Path(environment.get("HOME") or Path.home())
    pyenv = Path(environment.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    uv = Path(environment.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    found = [*pyenv.glob("3.*/bin"), *uv.glob("cpython-3.*/bin")]
    return sorted((path for path in found if path.is_dir()), key=_version_in_name, reverse=True)


def debug_build(environment: Mapping[str, str]) -> str:
    """The path of the newest debug build of CPython, by the names that such builds have; empty where there is none."""
    named: dict[str, str] = {}
    for directory in [*managed_directories(environment), *_path(environment)]:
        plain = _pythons_in(directory) if _DEBUG_DIRECTORY.search(directory.parent.name) else []
        for path in sorted([*plain, *_pythons_in(directory, _DEBUG_NAME)]):
            named.setdefault(os.path.realpath(path), str(path))
    builds = [each for each in map(ask, named.values()) if each.debug and not each.left_out]
    return max(builds, key=lambda each: _numbers(each.version)).path if builds else ""


def ask(path: str) -> Candidate:
    """Start a Python and ask what it is; one that does not answer is left out."""
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _QUESTION], capture_output=True, text=True, timeout=_ASK_SECONDS, check=True
        )
        answers = {**json.loads(answer.stdout)}
        return Candidate(
            path, str(answers["version"]), answers["free_threaded"], answers["debug"], _objection(answers)
        )
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr).strip().splitlines() or [f"exit status {error.returncode}"]
        return Candidate(path, left_out=f"it does not start: {lines[-1].strip()}")
    except OSError as error:
        return Candidate(path, left_out=f"it does not start: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Candidate(path, left_out=f"it said nothing in {_ASK_SECONDS} seconds")
    except (ValueError, TypeError, KeyError):
        return Candidate(path, left_out="it does not answer as a Python does")


def select(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates by version; of two of the same exact version and kind the second is left out."""
    first: dict[str, str] = {}
    chosen = []
    for candidate in candidates:
        if not candidate.left_out:
            other = first.setdefault(candidate.label, candidate.path)
            if other != candidate.path:
                candidate = Candidate(**{**vars(candidate), "left_out": f"the same version as {other}"})
        chosen.append(candidate)
    return sorted(chosen, key=lambda each: (_numbers(each.version), each.free_threaded, each.left_out))


def _objection(answers: Mapping[str, object]) -> str:
    version = str(answers["version"])
    if answers["implementation"] != "cpython":
        return f"it is {answers['implementation']}, not CPython"
    if tuple(_numbers(version)[:2]) < OLDEST:
        return f"Python {version} is too old, {'.'.join(map(str, OLDEST))} or newer is needed"
    if answers["environment"]:
        return f"it is a virtual environment's, of {answers['executable']}"
    return ""


def _path(environment: Mapping[str, str]) -> Iterator[Path]:
    for directory in environment.get("PATH", os.defpath).split(os.pathsep):
        if directory and Path(directory).name != "shims":
            yield Path(directory)


def _pythons_in(directory: Path, pattern: re.Pattern[str] = _NAME) -> list[Path]:
    try:
        named = [path for path in directory.iterdir() if pattern.match(path.name)]
        return [path for path in named if path.is_file() and os.access(path, os.X_OK)]
    except OSError:
        return []


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _version_in_name(directory: Path) -> list[int]:
    return _numbers(directory.parent.name)
