"""A whole run: every case measured, whatever becomes of the others, and on disk as it goes."""

import io
import itertools
import json
import re
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager, nullcontext

import psutil
import pytest

from garbology.measuring import progress as progress_module
from garbology.measuring.interpreters import Interpreter
from garbology.measuring.progress import Expectation, Lines, progress_of
from garbology.measuring.runner import Plan, StudyRun, measure_all, measure_study
from garbology.study.loading import load_study
from garbology.study.records import read_record

pytestmark = pytest.mark.slow

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
        self.begun, self.problems, self.expected = [], [], []
        self._interrupt_at, self._at_each = interrupt_at, at_each

    @contextmanager
    def __call__(self, title, expectation):
        self.expected.append(expectation)
        yield self

    def begin(self, study, case):
        if len(self.begun) == self._interrupt_at:
            raise KeyboardInterrupt
        self.begun.append(case)

    def end(self, study, problem=""):
        if self._at_each:
            self._at_each()
        self.problems += [problem] if problem else []

    def expect(self, expectation):
        self.expected.append(expectation)

    def paused(self):
        return nullcontext()


def test_cases_that_crash_or_raise_are_samples_and_the_others_go_on(write_study, tmp_path):
    """Every case of the grid has its samples, good or bad, and the record is complete."""
    log = Log()
    outcome = measure_study(load_study(write_study(BODY)), Plan(scale="quick", seed=1), tmp_path, log)
    record = outcome.record
    assert (len(record.samples), record.complete, outcome.interrupted) == (6, True, False)
    assert [each.count for each in log.expected] == [f"{done}/6" for done in range(7)]
    assert record.precision_reached == "not aimed at with 2 samples a case"
    statuses = {sample.case["kind"]: sample.status for sample in record.samples}
    assert statuses == {"good": "ok", "abort": "crashed", "raise": "failed"}
    assert sum("SIGABRT" in problem for problem in log.problems) == 2
    assert read_record(outcome.path) == record


def test_a_case_that_deletes_temporary_directories_does_not_end_the_run(write_study, tmp_path):
    """What a case does to its surroundings is its own failure, and the other cases go on."""
    body = """
    import shutil
    study = Study("T", {"n": [1, 2]}, repeats=1)
    @study.measure
    def work(n: int) -> Result:
        if n == 1:
            shutil.rmtree(Path(sys.argv[-1]).parent)
        return Result(n)
    """
    record = measure_study(load_study(write_study(body)), Plan(seed=1), tmp_path, Log()).record
    assert sorted(sample.status for sample in record.samples) == ["crashed", "ok"]


def test_what_a_case_raises_cannot_command_the_terminal(write_study, tmp_path):
    """An escape sequence in a message is shown as what it is."""
    body = """
    study = Study("T", {"n": [1]}, repeats=1)
    @study.measure
    def work(n: int) -> Result:
        raise ValueError("\\x1b[31mred")
    """
    log = Log()
    measure_study(load_study(write_study(body)), Plan(seed=1), tmp_path, log)
    assert log.problems == ["work(n=1) failed: ValueError: \\x1b[31mred"]


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
        run = StudyRun(study, Plan(seed=seed, repeats=3), tmp_path)
        return [repr(run.next()) for _ in range(18)]

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


MANY = """
study = Study(
    "Small things", {"n": [1, 2, 3], "place": [""]}, repeats=2, quick={"repeats": 1}, timeout_seconds=30
)

@study.measure
def work(n: int, place: str) -> Result:
    mine = Path(place, f"{n}-{os.getpid()}")
    mine.touch()
    deadline = time.monotonic() + 10
    while len(list(Path(place).iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    return Result(len(list(Path(place).iterdir())))
"""


def test_several_samples_are_taken_at_once(write_study, tmp_path):
    """Two jobs: two interpreters that wait for each other meet; the record says how many there were."""
    place = tmp_path / "meeting"
    place.mkdir()
    study = load_study(write_study(MANY))
    study.parameters.update(n=[1, 2], place=[str(place)])
    record = measure_study(study, Plan(scale="quick", jobs=2), tmp_path, Log()).record
    assert (record.jobs, record.complete) == (2, True)
    assert sorted(sample.values["total"] for sample in record.samples) == [2, 2]


SLEEPING = """
study = Study("Sleepers", {"n": [1, 2], "place": [""]}, repeats=1)

@study.measure
def work(n: int, place: str) -> Result:
    Path(place, str(os.getpid())).touch()
    time.sleep(60)
    return Result(n)
"""


