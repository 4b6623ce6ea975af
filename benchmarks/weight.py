"""Weight and start: what `pip install` brings into a fresh environment, and what `import` takes."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.goals import Goal, Shown
from benchmarks.rounds import Job
from benchmarks.rows import Rows
from benchmarks.settings import Settings
from benchmarks.worker import ROOT

INSTALLED, IMPORTED = "what pip install brings", "what import takes"
OURS = "garbology"
#: What is imported -> what is installed.
PACKAGES = {
    "objgraph": "objgraph",
    "refcycle": "refcycle",
    "pympler.asizeof": "pympler",
    "guppy": "guppy3",
    "heapwise": "heapwise",
    "memory_profiler": "memory_profiler",
    "memray": "memray",
    "pytest_memray": "pytest-memray",
}
IMPORT_ROUNDS = 3
_PROGRAM = """\
import gc, json, os, sys
objects, modules = len(gc.get_objects()), len(sys.modules)
{statement}
print(json.dumps([len(gc.get_objects()) - objects, len(sys.modules) - modules]))
"""


def jobs(settings: Settings) -> Iterator[Job]:
    """Every measurement of this section: an environment is the same each time, so it is made once."""
    wanted = {OURS: str(ROOT), **PACKAGES}
    for module, package in wanted.items():
        who = OURS if module == OURS else package
        if settings.installs:
            yield Job(
                INSTALLED, "a fresh environment", who, "weight:installed", {"package": package}, rounds=1
            )
    for module in wanted:
        needs = () if module == OURS else (module.partition(".")[0],)
        who = OURS if module == OURS else PACKAGES[module]
        yield Job(IMPORTED, "over an empty interpreter", who, "weight:imported", {"module": module}, needs)


def installed(package: str) -> dict[str, Any]:
    """The bytes of a fresh environment after `pip install`, less those before, and its heaviest parts."""
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        python = Path(scratch, "Scripts" if sys.platform == "win32" else "bin", "python")
        libraries = Path(sysconfig.get_path("purelib", vars={"base": scratch, "platbase": scratch}))
        there, before = set(libraries.iterdir()), bytes_in(Path(scratch))
        done = subprocess.run([python, "-m", "pip", "install", "-q", package], capture_output=True, text=True)
        if done.returncode:
            last = [line for line in done.stderr.splitlines() if line.startswith("ERROR")][-1:]
            raise SystemExit(f"pip install {package} failed: {' '.join(last)}")
        parts = {each.name: bytes_in(each) for each in set(libraries.iterdir()) - there}
        heaviest = sorted(parts, key=lambda name: -parts[name])[:3]
        return {"brought_bytes": bytes_in(Path(scratch)) - before, "heaviest": ", ".join(heaviest)}


def bytes_in(directory: Path) -> int:
    """Of all files in it, compiled modules among them; what pip brought of itself was there before."""
    return sum(
        each.stat().st_size for each in directory.rglob("*") if each.is_file() and not each.is_symlink()
    )


def imported(module: str) -> dict[str, Any]:
    """Seconds of an import over those of an empty interpreter, in turns; what it adds to the collector's objects."""
    seconds: dict[str, list[float]] = {"pass": [], f"import {module}": []}
    objects = modules = 0
    for _ in range(IMPORT_ROUNDS + 1):  # the first reads the files
        for statement, taken in seconds.items():
            spent, (objects, modules) = _run(statement)
            taken.append(spent)
    empty, full = (min(taken[1:]) for taken in seconds.values())
    return {"import_seconds": full - empty, "objects": objects, "modules": modules}


def _run(statement: str) -> tuple[float, list[int]]:
    """Seconds of the processor of a whole interpreter, and what it says."""
    import resource

    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", _PROGRAM.format(statement=statement)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    return spent, json.loads(done.stdout.splitlines()[-1])


def _brought(rows: Rows) -> Any:
    return rows.median(INSTALLED, "a fresh environment", OURS, "brought_bytes")


def _import(rows: Rows) -> Any:
    return rows.median(IMPORTED, "over an empty interpreter", OURS, "import_seconds")


GOALS = (
    Goal("what pip install garbology brings", 70e6, _brought, "bytes"),
    Goal("import garbology, over an empty interpreter", 0.12, _import, "seconds"),
)

SHOWN = (
    Shown(INSTALLED, {"brought_bytes": "brings", "heaviest": "heaviest"}, OURS, "brought_bytes"),
    Shown(
        IMPORTED,
        {"import_seconds": "time", "objects": "objects", "modules": "modules"},
        OURS,
        "import_seconds",
    ),
)
