"""Cases in Pyodide: the same worker under Node. The real thing is run where GARBOLOGY_PYODIDE names its directory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from garbology.measuring import lifeline
from garbology.measuring import pyodide as webassembly
from garbology.measuring.interpreters import InterpreterError
from garbology.measuring.locating import find_interpreter

pytestmark = pytest.mark.slow

STUDY = '''"""A study of where it is measured."""
import gc, platform, sys
from dataclasses import dataclass
from garbology.study import Study, run_study

study = Study(title="Places", parameters={"number": [1]})


@dataclass(frozen=True)
class Place:
    seen: int
    system: str
    collected: int


@study.measure
def look(number: int) -> Place:
    print("what a measure prints is no answer")
    box = []
    box.append(box)
    del box
    return Place(number, sys.platform, gc.collect())


@study.measure
def fail(number: int) -> Place:
    raise ValueError(f"no {number}")
'''


@pytest.fixture
def study_file(tmp_path):
    path = tmp_path / "places.py"
    path.write_text(STUDY)
    return str(path)


@pytest.fixture
def pyodide():
    directory = os.environ.get("GARBOLOGY_PYODIDE")
    if not directory or shutil.which("node") is None:
        pytest.skip("needs node on PATH and GARBOLOGY_PYODIDE, the directory of npm's package pyodide")
    return find_interpreter(f"pyodide:{directory}")


def test_a_directory_that_is_no_pyodide_is_refused_with_the_remedy(tmp_path):
    """What is to be unpacked there is said."""
    with pytest.raises(InterpreterError, match="npm pack pyodide"):
        find_interpreter(f"pyodide:{tmp_path}")


def test_without_node_it_is_refused_with_the_remedy(tmp_path, monkeypatch):
    """A machine without Node is told what is missing."""
    (tmp_path / "pyodide.mjs").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InterpreterError, match="put `node` on PATH"):
        find_interpreter(f"pyodide:{tmp_path}")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node on PATH")
def test_a_damaged_pyodide_is_one_clear_line(tmp_path, study_file):
    """The message is the error's own, neither the source of Pyodide nor Node's version."""
    (tmp_path / "pyodide.mjs").write_text('throw new Error("damaged");')
    with pytest.raises(InterpreterError, match=r"^pyodide:.* cannot run the study: damaged$"):
        find_interpreter(f"pyodide:{tmp_path}").describe(study_file)


def test_a_case_is_measured_in_webassembly(pyodide, study_file):
    """The worker's answer comes out of the other heap as it is."""
    answer = pyodide.run(study_file, "look", {"number": 1}, 120)
    assert answer["status"] == "ok"
    assert answer["values"] == {"seen": 1, "system": "emscripten", "collected": 1}


def test_a_failure_in_webassembly_is_an_answer(pyodide, study_file):
    """What the measure raised is told as it is by a native interpreter."""
    answer = pyodide.run(study_file, "fail", {"number": 3}, 120)
    assert (answer["status"], answer["message"]) == ("failed", "ValueError: no 3")


def test_pyodide_says_what_it_is(pyodide, study_file):
    """Its runtime is told apart from every native one: 32-bit pointers, another platform."""
    described = pyodide.describe(study_file)
    assert described["runtime"]["pointer_bits"] == 32
    assert described["runtime"]["platform"].startswith("emscripten")
    assert "emscripten" in described["slug"]


SPIN = (
    STUDY
    + """

@study.measure
def spin(number: int) -> Place:
    while True:
        pass


if __name__ == "__main__":
    raise SystemExit(run_study(study))
"""
)


@pytest.fixture
def spinning_file(tmp_path):
    path = tmp_path / "spinning.py"
    path.write_text(SPIN)
    return str(path)


def is_gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_node_ends_when_its_runner_is_killed(pyodide, spinning_file, tmp_path):
    """Although it is inside of Python's loop: the system ends it."""
    words = ["--measure", "spin", "--python", pyodide.name, "-o", str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    runner = subprocess.Popen(
        [sys.executable, spinning_file, *words], env=environment, stderr=subprocess.PIPE
    )
    try:
        assert b"to take" in runner.stderr.readline()
        deadline = time.monotonic() + 60
        while not (children := psutil.Process(runner.pid).children(recursive=True)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(2)
        assert not any(map(is_gone, children))
    finally:
        runner.kill()
        runner.communicate()
    _, alive = psutil.wait_procs([each for each in children if not is_gone(each)], timeout=10)
    assert all(map(is_gone, alive))


def test_the_time_limit_is_in_node_as_well(pyodide, spinning_file, tmp_path):
    """Without a runner another thread of it ends it."""
    directory = pyodide.name.removeprefix(webassembly.PREFIX)
    command = ["node", str(webassembly._WORKER), directory, spinning_file, "spin", str(tmp_path / "result")]
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": root, lifeline.VARIABLE: "-1 4 0"},
        input=b'{"number": 1}',
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
