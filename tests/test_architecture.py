"""Which way knowledge flows, read from the imports."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD = set(sys.stdlib_module_names)
DRAWING = {"altair", "vl_convert", "jinja2", "markupsafe"}

ALLOWED = {
    "autograd_core": STANDARD | {"numpy", "autograd_core"},
    "garbology": STANDARD
    | {"numpy", "scipy", "psutil", "objgraph", "memory_profiler", "garbology", "click", "rich"},
    "garbology/reporting": STANDARD | {"garbology", "rich"} | DRAWING,
}

RECORDS_ONLY = {
    "garbology.study.page",
    "garbology.study.records",
    "garbology.graph.drawing",
    "garbology.reporting",
}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: absolute imports only"
            yield node.module or ""


@pytest.mark.parametrize("path", sources("autograd_core"), ids=str)
def test_the_engine_needs_numpy_alone(path):
    """autograd_core imports NumPy, the standard library and itself."""
    assert {name.partition(".")[0] for name in imports(path)} <= ALLOWED["autograd_core"]


@pytest.mark.parametrize("path", sources("garbology"), ids=str)
def test_the_instrument_knows_no_specimen(path):
    """garbology imports neither the engine nor a study, and only reporting imports a drawing library."""
    reporting = path.is_relative_to(ROOT / "garbology/reporting")
    allowed = ALLOWED["garbology/reporting" if reporting else "garbology"]
    assert {name.partition(".")[0] for name in imports(path)} <= allowed


@pytest.mark.parametrize("path", sources("garbology/reporting"), ids=str)
def test_reporting_knows_records_only(path):
    """garbology.reporting sees pages, records and drawings, and measures nothing."""
    own = [name for name in imports(path) if name.partition(".")[0] == "garbology"]
    assert [name for name in own if not name.startswith(tuple(RECORDS_ONLY))] == []


@pytest.mark.parametrize("layer", ["interpreter", "graph", "recorders"])
def test_lower_layers_know_no_upper_one(layer):
    """interpreter, graph and recorders import nothing of study, reporting or the front door."""
    upper = (
        "garbology.study",
        "garbology.reporting",
        "garbology.find",
        "garbology.assertions",
        "garbology.cli",
    )
    for path in sources(f"garbology/{layer}"):
        assert [name for name in imports(path) if name.startswith(upper)] == [], path


@pytest.mark.parametrize("path", sources("experiments"), ids=str)
def test_studies_import_no_drawing_library(path):
    """A study's file is imported in the measured interpreter, so it must stay light."""
    assert {name.partition(".")[0] for name in imports(path)}.isdisjoint(DRAWING)


def test_ci_runs_the_readme_s_test_command():
    """.ci/run runs the README's own line, so the two cannot drift apart."""
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    lines = [
        line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if "bin/tox" in line
    ]
    assert "grep -m 1 'bin/tox' README.md" in script
    assert lines[0].startswith("python3 -m venv .venv && ")
