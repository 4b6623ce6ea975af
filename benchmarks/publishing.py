"""The committed tables and the page beside the studies, drawn from the records: nothing in them is typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import engine, finder, recorders, tables
from benchmarks.engines import WEAK
from benchmarks.goals import MISSED, NOT_MEASURED, REACHED, judged
from benchmarks.records import MEASURED
from benchmarks.rows import Estimate, Rows
from benchmarks.sections import SECTIONS
from benchmarks.tools import NOTHING
from benchmarks.worker import ROOT
from garbology.reporting.files import write_text
from garbology.reporting.tables_page import TablePart, TablesPage, write_tables
from garbology.study.page import FigureSpec, RuntimeSummary, Table, Tile
from garbology.text.layout import counted

NAME, TITLE = "benchmarks", "Benchmarks, beside the peers"
REPORTS = ROOT / "reports" / "reference"
COMMAND = "python -m benchmarks all --keep"
QUESTION = """What do the finder, the engine, the recorders and the package cost, beside what a user would take instead?

Everything is measured in one run, in turns, an interpreter each, so that what disturbs the machine disturbs all that
are compared. A ratio is taken within each round; given is the median of the rounds, with its 95 % interval by bootstrap
where there were five rounds or more, and with the least and the most where there were fewer. Times are those of the
processor, unless they are said to be from start to end.

Each goal is judged by the figure that was measured: reached where the median is within what is asked for, missed
where it is not.
"""
Record = Mapping[str, Any]


def publish(
    records: Sequence[Record], measured: Path = MEASURED, reports: Path = REPORTS, *, with_front: bool = True
) -> list[Path]:
    """Write the tables beside the records, the page, and the front page that links to it."""
    paths = [write_text(measured / "README.md", markdown(records))]
    paths += write_tables(page_of(records), reports / NAME)
    if with_front:
        from garbology.cli.publishing import publish_index
        from garbology.study.loading import load_study, study_names

        paths += publish_index([load_study(name) for name in study_names("experiments")], reports, say=print)
    return paths


def markdown(records: Sequence[Record]) -> str:
    """The tables of all records, as a page of its own."""
    head = [
        "# Measured",
        "",
        f"{verdict(records)} `{COMMAND}` measures it again and writes this page; `python -m benchmarks draw` draws",
        "it from the records beside it.",
        "",
    ]
    return "\n".join(head) + "\n" + tables.text(records).rstrip("\n") + "\n"


def verdict(records: Sequence[Record]) -> str:
    """Such as "12 of 20 goals are reached, 6 missed, 2 not measured."."""
    found = [one.verdict for record in records for one in judged(SECTIONS[record["section"]].goals, record)]
    counts = {word: found.count(word) for word in (MISSED, NOT_MEASURED)}
    others = [f"{count} {word}" for word, count in counts.items() if count]
    return ", ".join([f"{found.count(REACHED)} of {counted(len(found), 'goal')} reached", *others]) + "."


def page_of(records: Sequence[Record]) -> TablesPage:
    """All of it as the page's data."""
    goals = tables.goal_table(records)
    return TablesPage(
        name=NAME,
        title=TITLE,
        docstring=QUESTION,
        verdict=verdict(records),
        first=Table(goals.columns, goals.rows, "What is asked for, and what was measured"),
        tiles=list(_tiles(records)),
        figures=list(_figures(records)),
        parts=[_part(record) for record in records],
        runtimes=_runtimes(records),
        command=COMMAND,
        front="../index.html",
    )


def _part(record: Record) -> TablePart:
    title = f"{SECTIONS[record['section']].title}, {record['runtime']['label']}"
    found = [(each.title, Table(each.columns, each.rows)) for each in tables.tables(record)]
    return TablePart(title, tables.said(record), tables.lacks(record), found)


