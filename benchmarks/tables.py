"""A record as tables: the goals, and who was measured beside whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.goals import COLUMNS, Shown, interval_text, judged, shown
from benchmarks.rows import Rows
from benchmarks.sections import SECTIONS
from benchmarks.settings import Settings
from garbology.text.numbers import NOTHING, unit_of


@dataclass(frozen=True)
class Table:
    """Headings and rows of text."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def goal_table(records: Sequence[Mapping[str, Any]]) -> Table:
    """Every goal of every section, with the versions that it was measured on; a section may have no record."""
    rows = []
    there = {record["section"] for record in records}
    for record in records:
        section, version = SECTIONS[record["section"]], record["runtime"]["version"]
        for one in judged(section.goals, record):
            verdict, *others = one.row()
            smaller = " (smaller sizes)" if is_smaller(record) and one.found is not None else ""
            rows.append([section.title, verdict + smaller, *others, version])
    for name, section in SECTIONS.items():
        if name not in there:
            rows += [[section.title, *goal.judged(Rows([])).row(), NOTHING] for goal in section.goals]
    return Table("Goals", ["", *COLUMNS, "CPython"], rows)


def tables(record: Mapping[str, Any]) -> Iterator[Table]:
    """What was measured, a table for each part that is there."""
    rows = Rows(record["rows"])
    for shown_part in SECTIONS[record["section"]].shown:
        lines = list(_lines(rows, shown_part))
        if lines:
            columns = ["", "", *(label for label, _ in _figures(rows, shown_part))]
            yield Table(_title(shown_part), [*columns, *_ratio_columns(shown_part)], lines)


def _title(part: Shown) -> str:
    return part.part[:1].upper() + part.part[1:]


def _ratio_columns(part: Shown) -> list[str]:
    return [f"times {part.base}", "95 % interval"] if part.base else []


def _figures(rows: Rows, part: Shown) -> list[tuple[str, str]]:
    """The label and the name of each figure that is shown."""
    present = rows.figures(part.part)
    return [(label, name) for name, label in part.figures.items() if name in present]


def _lines(rows: Rows, part: Shown) -> Iterator[list[str]]:
    for case in rows.cases(part.part):
        there = [who for who in rows.who(part.part) if rows.of(part=part.part, case=case, who=who)]
        for place, who in enumerate(there):
            cells = [_cell(rows, part.part, case, who, name) for _, name in _figures(rows, part)]
            yield ["" if place else case, who, *cells, *_ratio(rows, part, case, who)]


def _cell(rows: Rows, part: str, case: str, who: str, name: str) -> str:
    words = rows.words(part, case, who, name)
    if words:
        return words
    found = rows.median(part, case, who, name)
    return shown(found.value, unit_of(name) or _unit(name)) if found else ""


def _unit(name: str) -> str:
    return "bytes" if name == "bytes_each" else ""


def _ratio(rows: Rows, part: Shown, case: str, who: str) -> list[str]:
    if not part.base:
        return []
    found = rows.ratio(part.part, case, who, part.base, part.ratio) if who != part.base else None
    return ["", ""] if found is None else [shown(found.value, ""), interval_text(found, "")]


def is_smaller(record: Mapping[str, Any]) -> bool:
    """Whether something that the section measures was smaller than the goals ask for."""
    asked, had = Settings().to_dict(), record["settings"]
    names = SECTIONS[record["section"]].sizes
    return any(_greatest(had[name]) < _greatest(asked[name]) for name in names if name in had)


def _greatest(size: Any) -> float:
    return max(size, default=0) if isinstance(size, (list, tuple)) else float(size)


def lacks(record: Mapping[str, Any]) -> list[str]:
    """Which peers are missing, and what went wrong."""
    missing = [f"{name} is not installed: not measured" for name in record["missing"]]
    return [*missing, *record["problems"]]


def said(record: Mapping[str, Any]) -> str:
    """One line: what was measured where and when."""
    environment, peers = record["environment"], record["peers"]
    loads = (environment.get(name) for name in ("load_average", "load_average_at_the_end"))
    load = [f"{each}" for each in loads if each is not None]
    there = ", ".join(f"{name} {version}" for name, version in peers.items() if version)
    scale = "Sizes are smaller than those of the goals. " if is_smaller(record) else ""
    part = f"Only {', '.join(record['only'])}. " if record["only"] else ""
    return (
        f"{scale}{part}{record['runtime']['label']}, {environment['cpu_model']}, {environment['cpu_count']} cores, "
        f"load {' to '.join(load)}, {record['started'][:16].replace('T', ' ')} UTC, commit "
        f"{environment['commit']}, {record['settings']['rounds']} rounds; {there or 'no peer is installed'}."
    )


def markdown(table: Table) -> list[str]:
    """A table as lines of Markdown."""
    cells = [list(table.columns), ["---"] * len(table.columns), *map(list, table.rows)]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]


def text(records: Sequence[Mapping[str, Any]]) -> str:
    """All of it as Markdown: goals first, then each section."""
    lines = ["## Goals", "", *markdown(goal_table(records)), ""]
    for record in records:
        section = SECTIONS[record["section"]]
        lines += [f"## {section.title}, {record['runtime']['label']}", "", said(record), ""]
        lines += [f"- {line}" for line in lacks(record)] + ([""] if lacks(record) else [])
        for table in tables(record):
            lines += [f"### {table.title}", "", *markdown(table), ""]
    return "\n".join(lines)
