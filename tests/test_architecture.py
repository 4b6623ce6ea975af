"""Which way knowledge flows, read from the imports."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD = set(sys.stdlib_module_names)
DRAWING = {"altair", "vl_convert", "jinja2", "markupsafe"}

ALLOWED = {
    "autograd_core": STANDARD | {"numpy", "autograd_core"},
    "garbology": STANDARD | {"numpy", "psutil", "memory_profiler", "garbology", "click", "rich"},
    "garbology/cluster": STANDARD | {"garbology", "distributed", "packaging", "psutil"},
    "garbology/monitoring": STANDARD
    | {"numpy", "psutil", "garbology", "prometheus_client", "_remote_debugging"},
    "garbology/reporting": STANDARD | {"garbology", "rich"} | DRAWING,
    "garbology/notebook": STANDARD | {"garbology", "IPython"},
    "garbology/testing": STANDARD | {"garbology", "pytest"},
    "garbology/pytest_plugin.py": STANDARD | {"garbology", "pytest"},
}

# From the bottom to the top: each module of the engine imports only what stands before it.
ENGINE = [
    *("arrays", "config", "core", "backprop"),
    *("ops", "ops.rules", "ops.shapes", "ops.reductions", "ops.matmul", "ops.elementwise", "ops.arithmetic"),
    *("higher_order", "operators", "plan", "gradcheck", "drawing", "testfunctions"),
]

# The rooms of the instrument, from the bottom to the top, in the same way.
ROOMS = [
    *("text", "interpreter", "names", "snapshot", "cycles", "sizes", "advice", "leaks", "alive", "find"),
    *(
        "recorders",
        "growth",
        "monitoring",
        "study",
        "reporting",
        "measuring",
        "cluster",
        "cli",
        "notebook",
        "testing",
    ),
]
# What is beside the order: a recorder runs in any program, the plugin asserts.
BELOW = {
    "recorders": ["text", "interpreter"],
    "study": ["text", "interpreter"],
    "measuring": ["text", "interpreter", "study"],
    "cluster": ["text", "interpreter", "study", "measuring"],
    "notebook": ROOMS[:12],
    "testing": [*ROOMS[:10], "growth", "assertions", "study", "reporting"],
}

RECORDS_ONLY = {
    "garbology.text",
    "garbology.cycles.cycle_text",
    "garbology.study.page",
    "garbology.study.records",
    "garbology.find.drawing",
    "garbology.find.text",
    "garbology.reporting",
}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(read_imports(path))


def read_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: absolute imports only"
            yield node.module or ""


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules among `known` that a file imports, but for those that only its annotations need."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    guards = [
        node for node in nodes if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    ]
    unseen = {id(each) for guard in guards for statement in guard.body for each in ast.walk(statement)}
    for node in nodes:
        if isinstance(node, ast.Import) and id(node) not in unseen:
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and id(node) not in unseen:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else str(node.module) for name in names)


@pytest.mark.parametrize("path", sources("autograd_core"), ids=str)
def test_the_engine_needs_numpy_alone(path):
    """autograd_core imports NumPy, the standard library and itself."""
    assert {name.partition(".")[0] for name in imports(path)} <= ALLOWED["autograd_core"]


def test_the_engine_has_an_order():
    """No module of autograd_core imports one above it, anywhere in its text, so there are no circles."""
    paths = {module: ROOT / "autograd_core" / f"{module.replace('.', '/')}.py" for module in ENGINE}
    paths["ops"] = ROOT / "autograd_core/ops/__init__.py"
    assert {*paths.values(), ROOT / "autograd_core/__init__.py"} == set(sources("autograd_core"))
    for place, module in enumerate(ENGINE):
        own = [name for name in imports(paths[module]) if name.partition(".")[0] == "autograd_core"]
        assert set(own) <= {f"autograd_core.{lower}" for lower in ENGINE[:place]}, module


@pytest.mark.parametrize("path", sources("garbology"), ids=str)
def test_the_instrument_knows_no_specimen(path):
    """garbology imports neither the engine nor a study; only reporting draws, and only the plugin imports pytest."""
    special = [place for place in ALLOWED if "/" in place and path.is_relative_to(ROOT / place)]
    allowed = ALLOWED[special[0] if special else "garbology"]
    assert {name.partition(".")[0] for name in imports(path)} <= allowed


@pytest.mark.parametrize("path", sources("garbology/reporting"), ids=str)
def test_reporting_knows_records_only(path):
    """garbology.reporting sees pages, records and drawings, and measures nothing."""
    own = [name for name in imports(path) if name.partition(".")[0] == "garbology"]
    assert [name for name in own if not name.startswith(tuple(RECORDS_ONLY))] == []


def test_the_instrument_has_an_order():
    """No room of garbology imports one above it, anywhere in its text; what stands in no room is above them."""
    paths = {path: path.relative_to(ROOT / "garbology").parts for path in sources("garbology")}
    rooms = {path: parts[0] for path, parts in paths.items() if len(parts) > 1}
    assert set(rooms.values()) == set(ROOMS)
    for path, room in rooms.items():
        below = {f"garbology.{each}" for each in (*BELOW.get(room, ROOMS[: ROOMS.index(room)]), room)}
        own = {".".join(name.split(".")[:2]) for name in imports(path) if name.startswith("garbology.")}
        assert own <= below, path


@pytest.mark.parametrize("path", [*sources("garbology"), *sources("autograd_core")], ids=str)
def test_a_file_can_be_read_at_one_sitting(path):
    """No file of the instrument or the engine has more than 400 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@cache
