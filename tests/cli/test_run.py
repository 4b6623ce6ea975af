"""`garbology run`: the program is as under plain Python, and what it left is told and drawn."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from garbology.interpreter import collector
from garbology.interpreter.allocators import read_allocated
from garbology.monitoring.recordings import RecordingError, read_recording
from tests.cli.commands import ENVIRONMENT, garbology, python

GENERATIONAL = pytest.mark.skipif(
    collector.kind() != "generational", reason="shapes are known on this collector alone"
)
READS_ALLOCATORS = pytest.mark.skipif(read_allocated() is None, reason="no glibc 2.33 here")
SUMMARY = "garbology: "
LEAVES = """
class Job:
    def __init__(self):
        self.owner = Owner(self)
class Owner:
    def __init__(self, job):
        self.job = job
def leave(count=3000):
    for _ in range(count):
        Job()
"""
SCRIPTS = {
    "names": "import sys; print(__name__, __file__, sys.argv, sys.path[0], __spec__, __package__, sorted(globals()))",
    "status": "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)",
    "text status": "raise SystemExit('what went wrong')",
    "exception": "def f():\n    raise ValueError('no')\nf()",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise LookupError from error",
    "syntax": "def f(:\n",
    "interrupted": "raise KeyboardInterrupt",
    "atexit": "import atexit\natexit.register(print, 'last')\nprint('first')",
    "stdin": "import sys; print(sys.stdin.read().upper(), sys.stdin.isatty())",
    "hook": "import sys\nsys.excepthook = lambda kind, error, tb: print('hook', kind, tb.tb_frame.f_code.co_name)\n1/0",
    "environment": "import os\nprint(os.environ.get('PYTHONPATH'), [n for n in os.environ if 'GARB' in n])",
    "path": "import sys; print([p for p in sys.path if 'startup' in p], 'garbology' in dir())",
    "killed": "import os, signal\nprint('x', flush=True)\nos.kill(os.getpid(), signal.SIGTERM)",
    "exits at once": "import os\nprint('x', flush=True)\nos._exit(5)",
    "child": "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import sys; print(5)']).returncode)",
    "spawned": (
        "import multiprocessing\ndef work(n):\n    return n * 2\nif __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n        print(pool.map(work, [1, 2]))"
    ),
    "thread": "import threading\nprint(threading.active_count() >= 1, threading.current_thread().name)",
    "resources": "import gc\nprint(gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.get_freeze_count() < 500)",
}


def without_summary(text):
    """What the program itself has written to standard error."""
    lines = text.splitlines(keepends=True)
    first = next((place for place, line in enumerate(lines) if line.startswith(SUMMARY)), len(lines))
    return "".join(lines[:first])


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("scripts")


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_program_is_as_under_plain_python(directory, name, tmp_path):
    """Output, errors with their tracebacks, exit status, what it sees of itself, and what it starts.

    Nothing is left behind, however it ends.
    """
    script = directory / f"{name.replace(' ', '_')}.py"
    script.write_text(SCRIPTS[name])
    settings = {"input": "text", "cwd": directory, "env": {**ENVIRONMENT, "TMPDIR": str(tmp_path)}}
    plain = python(script, "one", "-x", "--two", **settings)
    recorded = garbology("run", script, "one", "-x", "--two", **settings)
    assert recorded.stdout == plain.stdout
    assert without_summary(recorded.stderr) == plain.stderr
    assert recorded.returncode == plain.returncode
    assert SUMMARY in recorded.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("way", ["module", "package", "directory"])
def test_modules_and_directories_run_too(directory, way):
    """`-m module`, `-m package`, a directory with `__main__.py`."""
    place = directory / f"as_{way}"
    place.mkdir()
    name = "tool.py" if way == "module" else "__main__.py"
    (place / name).write_text("import sys\nprint(__name__, sys.argv, sys.path[0], __package__)")
    words = {
        "module": ["-m", "as_module.tool", "a", "-o", "--help"],
        "package": ["-mas_package", "-q", "a", "--", "-m"],
        "directory": [place, "--version", "-m", "a"],
    }[way]
    plain = python(*words, cwd=directory)
    recorded = garbology("run", "--budget", "0.1", *words, cwd=directory)
    assert plain.returncode == 0
    assert (recorded.stdout, recorded.returncode) == (plain.stdout, 0)


@pytest.mark.slow
@GENERATIONAL
def test_the_verdict_comes_first(directory):
    """Which cycles, how much they held, what to do and where it is set; without -o nothing is written."""
    script = directory / "leaves.py"
    script.write_text(f"{LEAVES}\nleave()")
    before = sorted(directory.iterdir())
    found = garbology("run", "--exact", script, cwd=directory)
    text = " ".join(found.stderr.split())
    assert "garbology: cycles of `" in text
    assert "were 100% of what the collector freed in" in text
    assert "leaves.py:" in text
    assert "; weaken " in text
    assert len(found.stderr.splitlines()) <= 40
    assert sorted(directory.iterdir()) == before


@pytest.mark.slow
@GENERATIONAL
def test_a_page_and_a_recording_are_written(directory, tmp_path):
    """With -o: exact totals, every collection, memory from outside, what waited at the end; and drawn again later."""
    script = directory / "pages.py"
    script.write_text(f"{LEAVES}\nimport gc, time\nleave()\ngc.collect()\nleave(5)\ntime.sleep(0.4)")
    output = tmp_path / "report"
    found = garbology("run", "--exact", "--interval", "0.05", "-o", output, script, cwd=directory)
    assert found.returncode == 0, found.stderr
    recording = read_recording(output)
    (process,) = recording.processes
    assert process.collected == sum(row["collected"] for row in process.collections) > 3_000
    assert sum(shape["objects"] for shape in process.shapes) == process.collected
    assert process.at_end["waiting_objects"] >= 10
    assert len(recording.memory) > 3
    assert recording.peak_rss_bytes > 10_000_000
    page = (output / "index.html").read_text(encoding="utf-8")
    assert "pages.py" in page
    assert "Owner" in page
    assert f'href="{process.path.name}"' in page
    (output / "index.html").unlink()
    again = garbology("report", output)
    assert again.returncode == 0, again.stderr
    assert (output / "index.html").read_text(encoding="utf-8") == page
    garbology("report", output, "-o", tmp_path / "again")
    assert "href=" not in (tmp_path / "again" / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
@GENERATIONAL
def test_only_and_ignore_choose_whose_cycles_are_shown(directory, tmp_path):
    """As in the pytest plugin: by module, type or function; the others stay in the totals, and are one line.

    A recording has all of them: `report` chooses anew.
    """
    (directory / "others.py").write_text(f"{LEAVES}\nclass Other:\n    def __init__(self): self.me = self\n")
    script = directory / "mine.py"
    script.write_text(
        "import gc, others\nclass Mine:\n    def __init__(self): self.me = self\n"
        "others.leave(2000)\nfor _ in range(1000): Mine()\ngc.collect()\n"
    )
    only = garbology("run", "--exact", "--only", "__main__", "-o", tmp_path, script, cwd=directory)
    text = " ".join(only.stderr.split())
    assert "cycles of `Mine.me -> Mine` held" in text
    assert "left out by --only and --ignore: 1 shape, about" in text
    assert "Owner" not in text
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Mine" in page
    assert "Owner" not in page
    assert "left out by --only and --ignore" in page
    process = read_recording(tmp_path).main
    assert sum(each["objects"] for each in (*process.shapes, *process.left_out)) == process.collected
    again = garbology("report", tmp_path, "--ignore", "__main__*", "-o", tmp_path / "again")
    assert "Owner" in again.stdout
    assert "Mine" not in again.stdout
    none = garbology("report", tmp_path, "--only", "nothing.such", "-o", tmp_path / "none")
    assert "--only and --ignore leave out all" in " ".join(none.stdout.split())


@pytest.mark.slow
@GENERATIONAL
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_children_are_recorded_where_asked_for(directory, tmp_path):
    """Those that are forked, spawned or started: one recording a process."""
    script = directory / "children.py"
    script.write_text(
        f"{LEAVES}\nimport multiprocessing, subprocess, sys\n"
        "if __name__ == '__main__':\n"
        "    for way in ('fork', 'spawn'):\n"
        "        child = multiprocessing.get_context(way).Process(target=leave)\n"
        "        child.start()\n        child.join()\n"
        "    subprocess.run([sys.executable, '-c', 'print(1)'], check=True)\n"
    )
    found = python(
        "-W",
        "ignore",
        "-m",
        "garbology",
        "run",
        "--children",
        "--exact",
        "-o",
        tmp_path,
        script,
        cwd=directory,
    )
    assert found.returncode == 0, found.stderr
    processes = read_recording(tmp_path).processes
    assert len(processes) >= 4
    assert sum(each.collected > 3_000 for each in processes) >= 2


@pytest.mark.slow
@GENERATIONAL
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_what_was_recorded_before_a_kill_is_drawn(directory, tmp_path):
    """`kill -9` of the program: until about the last second it is on disk, and the page says how it ended."""
    script = directory / "endless.py"
    script.write_text(
        f"{LEAVES}\nimport time\nprint('up', flush=True)\nwhile True:\n    leave(500)\n    time.sleep(0.01)"
    )
    words = [sys.executable, "-m", "garbology", "run", "-o", str(tmp_path), str(script)]
    with subprocess.Popen(
        words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout.readline() == "up\n"
        until = time.monotonic() + 60
        while time.monotonic() < until and not _collected(tmp_path):
            time.sleep(0.2)
        (pid,) = (int(path.name.split("-")[1]) for path in tmp_path.glob("process-*"))
        os.kill(pid, signal.SIGKILL)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGKILL
    assert "without an exit of the interpreter" in " ".join(errors.split())
    assert (tmp_path / "index.html").exists()
    assert _collected(tmp_path) > 500


def _collected(directory):
    try:
        return sum(each.collected for each in read_recording(directory).processes)
    except RecordingError:
        return 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGTERM") or os.name == "nt", reason="no such signal here")
def test_a_signal_is_passed_on(directory):
    """SIGTERM to the command reaches the program, which may answer as it likes."""
    script = directory / "polite.py"
    script.write_text(
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nprint('up', flush=True)\n"
        "time.sleep(60)"
    )
    words = [sys.executable, "-m", "garbology", "run", str(script)]
    with subprocess.Popen(
        words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout.readline() == "up\n"
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
    assert run.returncode == 9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["run"], "what is to be run"),
        (["run", "missing.py"], "missing.py: there is no such file"),
        (["run", "--budget", "2", "-m", "site"], "--budget 2"),
        (["run", "--interval", "0", "-m", "site"], "--interval 0"),
        (["run", "--threshold", "a,b", "-m", "site"], "--threshold a,b"),
        (["run", "-o", "/dev/null/x", "-m", "site"], "--output"),
        (["run", "--only", "", "-m", "site"], "--only '': it takes a module"),
        (["report", "nowhere"], "there is no recording"),
        (["report"], "Missing argument"),
        (["runn"], "No such command"),
        (["run", "-m"], "requires an argument"),
        (["run", "--what", "a.py"], "No such option"),
    ],
)
def test_what_cannot_be_done_is_one_line(words, text, directory):
    """Exit status 2, on standard error, with the value and the remedy."""
    found = garbology(*words, cwd=directory)
    assert found.returncode == 2
    assert text in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert found.stdout == ""


def test_a_newer_recording_is_refused(tmp_path):
    """With the remedy; nothing is written over."""
    (tmp_path / "program.json").write_text(json.dumps({"program": ["a.py"], "began_at_seconds": 0.0}))
    (tmp_path / "process-1-1.jsonl").write_text(
        json.dumps({"schema": "garbology.recording", "schema_version": 99})
    )
    with pytest.raises(RecordingError, match="newer garbology"):
        read_recording(tmp_path)
    (tmp_path / "program.json").write_text("half")
    with pytest.raises(RecordingError, match="is damaged"):
        read_recording(tmp_path)


def test_what_has_no_beginning_is_left_out(tmp_path):
    """A file whose first line is no header, as of a process whose disk was full when it began."""
    (tmp_path / "program.json").write_text(json.dumps({"program": ["a.py"], "began_at_seconds": 0.0}))
    (tmp_path / "process-1-1.jsonl").write_text(json.dumps({"schema": "garbology.monitor", "shapes": []}))
    (tmp_path / "process-2-1.jsonl").write_text("7\n")
    assert read_recording(tmp_path).processes == []


@pytest.mark.slow
def test_help_shows_an_example():
    """Of each command."""
    for words in (["--help"], ["run", "--help"], ["report", "--help"]):
        found = garbology(*words)
        assert found.returncode == 0
        assert "Example" in found.stdout or words == ["--help"]


LEAKS = """
import sys, time
KEPT = {}
class Session:
    def __init__(self):
        self.data = bytes(20_000)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    KEPT[f"user{len(KEPT)}"] = Session()
    time.sleep(0.01)
