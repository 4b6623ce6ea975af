"""Other people's engines: ours for real, the others as they are installed, and that each claim can fail."""

import gc
import os
import stat
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from experiments import _elsewhere, _engines, frameworks
from garbology.study.evaluation import judge
from garbology.study.runs import Run, Runs, Unavailable
from tests.study.claims import doctored, take

pytestmark = pytest.mark.slow

DROP, HOLD = frameworks.drop_a_graph, frameworks.hold_graphs
OURS = [_engines.WEAK, _engines.STRONG, _engines.AGAIN]
OPERATIONS = 20
FROZEN = gc.get_freeze_count()  # 3.12 starts with some
CAPTURED = {
    "count": OPERATIONS,
    "advice": {
        "edges": [{"source": "Value", "label": "._backward → closure variable out", "target": "Value"}],
        "remedy": "weakref",
        "verified": True,
    },
}
# What the others do, made up from what ours does: which of ours behaves like it, and what differs.
LIKE = {
    **dict.fromkeys(
        ["HIPS autograd", "DeZero", "Chainer", "tinygrad", "torch", "Chainer, again"], (_engines.WEAK, {})
    ),
    "micrograd": (_engines.STRONG, {"shapes": [CAPTURED]}),
    "DeZero, again": (_engines.AGAIN, {}),
    "torch, again": (
        _engines.WEAK, {"surviving_objects": 21, "left_objects": 21, "leaked_objects": 21, "waiting_bytes": 450.0},
    ),
}  # fmt: skip


@cache
def measured():
    """One small sample of each of ours, measured in this process."""
    dropped = [take(DROP, engine=engine, operations=OPERATIONS) for engine in OURS]
    held = [take(HOLD, engine=engine, operations=OPERATIONS, graphs=100) for engine in OURS]
    return dropped + held


def made_up():
    """The measured ones, the bytes rounded off so that no other thread matters, and the others' like ours."""
    rounded = [_rounded(run) for run in measured()]
    others = [_as(run, engine) for engine, (ours, _) in LIKE.items() for run in rounded if run.engine == ours]
    return rounded + others


@pytest.fixture(scope="module")
def samples():
    return made_up()


def _rounded(run):
    waits = 0.0 if run.engine == _engines.WEAK else 500.0
    changed = {"held_bytes": 500.0, "waiting_bytes": waits} if run.has("held_bytes") else {}
    return Run(run.measure, run.case, {**run.values, **changed})


def _as(run, engine):
    changed = {name: value for name, value in LIKE[engine][1].items() if run.has(name)}
    return Run(run.measure, {**run.case, "engine": engine}, {**run.values, **changed})


@pytest.mark.parametrize("name", frameworks.study.findings)
def test_every_claim_can_hold(samples, name):
    """On ours as measured, and the others as they were where they are installed, a finding holds."""
    result = judge(frameworks.study.findings[name], Runs(samples), "here")
    assert (result.status, bool(result.evidence)) == ("holds", True), result.evidence


