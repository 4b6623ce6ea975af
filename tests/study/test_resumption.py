"""Going on after an interruption: nothing is measured twice, and nothing unlike is mixed."""

import json
from dataclasses import replace

import pytest

from garbology.cli.running import run_studies
from garbology.measuring.interpreters import Interpreter, InterpreterError
from garbology.measuring.runner import Plan, StudyRun, measure_study
from garbology.study.loading import load_study
from garbology.study.records import read_record

pytestmark = pytest.mark.slow

BODY = """
study = Study("Small things", {"n": [1, 2, 3]}, repeats=2, most_repeats=2, full={"n": [1, 2, 3, 4]})

@study.measure
def work(n: int) -> Result:
    return Result(2 * n)

@study.finding
def doubles(runs):
    \"\"\"Everything is doubled.\"\"\"
    for run in runs:
        assert run.total == 2 * run.n, run
"""


class Counting(Interpreter):
    """An interpreter that makes the figures up, remembers the cases, and may stop as by Ctrl-C."""

    name = "made up"

    def __init__(self, samples=1000, numpy="2.0"):
        self.taken, self.numpy = [], numpy
        self._samples = samples

    def describe(self, target):
        runtime = {"version": "1", "collector": "none"}
        return {"slug": "made-up", "runtime": runtime, "environment": {"packages": {"numpy": self.numpy}}}

    def run(self, target, measure, case, limit_seconds):
        if len(self.taken) == self._samples:
            raise KeyboardInterrupt
        self.taken.append((target, case["n"]))
        return {"status": "ok", "seconds": 0.1, "values": {"total": 2 * case["n"], "held_bytes": 0}}

    def stop(self):
        pass


@pytest.fixture
def study(write_study):
    return load_study(write_study(BODY))


PLAN = Plan(seed=5, command=("python", "small.py"))


@pytest.fixture
def interrupted(study, tmp_path):
    """The record of a run that was ended after four of its six samples."""
    outcome = measure_study(study, replace(PLAN, interpreter=Counting(4)), tmp_path)
    assert outcome.interrupted
    return outcome.record


def test_a_resumed_run_takes_only_what_is_missing(study, tmp_path, interrupted):
    """The samples of both parts are one record, with the seed and the beginning of the first."""
    interpreter = Counting()
    plan = replace(PLAN, seed=None, interpreter=interpreter, resume=True)
    run = StudyRun(study, plan, tmp_path)
    assert run.notes == ["goes on after 4 samples, with seed 5"]
    outcome = measure_study(study, plan, tmp_path)
    assert len(interpreter.taken) == 2
    record = read_record(outcome.path)
    assert (record.complete, record.seed, record.started) == (True, 5, interrupted.started)
    taken = sorted((sample.case["n"], sample.repeat) for sample in record.samples)
    assert taken == [(n, repeat) for n in (1, 2, 3) for repeat in (0, 1)]
    assert [path.name for path in tmp_path.glob("*.json")] == ["made-up.json"]


def test_a_resumed_run_keeps_the_order_of_the_interrupted_one(study, tmp_path, interrupted):
    """Both parts together are what the seed would have given in one run."""
    measure_study(study, replace(PLAN, interpreter=Counting(), resume=True), tmp_path)
    resumed = [sample.to_dict() for sample in read_record(tmp_path / "made-up.json").samples]
    whole = measure_study(study, replace(PLAN, interpreter=Counting()), tmp_path).record
    assert resumed == [sample.to_dict() for sample in whole.samples]


def test_without_resume_everything_is_measured_again(study, tmp_path, interrupted):
    """An unfinished record is no reason to skip anything unless that is asked for."""
    interpreter = Counting()
    measure_study(study, replace(PLAN, interpreter=interpreter), tmp_path)
    assert len(interpreter.taken) == 6


OTHERS = {
    "another scale": ({"scale": "full"}, "scale was default, is full now"),
    "another seed": ({"seed": 6}, "seed was 5, is 6 now"),
    "another command": (
        {"command": ("python", "small.py", "--timeout", "9")},
        "command was python small.py, is python small.py --timeout 9 now",
    ),
    "other repeats": ({"repeats": 3}, "number of repeats was 2, is 3 now"),
    "another package": (
        {"interpreter": Counting(numpy="2.1")},
        "environment: packages: numpy was 2.0, is 2.1 now",
    ),
    "several at once": ({"jobs": 2}, "jobs was 1, is 2 now"),
}


