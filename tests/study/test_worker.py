"""The measured interpreter: what it is told, what it answers, and what it never imports."""

import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from garbology.measuring.interpreters import InterpreterError, Native
from garbology.measuring.locating import find_interpreter
from garbology.measuring.processes import clean_environment
from garbology.study.loading import load_study
from garbology.study.signals import exit_text

pytestmark = pytest.mark.slow

BODY = """
study = Study("Ways to end", {"kind": ["good"], "place": [""]})

@dataclass(frozen=True)
class Seen:
    modules: list
    variables: dict
    collected: int

@study.measure
def work(kind: str, place: str) -> Result:
    if kind == "abort": os.abort()
    if kind == "exit": os._exit(0)
    if kind == "raise": raise ValueError("no such\\nthing")
    if kind == "system exit": raise SystemExit(3)
    if kind == "print": print('{"status": "failed"}', flush=True)
    if kind == "wrong type": return 5
    if kind == "not JSON": return Result(total=object)
    if kind == "nan": return Result(total=float("nan"))
    if kind == "huge": return Result(total=10**400)
    if kind == "long": return Result(total=b"x" * 1_000_000)
    if kind == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        Path(place).write_text(str(child.pid))
        print("about to hang", flush=True)
        time.sleep(60)
    if kind == "leave a child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        Path(place).write_text(str(child.pid))
    return Result(7)

@study.measure
def look() -> Seen:
    import gc
    return Seen(sorted(sys.modules), dict(os.environ), gc.collect())
"""


@pytest.fixture
def target(write_study):
    path = write_study(BODY)
    load_study(path)
    return path


def run(target, kind, *, limit_seconds=30, place=""):
    return Native().run(target, "work", {"kind": kind, "place": place}, limit_seconds)


def test_a_measured_case_is_answered_with_its_values(target):
    """Status, duration and the dataclass's fields come back."""
    answer = run(target, "good")
    assert answer["status"] == "ok"
    assert answer["values"] == {"total": 7, "held_bytes": 0}
    assert 0 <= answer["seconds"] < 1


def test_what_the_case_prints_is_not_mistaken_for_the_answer(target):
    """The answer has a file of its own."""
    assert run(target, "print")["status"] == "ok"


def test_a_case_that_raises_has_failed_with_its_message(target):
    """The exception is named in one line."""
    answer = run(target, "raise")
    assert (answer["status"], answer["message"]) == ("failed", "ValueError: no such thing")


@pytest.mark.parametrize(("kind", "exit_code"), [("abort", -6), ("exit", 0), ("system exit", 3)])
def test_a_case_that_ends_the_process_has_crashed(target, kind, exit_code):
    """The exit code is told, also where it is zero and only the answer is missing."""
    answer = run(target, kind)
    assert (answer["status"], answer["exit_code"]) == ("crashed", exit_code)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("wrong type", "measure 'work' must return a dataclass, got int"),
        ("not JSON", "returned total=<class 'object'>, which is no JSON value"),
        ("nan", "returned total=nan, which is no JSON value"),
        ("huge", "which is no JSON value: int too large to convert to float"),
        ("long", "xxx, which is no JSON value: Object of type bytes"),
    ],
)
def test_a_result_that_cannot_be_recorded_has_failed(target, kind, message):
    """The message says which value is at fault."""
    answer = run(target, kind)
    assert answer["status"] == "failed"
    assert message in answer["message"]
    assert len(answer["message"]) <= 400


def test_a_case_that_hangs_is_killed_with_all_it_started(target, tmp_path):
    """At the time limit the whole process group goes."""
    place = tmp_path / "pid"
    started = time.monotonic()
    answer = run(target, "hang", limit_seconds=1.5, place=str(place))
    assert (answer["status"], answer["limit_seconds"], answer["message"]) == ("timeout", 1.5, "about to hang")
    assert time.monotonic() - started < 10
    assert_gone(int(place.read_text()))


def test_what_a_case_leaves_running_does_not_disturb_the_next(target, tmp_path):
    """A child that outlives its case is killed."""
    place = tmp_path / "pid"
    assert run(target, "leave a child", place=str(place))["status"] == "ok"
    assert_gone(int(place.read_text()))


def test_a_measured_interpreter_imports_no_drawing_and_no_command_line(target):
    """Plotting libraries and the parent's tools would be in every figure of memory."""
    modules = set(Native().run(target, "look", {}, 30)["values"]["modules"])
    assert "garbology.measuring.worker" in modules or "garbology.study.declaration" in modules
    unwanted = {"altair", "vl_convert", "jinja2", "matplotlib", "pandas", "rich", "click", "pytest"}
    assert not unwanted & modules
    assert not {name for name in modules if name.startswith("garbology.reporting")}


