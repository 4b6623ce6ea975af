"""docs/versions.md says what this interpreter answers."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def load_probes() -> ModuleType:
    """The script as a module; it is no package's."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("version_probes", DOCS / "version_probes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def probes():
    return load_probes()


@pytest.fixture(scope="module")
def described():
    """What a fresh interpreter answers: this one has the tests' own settings and objects."""
    answer = subprocess.run(
        [sys.executable, "-I", str(DOCS / "version_probes.py")], check=True, capture_output=True, text=True
    )
    return json.loads(answer.stdout)


def rows_of(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_table_has_a_row_for_each_probe_in_their_order(probes):
    """A probe that is added, renamed or removed without the table being made again fails here."""
    titles = [" ".join(function.__doc__.split()) for function in probes.probes.values()]
    assert [row[0] for row in rows_of(probes.TABLE.read_text(encoding="utf-8"))[2:]] == titles


def test_the_table_says_what_this_interpreter_answers(probes, described):
    """Every cell of this interpreter's column is what it answers now."""
    committed = rows_of(probes.TABLE.read_text(encoding="utf-8"))
    now = rows_of(probes.table([described]))
    if now[0][1] not in committed[0]:
        pytest.skip(f"docs/versions.md has no column for {now[0][1]}: run docs/version_probes.py to add it")
    column = committed[0].index(now[0][1])
    assert {row[0]: row[column] for row in committed} == {row[0]: row[1] for row in now}


def test_versions_are_sorted_as_numbers_and_webassembly_comes_last(probes):
    """3.9 comes before 3.10, 3.14.2 before 3.14.10, and what ran under WebAssembly says so."""
    columns = [
        {"version": "3.14.10", "platform": "linux", "answers": {}},
        {"version": "3.9.1", "platform": "emscripten", "answers": {}},
        {"version": "3.10.2", "platform": "linux", "answers": {}},
        {"version": "3.14.2", "platform": "linux", "answers": {}},
    ]
    head = rows_of(probes.table(columns))[0]
    assert head[1:] == ["3.10.2", "3.14.2", "3.14.10", "3.9.1 (WebAssembly)"]


@pytest.mark.slow
def test_probes_put_the_collector_back(probes):
    """Asking leaves the collector's thresholds, callbacks and state as they were."""
    import gc

    before = gc.isenabled(), gc.get_threshold(), list(gc.callbacks)
    assert probes.describe()["version"] == platform.python_version()
    assert (gc.isenabled(), gc.get_threshold(), list(gc.callbacks)) == before
