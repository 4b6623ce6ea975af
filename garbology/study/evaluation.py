"""From records to a page: every claim is a function, called on the samples of each runtime."""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from garbology.study.page import FigureSpec, FindingResult, RuntimeSummary, StudyPage, Table, Tile
from garbology.study.records import Record, Sample
from garbology.study.runs import NotMeasured, Run, Runs, case_text
from garbology.study.signals import exit_text
from garbology.study.tables import scalar_values, table

if TYPE_CHECKING:
    from garbology.study.declaration import Study

Result = TypeVar("Result")

_DEFAULT_TABLE_COLUMNS = 6
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


def evaluate(
    study: Study, records: Sequence[Record], *, problems: Sequence[str] = (), lead: str = ""
) -> StudyPage:
    """Everything the page of `study` says about `records`.

    Findings are judged on each runtime alone and figures show all of them; the verdict, the tiles, the
    table and the pictures are of one runtime, `lead` or, without it, the one measured last: unlike runtimes
    are not pooled.
    """
    found = [*problems, *(line for record in records for line in sample_problems(record))]
    runs = {record.slug: runs_of(study, record) for record in records}
    leader = _leader(records, lead)
    led = runs[leader.slug] if leader else Runs([])
    everything = Runs(run for each in runs.values() if each for run in each)
    return StudyPage(
        name=study.name,
        title=study.title,
        docstring=study.docstring,
        verdict=_attempt(study.summaries.get("verdict"), led, found, kind="verdict") or "",
        tiles=[tile for function in study.tiles.values() for tile in _tiles(function, led, found)],
        findings=[
            judge(function, of, slug) for function in study.findings.values() for slug, of in runs.items()
        ],
        figures=_figures(study, everything, found),
        pictures=_attempt(study.summaries.get("pictures"), led, found, kind="pictures") or [],
        runtimes=[summarise(record) for record in records],
        problems=found,
        command=" ".join(leader.command) if leader else "",
        table=_attempt(study.summaries.get("table", _default_table), led, found, kind="table")
        or Table((), ()),
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
    except Exception as error:  # a finding that cannot be evaluated must not pass for one that holds
        return FindingResult(
            name, claim, runtime, "not measured", f"the finding itself raised {_short(error)}"
        )
    text = evidence if isinstance(evidence, str) else f"{len(runs)} samples checked"
    return FindingResult(name, claim, runtime, "holds", text)


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


def summarise(record: Record) -> RuntimeSummary:
    """What the page says about one record file."""
    runtime: Mapping[str, Any] = record.runtime
    implementation = str(runtime.get("implementation", ""))
    return RuntimeSummary(
        slug=record.slug,
        label=f"{_IMPLEMENTATIONS.get(implementation, implementation)} {runtime.get('version', '')}".strip(),
        collector=str(runtime.get("collector", "")),
        runtime=runtime,
        environment=record.environment,
        scale=record.scale,
        samples=len(record.samples),
        started=record.started,
        record_file=record.file_name,
        complete=record.complete,
    )


def sample_problems(record: Record) -> list[str]:
    """A sentence for each case that crashed, hung or raised, and one for a run that is not complete."""
    found = (
        [] if record.complete else [f"{record.slug}: the run is not complete, {len(record.samples)} samples"]
    )
    attempts = Counter(case_text(sample.measure, sample.case) for sample in record.samples)
    bad: dict[tuple[str, str], int] = Counter(
        (case_text(sample.measure, sample.case), sample_text(sample))
        for sample in record.samples
        if sample.status != "ok"
    )
    found += [
        f"{record.slug}: {case} {what} ({times} of {attempts[case]})" for (case, what), times in bad.items()
    ]
    return found


def sample_text(sample: Sample) -> str:
    """What became of a sample, as the end of a sentence."""
    if sample.status == "timeout":
        return f"was killed after {sample.limit_seconds:g} seconds"
    message = f": {sample.message}" if sample.message else ""
    if sample.status == "crashed":
        return f"crashed with {exit_text(sample.exit_code)}{message}"
    return f"{sample.status}{message}"


def _leader(records: Sequence[Record], lead: str) -> Record | None:
    named = [record for record in records if record.slug == lead]
    return named[0] if named else max(records, key=lambda record: record.started, default=None)


def _figures(study: Study, runs: Runs, problems: list[str]) -> list[FigureSpec]:
    figures = []
    for name, function in study.figures.items():
        spec = _attempt(function, runs, problems, kind="figure")
        if spec is not None:
            caption = " ".join((function.__doc__ or name.replace("_", " ").capitalize() + ".").split())
            figures.append(replace(spec, name=name, caption=caption))
    return figures


def _tiles(
    function: Callable[[Runs], Tile | Sequence[Tile]], runs: Runs, problems: list[str]
) -> Sequence[Tile]:
    tile = _attempt(function, runs, problems, kind="tile")
    if tile is None:
        return ()
    return (tile,) if isinstance(tile, Tile) else tile


def _attempt(
    function: Callable[[Runs], Result] | None, runs: Runs, problems: list[str], *, kind: str
) -> Result | None:
    """The function's result; where it has none, `problems` says why and the rest of the page remains."""
    if function is None:
        return None
    try:
        return function(runs)
    except NotMeasured as error:
        problems.append(f"{_titled(kind, function.__name__)} is missing: {error}")
    except Exception as error:
        problems.append(f"{_titled(kind, function.__name__)} is missing: it raised {_short(error)}")
    return None


def _default_table(runs: Runs) -> Table:
    first = runs.of(next(iter(runs)).measure)
    return table(first, scalar_values(first)[:_DEFAULT_TABLE_COLUMNS])


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


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _index(values: Sequence[Any], value: Any) -> int:
    return values.index(value) if value in values else len(values)


def _titled(kind: str, name: str) -> str:
    """What a reader calls a part of the page: 'figure pauses', but 'verdict' where that is its name, too."""
    return name if name.startswith(kind) else f"{kind} {name}"
