"""What other tools say of the same call, each asked as its documentation has it."""

from __future__ import annotations

import gc
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from experiments._upstream.asking import WARM_UP
from experiments._upstream.bugs import HOLDER, LEAK, Bug, Work
from experiments._upstream.judging import concerned, is_cut, text_of
from garbology import collector

REQUIREMENT = "memray==1.20.0 refcycle==0.3.1 pytest-memray==1.11.0 pytest"
NAMED, COUNTED, SILENT, FAILED = "named", "counted", "silent", "fails"
CALLS = 10
LEAST_BYTES = 100  # a call, of what a tool of bytes says
MOST_TYPES = 6  # of which objgraph draws the youngest two objects
COMMANDS = {
    "objgraph": "gc.disable(); objgraph.typestats() around ten calls; objgraph.show_backrefs(youngest, max_depth=4)",
    "refcycle": "gc.disable(); work(); refcycle.garbage().to_dot()",
    "memray": "with memray.Tracker(file, trace_python_allocators=True): work() ten times; `memray table --leaks file`",
    "pytest-memray": '@pytest.mark.limit_leaks("1000 B") on ten calls, `pytest --memray --trace-python-allocators`',
}
_TEST = """
import sys
sys.path[:0] = {paths!r}
from experiments._upstream import cases
from experiments._upstream.bugs import BUGS
import pytest

work = BUGS[{name!r}].prepare()
for _ in range({warm_up}):
    work()


@pytest.mark.limit_leaks("{limit} B")
def test_leaks():
    for _ in range({calls}):
        work()
"""


def ask_peers(bug: Bug, place: Path) -> list[dict[str, str]]:
    """What each says: it names what was cut, or counts objects or bytes, or is silent; `place` is where they are."""
    work = bug.prepare()
    for _ in range(WARM_UP):
        work()
    gc.collect()
    names = _names(bug, work)
    sys.path.append(str(place))  # after the library's own packages
    return [
        {"peer": peer, "says": _said(ask, bug, work, names, place), "command": COMMANDS[peer]}
        for peer, ask in _PEERS.items()
    ]


def _said(ask: Callable[..., str], *arguments: Any) -> str:
    """What a tool says, or that it raised, which is an answer too."""
    try:
        return ask(*arguments)
    except Exception as error:  # whatever it raises
        return f"{FAILED}: {type(error).__name__}"


def _names(bug: Bug, work: Work) -> set[str]:
    """The attributes and variables that were cut: the last name of each edge, or of a holder."""
    if bug.kind in (HOLDER, LEAK):
        ends = (edge.rpartition(r"\.")[2] for edge in bug.cut.edges)
        return {name for end in ends for name in re.findall(r"[A-Za-z_]\w+", end)}
    import garbology

    shapes = concerned(bug.cut, garbology.find_cycles(work).to_dict()["shapes"])
    edges = [edge for shape in shapes for edge in shape["edges"] if is_cut(bug.cut, text_of(edge))]
    labels = (re.findall(r"[A-Za-z_]\w*", edge["label"]) for edge in edges)
    return {words[-1] for words in labels if words}


def _ask_objgraph(bug: Bug, work: Work, names: set[str], place: Path) -> str:
    """Types that grow (objgraph.growth would collect first), and a drawing of what refers to their youngest objects."""
    import objgraph

    with collector.paused():
        before = objgraph.typestats(shortnames=False)
        for _ in range(CALLS):
            work()
        now = objgraph.typestats(shortnames=False)
        more = {name: count - before.get(name, 0) for name, count in now.items()}
        grown = [name for name in more if more[name] >= CALLS]
        own = [name for name in grown if not name.startswith("builtins.")] or grown
        objects = [each for name in own[:MOST_TYPES] for each in objgraph.by_type(name)[-2:]]
        drawing = io.StringIO()
        if objects:
            objgraph.show_backrefs(objects, max_depth=4, output=drawing)
        del objects
    return _judged(bool(grown), names, drawing.getvalue())


def _ask_refcycle(bug: Bug, work: Work, names: set[str], place: Path) -> str:
    """The graph of what a collection finds."""
    import refcycle

    with collector.paused():
        work()
        graph = refcycle.garbage()
    return _judged(len(graph) > 0, names, graph.to_dot())


def _judged(counted: bool, names: Iterable[str], drawing: str) -> str:
    labels = set(re.findall(r"\w+", " ".join(re.findall(r'label\s*=\s*"([^"]*)"', drawing))))
    return NAMED if counted and labels & set(names) else COUNTED if counted else SILENT


def _ask_memray(bug: Bug, work: Work, names: set[str], place: Path) -> str:
    """Bytes that were allocated in ten calls and are not freed at their end."""
    import memray

    with tempfile.TemporaryDirectory(prefix="garbology-") as directory:
        file = Path(directory, "memray.bin")
        with memray.Tracker(file, trace_python_allocators=True):
            for _ in range(CALLS):
                work()
        records = list(memray.FileReader(file).get_leaked_allocation_records(merge_threads=True))
    again = [record.size for record in records if record.n_allocations >= CALLS]
    return COUNTED if sum(again) >= LEAST_BYTES * CALLS else SILENT


def _ask_pytest_memray(bug: Bug, work: Work, names: set[str], place: Path) -> str:
    """Whether the test of ten calls fails, for it leaks more than is allowed."""
    with tempfile.TemporaryDirectory(prefix="garbology-") as directory:
        file = Path(directory, "test_leaks.py")
        told = {"paths": sys.path, "name": bug.name, "warm_up": WARM_UP, "calls": CALLS}
        file.write_text(_TEST.format(**told, limit=LEAST_BYTES * CALLS), encoding="utf-8")
        code = (
            f"import sys; sys.path.append({str(place)!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
        )
        words = ["-q", "--memray", "--trace-python-allocators", "-p", "no:cacheprovider", str(file)]
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
        )
    if done.returncode not in (0, 1):
        return f"{FAILED}: {done.returncode}"
    return COUNTED if "leak" in done.stdout and done.returncode else SILENT


_PEERS: dict[str, Callable[..., str]] = {
    "objgraph": _ask_objgraph,
    "refcycle": _ask_refcycle,
    "memray": _ask_memray,
    "pytest-memray": _ask_pytest_memray,
}
