"""The records of studies in two directories side by side: counts whatever the hardware, times on like one alone."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from garbology.cli.comparison import Change, Measure
from garbology.study.hardware import hardware_of, hardware_text, is_known
from garbology.study.records import COMPLETE_SUFFIX, Record, RecordError, read_record
from garbology.study.repetition import TIME_SUFFIX
from garbology.study.runs import case_text
from garbology.study.statistics import combined_interval, median
from garbology.study.wording import counted, shown
from garbology.text.numbers import unit_of

_MOST_LINES = 20

Values = dict[tuple[str, str], list[float]]  # of a case's text and a field


@dataclass(frozen=True)
class Compared:
    """What differs, most first, how many figures were compared, and what was left out and why."""

    changes: Sequence[Change]
    compared: int
    left_out: Sequence[str]

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        ordered = sorted(self.changes, key=_size, reverse=True)
        width = max((len(change.measure.name) for change in ordered[:_MOST_LINES]), default=0)
        for change in ordered[:_MOST_LINES]:
            old, new = (change.measure.written(value) for value in (change.before, change.after))
            yield f"{change.measure.name:{width}}  {old:>10} -> {new:>10}  x {change.ratio:.3g}{_between(change)}"
        if len(ordered) > _MOST_LINES:
            yield f"and {counted(len(ordered) - _MOST_LINES, 'more figure')} that changed less"
        yield f"{counted(self.compared, 'figure')} compared, {len(ordered)} changed"
        yield from self.left_out


def has_records(directory: Path) -> bool:
    """Whether there is a record of a study in a directory, or in one of those in it."""
    return directory.is_dir() and any(True for _ in _records(directory))


def compare_records(before: Path, after: Path) -> Compared:
    """Compare the medians of each case that both have, on each runtime that both have.

    Where a study has one runtime on either side these two are compared, whatever they are.
    """
    changes: list[Change] = []
    left_out: list[str] = []
    total = 0
    sides = [_by_study(_records(each)) for each in (before, after)]
    for study in sides[0]:
        if study not in sides[1]:
            left_out.append(f"{study} is in {before} alone")
            continue
        for name, old, new in _pairs(study, sides[0][study], sides[1][study], left_out):
            found, of_all = _changes(name, old, new, left_out)
            changes += found
            total += of_all
    left_out += [f"{study} is in {after} alone" for study in sides[1] if study not in sides[0]]
    return Compared(changes, total, left_out)


def _records(directory: Path) -> Iterator[Record]:
    for path in sorted([*directory.glob("*" + COMPLETE_SUFFIX), *directory.glob("*/*" + COMPLETE_SUFFIX)]):
        try:
            yield read_record(path)
        except RecordError:  # the JSON of something else, say a recording
            continue


def _by_study(records: Iterable[Record]) -> dict[str, dict[str, list[Record]]]:
    """Records by study and runtime."""
    found: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        found[record.study][json.dumps(record.runtime, sort_keys=True)].append(record)
    return found


def _pairs(
    study: str,
    before: Mapping[str, list[Record]],
    after: Mapping[str, list[Record]],
    left_out: list[str],
) -> Iterator[tuple[str, list[Record], list[Record]]]:
    common = [runtime for runtime in before if runtime in after]
    if not common and len(before) == len(after) == 1:
        (old,), (new,) = before.values(), after.values()
        yield f"{study} {_version(old[0])} -> {_version(new[0])}", old, new
        return
    for runtime in common:
        yield f"{study} {_version(before[runtime][0])}", before[runtime], after[runtime]
    alone = len(before) + len(after) - 2 * len(common)
    if alone:
        left_out.append(f"{study}: {counted(alone, 'runtime')} on one side alone")


def _changes(
    name: str, before: Sequence[Record], after: Sequence[Record], left_out: list[str]
) -> tuple[list[Change], int]:
    groups = [(name, _values(before, times=False), _values(after, times=False))]
    alike = [(old, new) for old in before for new in after if _is_alike(old, new)]
    for old, new in alike:
        called = f"{name} on {hardware_text(old.environment)}" if len(alike) > 1 else name
        groups.append((called, _values([old], times=True), _values([new], times=True)))
    if not alike and _values(before, times=True):
        where = " and ".join(dict.fromkeys(hardware_text(each.environment) for each in (*before, *after)))
        left_out.append(f"{name}: times are not compared, they are not of like hardware: {where}")
    found = [
        _change(f"{called}: {case} {field}", field, old_values, new[case, field])
        for called, old, new in groups
        for (case, field), old_values in old.items()
        if (case, field) in new
    ]
    return [change for change in found if _differs(change)], len(found)


def _is_alike(one: Record, other: Record) -> bool:
    """Whether their times may be compared: hardware and the samples beside each other are the same."""
    known = is_known(one.environment) and is_known(other.environment)
    same = hardware_of(one.environment) == hardware_of(other.environment)
    return known and same and one.jobs == other.jobs


def _values(records: Iterable[Record], *, times: bool) -> Values:
    found: Values = defaultdict(list)
    for record in records:
        for sample in record.samples:
            if sample.status != "ok":
                continue
            for field, value in (sample.values or {}).items():
                if field.endswith(TIME_SUFFIX) == times and _is_number(value):
                    found[case_text(sample.measure, sample.case), field].append(value)
    return found


def _change(name: str, field: str, before: list[float], after: list[float]) -> Change:
    measure = Measure(name, lambda _: None, lambda value: shown(value, unit_of(field)))
    old, new = median(before), median(after)
    assert old is not None
    assert new is not None
    return Change(measure, old, new, combined_interval(lambda one, two: two / one, before, after))


def _differs(change: Change) -> bool:
    return change.is_significant if change.interval is not None else change.before != change.after


def _size(change: Change) -> float:
    return abs(math.log(change.ratio)) if 0 < change.ratio < math.inf else math.inf


def _between(change: Change) -> str:
    return "" if change.interval is None else f" ({change.interval[0]:.3g} to {change.interval[1]:.3g})"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _version(record: Record) -> str:
    return str(record.runtime.get("version", record.slug))