def own_imports() -> dict[str, set[str]]:
    """Which modules of garbology each imports, when it is imported itself or later in a function."""
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sources("garbology")}
    known = {name.removesuffix(".__init__"): path for name, path in known.items()}
    return {name: {each for each in imported(path, known) if each != name} for name, path in known.items()}


def test_no_modules_import_each_other():
    """Imports of garbology that run when a module is imported, or later in a function, make no circle."""
    graph = own_imports()
    while leaves := {name for name, below in graph.items() if not below & graph.keys()}:
        graph = {name: below for name, below in graph.items() if name not in leaves}
    assert graph == {}


def test_a_call_of_find_cycles_passes_nine_rooms():
    """Whatever a watched function leaves: no module of another room can be reached from `garbology.find.window`."""
    graph, reached, new = own_imports(), set(), {"garbology.find.window"}
    while new:
        reached |= new
        new = set().union(*(graph[name] for name in new)) & graph.keys() - reached
    assert len({name.split(".")[1] for name in reached if "." in name}) <= 9


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


def test_every_marker_is_documented():
    """CONTRIBUTING says what each marker of pyproject.toml is for, and --strict-markers refuses any other."""
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    markers = re.findall(r'"(\w+): ', re.search(r"^markers = \[(.*?)\]", settings, re.M | re.S)[1])
    assert markers
    assert "--strict-markers" in settings
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [marker for marker in markers if f"The marker `{marker}` " not in guide] == []


def test_no_leak_is_looked_for_on_a_frozen_heap():
    """There none is judged, and no holder from outside is seen: a test of them would pass whatever is found."""
    words = re.compile(r"\b(leaks?\b|leaks_|held_by_c|why_alive|assert_freed|freed every)")
    for path in set((ROOT / "tests").rglob("test_*.py")) - {Path(__file__)}:
        text = path.read_text(encoding="utf-8")
        assert "frozen_heap" not in text or not words.search(text), path


def test_tox_runs_every_test():
    """Each directory of tests, and each file beside them, is named by the environments that share them out."""
    named = re.findall(r"tests(?:/\w+(?:\.py)?)+", (ROOT / "tox.ini").read_text(encoding="utf-8"))
    places = {path.relative_to(ROOT).parts[:2] for path in (ROOT / "tests").rglob("test_*.py")}
    assert {"/".join(parts) for parts in places} <= set(named)
