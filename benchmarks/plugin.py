"""What the pytest plugin costs a passing test, beside pytest-memray in the same run.

    python benchmarks/plugin.py [--tests 1000] [--long 100] [--repeats 5] [--blocks 300] [--json FILE]

A suite of small tests (a tree, some text, an error that is expected) and one of tests that work for 10 ms each are run
in turns: bare, with the plugin loaded and unused, marked with `no_cycles`, with every test watched (`--garbology`) and,
where pytest-memray is installed, with `--memray`. Each run is a fresh interpreter that loads no other plugin. A test's
time is that of pytest's loop over the tests, divided by their number; what is imported before, once a session, is told
apart. Times are those of the processor, which other work beside it changes little. Then the same is asked of `watch()`
and `assert_no_cycles()` around small blocks, without pytest.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

MILLISECONDS = 1e3
TARGET_SMALL_MS = 0.3
TARGET_LONG_PART = 0.03
TARGET_EMPTY_MS = 0.15
TARGET_BLOCK_MS = 0.3
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
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "LOOP_SECONDS": str(loop),
    }
    environment.pop("PYTEST_ADDOPTS", None)
    begin = os.times()
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    end = os.times()
    whole = end.children_user + end.children_system - begin.children_user - begin.children_system
    if done.returncode:
        raise SystemExit(f"pytest failed ({way}):\n{done.stdout}{done.stderr}")
    seconds, tests = json.loads(loop.read_text())
    return {"test": seconds / tests, "outside": whole - seconds}


def ways() -> list[str]:
    """Those that can be run here."""
    has_memray = importlib.util.find_spec("pytest_memray") is not None
    return [way for way in WAYS if has_memray or way != "--memray"]


def measure_suite(directory: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Medians of each way, which take turns, the first turn left out."""
    taken: dict[str, list[dict[str, float]]] = {way: [] for way in ways()}
    for repeat in range(repeats + 1):
        for way in taken:
            seconds = run_suite(directory, way)
            if repeat:
                taken[way].append(seconds)
    return {
        way: {
            "test_ms": MILLISECONDS * statistics.median(each["test"] for each in runs),
            "added_ms": MILLISECONDS
            * statistics.median(
                run["test"] - bare["test"] for run, bare in zip(runs, taken["bare"], strict=True)
            ),
            "outside_ms": MILLISECONDS * statistics.median(each["outside"] for each in runs),
        }
        for way, runs in taken.items()
    }


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


def block_rows(repeats: int) -> Iterator[dict[str, Any]]:
    """The median milliseconds of each block in each watch, which take turns, the first ten turns left out."""
    import garbology

    watches: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "bare": nullcontext,
        "watch(looks=False)": lambda: garbology.watch(looks=False),
        "watch()": garbology.watch,
        "assert_no_cycles()": garbology.assert_no_cycles,
    }
    for name, work in BLOCKS.items():
        seconds: dict[str, list[float]] = {watch: [] for watch in watches}
        for repeat in range(repeats + 10):
            for watch, make in watches.items():
                taken = time_block(work, make)
                if repeat >= 10:
                    seconds[watch].append(taken)
        medians = {watch: MILLISECONDS * statistics.median(each) for watch, each in seconds.items()}
        yield {"block": name, "median_ms": medians}


def measured_blocks(repeats: int) -> list[dict[str, Any]]:
    """The rows, from an interpreter that has done nothing else."""
    command = [sys.executable, __file__, "--worker", "--blocks", str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


# --- what is printed


def report(small: dict[str, Any], long: dict[str, Any], blocks: list[dict[str, Any]]) -> None:
    """Print the tables, and whether the aims are met."""
    print(f"{'':14}{'a small test':>14}{'added':>10}{'a long test':>14}{'added':>10}{'once':>12}")
    for way, each in small.items():
        part = long[way]["added_ms"] / long["bare"]["test_ms"]
        once = each["outside_ms"] - small["bare"]["outside_ms"]
        print(
            f"{way:14}{each['test_ms']:11.3f} ms{each['added_ms']:7.3f} ms{long[way]['test_ms']:11.3f} ms"
            f"{part:10.1%}{once:9.0f} ms"
        )
    if "--memray" not in small:
        print("--memray: pytest-memray is not installed here")
    for way in ("no_cycles", "--garbology"):
        aim(f"{way} adds to a small test", small[way]["added_ms"], TARGET_SMALL_MS, "{:.3f} ms")
        aim(
            f"{way} adds to a long test",
            long[way]["added_ms"] / long["bare"]["test_ms"],
            TARGET_LONG_PART,
            "{:.1%}",
        )
    for row in blocks:
        print(
            f"{row['block']}: " + ", ".join(f"{watch} {ms:.3f} ms" for watch, ms in row["median_ms"].items())
        )
    empty, *others = blocks
    for watch in list(empty["median_ms"])[1:]:
        aim(f"{watch} around nothing", empty["median_ms"][watch], TARGET_EMPTY_MS, "{:.3f} ms")
        for row in others:
            added = row["median_ms"][watch] - row["median_ms"]["bare"]
            aim(f"{watch} adds to {row['block']}", added, TARGET_BLOCK_MS, "{:.3f} ms")


def aim(what: str, value: float, most: float, text: str) -> None:
    """Print one figure beside what is wanted."""
    verdict = "met" if value <= most else "MISSED"
    print(f"{what}: {text.format(value)}, at most {text.format(most)} wanted: {verdict}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tests", type=int, default=1_000, help="small tests (default: 1000)")
    parser.add_argument("--long", type=int, default=100, help="tests of 10 ms (default: 100)")
    parser.add_argument("--repeats", type=int, default=5, help="of each way (default: 5)")
    parser.add_argument("--blocks", type=int, default=300, help="repeats of each block (default: 300)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if min(options.tests, options.long, options.repeats, options.blocks) < 1:
        parser.error("--tests, --long, --repeats and --blocks are at least 1")
    if options.worker:
        json.dump(list(block_rows(options.blocks)), sys.stdout)
        return 0
    print(f"CPython {sys.version.split()[0]}, {options.repeats} repeats, medians")
    with tempfile.TemporaryDirectory() as scratch:
        suites = Path(scratch) / "small", Path(scratch) / "long"
        write_suite(suites[0], options.tests)
        write_suite(suites[1], options.long, rounds_of(LONG_SECONDS))
        small, long = (measure_suite(suite, options.repeats) for suite in suites)
    blocks = measured_blocks(options.blocks)
    report(small, long, blocks)
    if options.json is not None:
        figures = {"python": sys.version.split()[0], "small": small, "long": long, "blocks": blocks}
        options.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