# What breaks each finding.
DOCTORED = {
    "all_compute_the_same": {
        "a wrong derivative": doctored(DROP, {"engine": "DeZero"}, derivative=20.0),
    },
    "ours_leaves_nothing": {
        "a weak graph that stays": doctored(DROP, {"engine": _engines.WEAK}, surviving_objects=1),
        "no graph": doctored(DROP, {"engine": _engines.WEAK}, alive_objects=3),
    },
    "ours_with_strong_outputs_leaves_all": {
        "a strong graph that goes": doctored(DROP, {"engine": _engines.STRONG}, surviving_objects=1),
        "garbage that is not collected": doctored(DROP, {"engine": _engines.STRONG}, collected_objects=0),
    },
    "micrograd_leaves_its_graph": {
        "a micrograd without cycles": doctored(DROP, {"engine": "micrograd"}, surviving_objects=0),
        "another cycle in micrograd": doctored(DROP, {"engine": "micrograd"}, shapes=[]),
    },
    "micrograd_captures_its_result": {
        "advice that does not work": doctored(
            DROP,
            {"engine": "micrograd"},
            shapes=[{**CAPTURED, "advice": {**CAPTURED["advice"], "verified": False}}],
        ),
    },
    "dezero_needs_no_collector": {
        "DeZero left": doctored(DROP, {"engine": "DeZero"}, surviving_objects=100),
    },
    "chainer_needs_no_collector": {
        "Chainer left": doctored(DROP, {"engine": "Chainer"}, found_objects=1),
    },
    "hips_autograd_needs_no_collector": {
        "HIPS autograd left": doctored(DROP, {"engine": "HIPS autograd"}, collected_objects=1),
    },
    "tinygrad_needs_no_collector": {
        "tinygrad left": doctored(DROP, {"engine": "tinygrad"}, surviving_objects=100),
    },
    "torch_needs_no_collector": {
        "torch left": doctored(DROP, {"engine": "torch"}, leaked_objects=1),
    },
    "a_recorded_gradient_is_a_cycle": {
        "a gradient without a cycle": doctored(DROP, {"engine": "DeZero, again"}, surviving_objects=0),
    },
    "chainer_escapes_it": {
        "Chainer with a cycle": doctored(DROP, {"engine": "Chainer, again"}, found_objects=30),
    },
    "torch_leaks_it": {
        "torch freed": doctored(DROP, {"engine": "torch, again"}, left_objects=0),
        "torch collected": doctored(DROP, {"engine": "torch, again"}, collected_objects=5),
    },
    "the_process_shows_it": {
        "memory that stays": doctored(HOLD, {"engine": _engines.WEAK}, waiting_bytes=400.0),
        "memory that goes": doctored(HOLD, {"engine": "micrograd"}, waiting_bytes=10.0),
    },
}


@pytest.mark.parametrize("engines", [OURS[:1], OURS, ["micrograd"], ["torch, again"]], ids=str)
def test_any_subset_makes_a_whole_page(samples, engines):
    """Verdict, table, pictures and figures need no engine but ours, and say nothing of those not measured."""
    chosen = [run for run in samples if run.engine in {*engines, _engines.WEAK}]
    runs = Runs(chosen)
    names = {run.engine for run in chosen}
    assert {row[0] for row in frameworks.engines(runs).rows} == names
    waiting = names & {_engines.STRONG, _engines.AGAIN, "micrograd"}
    freed = len(names) - len(waiting) - ("torch, again" in names)
    verdict = frameworks.verdict(runs)
    assert f"frees {freed} of {len(names)} graph" in verdict
    assert all(engine.replace(",", "") in verdict for engine in waiting)
    assert ("nothing frees torch again" in verdict) == ("torch, again" in names)
    assert len(frameworks.pictures(runs)) == len(waiting)
    tiles = [tile(runs) for tile in frameworks.study.tiles.values()]
    assert tiles.count([]) == len({"micrograd", "torch, again"} - names)
    assert len(tiles) == 5
    for figure in (frameworks.who_frees, frameworks.bytes_of_a_node, frameworks.time_of_a_node):
        assert {row["engine"] for row in figure(runs).rows} == names


@pytest.mark.parametrize("engine", [name for name in _engines.ENGINES if name not in OURS])
def test_an_engine_is_measured_or_unavailable(engine):
    """What is installed computes the derivative; what is not says so, with pip's command."""
    package = _engines.ENGINES[engine].package
    if package in ("torch", "tinygrad"):
        pytest.skip(f"{package} would stay in this process, with threads or settings of its own")
    if find_spec(package) is None:
        with pytest.raises(Unavailable, match=rf"{package} is not installed: .*pip install"):
            _engines.ENGINES[engine].program()
        return
    run = take(DROP, engine=engine, operations=OPERATIONS)
    assert (run.derivative, bool(run.release)) == (OPERATIONS + 1, True)