def _runtimes(records: Sequence[Record]) -> list[RuntimeSummary]:
    """One for each interpreter, as its first record has it."""
    found: dict[str, RuntimeSummary] = {}
    for record in records:
        runtime = record["runtime"]
        peers = {name: version for name, version in record["peers"].items() if version}
        environment = {**record["environment"]}
        environment["packages"] = {**environment.get("packages", {}), **peers}
        summary = RuntimeSummary(
            slug=runtime["slug"],
            label=runtime["label"],
            collector=runtime["collector"],
            runtime={name: value for name, value in runtime.items() if name not in ("slug", "label")},
            environment=environment,
            scale="quick" if record["settings"]["quick"] else "default",
            samples=sum(len(row["values"]) for row in record["rows"]),
            started=record["started"],
        )
        found.setdefault(runtime["slug"], summary)
    return list(found.values())


def _tiles(records: Sequence[Record]) -> Iterator[Tile]:
    """The first goal of each section that was measured: its figure."""
    for record in records:
        section = SECTIONS[record["section"]]
        first = next((one for one in judged(section.goals, record) if one.found is not None), None)
        if first is not None and first.found is not None:
            scale = 100 if first.goal.unit == "part" else 1
            unit = "%" if first.goal.unit == "part" else first.goal.unit
            found = first.found
            spread = (scale * found.low, scale * found.high) if found.has_interval else (None, None)
            yield Tile(f"{section.title}: {first.goal.text}", scale * found.value, unit, *spread)


def _figures(records: Sequence[Record]) -> Iterator[FigureSpec]:
    for name, section, part, who, base, figure, caption in (
        ("collections", "finder", finder.WHOLE, finder.OURS, finder.COLLECT, "whole_seconds",
         "The whole answer, in collections of the same heap"),
    ):  # fmt: skip
        rows = [
            _row(record, case, case, Rows(record["rows"]).ratio(part, case, who, base, figure))
            for record in records
            if record["section"] == section
            for case in Rows(record["rows"]).cases(part)
        ]
        yield _dots(name, caption, rows, "heap", "collections")
    yield from _by_who(records, "finder", finder.PEERS, finder.OURS, "whole_seconds", "other_tools",
                       "Other tools' time, in garbology's whole answers", "log")  # fmt: skip
    yield from _by_who(records, "engine", engine.TIME, WEAK, "together_seconds", "engines",
                       "Forward and backward, in times of autograd_core with weak references", "log")  # fmt: skip
    yield from _by_who(records, "recorders", recorders.WATCHED, NOTHING, "unit_seconds", "watched",
                       "A watched program's time, in that of the program alone", "log")  # fmt: skip


def _by_who(
    records: Sequence[Record],
    section: str,
    part: str,
    base: str,
    figure: str,
    name: str,
    caption: str,
    scale: str,
) -> Iterator[FigureSpec]:
    """The ratio of each tool in each case."""
    rows = []
    for record in records:
        found = Rows(record["rows"])
        if record["section"] == section:
            rows += [
                _row(record, case, who, found.ratio(part, case, who, base, figure))
                for case in found.cases(part)
                for who in found.who(part)
                if who != base
            ]
    yield _dots(name, caption, rows, "case", "times", color="who")


def _row(record: Record, case: str, who: str, found: Estimate | None) -> dict[str, Any]:
    return {
        "runtime": record["runtime"]["slug"], "case": case, "heap": case, "who": who,
        "times": found.value if found else None, "low": found.low if found else None,
        "high": found.high if found else None, "samples": found.rounds if found else 0,
    }  # fmt: skip


def _dots(
    name: str, caption: str, rows: list[dict[str, Any]], x: str, y_title: str, color: str | None = None
) -> FigureSpec:
    measured = [row for row in rows if row["times"] is not None]
    return FigureSpec(
        name,
        caption,
        "dots",
        x,
        "times",
        color=color,
        y_scale="log",
        rows=measured,
        y_title=y_title,
        x_title=x,
    )
