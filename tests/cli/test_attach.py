"""`garbology attach`: a running process is recorded, and left as it was."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from garbology.interpreter import collector
from garbology.interpreter.allocators import read_allocated
from garbology.monitoring import agreed, attached, attaching, injection
from garbology.monitoring.attaching import AttachSettings
from garbology.monitoring.injection import AttachError, Target, target_of
from garbology.monitoring.observing import Statistics, observe
from garbology.monitoring.recordings import read_recording
from tests.cli.commands import ENVIRONMENT, can_attach, garbology

ATTACHES = pytest.mark.skipif(not can_attach(), reason="neither sys.remote_exec nor a gdb that works here")
SHAPES_KNOWN = collector.kind() == "generational"
SERVICE = """
import gc, json, os, sys, threading, time, tracemalloc

class Owner:
    def __init__(self, job):
        self.job = job

class Job:
    def __init__(self):
        self.owner = Owner(self)

def state():
    return dict(
        callbacks=len(gc.callbacks), threshold=gc.get_threshold(), enabled=gc.isenabled(), path=list(sys.path),
        finders=len(sys.meta_path), threads=[each.name for each in threading.enumerate()], debug=gc.get_debug(),
        tracing=tracemalloc.is_tracing(),
        names=sorted(globals()), modules=sorted({each.split(".")[0] for each in sys.modules}),
    )

def recorded():
    return any(each.name == "garbology.monitor" for each in threading.enumerate())

def serve():
    print(json.dumps(state()), flush=True)
    while True:
        for _ in range(300):
            Job()
        time.sleep(0.005)
        EXTRA

def told(signal, frame):
    os.write(1, (json.dumps(state()) + "\\n").encode())  # a print may be under way