def test_ctrl_c_ends_all_that_is_under_way(write_study, tmp_path):
    """No process of several jobs is left, and the run ends at once."""
    place = tmp_path / "meeting"
    place.mkdir()
    study = load_study(write_study(SLEEPING))
    study.parameters["place"] = [str(place)]

    class Impatient(Log):
        def begin(self, study, case):
            super().begin(study, case)
            if len(self.begun) == 2:
                threading.Thread(target=interrupt_when_both_sleep, daemon=True).start()

    def interrupt_when_both_sleep():
        while len(list(place.iterdir())) < 2:
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    started = time.monotonic()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        outcome = measure_study(study, Plan(jobs=2), tmp_path, Impatient())
    finally:
        signal.signal(signal.SIGINT, before)
    assert outcome.interrupted
    assert outcome.record.samples == []
    assert time.monotonic() - started < 30
    for path in place.iterdir():
        assert not psutil.pid_exists(int(path.name))


def test_the_next_study_begins_while_the_last_samples_of_one_are_under_way(write_study, tmp_path):
    """With two jobs two studies of one sample each meet, and both are reported."""
    place = tmp_path / "meeting"
    place.mkdir()
    studies = [load_study(write_study(MANY, name=name)) for name in ("first", "second")]
    for study in studies:
        study.parameters.update(n=[1], place=[str(place)])
    runs = [StudyRun(study, Plan(scale="quick", jobs=2), tmp_path / study.name) for study in studies]
    for study in studies:
        (tmp_path / study.name).mkdir()
    outcomes, log = [], Log()
    assert not measure_all(runs, 2, lambda run, outcome: outcomes.append((run.study.name, outcome)), log)
    assert [each.count for each in log.expected] == ["0/2", "1/2", "2/2"]
    assert log.expected[1].seconds_left > 0
    assert sorted(name for name, _ in outcomes) == ["first", "second"]
    assert [outcome.record.samples[0].values["total"] for _, outcome in outcomes] == [2, 2]
    # A sweep has many thousands, which are on disk.
    assert [run.record.samples for run in runs] == [[], []]
    assert [run.schedule.done_count for run in runs] == [1, 1]


NOISY = """
study = Study("Times", {"kind": ["steady", "noisy", "count"]}, repeats=5, most_repeats=8, precision=0.1)

@dataclass(frozen=True)
class Timed:
    wait_seconds: float

@dataclass(frozen=True)
class Counted:
    objects: int

@study.measure
def time_it(kind: str) -> Timed:
    return Timed(1.0 if kind == "steady" else 1.0 + os.getpid() % 7)

@study.measure
def count_it(kind: str) -> Counted:
    return Counted(os.getpid())
"""


def test_only_cases_whose_times_are_imprecise_are_measured_on(write_study, tmp_path, monkeypatch):
    """Steady times and counts end after the fewest repeats; noisy ones go on to the most, and are named."""
    study = load_study(write_study(NOISY))
    log = Log()
    record = measure_study(study, Plan(seed=1, interpreter=Noisy()), tmp_path, log).record
    counts = Counter((sample.measure, sample.case["kind"]) for sample in record.samples)
    assert counts == {
        **{("count_it", kind): 5 for kind in ("steady", "noisy", "count")},
        ("time_it", "steady"): 5,
        ("time_it", "count"): 5,
        ("time_it", "noisy"): 8,
    }
    assert (record.precision_reached, record.imprecise_cases) == ("2 of 3 cases", ["time_it(kind='noisy')"])
    assert (record.repeats, record.most_repeats, record.precision) == (5, 8, 0.1)
    repeats = [s.repeat for s in record.samples if (s.measure, s.case["kind"]) == ("time_it", "noisy")]
    assert repeats == list(range(8))
    assert not log.expected[0].exact
    assert (log.expected[-1].count, log.expected[-1].seconds_left) == ("33/33", 0)


class Noisy(Interpreter):
    """An interpreter that makes the figures up."""

    name = "made up"

    def describe(self, target):
        return {"slug": "made-up", "runtime": {"version": "1"}, "environment": {"packages": {}}}

    def run(self, target, measure, case, limit_seconds):
        noise = next(self.noise) if case["kind"] == "noisy" else 0
        values = {"wait_seconds": 1.0 + noise} if measure == "time_it" else {"objects": next(self.noise)}
        return {"status": "ok", "seconds": 0.1, "values": values}

    def stop(self):
        pass

    def __init__(self):
        self.noise = itertools.count()


