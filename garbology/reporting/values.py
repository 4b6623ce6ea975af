"""The values behind a figure as a table: one row a value, or, for several runtimes, a column a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from garbology.reporting.runtimes import RuntimeName, representatives
from garbology.study.page import FigureSpec
from garbology.text.numbers import NOTHING, format_interval, format_value, title_of, unit_of
from garbology.text.visible import visible

_ROWS, _ROWS_BY_VERSION = 120, 48
_RUNTIMES, _RUNTIMES_OF_A_FACET = 3, 2  # drawn in one figure: more cannot be compared at a glance


@dataclass(frozen=True)
class ValueTable:
    """Headings and rows of text; `left_out` counts the rows that are in the records only."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left_out: int

    def cut(self, limit: int) -> ValueTable:
        """The table with at most `limit` rows."""
        return replace(self, rows=self.rows[:limit], left_out=self.left_out + len(self.rows[limit:]))


def value_table(spec: FigureSpec, names: Mapping[str, RuntimeName]) -> ValueTable:
    """The values of `spec`; every cell is text, the interval beside its value."""
    if len({row.get("runtime") for row in spec.rows}) > 1:
        return _by_version(spec, names)
    fields = _fields(spec)
    unit = unit_of(spec.y)
    rows = [
        [
            *(format_value(row.get(field), field) for field in fields),
            format_value(row.get(spec.y), spec.y),
            format_interval(row.get("low"), row.get("high"), unit),
        ]
        for row in spec.rows
    ]
    columns = [*_headings(spec, [*fields, spec.y]), "95 % interval"]
    return ValueTable(columns, rows, 0).cut(_ROWS)


def _by_version(spec: FigureSpec, names: Mapping[str, RuntimeName]) -> ValueTable:
    fields = _fields(spec)
    present = {row.get("runtime") for row in spec.rows}
    slugs = [slug for slug in names if slug in present]
    grouped: dict[tuple[Any, ...], dict[Any, list[str]]] = {}
    for row in spec.rows:
        key = tuple(format_value(row.get(field), field) for field in fields)
        grouped.setdefault(key, {}).setdefault(row.get("runtime"), []).append(_cell(spec, row))
    rows = [
        [*key, *(", ".join(cells.get(slug, [NOTHING])) for slug in slugs)] for key, cells in grouped.items()
    ]
    return ValueTable([*_headings(spec, fields), *(names[slug].marked for slug in slugs)], rows, 0).cut(
        _ROWS_BY_VERSION
    )


def _fields(spec: FigureSpec) -> list[str]:
    return list(dict.fromkeys(field for field in (spec.facet, spec.color, spec.x) if field))


def _headings(spec: FigureSpec, fields: Sequence[str]) -> list[str]:
    titles = {spec.x: spec.x_title, spec.y: spec.y_title}
    return [visible(titles.get(field) or title_of(field)) for field in fields]


def _cell(spec: FigureSpec, row: Mapping[str, Any]) -> str:
    shown = format_value(row.get(spec.y), spec.y)
    interval = format_interval(row.get("low"), row.get("high"), unit_of(spec.y))
    return f"{shown} ({interval})" if interval and interval != "no spread" else shown


def drawn_part(spec: FigureSpec, names: Mapping[str, RuntimeName], limit: int = 0) -> tuple[FigureSpec, str]:
    """`spec` with the rows of as many runtimes as are compared at a glance (or `limit`), and a sentence on it."""
    present = list(dict.fromkeys(str(row.get("runtime")) for row in spec.rows))
    facets = len({str(row.get(spec.facet)) for row in spec.rows}) if spec.facet else 1
    limit = limit or (_RUNTIMES if facets <= 1 else _RUNTIMES_OF_A_FACET)
    chosen = representatives(names, present, limit)
    if len(chosen) >= len(present):
        return spec, ""
    rows = [row for row in spec.rows if str(row.get("runtime")) in chosen]
    drawn = ", ".join(names[slug].label if slug in names else visible(slug) for slug in chosen)
    return replace(spec, rows=rows), f"Drawn for {drawn}; the table has all {len(present)} runtimes."
