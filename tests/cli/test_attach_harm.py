"""`garbology attach` where something goes wrong: the process goes on, the reason is told, and nothing stays behind."""

import os
import signal
import subprocess
import sys
import time
import tracemalloc
import weakref
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from garbology.interpreter import collector
from garbology.monitoring import agreed, attached, attaching, injection, observing
from garbology.monitoring.attaching import AttachSettings
from garbology.monitoring.injection import AttachError, Target
from garbology.monitoring.process_recording import ProcessRecording
from garbology.monitoring.recordings import read_recording
from tests.cli.commands import ENVIRONMENT
from tests.cli.test_attach import ATTACHES, attach, service, start, state_of
from tests.cluster.machines import until

__all__ = ["start"]


@pytest.fixture
def raising_ctrl_c():
    """Raises KeyboardInterrupt, as it does where the command runs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    after = signal.signal(signal.SIGINT, before)
    assert after is signal.default_int_handler


NO_THREADS = """
import _thread, threading
def refuse(*words, **named): raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
"""
NO_OPENING = "import builtins; builtins.open = None\n"
NO_SLEEP = """
import threading, time
real = time.sleep
def sleep(seconds):
    if threading.current_thread() is not threading.main_thread(): raise RuntimeError("no hub in this thread")
    real(seconds)
