"""Two runs into one directory: the second says who is there, and nothing of the first is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from garbology.measuring import reservations as reservations_module
from garbology.measuring.locks import LockedError, take
from garbology.measuring.reservations import BusyError, Reservations, drawing
from tests.fresh import RUNS_STUDIES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

BODY = """
study = Study("Small things", {"n": [1, 2]}, repeats=1)

@study.measure
def work(n: int) -> Result:
    if n == 2:
        while not Path(os.environ["SMALL_GATE"]).exists(): time.sleep(0.02)
    return Result(2 * n)
"""
HOLD = """
import sys, time
from pathlib import Path
from garbology.measuring.locks import take
take(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(1000)
"""


@pytest.fixture
def start(write_study, tmp_path):
    """A function that starts the study with more words."""
    processes = []

    def begin(*words, name="small"):
        target = write_study(BODY, name=name)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SMALL_GATE": str(tmp_path / "gate")}
        command = [*RUNS_STUDIES, target, "--seed", "1", "-o", str(tmp_path / "out"), *words]
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True))
        return processes[-1]

    yield begin
    for process in processes:
        if process.returncode is None:
            process.kill()
            process.communicate()


@pytest.fixture
def holder():
    """A function that has another process hold a lock."""
    processes = []

    def hold(path):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", HOLD, str(path)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


def wait_for(directory, pattern):
    deadline = time.monotonic() + 60
    while not list(directory.glob(pattern)):
        assert time.monotonic() < deadline, f"no {pattern} in {directory}"
        time.sleep(0.02)


def test_a_second_run_of_the_same_is_one_line_and_exit_status_2(start, tmp_path):
    """It names the first one's process and the remedy, draws nothing, and the first loses nothing."""
    first = start()
    wait_for(tmp_path / "out" / "small", ".*.lock")
    second = start()
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 2
    assert output == ""
    (line,) = errors.splitlines()
    assert line.startswith(f"small: process {first.pid} is measuring it into {tmp_path / 'out'} on the same")
    assert line.endswith("or choose another --output")
    (tmp_path / "gate").touch()
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 0, errors
    (record,) = (tmp_path / "out" / "small").glob("*.json")
    data = json.loads(record.read_text(encoding="utf-8"))
    assert (data["complete"], len(data["samples"])) == (True, 2)
    assert not list((tmp_path / "out").rglob("*.lock"))
    assert not (tmp_path / "out" / ".unfinished.json").exists()


def test_another_study_is_measured_into_the_same_directory_meanwhile(start, tmp_path):
    """What is reserved is a record, not the directory."""
    first = start()
    wait_for(tmp_path / "out" / "small", ".*.lock")
    second = start("--case", "n=1", name="other")
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert first.poll() is None


def test_a_run_that_was_killed_is_resumed_at_once(start, tmp_path):
    """The system gives its lock up with it, though the file stays."""
    first = start()
    wait_for(tmp_path / "out" / "small", "*.partial.json")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert list((tmp_path / "out" / "small").glob(".*.lock"))
    (tmp_path / "gate").touch()
    second = start("--resume")
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert "small: goes on after 1 sample" in errors
    assert not list((tmp_path / "out").rglob("*.lock"))


def test_a_reservation_names_its_holder_and_is_free_once_that_is_gone(holder, tmp_path):
    """However it ended; reserving twice in one run is reserving once."""
    process = holder(tmp_path / ".slug.lock")
    reservations = Reservations()
    with pytest.raises(BusyError, match=rf"^process {process.pid} is measuring it"):
        reservations.reserve(tmp_path, "slug")
    process.kill()
    process.wait()
    reservations.reserve(tmp_path, "slug")
    reservations.reserve(tmp_path, "slug")
    assert (tmp_path / ".slug.lock").read_text(encoding="utf-8") == f"{os.getpid()}\n"
    reservations.release()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_for_one_at_a_time(tmp_path):
    """Also in one process; released, it can be taken again and its file is gone."""
    lock = take(tmp_path / "lock")
    with pytest.raises(LockedError) as raised:
        take(tmp_path / "lock")
    assert raised.value.pid == os.getpid()
    lock.release()
    assert not (tmp_path / "lock").exists()
    take(tmp_path / "lock").release()
    with pytest.raises(FileNotFoundError):
        take(tmp_path / "lock", create=False)


def test_drawing_waits_for_its_turn_and_not_for_ever(holder, tmp_path, monkeypatch):
    """A process that hangs while it draws does not stop the others: each page is written whole."""
    monkeypatch.setattr(reservations_module, "_PATIENCE_SECONDS", 0.3)
    holder(tmp_path / ".drawing.lock")
    started = time.monotonic()
    with drawing(tmp_path):
        waited = time.monotonic() - started
    assert waited >= 0.3
    assert (tmp_path / ".drawing.lock").exists()
