"""The benchmark of finding runs, and what it writes is what it measured."""

import json
import subprocess
import sys
from pathlib import Path

FIND = Path(__file__).resolve().parents[2] / "benchmarks" / "find.py"


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
