"""The figures in benchmarks/README.md are those of the records beside it."""

import json
from pathlib import Path

import pytest

from benchmarks import monitor, serving

BENCHMARKS = Path(monitor.__file__).parent


@pytest.mark.parametrize("benchmark", [monitor, serving], ids=["monitor", "serving"])
def test_the_tables_are_those_of_the_records(benchmark):
    """`--table` prints them."""
    name = benchmark.__name__.rpartition(".")[2]
    record = json.loads((BENCHMARKS / "measured" / f"{name}.json").read_text(encoding="utf-8"))
    assert "\n".join(benchmark.table(record)) in (BENCHMARKS / "README.md").read_text(encoding="utf-8")


def test_each_tool_leaves_the_work_as_it_was():
    """And gives a time; what is not installed is left out."""
    for tool in ("nothing", "garbology.monitor(budget=0.05)", "tracemalloc"):
        assert monitor.measure_here(tool, 20) > 0


def test_a_percentile_and_its_interval():
    """Of equal blocks the ratio is 1 and known."""
    pairs = [([float(n) for n in range(100)],) * 2] * 5
    assert serving.percentile(pairs[0][0], 99) == 99
    assert serving.interval(pairs, 50) == (1, 1)
