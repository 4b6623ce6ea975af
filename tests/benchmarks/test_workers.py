"""What is measured in an interpreter of its own is what it is said to be: each kind once, at a toy size."""

import json
import os

import pytest

from benchmarks import engines, worker
from benchmarks.peers import lacking
from benchmarks.suites import BLOCKS, WAYS

pytestmark = pytest.mark.slow


def graphs(*names):
    return [{"part": "time", "case": name, "graph": name, "operations": 20} for name in names]


@pytest.mark.parametrize("engine", [engines.WEAK, engines.FLOOR])
def test_an_engine_is_timed(engine):
    """Forward and backward of an operation, and a perceptron's step where it has one."""
    if lacking(["pyperf"]):
        pytest.skip("pyperf is not installed")
    has_step = engine != engines.FLOOR
    parts = worker.ask(
        "graphs:timed", {"engine": engine, "graphs": graphs("y * x"), "has_step": has_step}, 60
    )
    assert [each["case"] for each in parts] == ["y * x", "a training step"][: 1 + has_step]
    times = parts[0]["figures"]
    assert times["together_seconds"] == times["forward_seconds"] + times["backward_seconds"] > 0


def test_an_operation_s_memory_is_counted():
    """Weak references cost more than none; the floor has one object an operation."""
    found = {
        engine: worker.ask("graphs:memory", {"engine": engine, "operations": 500})
        for engine in (engines.WEAK, engines.NONE, engines.FLOOR)
    }
    assert found[engines.WEAK]["traced_bytes"] > found[engines.NONE]["traced_bytes"] > 100
    assert found[engines.FLOOR]["tracked_objects"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("way", ["bare", "--garbology"])
def test_a_suite_is_run(way):
    """The tests' time and that of the session around them."""
    assert way in WAYS
    figures = worker.ask("suites:suite", {"way": way, "tests": 3})
    assert figures["test_seconds"] > 0
    assert figures["outside_seconds"] > 0


def test_a_small_block_has_its_times():
    """In each watch, and what the watch adds."""
    figures = worker.ask("suites:block", {"name": next(iter(BLOCKS)), "repeats": 3})
    assert figures["watch()_seconds"] > figures["bare_seconds"] > 0
    assert figures["watch() added_seconds"] == figures["watch()_seconds"] - figures["bare_seconds"]


@pytest.mark.parametrize("tool", ["nothing", "record_pauses", "monitor, budget 0.05", "tracemalloc"])
def test_each_tool_leaves_the_work_as_it_was(tool):
    """And gives a time."""
    figures = worker.ask("tools:watched", {"tool": tool, "program": "requests", "units": 20})
    assert figures["unit_seconds"] > 0


def test_a_whole_program_is_run_under_garbology():
    """Its work is timed by itself, its process from start to end."""
    figures = worker.ask("tools:whole_run", {"runner": "garbology run", "program": "requests", "units": 20})
    assert figures["process_seconds"] > 20 * figures["unit_seconds"] > 0


def test_an_import_is_weighed():
    """Objects and modules over an empty interpreter."""
    figures = worker.ask("weight:imported", {"module": "decimal"})
    assert 0 < figures["modules"] < 50
    assert figures["objects"] > 0


def test_what_goes_wrong_is_one_line():
    """The last line of the error, not a page of it."""
    with pytest.raises(worker.Failed, match=r"^AttributeError: module 'benchmarks\.suites' has no attribute"):
        worker.ask("suites:no_such", {})


def test_what_takes_too_long_is_ended():
    """And said with its limit."""
    with pytest.raises(worker.Failed, match=r"took more than 0\.01 s"):
        worker.ask("suites:suite", {}, timeout_seconds=0.01)


def test_a_worker_is_of_this_checkout(monkeypatch):
    """Whatever is installed: its path is first, and one thread is all that it has."""
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    variables = worker.environment()
    assert variables["PYTHONPATH"] == os.pathsep.join([str(worker.ROOT), "elsewhere"])
    assert variables["OMP_NUM_THREADS"] == "1"
    assert json.dumps(variables)