time.sleep = sleep
"""
FIXED_FINDERS = "import sys; sys.meta_path = tuple(sys.meta_path)\n"
SERVING = """
import gc, time
print("up", flush=True)
while True: time.sleep(0.01)
"""


class Namespace(dict):
    """One that can be referred to weakly."""


def test_the_script_leaves_no_garbage():
    """What begins a recording is gone with its thread, without the collector."""
    namespace = Namespace()
    left = weakref.ref(namespace)
    code = "begin = lambda settings: None"
    with collector.paused():
        exec(attaching._SCRIPT.format(code=code, settings={"directory": "/none"}), namespace)
        del namespace
        until(lambda: left() is None, seconds=10)
        assert left() is None


@pytest.mark.slow
@ATTACHES
@pytest.mark.parametrize(
    ("before", "told"),
    [
        (NO_THREADS, "can't start new thread"),
        (NO_OPENING, ""),
        (NO_SLEEP, "no hub in this thread"),
        (FIXED_FINDERS, "'tuple' object has no attribute 'append'"),
    ],
)
def test_what_fails_inside_ends_no_process(before, told, start):
    """One line for the one who attached, exit status 2; the process goes on, and nothing is written into its errors."""
    process = start(before + SERVING)
    assert process.stdout.readline() == "up\n"
    found = attach(process.pid, "--seconds", "2", "--wait", "2")
    time.sleep(0.3)
    assert process.poll() is None
    assert told in found.stderr
    assert (found.returncode, len(found.stderr.splitlines())) == (2, 1) if told else True
    process.kill()
    assert process.communicate() == ("", "")


@pytest.mark.slow
@ATTACHES
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_recording_as_ctrl_c_does(number, start, tmp_path):
    """It is shown, and no directory stays behind."""
    process, before = service(start)
    words = [sys.executable, "-m", "garbology", "attach", str(process.pid)]
    environment = {**ENVIRONMENT, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as command:
        until = time.monotonic() + 60
        while "garbology.monitor" not in state_of(process)["threads"] and time.monotonic() < until:
            time.sleep(0.2)
        time.sleep(1)  # the command sees it a moment later
        command.send_signal(number)
        said, _ = command.communicate(timeout=60)
    assert (command.returncode, said[:11]) == (0, "garbology: ")
    assert list(tmp_path.iterdir()) == []
    assert state_of(process)["callbacks"] == before["callbacks"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("moment", ["lives", "_has_ended", "describe"])
def test_ctrl_c_is_heard_wherever_the_recording_is(moment, tmp_path, monkeypatch, raising_ctrl_c):
    """Between two waits as well: it asks for the end, which is waited for, and what was told is kept."""
    shared_directories = []
    original = getattr(attaching, moment)

    def inject(target, script):
        shared_directories.append(script.parent)
        for name in ("reached", "process-7.jsonl"):
            (script.parent / name).write_text('{"schema": "x"}\n')

    def interrupted(*arguments):
        monkeypatch.setattr(attaching, moment, original)
        signal.raise_signal(signal.SIGINT)
        return original(*arguments)

    def sleep(seconds):
        for shared in shared_directories:
            if not (shared / agreed.WANTED).exists():
                (shared / "process-7.jsonl").write_text('{"schema": "garbology.recording.end"}\n')

    monkeypatch.setattr(attaching, "inject", inject)
    monkeypatch.setattr(attaching, "sleep", sleep)
    monkeypatch.setattr(attaching, moment, interrupted)
    attaching.attach(Target(os.getpid(), Path(sys.executable), (3, 13), -1), tmp_path, AttachSettings())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert "process-7.jsonl" in [each.name for each in tmp_path.iterdir()]
    assert not shared_directories[0].exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_before_the_recording_takes_back_what_was_asked(tmp_path, monkeypatch, raising_ctrl_c):
    """Nothing is left to be run, and no directory stays behind."""
    scripts = []

    def inject(target, script):
        scripts.append(script)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(attaching, "inject", inject)
    with pytest.raises(KeyboardInterrupt):
        attaching.attach(Target(os.getpid(), Path(sys.executable), (3, 13), -1), tmp_path, AttachSettings())
    assert not scripts[0].parent.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_is_heard_while_one_looks_from_outside(tmp_path, monkeypatch, raising_ctrl_c):
    """Also while a line is being written: what was read is told, and the end."""
    entry = {"ts_start": 1, "ts_stop": 2, "duration": 1e-9, "candidates": 0, "uncollectable": 0}
    rounds = iter(range(1, 1_000))

    @contextmanager
    def readings(target, seconds):
        yield (
            [{**entry, "gen": gen, "collections": number, "collected": number} for gen in range(3)]
            for number in rounds
        )

    def interrupted(*arguments):
        signal.raise_signal(signal.SIGINT)
        return record(*arguments)

    record = observing._record
    monkeypatch.setattr(observing, "_readings", readings)
    monkeypatch.setattr(observing, "_record", interrupted)
    observing.observe(Target(os.getpid(), Path(sys.executable), (3, 15), -1), tmp_path, AttachSettings())
    assert next(rounds) == 3
    assert read_recording(tmp_path).main.ended


def test_what_a_killed_one_left_is_removed(tmp_path):
    """Its own temporary directory as well as the shared one."""
    shared, temporary = tmp_path / "shared", tmp_path / "temporary"
    for each in (shared, temporary):
        each.mkdir()
    (shared / agreed.WANTED).touch()
    os.utime(shared / agreed.WANTED, (1.0, 1.0))
    attached._wait(shared, None, [str(temporary)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fails", [True, False])
def test_the_program_is_traced_no_more_afterwards(fails, tmp_path, monkeypatch):
    """Also where the recording could not begin; and what is recorded is told before that."""
    settings = {"directory": str(tmp_path), "seconds": 0.1, "budget": 1, "interval_seconds": 1.0}
    switches = {"allocations": True, "alive": False, "keys": False}
    if fails:
        monkeypatch.setattr(ProcessRecording, "start", lambda self, generation: 1 / 0)
    (tmp_path / agreed.WANTED).touch()
    with pytest.raises(ZeroDivisionError) if fails else nullcontext():
        attached.serve({**settings, **switches})
    assert not tracemalloc.is_tracing()
    assert attached._running is None


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_waits_for_the_end_of_gdb(tmp_path, raising_ctrl_c):
    """One that is killed in the middle would leave the process with gdb's registers."""
    code = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(0.5); open({!r}, 'w').close()"
    target, written = Target(7, Path(sys.executable), (3, 12), 0), tmp_path / "written"
    with pytest.raises(KeyboardInterrupt):
        injection._done([sys.executable, "-c", code.format(str(written))], target)
    assert written.exists()


def test_a_gdb_that_hangs_is_given_up(monkeypatch):
    """After a minute, in one sentence."""
    monkeypatch.setattr(injection, "_MOST_SECONDS", 0.2)
    target = Target(7, Path(sys.executable), (3, 12), 0)
    with pytest.raises(AttachError, match="timed out"):
        injection._done([sys.executable, "-c", "import time; time.sleep(60)"], target)


@pytest.mark.skipif(sys.platform == "win32", reason="modes of Unix")
def test_a_temporary_directory_that_the_user_cannot_enter_is_told(tmp_path):
    """As that of root may be: such a process is not said to run no Python code."""
    target = Target(7, Path(sys.executable), (3, 12), 4_000_000)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(AttachError, match=r"its user cannot enter .*closed: set TMPDIR"):
        attaching._refuse_unreachable(target, closed / "garbology-x")