@pytest.mark.parametrize(("changes", "sentence"), OTHERS.values(), ids=OTHERS)
def test_an_unlike_run_starts_afresh_and_says_why(study, tmp_path, interrupted, changes, sentence):
    """Samples that may differ for another reason than chance are never put into one record."""
    plan = replace(PLAN, **{"interpreter": Counting(), "resume": True, **changes})
    run = StudyRun(study, plan, tmp_path)
    assert run.notes == [f"starts afresh, the interrupted run was another one: {sentence}"]
    assert run.record.samples == []


def test_a_changed_study_starts_afresh(write_study, tmp_path, interrupted):
    """A study whose file was edited measures something else."""
    study = load_study(write_study(BODY + "\nX = 1\n"))
    run = StudyRun(study, replace(PLAN, interpreter=Counting(), resume=True), tmp_path)
    assert run.notes[0].endswith("another one: the study's file has changed")


def test_a_damaged_unfinished_record_starts_afresh(study, tmp_path, interrupted):
    """The file is named, and kept."""
    (tmp_path / "made-up.partial.json").write_text("{", encoding="utf-8")
    run = StudyRun(study, replace(PLAN, interpreter=Counting(), resume=True), tmp_path)
    assert run.record.samples == []
    (note,) = run.notes
    assert note.startswith("made-up.partial.json is damaged")
    assert (tmp_path / "made-up.partial.json.kept").read_text(encoding="utf-8") == "{"


def test_a_run_of_some_cases_can_be_resumed(study, tmp_path):
    """It stays unfinished, because it is not the whole study, and measures nothing twice."""
    plan = replace(PLAN, cases={"n": ("1", "2")}, command=("python", "small.py", "--case", "n=1"))
    measure_study(study, replace(plan, interpreter=Counting(3)), tmp_path)
    interpreter = Counting()
    outcome = measure_study(study, replace(plan, interpreter=interpreter, resume=True), tmp_path)
    assert (len(interpreter.taken), len(outcome.record.samples), outcome.record.complete) == (1, 4, False)
    again = replace(plan, interpreter=Counting(0), resume=True)
    assert StudyRun(study, again, tmp_path).notes == ["has every sample already: nothing is measured again"]
    assert len(measure_study(study, again, tmp_path).record.samples) == 4


@pytest.fixture
def two(write_study):
    return [load_study(write_study(BODY, name=name)) for name in ("first", "second")]


def run_both(studies, interpreter, output, *, resume, said):
    for study in studies:
        (output / study.name).mkdir(exist_ok=True)
    plans = [replace(PLAN, seed=None, resume=resume, command=("python", study.name)) for study in studies]
    return run_studies(studies, plans, [interpreter], output, say=said.append, echo=lambda text: None)


def test_a_command_of_several_studies_skips_those_that_it_finished(two, tmp_path):
    """The first study was complete when the command was interrupted: it is not measured again."""
    said = []
    assert run_both(two, Counting(8), tmp_path, resume=False, said=said) == 130
    assert said[-1] == "interrupted: the same command with --resume goes on"
    interpreter, said = Counting(), []
    assert run_both(two, interpreter, tmp_path, resume=True, said=said) == 0
    assert any(line.startswith("first: is measured already, on ") for line in said)
    assert any(line.startswith("second: goes on after 2 samples") for line in said)
    assert len(interpreter.taken) == 4
    assert {target.rpartition("/")[2] for target, _ in interpreter.taken} == {"second.py"}


class Unfit(Counting):
    """An interpreter that cannot run anything."""

    def describe(self, target):
        raise InterpreterError("3.8 cannot run the study: it is too old")


def test_what_an_interpreter_lacks_is_said_once_for_all_studies(two, tmp_path):
    """One line, however many studies it cannot run, and the others are measured."""
    said, good = [], Counting()
    for study in two:
        (tmp_path / study.name).mkdir()
    plans = [PLAN, PLAN]
    assert run_studies(two, plans, [Unfit(), good], tmp_path, say=said.append, echo=lambda text: None) == 1
    assert said[0] == "first, second: 3.8 cannot run the study: it is too old"
    assert len(good.taken) == 12