def test_a_measured_interpreter_has_a_clean_environment(target, monkeypatch):
    """One hash seed, one thread in each library, nothing of the shell that changes how Python runs."""
    monkeypatch.setenv("PYTHONHASHSEED", "99")
    monkeypatch.setenv("PYTHONTRACEMALLOC", "5")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    seen = Native().run(target, "look", {}, 30)["values"]
    assert (seen["variables"]["PYTHONHASHSEED"], seen["variables"]["OMP_NUM_THREADS"]) == ("0", "1")
    assert "PYTHONTRACEMALLOC" not in seen["variables"]
    assert seen["collected"] <= 5  # the garbage of the imports was collected before the measure began


def test_the_search_path_of_the_shell_is_kept(target, monkeypatch):
    """A study may need what PYTHONPATH names."""
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    assert clean_environment(target)["PYTHONPATH"].split(os.pathsep)[-1] == "/somewhere/else"


def test_an_interpreter_is_described_to_the_detail_that_makes_runs_comparable(target):
    """Exact version, collector, thresholds, packages and the variables that were set."""
    described = Native().describe(target)
    assert described["runtime"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert described["runtime"]["collector"] in described["slug"]
    environment = described["environment"]
    assert environment["packages"]["numpy"]
    assert environment["variables"]["PYTHONHASHSEED"] == "0"
    assert len(environment["gc_thresholds"]) == 3
    assert environment["total_memory_bytes"] > 1e8
    assert json.loads(json.dumps(described)) == described


def write_python(place, script):
    """An executable that pretends to be a Python."""
    place.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    place.chmod(0o755)
    return str(place)


def test_an_interpreter_that_cannot_run_the_study_is_named(target, tmp_path):
    """A broken interpreter is an error of its own, before anything is measured."""
    broken = write_python(tmp_path / "python", "echo cannot >&2; exit 3")
    with pytest.raises(InterpreterError, match=r"python cannot run the study: cannot$"):
        Native(broken).describe(target)


def test_an_interpreter_that_is_too_old_is_told_so(target, tmp_path):
    """Not by the first thing that it stumbles over."""
    old = write_python(
        tmp_path / "python", 'case "$*" in *python_version*) echo 3.8.18;; *) echo SyntaxError; exit 1;; esac'
    )
    with pytest.raises(
        InterpreterError, match=r"3\.8 cannot .*: Python 3\.8\.18 is too old, 3\.10 or newer is needed"
    ):
        Native(old, "3.8").describe(target)


LAST_WORD = 'for last; do :; done; case "$last" in *.json) ;; *) exit 1;; esac'


def test_an_interpreter_that_is_too_old_is_refused_although_it_could_load_the_study(target, tmp_path):
    """A study without dependencies runs on more than is supported, and none of that is measured."""
    answer = '{"slug": "cpython-3.9.18", "runtime": {"version": "3.9.18"}, "environment": {}}'
    old = write_python(tmp_path / "python", f"{LAST_WORD}; echo '{answer}' >$last")
    with pytest.raises(InterpreterError, match=r"3\.9 cannot run the study: Python 3\.9\.18 is too old"):
        Native(old, "3.9").describe(target)


def test_an_interpreter_that_hangs_is_waited_for_once(target, tmp_path, monkeypatch):
    """However many studies there are to be measured on it."""
    monkeypatch.setattr("garbology.measuring.interpreters._DESCRIBE_SECONDS", 1)
    calls = tmp_path / "calls"
    hanging = Native(write_python(tmp_path / "python", f"echo called >>{calls}; exec sleep 60"), "hanging")
    for _ in range(3):
        with pytest.raises(
            InterpreterError, match="hanging cannot run the study: it said nothing in 1 second"
        ):
            hanging.describe(target)
    assert calls.read_text(encoding="utf-8").count("called") == 2  # the worker, and the version alone


def test_an_answer_that_is_none_is_a_crash(target, tmp_path):
    """A program that writes something else to the file of results is no Python that measured."""
    liar = write_python(tmp_path / "python", f"{LAST_WORD}; echo '[1]' >$last")
    with pytest.raises(InterpreterError, match="exit code 0 and no result"):
        Native(liar, "liar").describe(target)


def test_a_launcher_that_refuses_is_told_by_its_first_line(target, tmp_path):
    """A version manager's shim says what is wrong, then what might be done."""
    shim = write_python(
        tmp_path / "python", 'echo "pyenv: python3.99: command not found" >&2; echo "Try" >&2; exit 127'
    )
    with pytest.raises(
        InterpreterError, match=r"cannot run the study: pyenv: python3\.99: command not found$"
    ):
        Native(shim).describe(target)


def test_a_file_that_is_no_program_is_named(target, tmp_path):
    """It cannot be run, and the reason is told in one line."""
    text = tmp_path / "notes"
    text.write_text("no program", encoding="utf-8")
    text.chmod(0o755)
    with pytest.raises(InterpreterError, match="notes cannot be run"):
        Native(str(text), "notes").describe(target)


def test_another_interpreter_must_be_able_to_load_the_study(write_study, tmp_path):
    """What the study imports is missing there: that is told before anything is measured."""
    other = write_python(tmp_path / "other", f'exec {sys.executable} "$@"')
    path = write_study("import nothing_of_that_name\n" + BODY)
    with pytest.raises(
        InterpreterError,
        match=r"other cannot run the study: ModuleNotFoundError: No module named.*pip install",
    ):
        Native(other, "other").describe(path)


def test_an_interpreter_is_found_by_path_or_by_name(tmp_path, monkeypatch):
    """A path, a name on PATH, or the version alone."""
    python = write_python(tmp_path / "python3.99", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [find_interpreter(text).python for text in (python, "python3.99", "3.99")] == [python] * 3
    assert find_interpreter("3.99").name == "3.99"
    with pytest.raises(InterpreterError, match=r"no interpreter '3\.98': give its path, or a name"):
        find_interpreter("3.98")
    write_python(tmp_path / "python", "exit 1")
    with pytest.raises(InterpreterError, match="no interpreter ''"):  # an empty variable of the shell
        find_interpreter("")


def test_without_psutil_an_interpreter_is_described_all_the_same(tmp_path):
    """Only the machine's memory is not known then."""
    environment = environment_without("psutil", tmp_path)
    assert environment["total_memory_bytes"] is None
    assert environment["gc_thresholds"]


def environment_without(package, place):
    """What a worker says of its environment when a package cannot be imported."""
    (place / f"{package}.py").write_text("raise ImportError('none here')", encoding="utf-8")
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]);"
        "from garbology.measuring.worker import describe; print(json.dumps(describe()))"
    )
    command = [sys.executable, "-X", "garbology=late", "-c", code, str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["environment"]


LIGHT = """
from garbology import collector, record_pauses
from garbology.recorders import memory_usage, waiting_garbage
study = Study("Light", {"n": [1]})

@dataclass(frozen=True)
class Modules:
    names: list

@study.measure
def look(n: int) -> Modules:
    return Modules(sorted(sys.modules))
"""


def test_a_study_that_needs_no_numpy_imports_none(write_study):
    """What is not needed would take half a second of every sample, and memory; it also runs without."""
    path = write_study(LIGHT)
    names = set(Native().run(path, "look", {"n": 1}, 30)["values"]["names"])
    assert not {"numpy", "scipy", "psutil", "objgraph", "importlib.metadata"} & names


def test_a_study_that_imports_garbology_whole_has_all_of_it_before_the_measurement(write_study):
    """Nothing is imported at its first use, where it would be measured."""
    path = write_study("import garbology\n" + LIGHT)
    assert "garbology.find.window" in Native().run(path, "look", {"n": 1}, 30)["values"]["names"]


def test_outside_a_study_everything_is_imported_at_once():
    """The import's own garbage must not be found in somebody's window."""
    code = "import sys, garbology; print('garbology.find.window' in sys.modules, 'watch' in vars(garbology))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (-11, "SIGSEGV (signal 11)"),
        (-200, "signal 200"),
        (0, "exit code 0 and no result"),
        (None, "an unknown exit code"),
    ],
)
def test_an_exit_code_is_told_in_words(code, text):
    """A signal has its name where it has one."""
    assert exit_text(code) == text


def test_importing_a_study_imports_nothing_to_draw_with():
    """The packages that a study imports are light."""
    heavy = "{'altair', 'click', 'rich', 'jinja2', 'vl_convert'}"
    command = [sys.executable, "-c", f"import garbology.study, sys; print({heavy} & set(sys.modules))"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"


def assert_gone(pid):
    """The process ends soon, if it has not ended yet; a zombie is one that nobody has waited for yet."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