def test_the_time_left_is_told_when_some_samples_tell_it(write_study, tmp_path):
    """The first sample of many cases says nothing about the others; a tenth of them does."""
    cases = list(range(30))
    body = f"""
    study = Study("Many", {{"kind": {cases}}}, repeats=1, most_repeats=1)
    @study.measure
    def work(kind: int) -> Result:
        return Result(kind)
    """
    log = Log()
    measure_study(load_study(write_study(body)), Plan(interpreter=Noisy()), tmp_path, log)
    assert [each.seconds_left is None for each in log.expected] == [True] * 3 + [False] * 28


def test_what_is_unavailable_is_tried_once_and_what_fails_no_more_than_needed(write_study, tmp_path):
    """Repeating does not install a package, nor mend a measure."""
    body = """
    from garbology.study import Unavailable
    study = Study("Absent", {"kind": ["absent", "bad"]}, repeats=2, most_repeats=9)
    @study.measure
    def work(kind: str) -> Result:
        if kind == "bad": raise ValueError
        raise Unavailable("no such thing")
    """
    record = measure_study(load_study(write_study(body)), Plan(), tmp_path, Log()).record
    assert Counter(sample.status for sample in record.samples) == {"unavailable": 1, "failed": 2}
    assert record.complete


def test_elsewhere_than_on_a_terminal_progress_is_sparse_lines(monkeypatch):
    """A line at the beginning and at the end, one for what went wrong, and one now and then."""
    stream = io.StringIO()
    with progress_of("small", Expectation(0, 3), stream) as shown:
        shown.end("small")
        shown.expect(Expectation(1, 3, seconds_left=7.2))
        shown.end("small", "two crashed")
        shown.expect(Expectation(2, 4, exact=False, seconds_left=7.2))
        monkeypatch.setattr(progress_module, "_SECONDS_BETWEEN_LINES", -1)
        shown.begin("small", "three")
        shown.begin("other", "four")
        shown.expect(Expectation(3, 3, seconds_left=0))
    assert stream.getvalue().splitlines() == [
        "small: 3 samples to take",
        "small: two crashed",
        "small: 2/~4, at most about 7 s left, now three",
        "small: 2/~4, at most about 7 s left, now other four",
        "small: 3/3 in 0 s",
    ]


def test_many_quick_cases_do_not_flood_the_log():
    """Lines come at intervals, not for every case."""
    stream = io.StringIO()
    lines = Lines("small", Expectation(0, 1000), stream)
    for done in range(1000):
        lines.begin("small", "x")
        lines.end("small")
        lines.expect(Expectation(done + 1, 1000))
    assert len(stream.getvalue().splitlines()) == 2


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_narrow_terminal_cuts_the_case_and_nothing_else(monkeypatch):
    """In 80 columns, how far it is stays readable beside a case that is too long for the line."""
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    with progress_of("cycles", Expectation(0, 222), stream) as shown:
        shown.begin("cycles", "drop_graphs_in_a_loop(model='perceptron', outputs='strong', graphs=1000)")
        time.sleep(0.15)
    bar = max(re.split(r"[\r\n]|\x1b\[[0-9;?]*[A-Za-z]", stream.getvalue()), key=len).strip()
    assert "0/222" in stream.getvalue()
    assert "-:--:--" in stream.getvalue()
    assert bar.startswith("drop_graphs_in_a_loop(model=")
    assert bar.endswith("…")


def test_on_a_terminal_a_bar_shows_the_case_under_way_and_the_time_left():
    """The bar names the study, how far it is and the case, whatever characters that has."""
    pytest.importorskip("rich")
    stream = Terminal()
    with progress_of("2 runs", Expectation(0, 2), stream) as shown:
        shown.begin("small", "work(kind='[bold]odd[/]')")
        shown.expect(Expectation(1, 40, exact=False, seconds_left=3725))
        time.sleep(0.15)
        shown.end("small", "crashed [red]badly")
        with shown.paused():
            print("in between", file=stream)
    assert "small work(kind='[bold]odd[/]')" in stream.getvalue()
    assert "small: crashed [red]badly" in stream.getvalue()
    assert "1/~40" in stream.getvalue()
    assert "1:02:0" in stream.getvalue()
    assert "in between" in stream.getvalue()
