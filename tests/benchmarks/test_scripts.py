"""The benchmarks run, and what they write is what they measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FIND = Path(__file__).resolve().parents[2] / "benchmarks" / "find.py"
PLUGIN = FIND.with_name("plugin.py")


def test_the_benchmark_of_finding_runs_with_a_tiny_size(tmp_path):
    """Every heap's garbage is what the collector then frees, and each target gets a verdict."""
    figures = tmp_path / "find.json"
    command = [sys.executable, str(FIND), "--objects", "2000", "--repeats", "1", "--json", str(figures)]
    heaps = ["instance_pairs", "dict_pairs", "beside_live"]
    done = subprocess.run([*command, "--heap", *heaps], capture_output=True, text=True, check=True)
    rows = json.loads(figures.read_text())["heaps"]
    assert [row["heap"] for row in rows] == heaps
    for row in rows:
        assert row["garbage"] == row["collected"] > 500
        assert sum(row["phases"].values()) < row["whole_seconds"]
    assert done.stdout.count(": met") + done.stdout.count(": MISSED") == 4


def test_the_benchmark_refuses_nothing_to_measure():
    """No objects are an error of the command line, said in one sentence."""
    done = subprocess.run([sys.executable, str(FIND), "--objects", "0"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--objects and --repeats are at least 1" in done.stderr


def test_the_benchmark_of_the_plugin_runs_with_a_tiny_size(tmp_path):
    """Each way of running the tests has its times, each aim gets a verdict, and what is not installed is said."""
    figures = tmp_path / "plugin.json"
    command = [sys.executable, str(PLUGIN), "--tests", "6", "--long", "2", "--repeats", "1", "--blocks", "10"]
    done = subprocess.run([*command, "--json", str(figures)], capture_output=True, text=True, check=True)
    measured, printed = json.loads(figures.read_text()), done.stdout
    ways = {"bare", "unused", "no_cycles", "--garbology"}
    for suite in ("small", "long"):
        assert ways <= set(measured[suite])
        assert all(each["test_ms"] > 0 for each in measured[suite].values())
    assert ("--memray" in measured["small"]) == ("pytest-memray is not installed" not in printed)
    watches, blocks = ("watch(looks=False)", "watch()", "assert_no_cycles()"), 4
    assert printed.count(": met") + printed.count(": MISSED") == 4 + len(watches) * blocks


def test_the_benchmark_of_the_plugin_refuses_nothing_to_measure():
    """No tests are an error of the command line, said in one sentence."""
    done = subprocess.run([sys.executable, str(PLUGIN), "--tests", "0"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--tests, --long, --repeats and --blocks are at least 1" in done.stderr
