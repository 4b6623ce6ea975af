"""Measure studies: every case several times, in a random order, each time in a fresh interpreter."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from garbology.measuring.interpreters import Interpreter, Native
from garbology.measuring.progress import Expectation, Progress, progress_of
from garbology.measuring.resumption import Found, find_finished, find_interrupted
from garbology.measuring.schedule import Job, Schedule
from garbology.study.declaration import ScaleName, Study
from garbology.study.evaluation import sample_text
from garbology.study.records import Record, Sample, make_room, write_record
from garbology.study.repetition import Repetition
from garbology.study.runs import case_text
from garbology.study.statistics import FEWEST_SAMPLES
from garbology.study.wording import counted
from garbology.text.visible import visible

ProgressMaker = Callable[[str, Expectation], AbstractContextManager[Progress]]

_TELLING_SHARE = 0.1  # of the cases: from so many samples on the time left is estimated
_LONGEST_WAIT_SECONDS = 1.0  # in which Ctrl-C is not heard on Windows
_EXPECTED_SECONDS = 0.2  # between two looks at all cases for how far it is, where samples come faster


@dataclass(frozen=True)
class Plan:
    """What is measured, and how: the scale's settings unless overridden, all cases unless filtered.

    `resume` goes on with an interrupted run, and takes a complete record for done unless it was begun before
    `finished_since` (ISO 8601, UTC).
    """

    scale: ScaleName = "default"
    seed: int | None = None  # random, or the interrupted run's
    repeats: int | None = None
    timeout_seconds: float | None = None
    measures: tuple[str, ...] = ()
    cases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # parameter -> wanted values as text
    command: tuple[str, ...] = ()
    interpreter: Interpreter = field(default_factory=Native)
    jobs: int = 1
    resume: bool = False
    finished_since: str = ""

    @property
    def filtered(self) -> bool:
        """Whether some cases of the grid are left out, so that the record cannot be complete."""
        return bool(self.measures or self.cases)

    def wants(self, measure: str, case: Mapping[str, Any]) -> bool:
        """Whether to measure a case of the grid; a parameter that a measure lacks does not exclude it."""
        if self.measures and measure not in self.measures:
            return False
        return all(str(case[name]) in wanted for name, wanted in self.cases.items() if name in case)


@dataclass(frozen=True)
class Outcome:
    """A finished run: its record, where it was written, and whether Ctrl-C ended it."""

    record: Record
    path: Path
    interrupted: bool


class StudyRun:
    """One study on one interpreter: what is to be measured, and what was, on disk after every sample.

    InterpreterError where the interpreter cannot run the study, NewerRecordError where its record would take
    the place of one that only a newer garbology can read. `notes` say what became of earlier runs.
    """

    def __init__(
        self, study: Study, plan: Plan, directory: Path, claim: Callable[[str], None] = lambda slug: None
    ) -> None:
        self.study = study
        self.interpreter = plan.interpreter
        self.notes: list[str] = []
        self._plan = plan
        self._directory = directory
        self._limit_seconds = plan.timeout_seconds or study.settings(plan.scale)[2]
        self._repetition = _repetition(study, plan)
        self._started: float | None = None
        self._before_seconds = 0.0
        begun = self._begin_record()
        claim(begun.slug)
        self.notes += make_room(directory, begun.slug, study.name)
        self.record = self._take_up(begun)
        self.schedule = Schedule(
            [each for each in study.grid(plan.scale) if plan.wants(*each)],
            self._repetition,
            self.record.seed,
            self.record.samples,
        )
        if self.record.samples and self.schedule.is_done and not self.record.complete:
            self.notes[-1] = "has every sample already: nothing is measured again"

    @property
    def is_begun(self) -> bool:
        """Whether there is anything to report."""
        return self._started is not None or bool(self.record.samples)

    def next(self) -> Job | None:
        """The next sample to take, if there is one now."""
        job = None if self.record.complete else self.schedule.next()
        if job is not None and self._started is None:
            self._started = time.monotonic()
        return job

    def measure(self, job: Job) -> tuple[Sample, float]:
        """Take a sample, and how many seconds it took with all that belongs to it; called in any thread."""
        started = time.monotonic()
        answer = self.interpreter.run(self.study.target, job.measure, job.case, self._limit_seconds)
        sample = Sample(measure=job.measure, case=job.case, repeat=job.repeat, **answer)
        return sample, time.monotonic() - started

    def add(self, sample: Sample, seconds: float) -> None:
        """Put a sample on record."""
        self.schedule.add(sample, seconds)
        self.record.samples.append(sample)
        self._stamp()
        write_record(self.record, self._directory)

    def finish(self, *, interrupted: bool = False) -> Outcome:
        """The record as it stands: complete if nothing of the study is left to be measured."""
        path = self._directory / self.record.file_name
        interrupted = interrupted and not self.record.complete
        if not self.record.complete:
            self._judge_precision()
            self.record.complete = not interrupted and not self._plan.filtered
            self._stamp()
            path = write_record(self.record, self._directory)
        return Outcome(self.record, path, interrupted)

    def close(self) -> None:
        """Let go of the samples, which are on disk: a sweep has many thousands."""
        self.schedule.close()
        self.record = replace(self.record, samples=[])

    def _begin_record(self) -> Record:
        described = self.interpreter.describe(self.study.target)
        return Record(
            study=self.study.name,
            slug=described["slug"],
            title=self.study.title,
            started=now(),
            command=list(self._plan.command),
            scale=self._plan.scale,
            parameters=self.study.settings(self._plan.scale)[0],
            repeats=self._repetition.fewest,
            most_repeats=self._repetition.most,
            precision=self._repetition.precision,
            jobs=self.interpreter.neighbours(self._plan.jobs),
            source_digest=_digest(self.study),
            runtime=described["runtime"],
            environment=described["environment"],
        )

    def _take_up(self, begun: Record) -> Record:
        """The record of an earlier run, where it can be gone on with; else the one that was begun."""
        seed, found = self._plan.seed, Found(None, "")
        if self._plan.resume:
            found = find_interrupted(begun, self._directory, seed)
            if found.record is None:
                finished = find_finished(begun, self._directory, seed, self._plan.finished_since)
                found = finished if finished.record or not found.sentence else found
        self.notes += [found.sentence] if found.sentence else []
        if found.record is not None:
            self._before_seconds = found.record.duration_seconds
            found.record.jobs = max(found.record.jobs, begun.jobs)
            return found.record
        return replace(begun, seed=secrets.randbelow(2**31) if seed is None else seed)

    def _judge_precision(self) -> None:
        if self._repetition.most < FEWEST_SAMPLES:
            self.record.precision_reached = (
                f"not aimed at with {counted(self._repetition.most, 'sample')} a case"
            )
            return
        precise, imprecise = self.schedule.judge_precision()
        self.record.imprecise_cases = [case_text(measure, case) for measure, case in imprecise]
        timed = precise + len(imprecise)
        self.record.precision_reached = f"{precise} of {timed} cases" if timed else ""

    def _stamp(self) -> None:
        taken = time.monotonic() - self._started if self._started is not None else 0.0
        self.record.finished = now()
        self.record.duration_seconds = round(self._before_seconds + taken, 3)


def measure_study(
    study: Study, plan: Plan, directory: Path, progress: ProgressMaker = progress_of
) -> Outcome:
    """Measure the planned cases; after each of them the record is on disk in `directory`.

    KeyboardInterrupt ends the run and keeps what was measured. A case that crashes, hangs or raises is a
    sample that says so, and the others go on.
    """
    run = StudyRun(study, plan, directory)
    outcomes: list[Outcome] = []
    interrupted = measure_all([run], plan.jobs, lambda _, outcome: outcomes.append(outcome), progress)
    return run.finish(interrupted=True) if interrupted and not outcomes else outcomes[0]


def measure_all(
    runs: Sequence[StudyRun],
    jobs: int,
    finished: Callable[[StudyRun, Outcome], None],
    progress: ProgressMaker = progress_of,
    at_once: Callable[[], int] | None = None,
) -> bool:
    """Measure several runs, `jobs` samples under way; whether Ctrl-C ended it.

    One run after the other, except that the next begins while the last samples of one are under way.
    `finished` is called with each run as it ends, and its outcome alone has the samples then; the runs that Ctrl-C
    ended are left to the caller, and those that a LostError ends. `at_once` says how many samples are measured at
    once, if that is not `jobs`.
    """
    left = list(runs)
    schedules = [run.schedule for run in runs if not run.record.complete]

    def expected() -> Expectation:
        return _expectation(schedules, at_once() if at_once is not None else jobs)

    try:
        with progress(_title(runs), expected()) as shown, ThreadPoolExecutor(jobs) as pool:
            try:
                _measure_on(left, pool, jobs, shown, finished, expected)
            finally:  # the pool waits for its threads: whatever they wait for must end
                for run in left:
                    run.interpreter.stop()
    except KeyboardInterrupt:
        return True
    return False


def _title(runs: Sequence[StudyRun]) -> str:
    """The study's name, or how many there are: runs are more than studies where several interpreters measure."""
    studies = {run.study.name for run in runs}
    if len(runs) == 1:
        return runs[0].study.name
    return counted(len(runs), "study", "studies") if len(studies) == len(runs) else counted(len(runs), "run")


