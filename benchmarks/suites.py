"""What the pytest plugin costs a passing test, and a watch a small block.

A suite of small tests (a tree, some text, an error that is expected) and one of tests that work for 10 ms each are run
bare, with the plugin loaded and unused, marked with `no_cycles`, with every test watched (`--garbology`), and with
pytest-memray's `--memray`. Each run is a fresh interpreter that loads no other plugin. A test's time is that of
pytest's loop over the tests, divided by their number; what is imported before, once a session, is told apart. Times are
those of the processor, which other work beside it changes little.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.worker import environment

LONG_SECONDS = 0.010
PLUGIN = ("-p", "garbology.pytest_plugin")
WAYS: dict[str, tuple[str, ...]] = {
    "bare": (),
    "unused": PLUGIN,
    "no_cycles": (*PLUGIN, "-o", "garbology_no_cycles=."),
    "--garbology": (*PLUGIN, "--garbology"),
    "--memray": ("-p", "pytest_memray.plugin", "--memray"),
}

CONFTEST = """\
import json, os, pathlib, time
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session):
    begin = time.process_time()
    result = yield
    seconds = time.process_time() - begin
    pathlib.Path(os.environ["LOOP_SECONDS"]).write_text(json.dumps([seconds, len(session.items)]))
    return result
"""
HEAD = """\
class Node:
    def __init__(self, name):
        self.name = name
        self.children = []

"""
SMALL = (
    """\
def test_tree_{number}():
    root = Node(0)
    root.children = [Node(name) for name in range(1, 6)]
    assert [child.name for child in root.children] == [1, 2, 3, 4, 5]
""",
    """\
def test_text_{number}():
    words = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]
    counts = {{word: words.count(word) for word in words}}
    assert counts["the"] == 2
""",
    """\
def test_error_{number}():
    text = ""
    try:
        int("no number")
    except ValueError as error:
        text = str(error)
    assert "no number" in text
""",
)
LONG = """\
def test_long_{number}():
    left = 0
    for _ in range({rounds}):
        left += len([Node(name) for name in range(20)])
    assert left == 20 * {rounds}
"""


def write_suite(directory: Path, tests: int, rounds: int = 0) -> None:
    """So many small tests, or, with ``rounds``, tests that do that many rounds of work."""
    directory.mkdir()
    (directory / "conftest.py").write_text(CONFTEST)
    bodies = (
        (LONG if rounds else SMALL[number % len(SMALL)]).format(number=number, rounds=rounds)
        for number in range(tests)
    )
    (directory / "test_suite.py").write_text(HEAD + "\n\n".join(bodies))


def rounds_of(seconds: float) -> int:
    """How many rounds of a long test take so many seconds here."""
    space: dict[str, Any] = {}
    rounds = 2_000
    exec(HEAD + LONG.format(number=0, rounds=rounds), space)
    taken = []
    for _ in range(5):
        begin = time.process_time()
        space["test_long_0"]()
        taken.append(time.process_time() - begin)
    return max(1, int(rounds * seconds / min(taken)))


def run_suite(directory: Path, way: str) -> dict[str, float]:
    """Seconds of one test, and those of the whole session outside of the loop over the tests."""
    loop = directory / "loop.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *WAYS[way]]
    variables = {
        **environment(),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "LOOP_SECONDS": str(loop),
    }
    variables.pop("PYTEST_ADDOPTS", None)
    begin = os.times()
    done = subprocess.run(command, cwd=directory, env=variables, capture_output=True, text=True)
    end = os.times()
    whole = end.children_user + end.children_system - begin.children_user - begin.children_system
    if done.returncode:
        raise SystemExit(f"pytest failed ({way}):\n{done.stdout}{done.stderr}")
    seconds, tests = json.loads(loop.read_text())
    return {"test_seconds": seconds / tests, "outside_seconds": whole - seconds}


def suite(way: str, tests: int, rounds: int = 0) -> dict[str, float]:
    """Write a suite, run it once; ``rounds`` make its tests long."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "suite"
        write_suite(directory, tests, rounds)
        return run_suite(directory, way)


# --- blocks, without pytest


def nothing() -> None:
    """An empty block."""


class Node:
    """Holds a list, as instances do."""

    def __init__(self, name: int) -> None:
        self.name = name
        self.children: list[Node] = []


def makes_200() -> None:
    """100 instances and their lists, all of which are freed."""
    nodes = [Node(name) for name in range(100)]
    assert len(nodes) == 100


def makes_200_at_once() -> None:
    """200 lists, made in one function."""
    lists: list[list[int]] = [[] for _ in range(200)]
    assert len(lists) == 200


def listed(number: int) -> list[int]:
    """One object a return."""
    return [number]


def returns_200() -> None:
    """200 lists, each made by a function of its own."""
    lists = [listed(number) for number in range(200)]
    assert len(lists) == 200


BLOCKS: dict[str, Callable[[], None] | None] = {
    "empty": None,
    "200 objects": makes_200,
    "200 objects at once": makes_200_at_once,
    "200 objects in 200 returns": returns_200,
}


def time_block(work: Callable[[], None] | None, watch: Callable[[], AbstractContextManager[Any]]) -> float:
    """Seconds of one block, its watch included; without ``work`` it is empty."""
    if work is None:
        begin = time.process_time()
        with watch():
            pass
        return time.process_time() - begin
    begin = time.process_time()
    with watch():
        work()
    return time.process_time() - begin


def block(name: str, repeats: int) -> dict[str, float]:
    """The median seconds of a block in each watch, which take turns, the first ten turns left out."""
    import garbology

    watches: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "bare": nullcontext,
        "watch(looks=False)": lambda: garbology.watch(looks=False),
        "watch()": garbology.watch,
        "assert_no_cycles()": garbology.assert_no_cycles,
    }
    seconds: dict[str, list[float]] = {watch: [] for watch in watches}
    for repeat in range(repeats + 10):
        for watch, make in watches.items():
            taken = time_block(BLOCKS[name], make)
            if repeat >= 10:
                seconds[watch].append(taken)
    medians = {watch: statistics.median(each) for watch, each in seconds.items()}
    added = {f"{watch} added": each - medians["bare"] for watch, each in medians.items() if watch != "bare"}
    return {f"{what}_seconds": each for what, each in (medians | added).items()}
