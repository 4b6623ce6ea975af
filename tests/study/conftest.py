"""Small studies, written to a file each, to put the framework under test; and the real ones' quick runs."""

import os
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from garbology.study.page import StudyPage
from garbology.study.runs import Run
from tests.study.claims import QuickRun, measure_quickly

HEAD = '''
"""A study of the framework itself."""
import os, signal, subprocess, sys, time
from dataclasses import dataclass
from pathlib import Path
from garbology.study import Study, Tile, bars, line, points, run_study, table

@dataclass(frozen=True)
class Result:
    total: int
    held_bytes: int = 0
'''
FOOT = """
if __name__ == "__main__":
    raise SystemExit(run_study(study))
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever needs a quick run waits for it."""
    for item in items:
        if "quick_run" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[..., str]:
    """A function that writes a study's body to a file and returns the file's path."""

    def write(body: str, name: str = "small") -> str:
        path = tmp_path / f"{name}.py"
        path.write_text(HEAD.lstrip() + textwrap.dedent(body) + FOOT, encoding="utf-8")
        return str(path)

    return write


# The quick runs are measured once: tests.in_parts keeps the files that ask for them in one session.
SHARED_BY_A_SESSION = ("quick_run", "quick", "samples", "page")


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], QuickRun]:
    """A function that measures the quick scale of experiments/NAME.py, once however often it is asked.

    The records are kept where GARBOLOGY_RECORDS says, each study's in a directory: tox draws its reports from them.
    """
    kept = os.environ.get("GARBOLOGY_RECORDS")
    return cache(
        lambda name: measure_quickly(name, Path(kept, name) if kept else tmp_path_factory.mktemp(name))
    )


@pytest.fixture(scope="module")
def quick(request: pytest.FixtureRequest, quick_run: Callable[[str], QuickRun]) -> QuickRun:
    """The quick run of the study that a module is called after: experiments/cycles.py for test_cycles.py."""
    return quick_run(request.module.__name__.rpartition("test_")[2])


@pytest.fixture(scope="module")
def samples(quick: QuickRun) -> list[Run]:
    """The samples of that quick run."""
    return list(quick.samples)


@pytest.fixture(scope="module")
def page(quick: QuickRun) -> StudyPage:
    """The page of that quick run."""
    return quick.page
