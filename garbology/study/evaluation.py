"""From records to a page: every claim is a function, called on the samples of each runtime."""

from __future__ import annotations

import linecache
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from garbology.study.declaration import Study
from garbology.study.exceptions import ExpectedException
from garbology.study.hardware import hardware_text, is_known, is_same_elsewhere
from garbology.study.page import FindingResult, RuntimeSummary, StudyPage
from garbology.study.parts import Parts, atlas_rows, error_text
from garbology.study.records import Record, Sample
from garbology.study.repetition import time_names
from garbology.study.runs import NotMeasured, Run, Runs, Unavailable, case_text
from garbology.study.signals import exit_text
from garbology.study.wording import counted

_MOST_NAMED = 3
_REPETITION = (
    "repeats",
    "most_repeats",
    "precision",
    "precision_reached",
    "imprecise_cases",
    "jobs",
    "seed",
    "duration_seconds",
)
_MISTAKEN = "the finding itself raised"
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


def evaluate(study: Study, records: Sequence[Record], *, problems: Sequence[str] = ()) -> StudyPage:
    """Everything the page of `study` says about `records`.

    Findings are judged and tiles are made on each runtime alone, figures show all of them; the verdict, the
    page's tiles, the table and the pictures are of one runtime, the newest version with 64-bit pointers:
    unlike runtimes are not pooled. Of one runtime on several kinds of hardware the counts are, the times are not.
    """
    found = [*problems, *(line for record in records for line in sample_problems(record))]
    runs = {record.slug: pooled_runs(study, record, records) for record in records}
    leader = max(records, key=newness, default=None)
    led = runs[leader.slug] if leader else Runs([])
    everything = Runs(run for each in runs.values() if each for run in each)
    findings = [
        _judge_here(study, function, runs[record.slug], record)
        for function in study.findings.values()
        for record in records
    ]
    found += [f"{each.runtime}: {each.name}: {each.evidence}" for each in findings if _is_mistaken(each)]
    parts = Parts(study)
    tiles = parts.tiles(runs, leader.slug if leader else "")
    verdict, pictures, medians = parts.verdict(led), parts.pictures(led), parts.table(led)
    figures, front_chart = parts.figures(everything), parts.front_chart(everything)
    unavailable = [line for record in records for line in unavailable_lines(record)]
    unavailable += [f"{each.runtime}: {each.claim} {each.evidence}" for each in findings if each.unavailable]
    return StudyPage(
        name=study.name,
        title=study.title,
        docstring=study.docstring,
        verdict=verdict,
        tiles=tiles.get(leader.slug, []) if leader else [],
        findings=findings,
        figures=figures,
        pictures=pictures,
        runtimes=[summarise(record) for record in records],
        problems=[*found, *parts.faults, *parts.lacking, *unavailable],
        unavailable=[*parts.lacking, *unavailable] if unavailable else [],
        command=" ".join(leader.command) if leader else "",
        table=medians,
        atlas=atlas_rows(tiles),
        lead=leader.slug if leader else "",
        part=study.part,
        front_chart=front_chart,
        is_score=study.is_score,
    )


def judge(function: Callable[[Runs], Any], runs: Runs, runtime: str) -> FindingResult:
    """Whether one claim holds on one runtime."""
    name, claim = function.__name__, " ".join((function.__doc__ or "").split())
    try:
        evidence = function(runs)
    except AssertionError as error:
        return FindingResult(name, claim, runtime, "does not hold", _broken_by(error))
    except NotMeasured as error:
        return FindingResult(name, claim, runtime, "not measured", str(error))
    except Unavailable as error:
        return FindingResult(name, claim, runtime, "not measured", str(error), unavailable=True)
    except (Exception, SystemExit) as error:
        # a finding that cannot be evaluated must not pass for one that holds
        return FindingResult(name, claim, runtime, "not measured", f"{_MISTAKEN} {error_text(error)}")
    if not isinstance(evidence, (str, type(None))):  # `return x == y` would hold whatever x is
        mistake = f"{_MISTAKEN} nothing and returned {evidence!r}: it must assert, and return a text or None"
        return FindingResult(name, claim, runtime, "not measured", mistake)
    return FindingResult(name, claim, runtime, "holds", evidence or f"{counted(len(runs), 'sample')} checked")


def except_from(result: FindingResult, exception: ExpectedException | None) -> FindingResult:
    """The result where a failure is expected: an expected failure, or an unexpected pass, which breaks the study."""
    if exception is None or result.status == "not measured":
        return result
    explained = replace(result, reason=exception.reason, reference=exception.reference)
    if result.status == "does not hold":
        return replace(explained, status="not on this version")
    evidence = f"it holds, although it is declared not to hold here: {result.evidence}"
    return replace(explained, status="does not hold", evidence=evidence)


def _judge_here(study: Study, function: Callable[[Runs], Any], runs: Runs, record: Record) -> FindingResult:
    declared = [each for each in study.exceptions if each.finding == function.__name__]
    expected = [*declared, *getattr(function, "expected_failures", ())]
    fitting = (exception for exception in expected if exception.applies(record.runtime))
    return except_from(judge(function, runs, record.slug), next(fitting, None))


