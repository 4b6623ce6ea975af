"""The command line: options, exit statuses, and one line for what goes wrong."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from garbology.cli.command import run_package
from garbology.cli.options import processors
from garbology.study.loading import load_study
from garbology.study.program import run_study
from tests.fresh import RUNS_STUDIES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

BODY = """
study = Study("Small things", {"n": [1, 2], "seconds_asleep": [0.0]}, repeats=2, quick={"n": [1]})

@study.measure
def work(n: int, seconds_asleep: float) -> Result:
    time.sleep(seconds_asleep)
    if os.environ.get("SMALL_CRASH") == str(n): os.abort()
    return Result(2 * n)

@study.finding
def doubles(runs):
    \"\"\"Everything is doubled.\"\"\"
    for run in runs:
        assert run.total == FACTOR * run.n, run

@study.figure
def totals(runs):
    \"\"\"Total over n.\"\"\"
    return line(runs, x="n", y="total")

@study.verdict
def verdict(runs):
    return f"{len(runs)} samples"
"""


@pytest.fixture
def target(write_study):
    return write_study("FACTOR = 2\n" + BODY)


def run(*words, **variables):
    """Run a study's file as a program, from another directory than the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [*RUNS_STUDIES, *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100, check=False)


def one_line(text):
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


def test_a_run_measures_writes_and_shows(target, tmp_path):
    """Exit status 0, the record and the page on disk, their paths on standard output."""
    done = run(target, "--quick", "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    directory = tmp_path / "out" / "small"
    written = {path.name for path in directory.iterdir()}
    record = next(name for name in written if name.endswith(".json"))
    assert {"README.md", "index.html"} <= written
    assert str(directory / record) in done.stdout
    assert "2 samples" in done.stdout
    assert "Everything is doubled." in " ".join(done.stdout.split())
    assert "small: 2 samples to take" in done.stderr
    data = json.loads((directory / record).read_text(encoding="utf-8"))
    assert data["command"] == ["python", "small.py", "--quick"]


def test_a_finding_that_does_not_hold_is_exit_status_1(write_study, tmp_path):
    """A broken claim fails the run, which is written all the same."""
    study = load_study(write_study("FACTOR = 3\n" + BODY))
    assert run_study(study, ["--quick", "-o", str(tmp_path)]) == 1
    assert list((tmp_path / "small").glob("*.json"))


def test_a_case_that_crashes_is_exit_status_1(target, tmp_path, monkeypatch, capsys):
    """What was not measured is no success, although every finding holds on the rest."""
    monkeypatch.setenv("SMALL_CRASH", "2")
    assert run_study(load_study(target), ["--repeats", "1", "-o", str(tmp_path)]) == 1
    assert "work(n=2, seconds_asleep=0.0) crashed with SIGABRT (signal 6)" in capsys.readouterr().err


UNAVAILABLE = """
from garbology.study import Unavailable

@study.measure
def absent(n: int) -> Result:
    raise Unavailable("tinygrad is not installed:\\npip install tinygrad")

@study.finding
def about_the_absent(runs):
    \"\"\"It is fast.\"\"\"
    for run in runs.of(absent):
        assert run.total
"""


def test_what_cannot_be_measured_here_fails_nothing(write_study, tmp_path, capsys):
    """The page says what is missing, and the exit status is 0 as long as what was measured is good."""
    study = load_study(write_study("FACTOR = 2\n" + BODY + UNAVAILABLE))
    assert run_study(study, ["--quick", "-o", str(tmp_path)]) == 0
    page = (tmp_path / "small" / "README.md").read_text(encoding="utf-8")
    assert "not measured: tinygrad is not installed: pip install tinygrad (absent(n=1))" in page
    study = load_study(write_study("FACTOR = 3.0\n" + BODY + UNAVAILABLE))
    assert run_study(study, ["--quick", "-o", str(tmp_path)]) == 1


def test_a_claim_that_nothing_was_measured_for_fails_where_nothing_is_unavailable(write_study, tmp_path):
    """Only what is missing here excuses it."""
    study = load_study(write_study("FACTOR = 2\n" + BODY + UNAVAILABLE.replace("def absent", "def hidden")))
    study.measures["hidden"].function.__globals__["absent"] = "absent"
    study.measures.pop("hidden")
    assert run_study(study, ["--quick", "-o", str(tmp_path)]) == 1


def test_a_time_limit_can_be_set(target, tmp_path, capsys):
    """--timeout kills a case that takes longer, and that is exit status 1."""
    study = load_study(target)
    study.parameters["seconds_asleep"] = [30.0]
    assert run_study(study, ["--quick", "--repeats", "1", "--timeout", "0.7", "-o", str(tmp_path)]) == 1
    assert "was killed after 0.7 seconds" in capsys.readouterr().err


def test_the_report_of_a_run_is_drawn_again_without_measuring(target, tmp_path):
    """A damaged record beside a good one is named on the page, which is drawn from the good one."""
    study = load_study(target)
    assert run_study(study, ["--quick", "-o", str(tmp_path)]) == 0
    (tmp_path / "small" / "damaged.json").write_text("{", encoding="utf-8")
    from garbology.cli.publishing import publish

    publish(study, tmp_path / "small", say=print)
    assert "damaged.json is damaged" in (tmp_path / "small" / "README.md").read_text(encoding="utf-8")


WRONG = {
    "an unknown option": (["--fast"], "small: No such option"),
    "a word too many": (["quickly"], "small: Got unexpected extra argument"),
    "no number": (["--repeats", "many"], "small: Invalid value for '--repeats'"),
    "no repeats": (["--repeats", "0"], "small: Invalid value for '--repeats'"),
    "no time": (["--timeout", "0"], "small: Invalid value for '--timeout'"),
    "a time that is no number": (["--timeout", "nan"], "small: --timeout nan: give a number of seconds"),
    "time without end": (["--timeout", "inf"], "small: Invalid value for '--timeout'"),
    "no jobs": (["--jobs", "0"], "small: Invalid value for '--jobs'"),
    "a seed that no record keeps": (["--seed", str(2**53)], "small: Invalid value for '--seed'"),
    "two scales": (["--quick", "--full"], "small: --quick and --full exclude each other"),
    "an unknown measure": (["--measure", "play"], "small: --measure play: the measures are work"),
    "an unknown parameter": (
        ["--case", "m=1"],
        "small: --case m=1: expected NAME=VALUE, where NAME is of n,",
    ),
    "an unknown value": (["--case", "n=99"], "small: --case n=99: no case has it, n is 1; 2"),
    "a value of another scale": (
        ["--quick", "--case", "n=2"],
        "small: --case n=2: no case with --quick has it, n is 1",
    ),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_option_is_one_line_and_nothing_is_measured(target, tmp_path, capsys, words, message):
    """Exit status 2, one line on standard error, no output directory."""
    assert run_study(load_study(target), [*words, "-o", str(tmp_path / "out")]) == 2
    written = capsys.readouterr()
    assert one_line(written.err).startswith(message)
    assert written.out == ""
    assert not (tmp_path / "out").exists()


def test_a_value_that_no_case_has_is_refused_although_a_measure_lacks_the_parameter(write_study, tmp_path):
    """That measure would be measured, and nobody would see that the word was mistyped."""
    body = """
    @study.measure
    def sleep(seconds_asleep: float) -> Result:
        return Result(0)
    """
    study = load_study(write_study("FACTOR = 2\n" + BODY + textwrap.dedent(body)))
    assert run_study(study, ["--case", "n=nope", "-o", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    assert (
        run_study(study, ["--case", "n=1", "--measure", "sleep", "--repeats", "1", "-o", str(tmp_path)]) != 2
    )


def test_an_output_directory_that_cannot_be_written_is_one_line(target, tmp_path, capsys):
    """It is found out before anything is measured."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run_study(load_study(target), ["--quick", "-o", str(tmp_path / "file")]) == 2
    error = one_line(capsys.readouterr().err)
    assert re.fullmatch(r"small: cannot write to .*file.small: (Not a directory|File exists)", error)


def test_a_disk_that_fills_up_ends_the_run_in_one_line(target, tmp_path, capsys, monkeypatch):
    """Whatever was on record before stays, and nothing but what happened and what to do is said."""

    def write_nothing(record, directory):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("garbology.measuring.runner.write_record", write_nothing)
    assert run_study(load_study(target), ["--quick", "-o", str(tmp_path / "out")]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"small: stopped, {tmp_path / 'out'} or ")
    assert "No space left on device" in last
    assert "--resume" in last


@pytest.mark.parametrize("option", ["-O", "-OO"])
def test_findings_are_not_left_out_by_optimisation(option, target, tmp_path):
    """python -O removes assertions, so that every finding would hold, and -OO the docstrings that say them."""
    for words in ([target, "--quick"], ["-m", "experiments", "report"]):
        done = run(option, *words, "-o", str(tmp_path))
        assert done.returncode == 2
        assert "run without -O" in one_line(done.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_what_was_measured_and_a_page(write_study, tmp_path, number):
    """Exit status 130, the unfinished record, a page that says so, and no process left."""
    body = BODY.replace('"seconds_asleep": [0.0]', '"seconds_asleep": [0.0, 50.0]')
    target = write_study("FACTOR = 2\n" + body)
    out = tmp_path / "out"
    command = [*RUNS_STUDIES, target, "--seed", seed_with_a_long_case_third(target), "-o", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_samples(out / "small", 2)
    time.sleep(0.3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    (record,) = (out / "small").glob("*.partial.json")
    assert len(json.loads(record.read_text(encoding="utf-8"))["samples"]) == 2
    assert "not complete" in (out / "small" / "README.md").read_text(encoding="utf-8")
    assert "interrupted: the same command with --resume goes on" in errors


def write_other_python(place):
    """The same interpreter under another path."""
    place.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    place.chmod(0o755)
    return str(place)


def test_one_interpreter_that_is_not_there_does_not_stop_the_others(target, tmp_path, capsys):
    """Each has its line; what can be measured is, and the exit status tells of the rest."""
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    pythons = [
        str(broken),
        write_other_python(tmp_path / "good"),
        write_other_python(tmp_path / "twin"),
        "3.99",
    ]
    words = [word for python in pythons for word in ("--python", python)]
    assert run_study(load_study(target), ["--quick", *words, "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert (
        "no interpreter '3.99': give its path, or a name that is on PATH, such as 3.12 or python3.12" in said
    )
    assert f"small: {broken} cannot run the study: exit code 1 and no result" in said
    assert f"small: {tmp_path / 'twin'} is the same runtime as {tmp_path / 'good'}" in said
    assert len(list((tmp_path / "out" / "small").glob("*.json"))) == 1


def test_an_interpreter_that_cannot_run_the_study_is_exit_status_1(target, tmp_path, capsys):
    """Nothing was measured, which is no success, and nothing is drawn."""
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    assert (
        run_study(load_study(target), ["--quick", "--python", str(broken), "-o", str(tmp_path / "out")]) == 1
    )
    assert one_line(capsys.readouterr().err).endswith("cannot run the study: exit code 1 and no result")


def test_jobs_are_the_processors_in_a_quick_run_and_one_otherwise(target, tmp_path):
    """The record says how many samples were taken at once; a number that was asked for is in the command."""
    study = load_study(target)
    jobs = []
    for words in (["--quick"], ["--repeats", "1"], ["--quick", "--jobs", "3"]):
        run_study(study, [*words, "-o", str(tmp_path)])
        (path,) = (tmp_path / "small").glob("*.json")
        jobs.append(json.loads(path.read_text(encoding="utf-8"))["jobs"])
        last = json.loads(path.read_text(encoding="utf-8"))["command"]
    assert jobs == [processors(), 1, 3]
    assert last == ["python", "small.py", "--quick", "--jobs", "3"]


def test_resuming_says_so_when_there_is_nothing_to_resume(target, tmp_path, capsys):
    """Everything is measured then."""
    assert run_study(load_study(target), ["--quick", "--resume", "-o", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert "there is nothing to resume: everything is measured from the beginning" in said
    assert "small: 2 samples to take" in said


def test_a_finished_run_that_is_resumed_measures_nothing(target, tmp_path, capsys):
    """It says so, and shows and draws what was measured; a changed study is measured anew, and why is said."""
    assert run_study(load_study(target), ["--quick", "-o", str(tmp_path)]) == 0
    (path,) = (tmp_path / "small").glob("*.json")
    before = path.read_bytes()
    capsys.readouterr()
    assert run_study(load_study(target), ["--quick", "--resume", "-o", str(tmp_path)]) == 0
    written = capsys.readouterr()
    said = one_line(written.err)
    assert re.fullmatch(r"small: is measured already, on \d{4}-\d\d-\d\d: nothing is measured again", said)
    assert "Everything is doubled." in " ".join(written.out.split())
    assert path.read_bytes() == before
    Path(target).write_text(Path(target).read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert run_study(load_study(target), ["--quick", "--resume", "-o", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert "small: is measured anew, the finished run was another one: the study's file has changed\n" in said
    assert "small: 2 samples to take" in said


def test_without_the_drawing_libraries_the_record_is_written(target, tmp_path):
    """One line says which extra to install, and the findings are still judged."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for name in ("altair", "rich", "jinja2"):
        text = f"raise ModuleNotFoundError(\"No module named '{name}'\", name={name!r})\n"
        (hidden / f"{name}.py").write_text(text, encoding="utf-8")
    done = run(target, "--quick", "-o", str(tmp_path / "out"), PYTHONPATH=f"{hidden}{os.pathsep}{ROOT}")
    assert done.returncode == 0, done.stderr
    assert "pip install 'garbology[experiments]'" in done.stderr
    assert "holds: Everything is doubled." in done.stderr
    assert list((tmp_path / "out" / "small").glob("*.json"))


def test_the_package_lists_its_studies():
    """`python -m experiments list` names each study with its title and the number of its cases."""
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert re.search(r"^cycles +\d+ / \d+ / \d+ +Reference cycles ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "nonsense"], "experiments: no study is called 'nonsense': there are "),
        ([], "experiments: which command: list, run,"),
        (["run"], "experiments: which study: some of their names, or all? list names them"),
        (["play"], "experiments: No such command"),
        (["matrix", "nonsense", "--list"], "experiments: no study is called 'nonsense': there are "),
        (["report", "-o", "nowhere"], "experiments: no records under nowhere: run a study first"),
    ],
)
def test_a_wrong_word_to_the_package_is_one_line(words, message):
    """Exit status 2 and one line on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "experiments", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert one_line(done.stderr).startswith(message)


def seed_with_a_long_case_third(target):
    """A seed that puts two short cases first and a long one third."""
    from garbology.measuring.schedule import Schedule
    from garbology.study.repetition import Repetition

    study = load_study(target)
    for seed in range(1000):
        schedule = Schedule(study.grid(), Repetition(2, 2, 0.1), seed)
        asleep = [schedule.next().case["seconds_asleep"] for _ in range(3)]
        if asleep == [0.0, 0.0, 50.0]:
            return str(seed)
    raise AssertionError("no such seed")


def wait_for_samples(directory, count):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in directory.glob("*.partial.json"):
            if len(json.loads(path.read_text(encoding="utf-8"))["samples"]) >= count:
                return
        time.sleep(0.05)
    raise AssertionError(f"{count} samples did not appear")


@pytest.fixture
def package(write_study, tmp_path, monkeypatch):
    """A package of two studies, one of which cannot be imported."""
    path = Path(write_study("FACTOR = 2\n" + BODY))
    place = tmp_path / "trials"
    place.mkdir()
    (place / "__init__.py").write_text("", encoding="utf-8")
    path.rename(place / "small.py")
    (place / "broken.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
    (place / "_helper.py").write_text("raise RuntimeError\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "trials"
    for name in [name for name in sys.modules if name.partition(".")[0] == "trials"]:
        del sys.modules[name]


def test_all_studies_of_a_package_are_run_and_one_that_is_broken_is_named(package, tmp_path, capsys):
    """The good study is measured and has its page; the exit status tells of the other."""
    assert run_package(package, ["run", "all", "--quick", "--repeats", "1"]) == 2
    written = capsys.readouterr()
    assert "trials.broken cannot be loaded: ModuleNotFoundError: No module named 'nothing_of" in written.err
    assert {"index.html", "README.md", "small"} <= {path.name for path in (tmp_path / "reports").iterdir()}


def test_a_study_run_alone_draws_the_front_page_again(package, tmp_path, capsys):
    """Whether as a module or by name; where nothing was measured, no page is drawn and none is named."""
    module = load_study(f"{package}.small")
    front = tmp_path / "reports" / "index.html"
    assert run_study(module, ["--quick", "--repeats", "1"]) == 0
    assert str(front.relative_to(tmp_path)) in capsys.readouterr().out.splitlines()
    front.unlink()
    assert run_package(package, ["run", "small", "--quick", "--python", "3.99"]) == 2
    assert run_study(module, ["--quick", "--python", "3.99"]) == 2
    assert capsys.readouterr().out == ""
    assert not front.exists()


def test_a_run_begins_with_its_question_and_ends_with_its_answer(package, tmp_path, capsys):
    """The first line says what is measured, the last two are the verdict and how to open the page."""
    path = tmp_path / "trials" / "small.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("repeats=2", "repeats=2, glossary={'x': 'a number'}"), encoding="utf-8")
    module = load_study(f"{package}.small")
    assert run_study(module, ["--quick", "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["A study of the framework itself.", "  x  a number"]
    assert lines[-1] == f"open {Path('reports', 'small', 'index.html')}"
    assert lines[-2] == "1 samples"
    assert lines.count(lines[-2]) == 1


def test_a_run_is_shown_beside_the_reference_set(package, tmp_path, capsys):
    """In the terminal and on the page; the records of the reference set stay as they are."""
    tile = '@study.tile\ndef count(runs):\n    return Tile("Samples", len(runs))\n\n'
    path = tmp_path / "trials" / "small.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("@study.verdict", tile + "@study.verdict"), encoding="utf-8")
    module = load_study(f"{package}.small")
    assert (
        run_study(module, ["--quick", "--repeats", "1", "-o", str(tmp_path / "reports" / "reference")]) == 0
    )
    assert "reference, " not in capsys.readouterr().out
    (record,) = (tmp_path / "reports" / "reference" / "small").glob("*.json")
    before = record.read_bytes()
    assert run_study(module, ["--quick", "--repeats", "1"]) == 0
    version = ".".join(map(str, sys.version_info[:3]))
    assert f"reference, {version}" in capsys.readouterr().out
    page = (tmp_path / "reports" / "small" / "README.md").read_text(encoding="utf-8")
    assert "[The reference set](../reference/small/README.md)" in page
    assert record.read_bytes() == before


def test_with_several_interpreters_each_result_names_its_own(target, tmp_path, capsys):
    """Version and collector, and the interpreter as it was asked for, on a line above the result."""
    other = write_other_python(tmp_path / "other")
    broken = str(tmp_path / "none")
    words = ["--quick", "--python", other, "--python", broken, "-o", str(tmp_path / "out")]
    run_study(load_study(target), words)
    assert "== small" not in capsys.readouterr().out
    run_study(load_study(target), [*words, "--python", write_other_python(tmp_path / "twin")])
    version = ".".join(map(str, sys.version_info[:3]))
    written = capsys.readouterr().out
    assert re.search(rf"^== small: CPython {version}\S*, \S+ \({re.escape(other)}\)$", written, re.MULTILINE)
    assert written.index("== small") < written.index("Small things")


def test_reports_are_drawn_again_from_the_records_alone(package, tmp_path, capsys):
    """`report` measures nothing and gives the same pages."""
    assert run_package(package, ["run", "small", "--quick", "--repeats", "1"]) == 0
    pages = [tmp_path / "reports" / "small" / name for name in ("index.html", "README.md", "totals.svg")]
    before = [page.read_bytes() for page in pages]
    for page in pages:
        page.unlink()
    capsys.readouterr()
    assert run_package(package, ["report", "small"]) == 0
    assert [page.read_bytes() for page in pages] == before
    assert "samples to take" not in capsys.readouterr().err


def test_a_report_for_the_web_names_pictures_by_their_whole_address(package, tmp_path, capsys):
    """What is no address is refused."""
    assert run_package(package, ["run", "small", "--quick", "--repeats", "1"]) == 0
    assert run_package(package, ["report", "small", "--address", "https://example.org/reports/"]) == 0
    text = (tmp_path / "reports" / "small" / "index.html").read_text(encoding="utf-8")
    assert 'property="og:image" content="https://example.org/reports/small/preview.png"' in text
    capsys.readouterr()
    assert run_package(package, ["report", "--address", "example.org"]) == 2
    assert one_line(capsys.readouterr().err).endswith("expected what begins with https:// or http://")


def test_a_run_draws_what_a_report_draws(package, tmp_path):
    """Whichever runtime was measured last: the same records give the same pages."""
    (tmp_path / "trials" / "broken.py").unlink()
    assert run_package(package, ["run", "small", "--quick", "--repeats", "1"]) == 0
    directory = tmp_path / "reports" / "small"
    (path,) = directory.glob("*.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    record["runtime"]["version"] = "9.9.9"
    path.with_name("cpython-9.9.9.json").write_text(json.dumps(record), encoding="utf-8")
    assert run_package(package, ["run", "small", "--quick", "--repeats", "1"]) == 0
    before = (directory / "README.md").read_bytes()
    assert b"9.9.9" in before
    assert run_package(package, ["report"]) == 0
    assert (directory / "README.md").read_bytes() == before


def test_a_report_names_what_it_leaves_out(package, tmp_path, capsys):
    """Each damaged or newer record has its line on standard error; the rest is drawn, which is success."""
    (tmp_path / "trials" / "broken.py").unlink()
    assert run_package(package, ["run", "small", "--quick", "--repeats", "1"]) == 0
    directory = tmp_path / "reports" / "small"
    (directory / "damaged.json").write_text("{", encoding="utf-8")
    newer = '{"schema": "garbology.study", "schema_version": 99}'
    (directory / "newer.json").write_text(newer, encoding="utf-8")
    capsys.readouterr()
    assert run_package(package, ["report"]) == 0
    written = capsys.readouterr()
    damaged, new = written.err.splitlines()
    assert damaged.startswith("small: damaged.json is damaged: ")
    assert new.startswith("small: newer.json was written by a newer garbology (schema_version 99")
    assert damaged.endswith("; it is left out")
    assert new.endswith("; it is left out")
    assert str(Path("reports", "small", "index.html")) in written.out


def test_the_name_of_a_file_is_shown_and_not_obeyed(package, tmp_path, capsys):
    """A terminal would take an escape sequence in a damaged record's name for an order."""
    (tmp_path / "trials" / "broken.py").unlink()
    assert run_package(package, ["run", "small", "--quick", "--repeats", "1"]) == 0
    (tmp_path / "reports" / "small" / "\x1b[31mred.json").write_text("{", encoding="utf-8")
    capsys.readouterr()
    assert run_package(package, ["report"]) == 0
    assert capsys.readouterr().err.startswith("small: \\x1b[31mred.json is damaged")


def test_a_report_that_cannot_be_drawn_is_named_and_the_others_are(package, tmp_path, capsys):
    """Exit status 1, one line on standard error, what stood there untouched, and the front page drawn."""
    (tmp_path / "trials" / "broken.py").unlink()
    assert run_package(package, ["run", "small", "--quick", "--repeats", "1"]) == 0
    page = tmp_path / "reports" / "small" / "index.html"
    page.unlink()
    page.mkdir()
    (tmp_path / "reports" / "index.html").unlink()
    capsys.readouterr()
    assert run_package(package, ["report"]) == 1
    written = capsys.readouterr()
    error = one_line(written.err)
    assert error.startswith("small: the report is not drawn, and what is there is left as it is: ")
    assert str(Path("reports", "index.html")) in written.out
    assert page.is_dir()


def test_a_report_of_nothing_but_damage_is_exit_status_2(package, tmp_path, capsys):
    """Nothing is drawn then."""
    (tmp_path / "reports" / "small").mkdir(parents=True)
    (tmp_path / "reports" / "small" / "damaged.json").write_text("{", encoding="utf-8")
    assert run_package(package, ["report", "small"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("small: damaged.json is damaged")
    assert said[1] == "trials: no records that can be read under reports: run a study first"
    assert [path.name for path in (tmp_path / "reports").rglob("*.html")] == []


def test_listing_names_what_cannot_be_loaded(package, capsys):
    """`list` shows the good study and complains of the other."""
    assert run_package(package, ["list"]) == 2
    written = capsys.readouterr()
    assert written.out == "study  cases: quick / default / full\nsmall  1 / 2 / 2  Small things\n"
    assert "trials.broken cannot be loaded" in one_line(written.err)


def test_a_script_that_exits_when_imported_takes_no_study_with_it(package, capsys):
    """It is named like any file that declares no study, and is no success."""
    (Path(package) / "script.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    assert run_package(package, ["list"]) == 2
    written = capsys.readouterr()
    assert "trials.script cannot be loaded: SystemExit: 0" in written.err
    assert "small" in written.out