print("done")
"""


@pytest.mark.slow
@GENERATIONAL
@READS_ALLOCATORS
@pytest.mark.parametrize(("seconds", "told"), [("0.3", "too short a time"), ("9", "KEPT[str] gains")])
def test_why_memory_grows_is_told_where_it_is_asked_for(tmp_path, seconds, told):
    """Below the cycles, in the recording, and on a page of its own; no key, and the program's output is its own."""
    (tmp_path / "leaks.py").write_text(LEAKS)
    done = garbology("run", "--grow", "-o", "out", "leaks.py", seconds, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n")
    text = " ".join(done.stderr.split())
    assert told in text.partition("memory: ")[2], done.stderr
    growth = read_recording(tmp_path / "out").main.growth
    assert (growth["schema"], growth["unit"]) == ("garbology.growth", "second")
    assert "user" not in json.dumps(growth)
    page = (tmp_path / "out" / "growth" / "index.html").read_text(encoding="utf-8")
    assert ("KEPT[str]" in page) == (seconds == "9")
    assert "growth/index.html" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "is_there"),
    [(["garbology", "--help"], False), (["experiments.cycles", "--help"], False), (["mine"], True)],
)
def test_what_a_window_needs_is_imported_where_one_may_be_opened(words, is_there, tmp_path):
    """Not in the command nor in what runs studies, which measure other processes; in any program that imports it."""
    (tmp_path / "mine.py").write_text("import garbology\n")
    found = python("-X", "importtime", "-m", *words, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert ("garbology.find.window" in found.stderr) == is_there
    assert "scipy" not in found.stderr