def _is_mistaken(result: FindingResult) -> bool:
    return result.status == "not measured" and result.evidence.startswith(_MISTAKEN)


def runs_of(study: Study, record: Record) -> Runs:
    """The good samples of a record in the order of the grid; they were measured in a random one."""
    place = {name: index for index, name in enumerate(study.measures)}

    def order(sample: Sample) -> tuple[Any, ...]:
        values = (_index(record.parameters.get(name, []), value) for name, value in sample.case.items())
        return place.get(sample.measure, len(place)), *values, sample.repeat

    good = sorted((sample for sample in record.samples if sample.status == "ok"), key=order)
    return Runs(
        Run(
            sample.measure,
            sample.case,
            sample.values or {},
            repeat=sample.repeat,
            seconds=sample.seconds or 0.0,
            runtime=record.slug,
        )
        for sample in good
    )


def pooled_runs(study: Study, record: Record, records: Sequence[Record]) -> Runs:
    """The good samples of a record, and those of the same runtime on other hardware where a measure has no times."""
    own = runs_of(study, record)
    others = [other for other in records if is_same_elsewhere(record, other)]
    if not others:
        return own
    timed = {
        sample.measure
        for each in (record, *others)
        for sample in each.samples
        if time_names([sample.values or {}])
    }
    more = [
        Run(run.measure, run.case, run.values, repeat=run.repeat, runtime=record.slug)
        for other in others
        for run in _all(runs_of(study, other))
        if run.measure not in timed
    ]
    return Runs([*_all(own), *more])


def _all(runs: Runs) -> Iterable[Run]:
    """The samples of a selection that may be empty."""
    return runs if len(runs) else ()


def summarise(record: Record) -> RuntimeSummary:
    """What the page says about one record file."""
    runtime: Mapping[str, Any] = record.runtime
    implementation = str(runtime.get("implementation", ""))
    return RuntimeSummary(
        slug=record.slug,
        label=f"{_IMPLEMENTATIONS.get(implementation, implementation)} {runtime.get('version', '')}".strip()
        or record.slug,
        collector=str(runtime.get("collector", "")),
        runtime=runtime,
        environment=record.environment,
        scale=record.scale,
        samples=len(record.samples),
        started=record.started,
        record_file=record.file_name,
        complete=record.complete,
        parameters=record.parameters,
        repetition={name: getattr(record, name) for name in _REPETITION},
        hardware=hardware_text(record.environment) if is_known(record.environment) else "",
    )


def sample_problems(record: Record) -> list[str]:
    """A sentence for each case that crashed, hung or raised, and one for a run that is not complete."""
    found = (
        []
        if record.complete
        else [f"{record.slug}: the run is not complete, {counted(len(record.samples), 'sample')}"]
    )
    attempts = Counter(case_text(sample.measure, sample.case) for sample in record.samples)
    bad: dict[tuple[str, str], int] = Counter(
        (case_text(sample.measure, sample.case), sample_text(sample))
        for sample in record.samples
        if sample.status not in ("ok", "unavailable")
    )
    found += [
        f"{record.slug}: {case} {what} ({times} of {attempts[case]})" for (case, what), times in bad.items()
    ]
    return found


def unavailable_lines(record: Record) -> list[str]:
    """A sentence for each reason why cases could not be measured here, which is no fault of theirs."""
    cases: dict[str, dict[str, None]] = {}
    for sample in record.samples:
        if sample.status == "unavailable":
            cases.setdefault(sample.message or "", {})[case_text(sample.measure, sample.case)] = None
    return [
        f"{record.slug}: not measured: {message} ({_listed(list(names))})" for message, names in cases.items()
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _MOST_NAMED else f"{len(names)} cases"


def sample_text(sample: Sample) -> str:
    """What became of a sample, as the end of a sentence."""
    if sample.status == "timeout":
        return f"was killed after {sample.limit_seconds:g} seconds"
    message = f": {sample.message}" if sample.message else ""
    if sample.status == "crashed":
        return f"crashed with {exit_text(sample.exit_code)}{message}"
    if sample.status == "unavailable":
        return f"is not measured{message}"
    return f"{sample.status}{message}"


def newness(record: Record) -> tuple[Any, ...]:
    """What makes a runtime the one to tell about first: complete, 64-bit, a release, new, measured last."""
    version = str(record.runtime.get("version", ""))
    released = re.fullmatch(r"[\d.]+", version) is not None
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    return record.complete, record.runtime.get("pointer_bits") != 32, released, numbers, record.started


def _broken_by(error: AssertionError) -> str:
    """The assertion's message, or the source of an assertion that has none."""
    if str(error):
        return " ".join(str(error).split())
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return ""
    return linecache.getline(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno).strip()


def _index(values: Sequence[Any], value: Any) -> int:
    return values.index(value) if value in values else len(values)
