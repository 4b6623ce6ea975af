"""Standard output that is closed, full or read by `head`: no fault of the output directory, and no loss there."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh import RUNS_STUDIES

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")]

ROOT = Path(__file__).resolve().parents[2]
BODY = """
study = Study("Small things", {"n": [1, 2]}, repeats=1, most_repeats=1)

@study.measure
def work(n: int) -> Result:
    return Result(2 * n)

@study.finding
def doubles(runs):
    \"\"\"Everything is doubled.\"\"\"
    for run in runs:
        assert run.total == FACTOR * run.n, run
"""
# Longer than what a pipe holds, so that it is still being written when its reader has gone.
LONG = "@study.verdict\ndef verdict(runs):\n    return 'word ' * 40_000\n"


@pytest.fixture
def shell(write_study, tmp_path):
    """A function that runs a study's command line in a shell with redirections: the exit status, what was said."""

    def run(redirection, factor=2, more="", options=()):
        target = write_study(f"FACTOR = {factor}\n" + BODY + more)
        command = f"{shlex.join([*RUNS_STUDIES, *options])} {target} -o {tmp_path / 'out'} {redirection}"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"], env=environment, capture_output=True, text=True
        )

    return run


def assert_all_is_drawn(tmp_path):
    names = {path.name for path in (tmp_path / "out" / "small").iterdir()}
    assert {"index.html", "README.md"} <= names
    assert any(name.endswith(".json") and ".partial." not in name for name in names)


def test_a_reader_that_has_seen_enough_ends_nothing(shell, tmp_path):
    """Records and pages are written, nothing is said of it, and the exit status is that of a broken pipe."""
    done = shell("| head -1", more=LONG)
    assert done.returncode == 141
    assert done.stdout.splitlines() == ["A study of the framework itself."]
    assert [line for line in done.stderr.splitlines() if not line.startswith("small: 2")] == []
    assert_all_is_drawn(tmp_path)


def test_standard_error_in_the_same_pipe_ends_nothing_either(shell, tmp_path):
    """`2>&1 | head` closes both."""
    done = shell("2>&1 | head -1", more=LONG)
    assert done.returncode == 141
    assert done.stdout.splitlines() == ["A study of the framework itself."]
    assert_all_is_drawn(tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("options", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_a_full_standard_output_is_said_to_be_full(shell, tmp_path, options):
    """Not the output directory, where everything is written; exit status 2."""
    done = shell("> /dev/full", options=options)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "small: cannot write to standard output: No space left on device; only what was to be shown there is lost"
    )
    assert "stopped" not in done.stderr
    assert_all_is_drawn(tmp_path)


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("factor", "status"), [(2, 0), (3, 1)])
def test_closed_streams_change_neither_pages_nor_status(shell, tmp_path, closed, factor, status):
    """Everything is measured and drawn, and the exit status is the findings'."""
    done = shell(closed, factor=factor)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert_all_is_drawn(tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_error_changes_nothing(shell, tmp_path):
    """What is said there cannot be said, and the work goes on."""
    done = shell("2> /dev/full")
    assert done.returncode == 0
    assert "Small things" in done.stdout
    assert_all_is_drawn(tmp_path)


def test_help_and_lists_bear_it_too():
    """Every command writes to standard output."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for words in ("list", "--help", "run --help"):
        command = f"{sys.executable} -m experiments {words} > /dev/full"
        done = subprocess.run(
            ["bash", "-c", command], env=environment, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("experiments: cannot write to standard output: No space left on device")