import signal
signal.signal(signal.SIGUSR1, told)
serve()
"""


@pytest.fixture
def start():
    """Starts Python on a program, and ends it with the test."""
    started = []

    def start(code, *flags, **settings):
        settings = {"env": ENVIRONMENT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
        process = subprocess.Popen([sys.executable, *flags, "-c", code], text=True, **settings)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def service(start, extra="pass", **settings):
    """A process that leaves cycles, and its state before."""
    process = start(SERVICE.replace("EXTRA", extra), **settings)
    return process, json.loads(process.stdout.readline())


def attach(*words, **settings):
    """The command; skips where the system permits no tracing."""
    found = garbology("attach", *words, **settings)
    if "does not permit to trace it" in found.stderr:
        pytest.skip(found.stderr.strip())
    return found


def state_of(process):
    """What it answers; where it has died, how."""
    process.send_signal(signal.SIGUSR1)
    line = process.stdout.readline()
    assert line, f"it ended with status {process.wait()}: {process.stderr.read()}"
    return json.loads(line)


@pytest.mark.slow
@ATTACHES
def test_a_process_is_recorded_and_left_as_it_was(start, tmp_path):
    """Its collections are counted, its cycles named, its memory sampled; of ours only modules stay behind."""
    process, before = service(start)
    scratch, output = tmp_path / "tmp", tmp_path / "report"
    scratch.mkdir()
    found = attach(
        process.pid, "--seconds", "2", "--budget", "1", "--allocations", "-o", output,
        env={**ENVIRONMENT, "TMPDIR": str(scratch)},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    (recorded,) = read_recording(output).processes
    assert recorded.collected == sum(row["collected"] for row in recorded.collections) > 600
    assert recorded.ended
    assert len(read_recording(output).memory) > 3
    assert (output / "index.html").exists()
    if SHAPES_KNOWN:
        assert "Job" in found.stdout.splitlines()[0]
        extra = recorded.last[
            "extra_objects"
        ]  # dropped by the program's thread while ours was in an analysis
        assert sum(shape["objects"] for shape in recorded.shapes) == recorded.collected - extra
        assert extra < recorded.collected / 4
    assert list(scratch.iterdir()) == []
    after = state_of(process)
    new = {*after.pop("modules")} - {*before.pop("modules"), *sys.stdlib_module_names}
    assert set(after["names"]) - set(before["names"]) == set()
    assert after == before
    assert {each for each in new if each[0] != "_" and each != "cython_runtime"} <= {
        "garbology",
        "numpy",
    }


@pytest.mark.slow
@ATTACHES
@pytest.mark.skipif(not SHAPES_KNOWN, reason="garbage is known on the generational collector alone")
@pytest.mark.skipif(read_allocated() is None, reason="no glibc 2.33 here")
def test_why_memory_grows_is_told_of_a_running_process(start):
    """With the holder; the process is as before, and its thread is gone."""
    process, before = service(start, "globals().setdefault('KEPT', []).append(bytearray(20_000))")
    found = attach(process.pid, "--grow", "--seconds", "9")
    assert found.returncode == 0, found.stderr
    text = " ".join(found.stdout.split())
    assert "__main__.KEPT[int] gains" in text.partition("memory: grows by")[2], text
    after = state_of(process)
    assert (after["threads"], after["callbacks"]) == (before["threads"], before["callbacks"])


@ATTACHES
def test_attaching_twice_in_a_row_works(start):
    """And while one is attached, another is refused; the process knows nothing of either afterwards."""
    process, before = service(start)
    words = [sys.executable, "-m", "garbology", "attach", str(process.pid)]
    with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as first:
        until = time.monotonic() + 60
        while "garbology.monitor" not in state_of(process)["threads"] and time.monotonic() < until:
            time.sleep(0.2)
        second = attach(process.pid, "--seconds", "1")
        assert (second.returncode, "attached to already" in second.stderr) == (2, True)
        first.send_signal(signal.SIGINT)
        said, _ = first.communicate(timeout=60)
    assert first.returncode == 0
    assert said.startswith("garbology: ")
    assert attach(process.pid, "--seconds", "0.5").returncode == 0
    assert state_of(process)["callbacks"] == before["callbacks"]


@pytest.mark.slow
@ATTACHES
def test_a_process_that_ends_meanwhile_is_told_of(start, tmp_path):
    """What it told until then is kept."""
    process, _ = service(start, "\n        if recorded(): time.sleep(2); sys.exit()")
    found = attach(process.pid, "-o", tmp_path)
    assert found.returncode == 0, found.stderr
    assert read_recording(tmp_path).main.header["pid"] == process.pid


@pytest.mark.slow
@ATTACHES
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_left_alone(start):
    """It has no callback of ours."""
    extra = (
        "\n        if recorded():\n            import os, warnings; warnings.simplefilter('ignore')\n"
        "            if not os.fork(): print('child', len(gc.callbacks), flush=True); os._exit(0)\n"
        "            os.wait(); time.sleep(60)"
    )
    process, before = service(start, extra)
    assert attach(process.pid, "--seconds", "1").returncode == 0
    assert process.stdout.readline() == f"child {before['callbacks']}\n"


@pytest.mark.slow
@ATTACHES
def test_a_process_stuck_in_c_is_left_alone(start, tmp_path):
    """One line, exit status 2; and when it runs Python code again, nothing happens in it."""
    code = (
        "import sys, time\nprint('up', flush=True)\ntime.sleep(4)\nfor _ in range(100): time.sleep(0.01)\n"
        "print('numpy' in sys.modules, 'garbology' in sys.modules, flush=True)"
    )
    process = start(code)
    assert process.stdout.readline() == "up\n"
    found = attach(process.pid, "--wait", "0.3", env={**ENVIRONMENT, "TMPDIR": str(tmp_path)})
    assert found.returncode == 2
    assert "has run no Python code for 0.3 seconds" in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert process.communicate(timeout=60) == ("False False\n", "")
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_imports_for_long_is_waited_for(tmp_path, monkeypatch):
    """That it has been reached, but not yet begun, is not called waiting; and there is an end of that, too."""
    monkeypatch.setattr(attaching, "_MOST_IMPORT_SECONDS", 0.1)
    this = Target(os.getpid(), Path(sys.executable), sys.version_info[:2], -1)
    with pytest.raises(AttachError, match=r"run no Python code for 0\.1 seconds"):
        attaching._wait_for_the_beginning(this, tmp_path, 0.1, [])
    (tmp_path / "reached").touch()
    with pytest.raises(AttachError, match=r"has not imported garbology within 0\.2 seconds"):
        attaching._wait_for_the_beginning(this, tmp_path, 0.1, [])
    (tmp_path / "process-1-1.jsonl").touch()
    attaching._wait_for_the_beginning(this, tmp_path, 0.1, [])


@pytest.mark.slow
@ATTACHES
def test_a_python_without_numpy_is_told(start):
    """One line with the remedy, and nothing of ours is in it."""
    code = "import importlib.abc, sys\nsys.modules['numpy'] = None\n" + SERVICE.replace("EXTRA", "pass")
    process = start(code)
    process.stdout.readline()
    found = attach(process.pid, "--seconds", "1")
    assert found.returncode == 2
    assert "its Python has no numpy: install garbology there" in found.stderr
    assert "garbology" not in {*state_of(process)["modules"]}


@pytest.mark.skipif(sys.version_info < (3, 15), reason="the statistics came with CPython 3.15")
def test_a_process_is_seen_from_outside(start, tmp_path):
    """Its collections are counted to the object, and nothing runs in it."""
    process, before = service(start)
    found = attach(process.pid, "--outside", "--seconds", "1", "-o", tmp_path)
    assert found.returncode == 0, found.stderr
    recorded = read_recording(tmp_path).main
    assert recorded.collected == sum(row["collected"] for row in recorded.collections) > 600
    assert "seen from outside" in " ".join(found.stdout.split())
    assert state_of(process) == before


@pytest.mark.skipif(sys.version_info < (3, 14), reason="this switch came with CPython 3.14")
def test_a_process_that_forbids_it_is_left_alone(start):
    """Asked for, it would take no notice."""
    process, _ = service(start, env={**ENVIRONMENT, "PYTHON_DISABLE_REMOTE_DEBUG": "1"})
    found = attach(process.pid)
    assert (found.returncode, "remote debugging disabled" in found.stderr) == (2, True)


@pytest.mark.skipif(sys.platform != "linux", reason="files of Linux")
def test_what_cannot_be_attached_to_is_told(monkeypatch):
    """No such process, no Python, an old one, this one, somebody else's, one in a container."""
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        with pytest.raises(AttachError, match="sleep is no CPython that is known here"):
            target_of(sleeping.pid)
        monkeypatch.setattr(psutil.Process, "exe", lambda self: "/usr/bin/python3.8")
        with pytest.raises(AttachError, match=r"CPython 3\.8; garbology needs 3\.10 or newer"):
            target_of(sleeping.pid)
        monkeypatch.setattr(injection, "_own_uid", lambda: 4_000_000)
        with pytest.raises(AttachError, match=r"it belongs to .* attach as"):
            target_of(sleeping.pid)
        monkeypatch.undo()
        links = {f"/proc/{sleeping.pid}/ns/mnt": "mnt:[1]"}
        monkeypatch.setattr(injection.os, "readlink", lambda path: links.get(path, "mnt:[2]"))
        with pytest.raises(AttachError, match="in a container"):
            target_of(sleeping.pid)
        monkeypatch.undo()
        sleeping.kill()
    with pytest.raises(AttachError, match="there is no such process"):
        target_of(sleeping.pid)
    with pytest.raises(AttachError, match="this is garbology itself"):
        target_of(os.getpid())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Traceback\nPermissionError: [Errno 1] Operation not permitted", "attach as root"),
        ("RuntimeError: no such thing", "RuntimeError: no such thing"),
        ("", "no word why"),
    ],
)
def test_a_refusal_is_one_line(monkeypatch, said, told):
    """Of the system, or of the interpreter."""
    answer = SimpleNamespace(returncode=1, stderr=said, stdout="")
    monkeypatch.setattr(injection.subprocess, "run", lambda *words, **settings: answer)
    target = Target(7, Path(sys.executable), (3, 14), os.getuid())
    monkeypatch.setattr(injection, "interpreter_for", lambda target: Path(sys.executable))
    with pytest.raises(AttachError, match=told) as refused:
        injection.inject(target, Path("x.py"))
    assert "\n" not in str(refused.value)


