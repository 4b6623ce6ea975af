"""Run studies on interpreters: measure, show each as it ends, draw all pages at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from garbology.study.declaration import Study
from garbology.study.interpreters import Interpreter, InterpreterError
from garbology.study.page import StudyPage
from garbology.study.publishing import publish, publish_index, show
from garbology.study.records import NewerRecordError
from garbology.study.resumption import begin_command, end_command
from garbology.study.runner import Outcome, Plan, StudyRun, measure_all, now

HOLDS, DOES_NOT_HOLD, USAGE, INTERRUPTED = 0, 1, 2, 130

Say = Callable[[str], None]


def run_studies(
    studies: Sequence[Study],
    plans: Sequence[Plan],
    interpreters: Sequence[Interpreter],
    output: Path,
    *,
    say: Say,
    echo: Say,
    overview: Callable[[], Sequence[Study]] = tuple,
) -> int:
    """Measure each study as planned on each interpreter, and return the exit status.

    What goes wrong with one of them is said and the others go on. Paths that were written are echoed; where
    anything was, the front page of the studies that `overview` returns is drawn again.
    """
    resume = any(plan.resume for plan in plans)
    command = "; ".join(" ".join(plan.command) for plan in plans)
    since = begin_command(output, command, now(), resume=resume)
    plans = [replace(plan, finished_since=since) for plan in plans]
    runs, status = _begin(list(zip(studies, plans, strict=True)), interpreters, output, say)
    if resume and runs and not any(run.notes for run in runs):
        say("there is nothing to resume: everything is measured from the beginning")
    outcomes: dict[StudyRun, Outcome] = {}
    statuses = [status]

    def finished(run: StudyRun, outcome: Outcome) -> None:
        outcomes[run] = outcome
        page = run.study.report([outcome.record])
        statuses.append(exit_status(outcome, page))
        if len(interpreters) > 1:
            echo(_heading(run, page))
        show(page, say=say)

    interrupted = bool(runs) and measure_all(runs, plans[0].jobs, finished)
    for run in runs:
        if run not in outcomes and run.is_begun:
            finished(run, run.finish(interrupted=interrupted))
    _draw(runs, outcomes, output, say, echo)
    if outcomes and (of_all := overview()):
        _echo_paths(publish_index(of_all, output, say=say), echo)
    if interrupted:
        say("interrupted: the same command with --resume goes on")
        return INTERRUPTED
    end_command(output, command)
    return max(statuses)


def exit_status(outcome: Outcome, page: StudyPage) -> int:
    """What is merely unavailable here breaks nothing, and neither does a claim that nothing was left for."""
    findings = {finding.status for finding in page.findings}
    bad = {sample.status for sample in outcome.record.samples} - {"ok", "unavailable"}
    faults = set(page.problems) - set(page.unavailable)
    lacking = outcome.record.complete and (faults or ("not measured" in findings and not page.unavailable))
    return DOES_NOT_HOLD if "does not hold" in findings or bad or lacking else HOLDS


def _begin(
    planned: Sequence[tuple[Study, Plan]], interpreters: Sequence[Interpreter], output: Path, say: Say
) -> tuple[list[StudyRun], int]:
    """Every study on every interpreter that can run it, and the exit status for those that cannot."""
    runs: dict[tuple[str, str], StudyRun] = {}
    status = HOLDS
    failures: dict[str, list[str]] = {}  # the studies that an interpreter cannot run, by the reason
    for study, plan in planned:
        for interpreter in interpreters:
            try:
                run = StudyRun(study, replace(plan, interpreter=interpreter), output / study.name)
            except InterpreterError as error:
                failures.setdefault(str(error), []).append(study.name)
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
    return list(runs.values()), max(status, DOES_NOT_HOLD if failures else HOLDS)


def _draw(
    runs: Sequence[StudyRun], outcomes: Mapping[StudyRun, Outcome], output: Path, say: Say, echo: Say
) -> None:
    """The page of each study that was measured, from all its records: what `report` would draw."""
    for study in dict.fromkeys(run.study for run in runs):
        of_it = [outcomes[run] for run in runs if run.study is study and run in outcomes]
        if of_it:
            paths = [outcome.path for outcome in of_it]
            paths += publish(study, output / study.name, say=say)
            _echo_paths(paths, echo)


def _heading(run: StudyRun, page: StudyPage) -> str:
    """What tells a result from those of other interpreters: '\n== cycles: CPython 3.12.1, generational (3.12)'."""
    of = page.runtimes[0]
    return f"\n== {page.name}: {of.label}, {of.collector} ({run.interpreter.name})"


def _echo_paths(paths: Sequence[Path], echo: Say) -> None:
    if paths:
        echo("\n".join(map(str, paths)))
