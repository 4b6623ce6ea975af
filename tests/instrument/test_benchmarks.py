"""The benchmark of finding runs, and what it writes is what it measured."""

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


@pytest.mark.parametrize("heap", ["instance_pairs", "one_ring", "doubly_linked_list", "tree", "star"])
def test_finding_is_a_few_collections_whatever_the_heap(heap):
    """Garbage, cycles and shapes of 200,000 objects take no more than 14 of their collections, at the best of three.

    Four is the aim for 2,000,000 (benchmarks/README.md); here is room for a busy machine and for 3.10.
    """
    ratios = []
    for _ in range(3):
        timing = worker("time", heap, 200_000)
        assert timing["garbage"] == timing["collected"] > 150_000
        seconds = timing["whole_seconds"] - timing["phases"]["bytes"]
        ratios.append(seconds / timing["collect_seconds"])
        if ratios[-1] < 14:
            return
    pytest.fail(f"finding took {min(ratios):.1f} collections of {heap}")


def test_the_cost_of_explaining_many_shapes_is_bounded():
    """100,000 distinct shapes of 300 classes take no more than 20 collections, bytes and all, at the best of three.

    Ten is the aim; here is room for a busy machine.
    """
    ratios = []
    for _ in range(3):
        timing = worker("time", "many_shapes", 400_000)
        assert timing["garbage"] == timing["collected"] > 300_000
        assert 16 < timing["shapes"] < 1_000
        ratios.append(timing["whole_seconds"] / timing["collect_seconds"])
        if ratios[-1] < 20:
            return
    pytest.fail(f"finding took {min(ratios):.1f} collections")


@pytest.mark.parametrize("heap", ["families", "one_ring", "star"])
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.skipif(hasattr(sys, "gettotalrefcount"), reason="a debug build pads each block of memory")
def test_finding_needs_little_memory_for_each_object(heap):
    """What finding 400,000 objects adds to the resident memory is below 150 bytes an object, the weighing left out."""
    assert 20 < worker("peak-without-bytes", heap, 400_000)["bytes_per_object"] < 150


def worker(*words):
    """What the benchmark measures in a process of its own."""
    command = [sys.executable, str(FIND), "--worker", *map(str, words)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_the_benchmark_refuses_nothing_to_measure():
    """No objects are an error of the command line, said in one sentence."""
    done = subprocess.run([sys.executable, str(FIND), "--objects", "0"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--objects and --repeats are at least 1" in done.stderr


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The figures of the plugin's benchmark at a tiny size, and what it printed."""
    figures = tmp_path_factory.mktemp("benchmark") / "plugin.json"
    command = [
        sys.executable,
        str(PLUGIN),
        "--tests",
        "6",
        "--long",
        "2",
        "--repeats",
        "1",
        "--blocks",
        "100",
    ]
    done = subprocess.run([*command, "--json", str(figures)], capture_output=True, text=True, check=True)
    return json.loads(figures.read_text()), done.stdout


def test_the_benchmark_of_the_plugin_runs_with_a_tiny_size(plugin):
    """Each way of running the tests has its times, each aim gets a verdict, and what is not installed is said."""
    measured, printed = plugin
    ways = {"bare", "unused", "no_cycles", "--garbology"}
    for suite in ("small", "long"):
        assert ways <= set(measured[suite])
        assert all(each["test_ms"] > 0 for each in measured[suite].values())
    assert ("--memray" in measured["small"]) == ("pytest-memray is not installed" not in printed)
    watches, blocks = ("watch(looks=False)", "watch()", "assert_no_cycles()"), 4
    assert printed.count(": met") + printed.count(": MISSED") == 4 + len(watches) * blocks


def test_a_watch_without_looks_costs_a_small_block_some_empty_ones(plugin):
    """Within one run: around 200 objects it costs at most 20 times what it costs around nothing.

    Before small windows had a way of their own it was more than a hundred times.
    """
    empty, some, *_ = plugin[0]["blocks"]
    watch = "watch(looks=False)"
    assert 0 < some["median_ms"][watch] < 20 * empty["median_ms"][watch]


def test_the_benchmark_of_the_plugin_refuses_nothing_to_measure():
    """No tests are an error of the command line, said in one sentence."""
    done = subprocess.run([sys.executable, str(PLUGIN), "--tests", "0"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--tests, --long, --repeats and --blocks are at least 1" in done.stderr
