"""`python -m benchmarks` runs at toy sizes, says what is missing, and refuses what it cannot measure."""

import json
from dataclasses import replace

import pytest

from benchmarks import command, finder, records, rounds
from benchmarks.rounds import Job
from benchmarks.settings import QUICK

TOY = replace(QUICK, rounds=1, objects=2_000, peer_objects=(), growing_objects=(2_000,), live_objects=1_000)


def jobs_of(section, settings=TOY):
    return list(records.SECTIONS[section].jobs(settings))


@pytest.mark.slow
def test_the_finder_is_measured_at_a_toy_size(tmp_path, monkeypatch):
    """Each heap's garbage is found, goals are judged by the rows, and the record is JSON that can be read again."""
    file = tmp_path / "records.json"
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    said = []
    words = ["finder", "--quick", "--rounds", "1", "--objects", "2000", "--only", "whole answer / dict_pairs"]
    assert command.main([*words, "--json", str(file)], say=said.append) == 0
    (record,) = json.loads(file.read_text())["records"]
    figures = {(row["who"], row["figure"]): row["values"][0] for row in record["rows"]}
    assert figures["garbology", "garbage"] > 500
    assert figures["garbology", "lines"] > 5
    assert figures["gc.collect", "whole_seconds"] > 0
    assert "| reached (smaller sizes) |" in said[0] or "| missed (smaller sizes) |" in said[0]
    assert "| not measured |" in said[0]
    assert record["runtime"]["label"] in said[0]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["finder", "--objects", "0"], "--objects is at least 1, and was 0"),
        (["finder", "--rounds", "-1"], "--rounds is at least 1, and was -1"),
        (["finder", "--keep", "--quick"], "--keep is for whole runs"),
        (["nothing"], "invalid choice"),
    ],
)
def test_what_cannot_be_measured_is_refused(words, complaint, capsys):
    """An error of the command line, said in one sentence; nothing is measured."""
    with pytest.raises(SystemExit) as ended:
        command.main(words)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_peer_that_is_missing_is_said_to_be():
    """It is named, with the jobs that need it, and the others are measured."""
    jobs = [Job("part", "case", "it", "no:call", needs=("no_such_peer",))]
    said = []
    taken = rounds.take(jobs, 1, said.append)
    assert taken.missing == {"no_such_peer": ["part / case / it"]}
    assert taken.rows == taken.problems == []
    assert "no_such_peer: not installed, so not measured" in said


def test_what_fails_is_said_and_the_others_go_on(monkeypatch):
    """A measurement that ends with an error has no row; it is a problem of the record."""

    def ask(call, arguments, timeout_seconds):
        if call == "bad":
            raise rounds.Failed("it crashed")
        return {"seconds": 1.0}

    monkeypatch.setattr(rounds, "ask", ask)
    jobs = [Job("part", "case", name, name) for name in ("bad", "good")]
    taken = rounds.take(jobs, 3, lambda line: None)
    assert [(row["who"], row["values"]) for row in taken.rows] == [("good", [1.0, 1.0, 1.0])]
    assert taken.problems == ["part / case / bad: it crashed"]


def test_those_that_are_compared_take_turns(monkeypatch):
    """Round by round, and every other round backwards, so that a drift of the machine is nobody's."""
    calls = []
    monkeypatch.setattr(rounds, "ask", lambda call, *_: calls.append(call) or {})
    rounds.take([Job("part", "case", name, name) for name in "abc"], 2, lambda line: None)
    assert calls == list("abccba")


def test_ctrl_c_leaves_what_was_measured(monkeypatch):
    """What came before has its rows, what was to come has none, and the record says that it was interrupted."""

    def ask(call, *_):
        if call == "second":
            raise KeyboardInterrupt
        return {"seconds": 1.0}

    monkeypatch.setattr(rounds, "ask", ask)
    jobs = [
        Job("part", "case", "it", "first"),
        Job("part", "case", "other", "second"),
        Job("part", "later", "it", "no"),
    ]
    taken = rounds.take(jobs, 1, lambda line: None)
    assert [row["who"] for row in taken.rows] == ["it"]
    assert taken.problems == ["interrupted: what came after was not measured"]


def test_each_section_is_written_when_it_is_measured(monkeypatch, tmp_path):
    """What ends a later one takes nothing of it; after an interruption none begins."""
    begun = []

    def measure(section, *_):
        begun.append(section)
        problems = [rounds.INTERRUPTED] if section == "engine" else []
        return {"section": section, "rows": [], "problems": problems}

    file = tmp_path / "records.json"
    monkeypatch.setattr(records, "measure", measure)
    monkeypatch.setattr(command.tables, "text", lambda measured: "")
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    assert command.main(["all", "--quick", "--json", str(file)], say=lambda line: None) == 1
    assert begun == ["finder", "engine"]
    assert [each["section"] for each in json.loads(file.read_text())["records"]] == begun


@pytest.mark.parametrize("section", records.SECTIONS)
def test_each_job_has_a_name_of_its_own(section):
    """So `--only` can choose it, and no row stands for two measurements."""
    names = [job.name for job in jobs_of(section, replace(QUICK, default_scale=True))]
    assert len(names) == len(set(names)) > 0


def test_the_growth_goes_up_to_the_size_that_is_asked_for():
    """`--largest 10000000` measures up to it, whatever the sizes are else."""
    parser = command._parser()
    settings = command._settings(parser.parse_args(["finder", "--largest", "10000000"]), parser)
    sizes = [job.size for job in finder.jobs(settings) if job.part == finder.GROWTH]
    assert max(sizes) == 10_000_000
    assert len(set(sizes)) > 3
