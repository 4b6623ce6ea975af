"""What is measured ends with the runner, however the runner ends, and leaves no directory for good."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from garbology.cli.interrupts import heard_interrupts
from garbology.measuring import lifeline, worker
from garbology.measuring.interpreters import Native
from tests.fresh import RUNS_STUDIES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals and process groups of POSIX"),
]

ROOT = Path(__file__).resolve().parents[2]
GONE_SECONDS = 10

# Two cases at once: one asleep with a child process, one that never lets go of the interpreter.
BODY = """
study = Study("Long cases", {"kind": ["sleep", "spin"], "place": [""]}, repeats=1, timeout_seconds=1000)
study.parameters["place"] = [os.environ["SMALL_PLACE"]]

@study.measure
def work(kind: str, place: str) -> Result:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    Path(place, f"{child.pid}.child").touch()
    Path(place, f"{os.getpid()}.{kind}").touch()
    if kind == "spin": sum(iter(int, 1))
    time.sleep(1000)
    return Result(1)
"""
SHORT = """
study = Study("Short case", {"n": [1]}, repeats=1)

@study.measure
def work(n: int) -> Result:
    return Result(n)
"""


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def is_gone(pid):
    """A zombie is: where nothing reaps orphans it stays one."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Running:
    """A run with two cases under way, and temporary files of its own."""

    def __init__(self, target, tmp_path, before=()):
        self.target = target
        self.place, self.temporary, self.out = (tmp_path / name for name in ("place", "temporary", "out"))
        for directory in (self.place, self.temporary):
            directory.mkdir()
        self.process = subprocess.Popen(
            [*before, *RUNS_STUDIES, target, "--jobs", "2", "-o", str(self.out)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self):
        """Until both cases are under way."""

        def under_way():
            assert self.process.poll() is None, self.process.communicate()
            return len(self.pids()) == 4

        wait_until(under_way)

    def environment(self):
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.temporary),
            "SMALL_PLACE": str(self.place),
        }

    def pids(self):
        return [int(path.stem) for path in self.place.iterdir()]

    def directories(self):
        return sorted(path.name for path in self.temporary.iterdir())

    def end(self, number):
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)

    def run_another(self, write_study):
        target = write_study(SHORT, name="short")
        command = [*RUNS_STUDIES, target, "-o", str(self.out)]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True)