def test_a_gdb_that_cannot_write_registers_changes_nothing(monkeypatch, tmp_path):
    """Its error is told with the remedy; the commands try it before anything is called."""
    asked = []

    def refuse(command, target):
        asked.extend(Path(command[-1]).read_text().splitlines())
        return SimpleNamespace(stdout="", stderr="Couldn't write extended state status: Bad address.")

    monkeypatch.setattr(injection, "_done", refuse)
    monkeypatch.setattr(injection.shutil, "which", lambda name: "/usr/bin/gdb")
    monkeypatch.setattr(injection.platform, "machine", lambda: "x86_64")
    with pytest.raises(
        AttachError, match="cannot write the registers of this processor, so nothing was attached"
    ):
        injection._by_gdb(Target(7, Path(sys.executable), (3, 12), 0), tmp_path / "begin.py")
    tried, called = (next(n for n, line in enumerate(asked) if word in line) for word in ("xmm15", "mmap"))
    assert tried < called


def test_without_gdb_an_older_python_is_refused_with_the_remedy(monkeypatch):
    """As there is no other way in before 3.14."""
    monkeypatch.setattr(injection.shutil, "which", lambda name: None)
    with pytest.raises(AttachError, match="needs gdb: install it, or start the program with"):
        injection.inject(Target(7, Path("python3.12"), (3, 12), 0), Path("x.py"))


def test_an_interpreter_of_somebody_else_is_not_run(monkeypatch, tmp_path):
    """Root would run what any user has called python3.99."""
    theirs = tmp_path / "python3.99"
    theirs.touch()
    monkeypatch.setattr(injection, "_own_uid", lambda: 4_000_000)
    monkeypatch.setattr(injection.os, "stat", lambda path: SimpleNamespace(st_uid=77))
    with pytest.raises(AttachError, match=r"run garbology with python3\.99"):
        injection.inject(Target(7, theirs, (3, 99), 77), Path("x.py"))


