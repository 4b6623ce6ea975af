"""Run studies on interpreters: measure, show each as it ends, draw all pages at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from garbology.cli.publishing import compared, publish, publish_index, show
from garbology.measuring.interpreters import Interpreter, InterpreterError, LostError
from garbology.measuring.reservations import BusyError, Reservations, drawing
from garbology.measuring.resumption import begin_command, end_command, unfinished_since
from garbology.measuring.runner import Outcome, Plan, StudyRun, measure_all, now
from garbology.measuring.scratch import sweep
from garbology.study.declaration import Study
from garbology.study.evaluation import evaluate
from garbology.study.page import NO_VERDICT, StudyPage
from garbology.study.records import NewerRecordError, Record
from garbology.text.links import file_link

HOLDS, DOES_NOT_HOLD, USAGE, INTERRUPTED = 0, 1, 2, 130

_MOST_UNDER_WAY = 1_000  # samples of a cluster, each with a thread that waits for it

Say = Callable[[str], None]


@dataclass(frozen=True)
class Places:
    """The directory that a run writes to, and that of a reference set to be shown beside, where there is one."""

    output: Path
    reference: Path | None = None

    def page_of(self, study: Study, records: Sequence[Record]) -> StudyPage:
        """The page of some records of a study."""
        page = evaluate(study, records)
        return compared(study, page, records, self.output / study.name, self.reference)


def opening(study: Study) -> list[str]:
    """What is measured and why, then what the names in the table mean: what a terminal shows first."""
    width = max(map(len, study.glossary), default=0)
    return [study.opening, *(f"  {name:{width}}  {meaning}" for name, meaning in study.glossary.items())]


def run_studies(
    studies: Sequence[Study],
    plans: Sequence[Plan],
    interpreters: Sequence[Interpreter],
    output: Path,
    *,
    say: Say,
    echo: Say,
    overview: Callable[[], Sequence[Study]] = tuple,
    reference: Path | None = None,
    at_once: Callable[[], int] | None = None,
) -> int:
    """Measure each study as planned on each interpreter, and return the exit status.

    What goes wrong with one of them is said and the others go on. Paths that were written are echoed; where
    anything was, the front page of the studies that `overview` returns is drawn again. A record that another run is
    writing is left to that one. The figures of the reference set in the directory `reference` stand beside.
    `at_once`, of a cluster, says how many samples are measured at once.
    """
    sweep()  # what runs that were killed left in the directory of temporary files
    reservations = Reservations()
    try:
        places = Places(output, reference)
        return _run_reserved(studies, plans, interpreters, places, reservations, say, echo, overview, at_once)
    finally:
        reservations.release()


def _run_reserved(
    studies: Sequence[Study],
    plans: Sequence[Plan],
    interpreters: Sequence[Interpreter],
    places: Places,
    reservations: Reservations,
    say: Say,
    echo: Say,
    overview: Callable[[], Sequence[Study]],
    at_once: Callable[[], int] | None,
) -> int:
    output = places.output
    resume = any(plan.resume for plan in plans)
    command = "; ".join(" ".join(plan.command) for plan in plans)
    began = now()
    since = unfinished_since(output, command) if resume else ""
    plans = [replace(plan, finished_since=since) for plan in plans]
    runs, status = _begin(list(zip(studies, plans, strict=True)), interpreters, output, reservations, say)
    if runs:
        with drawing(output):
            begin_command(output, command, since or began)
    if resume and runs and not any(run.notes for run in runs):
        say("there is nothing to resume: everything is measured from the beginning")
    written: dict[StudyRun, Path] = {}
    statuses = [status]
    answers: list[str] = []
    if len(runs) == 1:
        echo("\n".join([*opening(studies[0]), ""]))

    def finished(run: StudyRun, outcome: Outcome) -> None:
        follows = bool(written)
        written[run] = outcome.path
        page = places.page_of(run.study, [outcome.record])
        statuses.append(exit_status(outcome, page))
        if len(interpreters) > 1:
            echo(_heading(run, page))
        elif follows:
            echo("")  # between one study's last line and the next one's title
        show(page, say=say, verdict=len(runs) > 1)
        answers.append(page.verdict or NO_VERDICT)

    interrupted, lost = False, ""
    try:
        jobs = plans[0].jobs if at_once is None else _MOST_UNDER_WAY
        interrupted = bool(runs) and measure_all(runs, jobs, finished, at_once=at_once)
    except LostError as error:
        interrupted, lost = True, str(error)
    for run in runs:
        if run not in written and run.is_begun:
            finished(run, run.finish(interrupted=interrupted))
    front: list[Path] = []
    if runs:
        with drawing(output):
            of_all = overview() if written else ()
            drawn = _draw(runs, written, places, say, echo, has_front=bool(of_all))
            if of_all:
                front = publish_index(of_all, output, places.reference, say=say)
                _echo_paths(front, echo)
            if not interrupted:
                end_command(output, command)
        echo("\n".join(["", *_last_words(answers, drawn, front)]))
    if lost:
        say(f"{lost}; the same command with --resume goes on")
        return max(DOES_NOT_HOLD, *statuses)
    if interrupted:
        say("interrupted: the same command with --resume goes on")
        return INTERRUPTED
    return max(statuses)


def exit_status(outcome: Outcome, page: StudyPage) -> int:
    """What is merely unavailable here breaks nothing, and neither does a claim that nothing was left for."""
    findings = {finding.status for finding in page.findings}
    bad = {sample.status for sample in outcome.record.samples} - {"ok", "unavailable"}
    faults = set(page.problems) - set(page.unavailable)
    lacking = outcome.record.complete and (faults or ("not measured" in findings and not page.unavailable))
    return DOES_NOT_HOLD if "does not hold" in findings or bad or lacking else HOLDS


def _begin(
    planned: Sequence[tuple[Study, Plan]],
    interpreters: Sequence[Interpreter],
    output: Path,
    reservations: Reservations,
    say: Say,
) -> tuple[list[StudyRun], int]:
    """Every study on every interpreter that can run it, and the exit status for those that cannot."""
    runs: dict[tuple[str, str], StudyRun] = {}
    status = HOLDS
    failures: dict[str, list[str]] = {}  # the studies that an interpreter cannot run, by the reason
    busy: dict[str, list[str]] = {}  # those that another process measures
    for study, plan in planned:
        for interpreter in interpreters:
            try:
                directory = output / study.name
                run = StudyRun(
                    study,
                    replace(plan, interpreter=interpreter),
                    directory,
                    partial(reservations.reserve, directory),
                )
            except InterpreterError as error:
                failures.setdefault(str(error), []).append(study.name)
                continue
            except BusyError as error:
                busy.setdefault(str(error), []).append(study.name)
                continue
            except NewerRecordError as error:
                say(
                    f"{study.name} is not measured: {error}, or choose another --output, or move the file away"
                )
                status = USAGE
                continue
            other = runs.setdefault((study.name, run.record.slug), run)
            if other is not run:
                say(f"{study.name}: {interpreter.name} is the same runtime as {other.interpreter.name}")
            else:
                for note in run.notes:
                    say(f"{study.name}: {note}")
    for message, names in failures.items():
        say(f"{', '.join(names)}: {message}")
    for message, names in busy.items():
        say(f"{', '.join(dict.fromkeys(names))}: {message}")
    return list(runs.values()), max(status, DOES_NOT_HOLD if failures else HOLDS, USAGE if busy else HOLDS)


def _draw(
    runs: Sequence[StudyRun],
    written: Mapping[StudyRun, Path],
    places: Places,
    say: Say,
    echo: Say,
    *,
    has_front: bool,
) -> list[Path]:
    """The page of each study that was measured, from all its records: what `report` would draw."""
    pages = []
    for study in dict.fromkeys(run.study for run in runs):
        paths = [written[run] for run in runs if run.study is study and run in written]
        if paths:
            echo("")
            has_one = has_front or (places.output / "index.html").is_file()
            directory = places.output / study.name
            drawn = publish(study, directory, places.reference, has_front=has_one, say=say)
            pages += drawn[:1]
            _echo_paths([*paths, *drawn], echo)
    return pages


def _last_words(answers: Sequence[str], drawn: Sequence[Path], front: Sequence[Path]) -> list[str]:
    """What stands above the prompt: of one study its answer and its page, of several the front page."""
    page = [*drawn, *front][:1] if len(answers) == 1 else front[:1]
    return [
        *(answers if len(answers) == 1 else []),
        *(f"open {file_link(path, sys.stdout)}" for path in page),
    ]


def _heading(run: StudyRun, page: StudyPage) -> str:
    """What tells a result from those of other interpreters: '\n== cycles: CPython 3.12.1, generational (3.12)'."""
    of = page.runtimes[0]
    return f"\n== {page.name}: {of.label}, {of.collector} ({run.interpreter.name})"


def _echo_paths(paths: Sequence[Path], echo: Say) -> None:
    if paths:
        echo("\n".join(map(str, paths)))
