"""A whole run: every case measured, whatever becomes of the others, and on disk as it goes."""

import io
import json
import re
import time
from contextlib import contextmanager

import pytest

from garbology.study import progress as progress_module
from garbology.study.loading import load_study
from garbology.study.progress import Lines, progress_of
from garbology.study.records import read_record
from garbology.study.runner import Plan, measure_study, planned_jobs

BODY = """
study = Study("Small things", {"kind": ["good", "abort", "raise"], "n": [1, 2]}, repeats=2, quick={"n": [1]})

@study.measure
def work(kind: str, n: int) -> Result:
    if kind == "abort": os.abort()
    if kind == "raise": raise ValueError("no")
    return Result(2 * n)
"""


class Log:
    """A progress display that remembers, and may interrupt the run."""

    def __init__(self, interrupt_at=None, at_each=None):
        self.begun, self.problems, self.total = [], [], None
        self._interrupt_at, self._at_each = interrupt_at, at_each

    @contextmanager
    def __call__(self, study, total):
        self.total = total
        yield self

    def begin(self, case):
        if len(self.begun) == self._interrupt_at:
            raise KeyboardInterrupt
        self.begun.append(case)

    def end(self, problem=""):
        if self._at_each:
            self._at_each()
        self.problems += [problem] if problem else []


def test_cases_that_crash_or_raise_are_samples_and_the_others_go_on(write_study, tmp_path):
    """Every case of the grid has its samples, good or bad, and the record is complete."""
    log = Log()
    outcome = measure_study(load_study(write_study(BODY)), Plan(scale="quick", seed=1), tmp_path, log)
    record = outcome.record
    assert (log.total, len(record.samples), record.complete, outcome.interrupted) == (6, 6, True, False)
    statuses = {sample.case["kind"]: sample.status for sample in record.samples}
    assert statuses == {"good": "ok", "abort": "crashed", "raise": "failed"}
    assert sum("SIGABRT" in problem for problem in log.problems) == 2
    assert read_record(outcome.path) == record


def test_a_record_says_how_it_was_made(write_study, tmp_path):
    """Seed, repeats, parameters, times, runtime and environment are in the file."""
    study = load_study(write_study(BODY))
    plan = Plan(scale="quick", seed=7, repeats=1, cases={"kind": ("good",)}, command=("python", "small.py"))
    data = json.loads(measure_study(study, plan, tmp_path, Log()).path.read_text(encoding="utf-8"))
    assert (data["seed"], data["repeats"], data["scale"], data["title"]) == (7, 1, "quick", "Small things")
    assert data["parameters"] == {"kind": ["good", "abort", "raise"], "n": [1]}
    assert data["command"] == ["python", "small.py"]
    assert data["runtime"]["collector"]
    assert data["environment"]["gc_thresholds"]
    assert data["started"] <= data["finished"]
    assert data["started"].endswith("+00:00")
    assert data["duration_seconds"] > 0


def test_the_order_of_cases_is_shuffled_by_the_seed(write_study, tmp_path):
    """The same seed gives the same order, another seed another one."""
    study = load_study(write_study(BODY))

    def order(seed):
        return [repr(job) for job in planned_jobs(study, Plan(seed=seed), repeats=3)]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1) != sorted(order(1))
    assert sorted(order(1)) == sorted(order(2))
    assert len(set(order(1))) == 18
    seeds = [measure_study(study, plan_of_one(seed), tmp_path, Log()).record.seed for seed in (4, 5)]
    assert seeds == [4, 5]


def plan_of_one(seed):
    return Plan(seed=seed, repeats=1, cases={"kind": ("good",), "n": ("1",)})


def test_after_every_case_the_record_is_on_disk(write_study, tmp_path):
    """Whatever ends the run, only the case under way is lost."""
    counts = []

    def look():
        (path,) = tmp_path.glob("*.partial.json")
        counts.append(len(read_record(path).samples))

    study = load_study(write_study(BODY))
    plan = Plan(cases={"kind": ("good",)}, repeats=1)
    measure_study(study, plan, tmp_path, Log(at_each=look))
    assert counts == [1, 2]


def test_ctrl_c_keeps_what_was_measured(write_study, tmp_path):
    """The run ends, its record is marked as not complete and has the samples so far."""
    study = load_study(write_study(BODY))
    outcome = measure_study(study, Plan(repeats=1), tmp_path, Log(interrupt_at=3))
    assert outcome.interrupted
    assert outcome.path.name.endswith(".partial.json")
    record = read_record(outcome.path)
    assert (len(record.samples), record.complete) == (3, False)


def test_a_filtered_run_is_never_complete(write_study, tmp_path):
    """A record of some of the cases does not take the place of one of all."""
    study = load_study(write_study(BODY))
    outcome = measure_study(study, Plan(cases={"kind": ("good",), "n": ("2",)}, repeats=1), tmp_path, Log())
    assert [sample.case for sample in outcome.record.samples] == [{"kind": "good", "n": 2}]
    assert outcome.path.name.endswith(".partial.json")
    assert not outcome.interrupted


def test_elsewhere_than_on_a_terminal_progress_is_sparse_lines(monkeypatch):
    """A line at the beginning and at the end, one for what went wrong, and one now and then."""
    stream = io.StringIO()
    with progress_of("small", 3, stream) as shown:
        shown.begin("one")
        shown.end()
        shown.begin("two")
        shown.end("crashed")
        monkeypatch.setattr(progress_module, "_SECONDS_BETWEEN_LINES", -1)
        shown.begin("three")
        shown.end()
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["small: 3 cases to measure", "small: 2/3 two crashed"]
    assert lines[2].startswith("small: 2/3, about ")
    assert lines[2].endswith("s left, now three")
    assert lines[3] == "small: 3/3 in 0 s"


def test_many_quick_cases_do_not_flood_the_log():
    """Lines come at intervals, not for every case."""
    stream = io.StringIO()
    lines = Lines("small", 1000, stream)
    for _ in range(1000):
        lines.begin("x")
        lines.end()
    assert len(stream.getvalue().splitlines()) == 2


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_narrow_terminal_cuts_the_case_and_nothing_else(monkeypatch):
    """In 80 columns, how far it is stays readable beside a case that is too long for the line."""
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    with progress_of("cycles", 222, stream) as shown:
        shown.begin("drop_graphs_in_a_loop(model='perceptron', outputs='strong', graphs=1000)")
        time.sleep(0.15)
    bar = max(re.split(r"[\r\n]|\x1b\[[0-9;?]*[A-Za-z]", stream.getvalue()), key=len).strip()
    assert "0/222" in stream.getvalue()
    assert "-:--:--" in stream.getvalue()
    assert bar.startswith("drop_graphs_in_a_loop(model=")
    assert bar.endswith("…")


def test_on_a_terminal_a_bar_shows_the_case_under_way():
    """The bar names the study, how far it is and the case, whatever characters that has."""
    pytest.importorskip("rich")
    stream = Terminal()
    with progress_of("small", 2, stream) as shown:
        shown.begin("work(kind='[bold]odd[/]')")
        time.sleep(0.15)
        shown.end("crashed [red]badly")
    assert "work(kind='[bold]odd[/]')" in stream.getvalue()
    assert "crashed [red]badly" in stream.getvalue()
    assert "0/2" in stream.getvalue()
