"""Tiles made of the medians of cases, with the interval that their samples allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from garbology.study.page import Tile
from garbology.study.runs import Case


def median_tile(label: str, case: Case, field: str, unit: str = "", **options: Any) -> Tile:
    """The median of a measured value of a case, with its interval; `options` are those of `Tile`."""
    return combined_tile(label, lambda median: median, (case, field), unit=unit, **options)


def combined_tile(
    label: str,
    combine: Callable[..., Any],
    *values: tuple[Case, str],
    unit: str = "",
    **options: Any,
) -> Tile:
    """What `combine` makes of several medians, say the ratio of two, with the interval of that.

    `values` are pairs of a case and the name of a measured value; `combine` is called with their medians, and
    with arrays of resampled medians, so it may use arithmetic only (`operator.truediv` is a ratio). The value
    is None where one of the medians is. `options` are those of `Tile`.
    """
    from garbology.study import statistics

    medians = [case.median(field) for case, field in values]
    if None in medians:
        return Tile(label, None, unit, **options)
    samples = [[getattr(run, field) for run in case.samples] for case, field in values]
    low, high = statistics.combined_interval(combine, *samples) or (None, None)
    return Tile(label, combine(*medians), unit, low, high, **options)
