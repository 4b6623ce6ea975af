"""Measure a study: every case several times, in a random order, each time in a fresh interpreter."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from garbology.study.declaration import ScaleName, Study
from garbology.study.evaluation import sample_text
from garbology.study.processes import describe_interpreter, run_worker
from garbology.study.progress import Progress, progress_of
from garbology.study.records import Record, Sample, write_record
from garbology.study.runs import case_text

ProgressMaker = Callable[[str, int], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class Plan:
    """What is measured, and how: the scale's settings unless overridden, all cases unless filtered."""

    scale: ScaleName = "default"
    seed: int = 0
    repeats: int | None = None
    timeout_seconds: float | None = None
    measures: tuple[str, ...] = ()
    cases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # parameter -> wanted values as text
    command: tuple[str, ...] = ()
    python: str = sys.executable

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


def measure_study(
    study: Study, plan: Plan, directory: Path, progress: ProgressMaker = progress_of
) -> Outcome:
    """Measure the planned cases; after each of them the record is on disk in `directory`.

    KeyboardInterrupt ends the run and keeps what was measured. A case that crashes, hangs or raises is a
    sample that says so, and the others go on.
    """
    parameters, repeats, limit_seconds = study.settings(plan.scale)
    repeats, limit_seconds = plan.repeats or repeats, plan.timeout_seconds or limit_seconds
    jobs = planned_jobs(study, plan, repeats)
    record = _begin_record(study, plan, parameters, repeats)
    started = time.monotonic()
    interrupted = False
    try:
        with progress(study.name, len(jobs)) as shown:
            for measure, case, repeat in jobs:
                shown.begin(case_text(measure, case))
                sample = _measure(study, plan, measure, case, repeat, limit_seconds)
                record.samples.append(sample)
                _stamp(record, started)
                write_record(record, directory)
                shown.end("" if sample.status in ("ok", "unavailable") else sample_text(sample))
    except KeyboardInterrupt:
        interrupted = True
    record.complete = not interrupted and not plan.filtered
    _stamp(record, started)
    return Outcome(record, write_record(record, directory), interrupted)


def planned_jobs(study: Study, plan: Plan, repeats: int) -> list[tuple[str, dict[str, Any], int]]:
    """Every repeat of every wanted case in a random order: what drifts must not look like a parameter."""
    jobs = [
        (measure, case, repeat)
        for repeat in range(repeats)
        for measure, case in study.grid(plan.scale)
        if plan.wants(measure, case)
    ]
    random.Random(plan.seed).shuffle(jobs)  # noqa: S311  # an order, not a secret
    return jobs


def _begin_record(study: Study, plan: Plan, parameters: dict[str, list[Any]], repeats: int) -> Record:
    described = describe_interpreter(plan.python, study.target)
    return Record(
        study=study.name,
        slug=described["slug"],
        title=study.title,
        started=_now(),
        command=list(plan.command),
        scale=plan.scale,
        parameters=parameters,
        seed=plan.seed,
        repeats=repeats,
        runtime=described["runtime"],
        environment=described["environment"],
    )


def _measure(
    study: Study, plan: Plan, measure: str, case: dict[str, Any], repeat: int, limit_seconds: float
) -> Sample:
    answer = run_worker(plan.python, study.target, measure, case, limit_seconds=limit_seconds)
    return Sample(measure=measure, case=case, repeat=repeat, **answer)


def _stamp(record: Record, started: float) -> None:
    record.finished = _now()
    record.duration_seconds = round(time.monotonic() - started, 3)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