def signals_as_in_a_terminal():
    """Under nohup, or in the background of a script, they are ignored, and so in every child."""
    numbers = [
        number for number in (signal.SIGHUP, signal.SIGTERM) if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def running(write_study, tmp_path):
    runs = []

    def start(*before):
        runs.append(Running(write_study(BODY, name="long"), tmp_path, before))
        runs[-1].wait()
        return runs[-1]

    yield start
    for run in runs:
        if run.process.returncode is None:
            run.process.kill()
            run.process.communicate()
        for pid in run.pids():
            if not is_gone(pid):
                os.kill(pid, signal.SIGKILL)


def test_nothing_is_left_running_when_the_runner_is_killed(running, write_study):
    """SIGKILL of the runner ends what it measures, and what that started, though it sleeps or spins in C.

    The next run removes the directories.
    """
    run = running()
    run.end(signal.SIGKILL)
    wait_until(lambda: all(map(is_gone, run.pids())), GONE_SECONDS)
    assert len([name for name in run.directories() if name.startswith("garbology-")]) == 2
    run.run_another(write_study)
    assert run.directories() == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_hang_up_ends_the_run_as_a_termination_does(running, number):
    """The record is kept, the exit status is that of an interrupted run, no process and no directory is left."""
    run = running()
    _, errors = run.end(number)
    assert run.process.returncode == 130, errors
    assert "interrupted: the same command with --resume goes on" in errors
    assert all(map(is_gone, run.pids()))
    assert run.directories() == []


def test_the_terminal_that_hangs_up_twice_does_not_stop_the_drawing():
    """Shell and system may both say that the terminal has gone: the second time changes nothing."""
    with heard_interrupts():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.skipif(shutil.which("nohup") is None, reason="needs nohup")
def test_a_run_under_nohup_goes_on(running):
    """There SIGHUP is ignored, and that is what was asked for."""
    run = running("nohup")
    run.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert run.process.poll() is None
    assert not any(map(is_gone, run.pids()))


def test_the_directories_of_a_living_run_are_not_touched(running, write_study):
    """Another run that begins meanwhile leaves them alone."""
    run = running()
    before = run.directories()
    run.run_another(write_study)
    assert run.directories() == before
    assert len(before) == 2


ALARMED = "import garbology.measuring.lifeline as l, itertools; l.hold(); print('held', flush=True); sum(iter(int, 1))"


def start_alone(code, seconds, reading=-1, **options):
    variables = {**os.environ, "PYTHONPATH": str(ROOT), lifeline.VARIABLE: f"{reading} {seconds} 0"}
    return subprocess.Popen([sys.executable, "-c", code], env=variables, start_new_session=True, **options)


def test_the_time_limit_is_in_the_measured_process_as_well():
    """Without a runner its alarm ends it, also inside a loop in C."""
    process = start_alone(ALARMED, 0.5)
    assert process.wait(30) == -signal.SIGALRM


def test_without_the_kernel_a_thread_ends_the_process_with_the_runner():
    """Where the system does not see to it, the pipe's end is waited for."""
    reading, writing = os.pipe()
    code = ALARMED.replace("l.hold()", "l._BY_KERNEL = False; l.hold()").replace(
        "sum(iter(int, 1))", "input()"
    )
    pipe = subprocess.PIPE
    process = start_alone(code, 1000, reading, pass_fds=(reading,), stdin=pipe, stdout=pipe)
    assert process.stdout.readline() == b"held\n"
    assert process.poll() is None
    os.close(writing)
    assert process.wait(30) == -signal.SIGKILL
    os.close(reading)
    process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="the pipe is asked where the kernel does the rest")
def test_a_process_that_begins_after_its_runner_has_gone_ends_at_once():
    """The pipe is closed already: nothing is measured in vain."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.close(writing)
    process = start_alone(ALARMED, 1000, reading, pass_fds=(reading,))
    assert process.wait(30) == -signal.SIGKILL
    os.close(reading)


LOOK = """
study = Study("Look", {"n": [1]}, repeats=1)

@study.measure
def work(n: int) -> Result:
    import tempfile, threading
    Path(tempfile.gettempdir(), "left").touch()
    assert "GARBOLOGY_LIFELINE" not in os.environ
    assert threading.active_count() == 1
    assert Path(tempfile.gettempdir()) == Path(sys.argv[-1]).parent
    return Result(len(list(Path("/proc/self/task").iterdir())))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc, and a thread elsewhere")
def test_what_is_measured_is_not_disturbed(write_study):
    """No thread and no variable is added; what the case leaves in its temporary directory goes with it."""
    answer = Native().run(write_study(LOOK), "work", {"n": 1}, 60)
    assert answer["status"] == "ok", answer
    assert answer["values"]["total"] == 1


def test_an_alarm_of_the_cases_own_is_its_crash(write_study):
    """It is no time limit that was reached."""
    body = SHORT.replace("return Result(n)", "signal.alarm(1); time.sleep(60)")
    answer = Native().run(write_study(body), "work", {"n": 1}, 60)
    assert (answer["status"], answer["exit_code"]) == ("crashed", -signal.SIGALRM)


def test_no_descriptor_is_left_open(write_study):
    """Pipes and locks of a sample are closed with it."""
    native, target = Native(), write_study(SHORT)
    native.run(target, "work", {"n": 1}, 60)
    before = psutil.Process().num_fds()
    for _ in range(3):
        native.run(target, "work", {"n": 1}, 60)
    with pytest.raises(OSError, match="nowhere"):
        Native("/nowhere/python").run(target, "work", {"n": 1}, 60)
    assert psutil.Process().num_fds() == before


def test_the_worker_holds_the_line_before_it_measures():
    """It is the first thing that the program does."""
    text = Path(worker.__file__).read_text(encoding="utf-8")
    assert text.index("    hold()\n") < text.index("    raise SystemExit(main")
