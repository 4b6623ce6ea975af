"""`garbology report` and `compare` on recordings that are not as garbology writes them: one line, exit status 2."""

import json
import os
import sys
from subprocess import PIPE

import pytest

from garbology.cli.program import main
from garbology.cli.showing import show
from garbology.monitoring import injection
from garbology.monitoring.outside import begin_recording
from tests.cli.commands import garbology
from tests.monitoring.test_summary import LAST as FIGURES

PROGRAM = {"program": ["job.py"], "command": ["garbology", "run", "job.py"], "began_at_seconds": 0.0}
HEADER = {
    "schema": "garbology.recording", "schema_version": 1, "pid": 1, "began_at_seconds": 0.5, "began_at_unix": 1.0,
    "python": "3.13.0", "collector": "generational", "threshold": [700], "platform": "here", "budget": 0.05,
}  # fmt: skip
NONE = {"start_seconds": [], "generation": [], "pause_seconds": [], "collected": []}
LAST = {**FIGURES, "shapes": [], "latest": NONE}
END = {"schema": "garbology.recording.end", "at_end": {}, "shapes": []}
MEMORY = {"seconds": 1.0, "rss_bytes": 1_000}


def written(directory, program=PROGRAM, header=HEADER, last=LAST, end=END, memory=MEMORY):
    """A recording of these rows."""
    directory.mkdir()
    (directory / "program.json").write_text(json.dumps(program))
    rows = "".join(json.dumps(row) + "\n" for row in (header, last, end))
    (directory / "process-1-1.jsonl").write_text(rows)
    (directory / "memory.jsonl").write_text(json.dumps(memory) + "\n")
    return directory


def without(row, name):
    return {key: value for key, value in row.items() if key != name}


DAMAGED = {
    "program is no object": {"program": True},
    "no beginning": {"program": without(PROGRAM, "began_at_seconds")},
    "patterns are a number": {"program": {**PROGRAM, "only": 3}},
    "a command of numbers": {"program": {**PROGRAM, "command": [1, 2]}},
    "a beginning that is text": {"header": {**HEADER, "began_at_seconds": "x"}},
    "no shapes": {"last": without(LAST, "shapes")},
    "a row is a list": {"last": []},
    "collections are not numbers": {"last": {**LAST, "latest": {"start_seconds": 3}}},
    "generations are a number": {"last": {**LAST, "generations": 3}},
    "what waited is a list": {"end": {**END, "at_end": {"waiting_objects": [1]}}},
    "no memory": {"memory": {"seconds": 1.0}},
    "memory is text": {"memory": {"seconds": 1.0, "rss_bytes": "much"}},
    "infinitely many": {"last": {**LAST, "collected": float("inf")}},
}


@pytest.mark.parametrize("rows", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_recording_is_one_line(rows, tmp_path, capsys):
    """Wherever it shows: in reading, in a sentence, on the page. Nothing is half said."""
    directory = written(tmp_path / "rec", **rows)
    assert main(["report", str(directory)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"garbology: {directory}: the recording is damaged: ")
    assert len(said.err.splitlines()) == 1


def test_a_whole_one_is_drawn(tmp_path, capsys):
    """The rows that the others are made of."""
    assert main(["report", str(written(tmp_path / "rec"))]) == 0
    assert capsys.readouterr().out.startswith("garbology: ")


@pytest.mark.parametrize("name", ["memory.jsonl", "process-2-1.jsonl"])
def test_a_directory_in_the_place_of_a_file_is_one_line(name, tmp_path, capsys):
    """It cannot be read."""
    directory = written(tmp_path / "rec")
    (directory / name).unlink(missing_ok=True)
    (directory / name).mkdir()
    assert main(["report", str(directory)]) == 2
    assert f"{directory}: the recording cannot be read" in capsys.readouterr().err


def test_two_damaged_ones_are_not_compared(tmp_path, capsys):
    """The figures are read late."""
    one, two = written(tmp_path / "one"), written(tmp_path / "two", last={**LAST, "generations": 3})
    assert main(["compare", str(one), str(two)]) == 2
    assert "the recording is damaged" in capsys.readouterr().err


def test_what_a_process_told_wrongly_is_said(tmp_path, capsys):
    """Rows come from a process that may be another user's: whoever attached sees one line."""
    show(written(tmp_path / "rec", last=[]), keep=False, err=False)
    assert "the recording is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "run"])
def test_a_page_that_has_no_place_is_one_line(command, tmp_path, capsys):
    """A file where a directory is asked for."""
    (tmp_path / "file").touch()
    what = str(written(tmp_path / "rec")) if command == "report" else __file__
    assert main([command, "-o", str(tmp_path / "file"), what]) == 2
    assert "it cannot be written: File exists" in capsys.readouterr().err


def test_a_recording_is_kept_until_there_is_another(tmp_path, capsys):
    """An attempt that fails costs nothing; the next that begins takes its place."""
    directory = written(tmp_path / "rec")
    names = sorted(each.name for each in directory.iterdir())
    assert main(["attach", "99999999", "-o", str(directory)]) == 2
    assert main(["run", "-o", str(directory), "no-such.py"]) == 2
    assert sorted(each.name for each in directory.iterdir()) == names
    begin_recording(directory, PROGRAM)
    assert [each.name for each in directory.iterdir()] == ["program.json"]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_an_output_that_is_full_is_one_line(tmp_path):
    """And a program's exit status is its own, whatever becomes of our words."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        found = garbology("report", written(tmp_path / "rec"), capture_output=False, stdout=full, stderr=PIPE)
        assert (found.returncode, len(found.stderr.splitlines())) == (2, 1)
        (tmp_path / "seven.py").write_text("raise SystemExit(7)")
        found = garbology("run", tmp_path / "seven.py", capture_output=False, stderr=full)
        assert found.returncode == 7


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="pipes of Unix")
def test_a_reader_that_has_seen_enough_ends_it_silently(tmp_path):
    """As `head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as closed:
        found = garbology(
            "report", written(tmp_path / "rec"), capture_output=False, stdout=closed, stderr=PIPE
        )
    assert (found.returncode, found.stderr) == (141, "")


def test_what_was_not_recorded_is_not_compared(tmp_path, capsys):
    """The memory of a program without the recording's NumPy is no figure beside one with it."""
    one, two = written(tmp_path / "one"), written(tmp_path / "two")
    (two / "process-1-1.jsonl").unlink()
    assert main(["compare", str(one), str(two)]) == 2
    assert f"{two}: no process was recorded in it" in capsys.readouterr().err
    (tmp_path / "empty.py").touch()
    words = ["-I", str(tmp_path / "empty.py")]
    assert main(["compare", "-n", "1", "--", *words, "--", *words]) == 125
    assert "nothing was recorded" in capsys.readouterr().err


def test_root_is_not_told_to_be_root(monkeypatch):
    """Where the system refuses even root, or the owner, that is what is said."""
    monkeypatch.setattr(injection, "_own_uid", lambda: 0)
    assert "does not permit" in injection._not_ours(os.getpid())