def test_an_older_python_cannot_be_seen_from_outside(tmp_path):
    """One sentence with the remedy."""
    with pytest.raises(AttachError, match=r"from 3\.15 on: attach without --outside"):
        observe(Target(7, Path("python3.14"), (3, 14), 0), tmp_path, AttachSettings())


def entry(generation, number, collected, start=0, stop=1_000_000):
    return {
        "gen": generation, "collections": number, "collected": collected, "uncollectable": 0,
        "candidates": 2 * collected, "duration": number / 1_000, "ts_start": start, "ts_stop": stop,
    }  # fmt: skip


def test_statistics_count_what_happened_since_the_first_reading():
    """To the object, also where some collections were missed; one that is under way is none yet."""
    statistics = Statistics(began_at=1.0)
    older = [entry(1, 4, 900), entry(2, 0, 0, stop=0)]
    assert statistics.read([entry(0, 9, 80), entry(0, 10, 100), *older]) == []
    second = 1_000_000_000
    half = entry(0, 13, 400, start=5 * second, stop=4 * second)
    rows = statistics.read(
        [
            entry(0, 12, 130, 2 * second, 2 * second + 500_000),
            entry(0, 11, 110, second, 2 * second),
            *older,
            half,
        ]
    )
    assert rows == [(0.0, 0, 1.0, 10, 0), (1.0, 0, 0.0005, 20, 0)]
    rows = statistics.read([entry(0, 20, 1_130, 4 * second, 4 * second), *older[:1], entry(2, 1, 7)])
    assert [row[3] for row in rows] == [1_000, 7]
    young, middle, old = statistics.generations
    assert (young.collections, young.collected, young.candidates) == (10, 1_030, 2_060)
    assert young.longest_pause_seconds == 1.0
    assert young.pause_seconds == pytest.approx(0.01)
    assert (middle.collections, middle.collected) == (0, 0)
    assert (old.collections, old.collected) == (1, 7)


def test_a_recording_that_nobody_wants_ends(monkeypatch, tmp_path):
    """Its file of wishes is gone, or old, as where the one who asked was killed: then the directory goes, too."""
    wanted = tmp_path / agreed.WANTED
    attached._wait(tmp_path, seconds=None)
    wanted.touch()
    attached._wait(tmp_path, seconds=0.05)
    assert wanted.exists()
    os.utime(wanted, (1.0, 1.0))
    attached._wait(tmp_path, seconds=None)
    assert not tmp_path.exists()


def test_nothing_but_json_is_brought_home(tmp_path):
    """The directory belongs to the process's user: no link is followed, no text taken."""
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    (theirs / "process-1-1.jsonl").write_text('{"a": 1}\nroot:x:0\n{"b": 2}\n')
    (theirs / "other.txt").write_text("{}")
    attaching._bring_home(theirs, ours)
    assert [each.name for each in ours.iterdir()] == ["process-1-1.jsonl"]
    assert (ours / "process-1-1.jsonl").read_text() == '{"a": 1}\n'
    (theirs / "process-2-1.jsonl").symlink_to(ours / "process-1-1.jsonl")
    with pytest.raises(OSError, match="process-2-1"):
        attaching._bring_home(theirs, ours)


@pytest.mark.slow
def test_what_is_brought_along_records_by_itself(tmp_path):
    """The archive has all of garbology that a recording needs."""
    archive = tmp_path / "garbology.zip"
    attaching._write_archive(archive)
    assert "garbology/monitoring/startup/attached.py" in zipfile.ZipFile(archive).namelist()
    code = (
        f"import sys\nsys.path.insert(0, {str(archive)!r})\nfrom garbology.monitoring.attached import serve\n"
        f"print(serve.__code__.co_filename)\nserve(dict(directory={str(tmp_path)!r}, seconds=0.1, budget=1, keys=False,"
        "interval_seconds=0.05, allocations=False, alive=True))"
    )
    (tmp_path / agreed.WANTED).touch()
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert str(archive) in found.stdout
    assert len(list(tmp_path.glob("process-*.jsonl"))) == 1


INTERPRETER = """
import _interpreters
created = _interpreters.create()
print("ready", flush=True)
while True:
    _interpreters.exec(created, "for _ in range(300_000): pass")
"""


@ATTACHES
@pytest.mark.skipif(
    sys.version_info < (3, 14), reason="sys.remote_exec has the script run by that interpreter"
)
def test_a_program_that_runs_another_interpreter_is_refused(start):
    """No daemon thread can begin there: the one who attaches is told, and the program's error stream has nothing."""
    process = start(INTERPRETER)
    process.stdout.readline()
    found = attach(process.pid, "--seconds", "1")
    assert found.returncode == 2
    assert "daemon threads are disabled" in found.stderr
    process.kill()
    assert process.communicate()[1] == ""