def test_another_command_in_between_changes_nothing(two, tmp_path):
    """Which studies a command had finished is remembered for each command; nothing is left of ended ones."""
    run_both(two, Counting(8), tmp_path, resume=False, said=[])
    run_both(two[:1], Counting(), tmp_path, resume=False, said=[])
    interpreter = Counting()
    assert run_both(two, interpreter, tmp_path, resume=True, said=[]) == 0
    assert len(interpreter.taken) == 4
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_skipped_study_still_decides_the_exit_status(two, tmp_path):
    """What it found when it was measured is judged as if it had been measured now."""
    run_both(two, Counting(8), tmp_path, resume=False, said=[])
    path = tmp_path / "first" / "made-up.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["samples"][0]["values"]["total"] = 99
    path.write_text(json.dumps(data), encoding="utf-8")
    assert run_both(two, Counting(), tmp_path, resume=True, said=[]) == 1


def test_a_newer_record_is_neither_replaced_nor_measured_beside(two, tmp_path):
    """What only a newer garbology can read is refused before anything is measured; the others go on."""
    run_both(two, Counting(), tmp_path, resume=False, said=[])
    path = tmp_path / "first" / "made-up.json"
    newer = path.read_text(encoding="utf-8").replace('"schema_version": 1', '"schema_version": 2')
    path.write_text(newer, encoding="utf-8")
    interpreter, said = Counting(), []
    assert run_both(two, interpreter, tmp_path, resume=False, said=said) == 2
    assert said[0].startswith("first is not measured: made-up.json was written by a newer garbology")
    assert "schema_version 2" in said[0]
    assert said[0].endswith("or choose another --output, or move the file away")
    assert run_both(two[:1], interpreter, tmp_path, resume=True, said=said) == 2
    assert not [line for line in said if "measured from the beginning" in line]
    assert path.read_text(encoding="utf-8") == newer
    assert {target.rpartition("/")[2] for target, _ in interpreter.taken} == {"second.py"}


def test_what_is_finished_is_not_measured_again(two, tmp_path):
    """Resumed after its end, a command measures what it lacks: nothing, or a study that was added since."""
    run_both(two[:1], Counting(), tmp_path, resume=False, said=[])
    interpreter, said = Counting(), []
    assert run_both(two, interpreter, tmp_path, resume=True, said=said) == 0
    assert {target.rpartition("/")[2] for target, _ in interpreter.taken} == {"second.py"}
    assert any(line.startswith("first: is measured already") for line in said)
    assert run_both(two, Counting(0), tmp_path, resume=True, said=said) == 0


def test_a_finished_run_of_another_kind_is_measured_anew(study, tmp_path):
    """The first thing that differs is said, as it is of an interrupted one."""
    measure_study(study, replace(PLAN, interpreter=Counting()), tmp_path)
    plan = replace(PLAN, interpreter=Counting(), resume=True, scale="full")
    run = StudyRun(study, plan, tmp_path)
    assert run.notes == ["is measured anew, the finished run was another one: scale was default, is full now"]
    assert run.record.samples == []


def test_a_finished_run_is_taken_where_the_interrupted_one_is_another(study, tmp_path):
    """A run of the quick cases that was interrupted later does not hide it."""
    measure_study(study, replace(PLAN, interpreter=Counting()), tmp_path)
    measure_study(study, replace(PLAN, interpreter=Counting(2), scale="full"), tmp_path)
    run = StudyRun(study, replace(PLAN, interpreter=Counting(0), resume=True), tmp_path)
    assert run.record.complete
    assert run.notes[0].startswith("is measured already")


def test_a_complete_record_from_before_the_interrupted_command_is_measured_again(two, tmp_path):
    """Its samples belong to another command."""
    run_both(two, Counting(), tmp_path, resume=False, said=[])
    path = tmp_path / "second" / "made-up.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**data, "started": "2020-01-01T00:00:00+00:00"}), encoding="utf-8")
    run_both(two, Counting(6), tmp_path, resume=False, said=[])
    (tmp_path / "second" / "made-up.partial.json").unlink()  # as if it had been killed before
    interpreter, said = Counting(), []
    run_both(two, interpreter, tmp_path, resume=True, said=said)
    assert len(interpreter.taken) == 6
    assert said[1].endswith("it ended before the interrupted command began")
