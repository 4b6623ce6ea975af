"""Two recordings beside each other, or several runs of two programs: what changed, and what is noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from garbology.monitoring.recordings import Recording
from garbology.monitoring.wording import name_of
from garbology.study.statistics import FEWEST_SAMPLES, combined_interval, median
from garbology.text.layout import counted, human_bytes

_MOST_SHAPES = 5
_LEAST_SHARE = 0.01  # of a recording, for a shape that is missing in the other to be worth a word


@dataclass(frozen=True)
class Measure:
    """One figure of a recording: how it is called, how it is read off, how it is written."""

    name: str
    read: Callable[[Recording], float | None]
    written: Callable[[float], str]


def _seconds(value: float) -> str:
    return f"{value:.3g} s"


def _number(value: float) -> str:
    return f"{value:,.0f}"


MEASURES = (
    Measure("time", lambda each: _last(each, "elapsed_seconds"), _seconds),
    Measure("peak RSS", lambda each: each.peak_rss_bytes or None, human_bytes),
    Measure("collections", lambda each: _last(each, "collections"), _number),
    Measure("objects freed by the collector", lambda each: _last(each, "collected"), _number),
    Measure("all pauses together", lambda each: _pause(each, "pause_seconds", sum), _seconds),
    Measure("longest pause", lambda each: _pause(each, "longest_pause_seconds", max), _seconds),
)


def _last(recording: Recording, name: str) -> float | None:
    last = recording.main.last if recording.main else {}
    return last.get(name)


def _pause(recording: Recording, name: str, of: Callable[[list[float]], float]) -> float | None:
    generations = (recording.main.last if recording.main else {}).get("generations")
    return of([each[name] for each in generations]) if generations else None


@dataclass(frozen=True)
class Change:
    """One figure before and after: medians, their ratio, and its 95 % interval where there are enough runs."""

    measure: Measure
    before: float
    after: float
    interval: tuple[float, float] | None

    @property
    def ratio(self) -> float:
        """After, of before; infinite where there was nothing before."""
        if self.before:
            return self.after / self.before
        return 1.0 if not self.after else float("inf")

    @property
    def is_significant(self) -> bool:
        """Whether the interval leaves out that nothing changed; without one it is not known, and False."""
        return self.interval is not None and not self.interval[0] <= 1 <= self.interval[1]

    def grows_by_more_than(self, share: float) -> bool:
        """Whether it became larger by more than ``share``, to the lower end of the interval where there is one."""
        return (self.interval[0] if self.interval else self.ratio) > 1 + share


def changes(before: Sequence[Recording], after: Sequence[Recording]) -> list[Change]:
    """Each measure that both have."""
    found = []
    for measure in MEASURES:
        groups = [[measure.read(each) for each in group] for group in (before, after)]
        middles = [median(group) for group in groups]
        if middles[0] is not None and middles[1] is not None:
            interval = combined_interval(lambda one, two: two / one, *groups)
            found.append(Change(measure, middles[0], middles[1], interval))
    return found


def comparison_lines(before: Sequence[Recording], after: Sequence[Recording]) -> Iterator[str]:
    """For a terminal: a line each, then the shapes that went and came."""
    found = changes(before, after)
    width = max((len(each.measure.name) for each in found), default=0)
    for each in found:
        old, new = (each.measure.written(value) for value in (each.before, each.after))
        yield f"{each.measure.name:{width}}  {old:>10} -> {new:>10}  {_judged(each)}"
    if min(len(before), len(after)) < FEWEST_SAMPLES:
        runs = counted(min(len(before), len(after)), "run")
        yield f"{runs} each: what differs may be noise; `garbology compare -n 5 -- A -- B` tells"
    yield from _shapes("gone", before, after)
    yield from _shapes("new", after, before)


def _judged(change: Change) -> str:
    ratio = f"x {change.ratio:.2f}" if change.ratio < 1_000 else ""
    if change.interval is None:
        return ratio
    low, high = change.interval
    return f"{ratio} ({low:.2f} to {high:.2f}){'' if change.is_significant else ', not significant'}"


def _shapes(word: str, here: Sequence[Recording], there: Sequence[Recording]) -> Iterator[str]:
    names = _names(here)
    others = set(_names(there, least_share=0.0))
    missing = [name for name in names if name not in others]
    for name in missing[:_MOST_SHAPES]:
        yield f"{word}: {name}"
    if len(missing) > _MOST_SHAPES:
        yield f"{word}: {counted(len(missing) - _MOST_SHAPES, 'more shape')}"


def _names(recordings: Sequence[Recording], least_share: float = _LEAST_SHARE) -> list[str]:
    shapes = [shape for each in recordings for shape in each.shapes if shape["share"] >= least_share]
    return list(dict.fromkeys(name_of(shape["shape"]) for shape in shapes))
