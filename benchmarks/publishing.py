"""The committed tables and the page beside the studies, drawn from the records: nothing in them is typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import engine, finder, recorders, tables
from benchmarks.engines import WEAK
from benchmarks.goals import MISSED, NOT_MEASURED, REACHED, judged
from benchmarks.records import MEASURED
from benchmarks.rows import Rows
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


@dataclass(frozen=True)
class Drawn:
    """A figure of the page."""

    name: str
    caption: str
    section: str
    part: str
    base: str
    figure: str


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
    there = {record["section"] for record in records}
    found += [NOT_MEASURED for name, each in SECTIONS.items() if name not in there for _ in each.goals]
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


#: What is drawn of which section and part: the ratio of a figure to that of `base`, for each who.
FIGURES = (
    Drawn("collections", "The whole answer, in collections of the same heap", "finder", finder.WHOLE,
          finder.COLLECT, "whole_seconds"),
    Drawn("other_tools", "Other tools' time, in garbology's whole answers", "finder", finder.PEERS,
          finder.OURS, "whole_seconds"),
    Drawn("engines", "Forward and backward, in times of autograd_core with weak references", "engine",
          engine.TIME, WEAK, "together_seconds"),
    Drawn("watched", "A watched program's time, in that of the program alone", "recorders",
          recorders.WATCHED, NOTHING, "unit_seconds"),
)  # fmt: skip


def _figures(records: Sequence[Record]) -> Iterator[FigureSpec]:
    """Those for which something was measured."""
    for drawn in FIGURES:
        rows = [row for record in records for row in _ratios(record, drawn)]
        if rows:
            yield FigureSpec(
                drawn.name, drawn.caption, "dots", "case", "times", color="who", y_scale="log", rows=rows,
                y_title="times", x_title="heap" if drawn.part == finder.WHOLE else "case",
            )  # fmt: skip


def _ratios(record: Record, drawn: Drawn) -> Iterator[dict[str, Any]]:
    """A row for each who but the base, in each case."""
    if record["section"] != drawn.section:
        return
    found = Rows(record["rows"])
    for case in found.cases(drawn.part):
        for who in found.who(drawn.part):
            ratio = found.ratio(drawn.part, case, who, drawn.base, drawn.figure)
            if who != drawn.base and ratio is not None:
                yield {
                    "runtime": record["runtime"]["slug"], "case": case, "who": who, "times": ratio.value,
                    "low": ratio.low, "high": ratio.high, "samples": ratio.rounds,
                }  # fmt: skip
