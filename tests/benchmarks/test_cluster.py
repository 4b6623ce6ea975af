"""The benchmark of clusters runs, and what it writes is what it measured."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "cluster.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None,
        reason="distributed is missing: the extra cluster has it",
    ),
]


def test_the_benchmark_of_clusters_runs_with_a_tiny_size(tmp_path):
    """Every sample is taken, by real workers that sleep, and what it cost is more than nothing."""
    figures = tmp_path / "cluster.json"
    size = ["--workers", "2", "--samples", "6", "--seconds", "0.01"]
    subprocess.run(
        [sys.executable, str(SCRIPT), "--json", str(figures), *size], capture_output=True, check=True
    )
    (row,) = json.loads(figures.read_text())["rows"]
    assert (row["workers"], row["samples"]) == (2, 6)
    assert 0 < row["efficiency"] < 1
    assert row["idle_ms_a_sample"] > 0
