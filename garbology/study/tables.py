"""The table of medians: the same in the terminal and on the page, one row a case."""

from __future__ import annotations

from collections.abc import Sequence

from garbology.study.page import Table
from garbology.study.runs import Case, Runs


def table(runs: Runs, columns: Sequence[str], *, caption: str = "") -> Table:
    """One row for each case of `runs`: its parameters, then the medians of the measured values `columns`.

    Each median is followed by its 95 % interval where the samples differ; the unit is read from the end of a
    value's name (`peak_bytes`, `collect_seconds`). Texts and lists are those of the first sample. The runtime is a
    column where there are several.
    """
    cases = runs.cases()
    several = len({case.runtime for case in cases}) > 1
    parameters = list(dict.fromkeys(name for case in cases for name in case.case))
    headings = (["runtime"] if several else []) + _headings([*parameters, *columns])
    rows = [_row(case, several, parameters, columns) for case in cases]
    return Table(headings, rows, caption)


def scalar_values(runs: Runs) -> list[str]:
    """The measured values that a table can show: numbers in every sample that has them."""
    names = dict.fromkeys(name for run in runs for name in run.values)
    return [
        name
        for name in names
        if all(isinstance(run.values.get(name), (int, float, type(None))) for run in runs)
        and not all(isinstance(run.values.get(name), (bool, type(None))) for run in runs)
    ]


def _row(case: Case, several: bool, parameters: Sequence[str], columns: Sequence[str]) -> list[str]:
    from garbology.text.numbers import format_value

    shown = [case.runtime] if several else []
    shown += [format_value(case.case[name], name) if name in case.case else "" for name in parameters]
    return shown + [_cell(case, name) for name in columns]


def _cell(case: Case, name: str) -> str:
    value = getattr(case.samples[0], name)
    if isinstance(value, (str, list)):
        return (value if isinstance(value, str) else ", ".join(map(str, value))) or "nothing"
    return _median_cell(case, name)


def _median_cell(case: Case, name: str) -> str:
    from garbology.text.numbers import format_interval, format_value, unit_of

    middle = format_value(case.median(name), name)
    low, high = case.interval(name) or (None, None)
    if low is None or high is None or format_value(low, name) == format_value(high, name):
        return middle
    return f"{middle} ({format_interval(low, high, unit_of(name))})"


def _headings(names: Sequence[str]) -> list[str]:
    """The names as words, without their units, which the cells have, unless two would be the same."""
    from garbology.text.numbers import title_of
    from garbology.text.visible import words

    titles = [title_of(name) for name in names]
    return [
        words(name) if titles.count(title) > 1 else title for name, title in zip(names, titles, strict=True)
    ]
