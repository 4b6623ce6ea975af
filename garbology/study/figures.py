"""Figures before they are drawn: a study says what goes where, garbology.reporting draws it.

No plotting library is imported here, so that a measured interpreter can import a study.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from garbology.study.page import FigureSpec, Scale
from garbology.study.runs import Case, Runs


def line(
    runs: Runs,
    *,
    x: str,
    y: str,
    color: str | None = None,
    facet: str | None = None,
    x_scale: Scale = "linear",
    y_scale: Scale = "linear",
    x_title: str | None = None,
    y_title: str | None = None,
    intervals: bool = True,
) -> FigureSpec:
    """The median of `y` over `x`, with its interval or without, a line for each `color`, a panel for each `facet`.

    A parameter with several values that is none of the three is a ValueError: its cases would be one zigzag.
    """
    rows = _median_rows(runs, x, y, color, facet)
    if not intervals:
        rows = [{**row, "low": None, "high": None} for row in rows]
    return FigureSpec("", "", "line", x, y, color, facet, x_scale, y_scale, x_title, y_title, rows)


def bars(
    runs: Runs,
    *,
    x: str,
    y: str,
    color: str | None = None,
    facet: str | None = None,
    y_scale: Scale = "linear",
    x_title: str | None = None,
    y_title: str | None = None,
) -> FigureSpec:
    """The median of `y` with its interval as a bar for each value of `x` and `color`."""
    rows = _median_rows(runs, x, y, color, facet)
    return FigureSpec("", "", "bars", x, y, color, facet, "linear", y_scale, x_title, y_title, rows)


def points(
    runs: Runs,
    *,
    x: str,
    y: str,
    color: str | None = None,
    facet: str | None = None,
    x_scale: Scale = "linear",
    y_scale: Scale = "linear",
    x_title: str | None = None,
    y_title: str | None = None,
    medians: bool = False,
) -> FigureSpec:
    """Every sample as a point, or the medians of every case with the interval of `y`; `x` may be a measured value."""
    named = [key for key in (color, facet) if key]
    if medians:
        rows = [{x: case.median(x), **_median_row(case, named, y)} for case in runs.cases()]
    else:
        alone = {"low": None, "high": None, "samples": 1}
        rows = [
            {**{key: getattr(run, key) for key in (x, y, *named)}, "runtime": run.runtime, **alone}
            for run in runs
        ]
    return FigureSpec("", "", "points", x, y, color, facet, x_scale, y_scale, x_title, y_title, rows)


def _median_rows(runs: Runs, x: str, y: str, color: str | None, facet: str | None) -> list[dict[str, Any]]:
    keys = [key for key in (x, color, facet) if key]
    cases = runs.cases()
    _refuse_a_mixture(cases, keys, y)
    rows = [_median_row(case, keys, y) for case in cases]
    return [row for row in rows if row[y] is not None]


def _median_row(case: Case, keys: list[str], y: str) -> dict[str, Any]:
    low, high = case.interval(y) or (None, None)
    named = {key: getattr(case, key) for key in keys}
    samples = sum(getattr(run, y) is not None for run in case.samples)
    return {**named, y: case.median(y), "runtime": case.runtime, "low": low, "high": high, "samples": samples}


def _refuse_a_mixture(cases: Iterable[Case], keys: list[str], y: str) -> None:
    seen: dict[tuple[str, str], Case] = {}
    for case in cases:
        place = (case.runtime, repr([getattr(case, key) for key in keys]))
        other = seen.setdefault(place, case)
        if other is not case:
            raise ValueError(
                f"a figure of {y} over {', '.join(keys)} mixes {other} and {case}: "
                "name the parameter as color or facet, or select with runs.of() and runs.where()"
            )