def _measure_on(
    left: list[StudyRun],
    pool: ThreadPoolExecutor,
    jobs: int,
    shown: Progress,
    finished: Callable[[StudyRun, Outcome], None],
    expectation: Callable[[], Expectation],
) -> None:
    under_way: dict[Future[tuple[Sample, float]], StudyRun] = {}
    expected_at = -_EXPECTED_SECONDS
    while left:
        while len(under_way) < jobs and (begun := _begin_next(left, pool, shown)):
            under_way.update([begun])
        done, _ = wait(under_way, _LONGEST_WAIT_SECONDS, FIRST_COMPLETED)
        for future in sorted(done, key=_is_lost):  # what was measured is put on record before
            run = under_way.pop(future)
            sample, seconds = future.result()
            run.add(sample, seconds)
            bad = sample.status not in ("ok", "unavailable")
            problem = f"{case_text(sample.measure, sample.case)} {sample_text(sample)}" if bad else ""
            shown.end(run.study.name, visible(problem))
            if not under_way or time.monotonic() - expected_at >= _EXPECTED_SECONDS:
                shown.expect(expectation())
                expected_at = time.monotonic()
        for run in [run for run in left if run.record.complete or run.schedule.is_done]:
            left.remove(run)
            with shown.paused():
                finished(run, run.finish())
            run.close()