def test_an_engine_that_cannot_be_imported_is_unavailable():
    """An old release that fails on a new NumPy says which, why, and what to install."""

    def fail():
        raise AttributeError("np.int is gone")

    engine = _engines.Engine("numpy", fail, "pip install old")
    with pytest.raises(
        Unavailable, match=r"numpy .* cannot be imported here \(np.int is gone\): pip install old"
    ):
        engine.program()


def test_our_own_failure_is_no_excuse():
    """That autograd_core does not work is an error, not something that is not installed."""

    def fail():
        raise AttributeError("a mistake")

    with pytest.raises(AttributeError, match="a mistake"):
        _engines.Engine("", fail).program()


def test_the_measures_leave_the_collector_alone():
    """It runs again after them, and nothing is frozen."""
    assert measured()
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, FROZEN)


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A function that makes micrograd's own environment of a script."""

    def make(script):
        python = tmp_path / "micrograd" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        python.chmod(python.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv(_elsewhere.DIRECTORY, str(tmp_path))
        return python

    return make


posix_only = pytest.mark.skipif(os.name != "posix", reason="the environment is a shell script")


@posix_only
def test_another_environment_measures(environment):
    """A Python of the same version in DIRECTORY/PACKAGE measures a case, and its values come back."""
    python = environment(f'exec {sys.executable} "$@"')
    assert _elsewhere.python_of("micrograd") == python
    case = {"engine": _engines.WEAK, "operations": 5}
    values = _elsewhere.measured_elsewhere(python, "experiments.frameworks", "drop_a_graph", case)
    assert (values["derivative"], values["surviving_objects"]) == (6.0, 0)
    assert frameworks.Dropped(**values)


@posix_only
def test_another_environment_without_the_package_is_unavailable(environment):
    """What the other Python cannot measure is not measured here either, and it says why."""
    python = environment(f'exec {sys.executable} "$@"')
    case = {"engine": "Chainer", "operations": 5}
    if find_spec("chainer"):
        pytest.skip("chainer is installed here")
    with pytest.raises(Unavailable, match="chainer is not installed"):
        _elsewhere.measured_elsewhere(python, "experiments.frameworks", "drop_a_graph", case)


@posix_only
def test_a_mistake_in_another_environment_is_no_excuse(environment):
    """A measure that fails there fails here, with its message."""
    python = environment(f'exec {sys.executable} "$@"')
    case = {"engine": "no such engine", "operations": 5}
    with pytest.raises(RuntimeError, match="no such engine"):
        _elsewhere.measured_elsewhere(python, "experiments.frameworks", "drop_a_graph", case)


@posix_only
def test_an_environment_of_another_version_is_passed_over(environment):
    """Unlike versions are not mixed in one record."""
    environment("echo 3.9.1")
    assert _elsewhere.python_of("micrograd") is None


@posix_only
def test_an_environment_that_cannot_be_run_is_unavailable(environment):
    """A broken environment is named."""
    python = environment("exit 3")
    with pytest.raises(Unavailable, match=str(python)):
        _elsewhere.python_of("micrograd")


def test_there_need_be_no_environment(monkeypatch):
    """Without the variable, or for our own engine, this interpreter measures."""
    monkeypatch.delenv(_elsewhere.DIRECTORY, raising=False)
    assert _elsewhere.python_of("micrograd") is None
    monkeypatch.setenv(_elsewhere.DIRECTORY, str(Path(sys.prefix)))
    assert _elsewhere.python_of("") is None


def test_a_quick_run_in_fresh_interpreters_makes_a_whole_page(quick):
    """The real run: what is measured holds, the rest is told as not measured, and nothing fails."""
    page = quick.page
    assert {sample.status for sample in quick.record.samples} <= {"ok", "unavailable"}
    assert {figure.name for figure in page.figures if figure.rows} == set(quick.study.figures)
    assert {finding.status for finding in page.findings} <= {"holds", "not measured"}
    ours = {"ours_leaves_nothing", "ours_with_strong_outputs_leaves_all", "the_process_shows_it"}
    assert {finding.name for finding in page.findings if finding.status == "holds"} >= ours
    assert "the collector has to free ours strong" in page.verdict
    assert page.pictures[0]["advice"]["verified"]