def _is_lost(future: Future[tuple[Sample, float]]) -> bool:
    return future.exception() is not None


def _begin_next(
    left: Sequence[StudyRun], pool: ThreadPoolExecutor, shown: Progress
) -> tuple[Future[tuple[Sample, float]], StudyRun] | None:
    for run in left:
        if not run.interpreter.admit():
            continue
        job = run.next()
        if job is not None:
            shown.begin(run.study.name, visible(case_text(job.measure, job.case)))
            return pool.submit(run.measure, job), run
        run.interpreter.dismiss()
    return None


def _expectation(schedules: Sequence[Schedule], at_once: int) -> Expectation:
    seconds = [second for schedule in schedules for second in schedule.seconds]
    cases = sum(schedule.case_count for schedule in schedules)
    enough = len(seconds) >= _TELLING_SHARE * cases  # a few say little: cases differ a thousandfold
    typical = sum(seconds) / len(seconds) if seconds and enough else None
    left = (
        None
        if typical is None
        else sum(each.expected_seconds(typical) for each in schedules) / max(1, at_once)
    )
    return Expectation(
        done=sum(schedule.done_count for schedule in schedules),
        total=sum(schedule.expected_count for schedule in schedules),
        exact=all(schedule.is_exact for schedule in schedules),
        seconds_left=left,
    )


def _repetition(study: Study, plan: Plan) -> Repetition:
    repetition = study.repetition(plan.scale)
    if plan.repeats is None:
        return repetition
    return replace(repetition, fewest=plan.repeats, most=plan.repeats)


def _digest(study: Study) -> str:
    try:
        return hashlib.sha256(Path(study.file or "").read_bytes()).hexdigest()
    except OSError:
        return ""


def now() -> str:
    """This moment as ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
