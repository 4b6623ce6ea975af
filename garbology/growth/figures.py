"""From what was recorded to the figures of a report: which of the four kinds, by how much, and who holds it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from garbology.growth.alike import Group, groups_of
from garbology.growth.baseline import Last, State
from garbology.growth.gains import Gains
from garbology.growth.holders import Holder, Names
from garbology.growth.report import Report
from garbology.growth.trend import NONE, Slope, settled_from, slope_of, undisturbed
from garbology.interpreter.allocators import block_rules, untold_trace_bytes
from garbology.names.privacy import without_keys

_MOST_NAMED = 16  # holders
_LEAST_BYTES = 16.0  # a call, of a holder that is named
_LEAST_UNHELD_BYTES = 64.0
_LEAST_UNHELD_SHARE = 0.02
_LEAST_SHARE = 0.005  # of the growth
_LEAST_NATIVE_OF_MALLOC = 512.0, 0.1  # where each object is malloc's own
_MOST_ROUNDING = 16.0  # bytes an object, of its two blocks
_DISTURBANCE_BYTES = 4_096  # by a census, at most
_DISTURBED_STEPS = 2  # after it
_REGULAR_SHARE = 0.005  # of a growth, that its interval has
_LEAST_BEYOND_BYTES = 4 << 20
_ENOUGH_STATES = 10  # of garbage: it comes and goes, and four of five states may well rise
_Values = NDArray[np.float64]
_Readings = tuple[_Values, _Values, _Values, _Values]


@dataclass(frozen=True)
class Precision:
    """Below what a figure is noise.

    Attributes
    ----------
    native_bytes, native_share : what the estimate of Python's own blocks may be wrong by: bytes a call, and a share of
        the growth.
    total_bytes, native_total_bytes, holder_total_bytes : in all calls, of the growth, of C's, and of a holder: by
        itself what lists of freed blocks may hide or show, which the program fills as it goes on.
    sure_total_bytes : of a growth of which live objects have the greater part, or that is the same at each call.
    kept_bytes : by how much what the allocators keep may rise in all; by itself a few arenas, by which it jumps.
    bounded_bytes, bounded_entries : what is worth a word of what has stopped to grow. A collection may untrack a
        container, by which the bytes of one object are another's; its entries are what they were.
    surely : whether a holder grows only where its interval has no zero in it.
    """

    native_bytes: float = 64.0
    native_share: float = 0.02
    total_bytes: int = 32 << 10
    sure_total_bytes: int = 1_024
    native_total_bytes: int = 16 << 10
    holder_total_bytes: int = 0
    kept_bytes: int = 4 << 20
    bounded_bytes: int = 1_000
    bounded_entries: int = 0
    surely: bool = False


def fill_in(
    report: Report,
    states: Sequence[State],
    rows: NDArray[np.float64],
    last: Last | None,
    *,
    keys: bool,
    precision: Precision = Precision(),
    known: dict[int, Holder] | None = None,
) -> None:
    """All that is known without the cycles: growth, what is alive and its holders, what is kept, what is C's.

    ``rows`` are those of :class:`garbology.growth.readings.Readings`; ``last`` is let go; ``known`` is as
    :class:`garbology.growth.holders.Names` has it.
    """
    if last is None:
        return
    readings = _readings(rows, states)
    steps, used, kept, _ = readings
    start = settled_from(steps, used)
    full_from = Gains(states, float(steps[start])).full_from()
    start = max(start, min(int(np.searchsorted(steps, full_from)), len(steps) - 2))
    # Rounded up it would leave out the state of that moment.
    report.settled = math.floor(steps[start] * 1_000) / 1_000
    growth = slope_of(steps[start:], used[start:])
    gains = Gains(states, report.settled)
    precision = _sharpened(precision, growth, gains.live_without([]))
    measured = max(steps[-1] - steps[start], 1.0)
    least = precision.total_bytes / measured
    grows = growth.value >= least and _again(used[start:]) >= least * measured / 2
    low = growth.low if grows else min(growth.low, 0.0)
    report.grows, report.low, report.high = growth.value, low, growth.high
    report.can_tell = max(growth.high - growth.value, growth.value - growth.low, least)
    steady = [state for state in states if state.step >= report.settled]
    report.unheld = _slope(steady if len(steady) > 1 else states, "unheld_bytes").value
    native = _native(readings, steady if len(steady) > 1 else states, report, precision)
    report.native, report.native_low, report.native_high = (
        (native.value, native.low, native.high) if native else (None, None, None)
    )
    report.beyond = _beyond(steady)
    report.traced, report.traced_numpy = _traced(steady)
    _add_kept(report, steps[start:], kept[start:], precision.kept_bytes)
    enough = max(_LEAST_BYTES, _LEAST_SHARE * report.grows, precision.holder_total_bytes / measured)
    growing = gains.growing(enough, surely=precision.surely)
    stopped = gains.stopped(growing, precision.bounded_bytes, precision.bounded_entries)
    named, bounded = growing[:_MOST_NAMED], stopped[: _MOST_NAMED // 2]
    groups = groups_of(gains, [*named, *stopped], last, enough, surely=precision.surely)
    sampled = [place for group in groups for place in group.sampled]
    names = Names(
        states, last, [*gains.places[[*named, *bounded]].tolist(), *sampled], keys=keys, known=known
    )
    report.holders = _merged(
        [*_named(gains, named, names, report.calls), *_alike(groups, names, report.calls, keys=keys)]
    )
    grows = {holder.name for holder in report.holders}
    report.bounded = [each for each in _merged(_named(gains, bounded, names, 0)) if each.name not in grows]
    live = gains.live_without(stopped)
    report.alive = live.value
    believe_objects(report, live)
    report.moments = list(_moments(readings, states, told_kept=bool(report.kept_gained)))


def _sharpened(precision: Precision, growth: Slope, live: Slope) -> Precision:
    """What is noise in a growth that is the same at each call, or of which live objects have the greater part."""
    total, native, sure = precision.total_bytes, precision.native_total_bytes, precision.sure_total_bytes
    if growth.high - growth.low <= _REGULAR_SHARE * growth.value:
        total, native = sure, min(2 * sure, native)
    elif live.low > 0 and live.value > growth.value / 2:
        total = sure
    return replace(precision, total_bytes=total, native_total_bytes=native)


def _again(used: _Values) -> float:
    """By how much it rises beside its largest step: a table that is resized, of all names for one, comes at once."""
    changes = np.diff(used)
    return float(changes.sum() - changes.max())


def believe_objects(report: Report, live: Slope) -> None:
    """Where holders gain and the allocators' figures are too noisy to tell, growth is that of the live objects."""
    if report.low <= 0 < live.low and report.holders and live.value >= _LEAST_UNHELD_BYTES:
        report.grows, report.low, report.high = live.value, live.low, live.high


def add_garbage(report: Report, states: Sequence[State], least_bytes: int, *, keeps_up: bool) -> None:
    """Garbage that is in no other figure: it grows where the collector does not keep up, or does not run.

    It comes and goes with each collection, so less than ``least_bytes`` in all is noise. Where the collector
    ``keeps_up`` a few states may well rise one after the other. Meanwhile functions run, which hold what no other
    object leads to: that is no growth unless it is much.
    """
    steps, waiting = _series([state for state in states if state.step >= report.settled], "waiting_bytes")
    slope = slope_of(steps, waiting)
    rises = slope.low > 0 and slope.value * (steps[-1] - steps[0]) >= least_bytes
    if rises and (len(steps) >= _ENOUGH_STATES or not keeps_up):
        report.waiting = slope.value
        _grow_by(report, slope)
    least = least_bytes / max(states[-1].step - report.settled, 1.0)
    if report.unheld < max(_LEAST_UNHELD_BYTES, _LEAST_UNHELD_SHARE * report.grows, least):
        report.unheld = 0.0
    _add_unexplained(report)


def _grow_by(report: Report, slope: Slope) -> None:
    """What grows beside the live objects is growth, too."""
    report.grows += slope.value
    report.low = max(report.low, 0.0) + slope.low
    report.high += slope.high


def add_waiting(report: Report, waiting: float) -> None:
    """Garbage that the live objects have in them, so many bytes a call; the rest is unexplained."""
    report.waiting = waiting + _rounded_up(report, waiting)
    report.alive -= report.waiting
    report.unheld -= report.waiting
    if report.unheld < max(_LEAST_UNHELD_BYTES, report.waiting):  # the finder weighs garbage otherwise
        report.alive -= max(report.unheld, 0.0) if report.waiting else 0.0
        report.unheld = 0.0
    if report.alive < report.can_tell and not report.holders:
        report.alive = max(report.alive, 0.0)
    _add_unexplained(report)


def _rounded_up(report: Report, waiting: float) -> float:
    """How much more the blocks of so much garbage take: the finder has the objects' own sizes."""
    found = report.found
    most = _MOST_ROUNDING * found.garbage / found.garbage_bytes * waiting if found.garbage_bytes else 0.0
    return min(max(report.unheld - waiting, 0.0), most)


def waiting_a_call(report: Report, states: Sequence[State]) -> float:
    """Bytes of the garbage that was found, a call of the steady part: before a cache is full there is less of it."""
    steady = [state for state in states if state.step >= report.settled]
    in_all = states[-1].unheld_bytes if states else 0
    if in_all <= 0 or len(steady) < 2 or steady[0] is states[0]:
        return report.found.garbage_bytes / report.calls if report.calls else 0.0
    share = min(max(1 - steady[0].unheld_bytes / in_all, 0.0), 1.0)
    return share * report.found.garbage_bytes / (steady[-1].step - steady[0].step)


def _add_unexplained(report: Report) -> None:
    told = report.alive + report.waiting + report.kept + (report.native or 0.0)
    report.unexplained = report.grows - told


def _readings(rows: NDArray[np.float64], states: Sequence[State]) -> _Readings:
    """The columns of the readings; of the live objects alone, where allocators cannot be read.

    A census disturbs what the allocators have in reserve: free lists of CPython of which it does not tell, and what
    glibc moves from a bin, where it counts as free, to a list of the thread's, where it counts as handed out. The two
    steps after it show up to 4 kB more or less. Where that is all that they show, it is replaced by what others show.
    """
    steps, used, kept, in_c, traced = rows.T
    tracing = {state.process.traced is not None for state in states}
    if True in tracing:
        more, of_traces = _beside_readings(steps, states)
        used, in_c = used + traced + more - of_traces, in_c - of_traces
    if np.isnan(used).any() or len(tracing) > 1:
        places, live = _series(states, "live_bytes")
        return places, live, np.zeros(len(live)), np.full(len(live), np.nan)
    first = np.searchsorted(steps, [state.step for state in states[1:-1]])
    after = np.concatenate([first + further for further in range(_DISTURBED_STEPS)])
    smooth = (undisturbed(series, after, _DISTURBANCE_BYTES) for series in (used, in_c))
    return steps, next(smooth), kept, next(smooth)


def _beside_readings(steps: _Values, states: Sequence[State]) -> tuple[_Values, _Values]:
    """Of what was traced, which only a census reads: by how much the blocks that are not `malloc`'s are more than all
    that was asked for, and what the traces take beside tracemalloc's tables. NaN where it did not run.
    """
    traced = [state.process.traced for state in states]
    more = [each.small - each.asked if each else np.nan for each in traced]
    of_traces = [each.traces * untold_trace_bytes() if each else np.nan for each in traced]
    places = [state.step for state in states]
    return np.interp(steps, places, more), np.interp(steps, places, of_traces)


def _series(states: Sequence[State], name: str) -> tuple[_Values, _Values]:
    return (
        np.array([state.step for state in states], float),
        np.array([getattr(state, name) for state in states], float),
    )


def _slope(states: Sequence[State], name: str) -> Slope:
    return slope_of(*_series(states, name))


def _native(
    readings: _Readings, steady: Sequence[State], report: Report, precision: Precision
) -> Slope | None:
    """What `malloc` handed out beyond Python's own blocks, where that is more than noise; None where it is unknown.

    Those are estimated from the objects that are there. Where tracemalloc runs they are known, and a large text that
    leaked is one of them.
    """
    steps, _, _, in_c = readings
    if np.isnan(in_c).any():
        return None
    places, pythons = _series(steady, "pythons_c_bytes")
    slope = slope_of(places, np.interp(places, steps, in_c) - pythons)
    calls = max(places[-1] - places[0], 1.0)
    least_bytes, share = precision.native_bytes, precision.native_share
    if not block_rules().above:
        least_bytes, share = _LEAST_NATIVE_OF_MALLOC
    least = max(least_bytes, share * abs(report.grows), precision.native_total_bytes / calls)
    return slope if slope.value >= least and slope.low > 0 and report.low > 0 else NONE


def _moments(readings: _Readings, states: Sequence[State], *, told_kept: bool) -> Iterator[dict[str, float]]:
    """The bytes of each kind at each census, since the first; what is kept, where that is more than noise."""
    steps, _, kept, in_c = readings
    first = states[0]
    for state in states:
        handed_out, keep = (
            float(np.interp(state.step, steps, column) - column[0]) for column in (in_c, kept)
        )
        waiting = state.waiting_bytes - first.waiting_bytes
        native = handed_out - (state.pythons_c_bytes - first.pythons_c_bytes)
        yield {
            "step": state.step,
            "alive_bytes": state.live_bytes - first.live_bytes - waiting,
            "waiting_bytes": waiting,
            "kept_bytes": keep if told_kept else 0.0,
            "native_bytes": 0.0 if np.isnan(native) else native,
        }


def _beyond(states: Sequence[State]) -> float:
    """Anonymous memory that grows beyond what the allocators hold."""
    slope = _slope(states, "beyond_bytes") if len(states) > 1 else NONE
    rose = states[-1].beyond_bytes - states[0].beyond_bytes if states else 0
    return slope.value if rose >= _LEAST_BEYOND_BYTES and slope.low > 0 else 0.0


def _traced(states: Sequence[State]) -> tuple[float, float] | tuple[None, None]:
    """By how much more tracemalloc sees at each call, and NumPy's part of it; None where it did not run."""
    seen = [state.process.traced for state in states if state.process.traced]
    if len(seen) < len(states) or len(states) < 2:
        return None, None
    steps = np.array([state.step for state in states], float)
    asked, numpys = np.array([(each.asked, each.numpy) for each in seen], float).T
    return slope_of(steps, asked).value, slope_of(steps, numpys).value


def _add_kept(report: Report, steps: _Values, kept: _Values, least: int) -> None:
    """What was freed and is kept is growth of the process, too, where it is more than arenas jump by."""
    report.kept_bytes, gained = int(kept[-1]), int(kept[-1] - kept[0])
    report.kept_gained = gained if gained >= least else 0
    slope = slope_of(steps, kept) if len(kept) > 1 else NONE
    if report.kept_gained and slope.low > 0:
        report.kept = slope.value
        _grow_by(report, slope)


def _named(gains: Gains, chosen: Sequence[int], names: Names, calls: float) -> Iterator[tuple[str, Holder]]:
    """The ``chosen`` ones, by what they gain in each of ``calls``; where that is 0, as bounded, by all they gained.

    Before each stands its name without what it holds its entries by.
    """
    for at in chosen:
        rate, in_all = gains.rate([at]), float(gains.gained[-1, at])
        figures = (rate.value, rate.low, rate.high) if calls else (in_all, in_all, in_all)
        holder = Holder("", *figures, bounded=not calls)
        yield names.describe(holder, int(gains.places[at]), calls or 1), holder


def _alike(
    groups: Sequence[Group], names: Names, calls: float, *, keys: bool
) -> Iterator[tuple[str, Holder]]:
    """What many small ones gain together, where all that were sampled are held alike; as :func:`_named` has them.

    What is not tracked is read of a few objects alone, so of those that are known to hold the same one tells its name.
    """
    pattern = without_keys if keys else str
    for group in groups:
        rate = group.rate
        sampled = [Holder("", rate.value, rate.low, rate.high) for _ in group.sampled]
        bare = [
            pattern(names.describe(holder, place, calls))
            for holder, place in zip(sampled, group.sampled, strict=True)
        ]
        telling = max(sampled, key=lambda each: len(each.types))
        if len(set(bare)) == 1 and telling.kind != "gone":
            telling.name = pattern(telling.name)
            telling.entries, telling.alike = group.entries / calls, group.count
            yield bare[0], telling


def _merged(holders: Iterable[tuple[str, Holder]]) -> list[Holder]:
    """Holders of one name are one line, with those of which nothing more than that name is known."""
    merged: dict[str, Holder] = {}
    known = list(holders)
    for bare, each in known:
        longer = {other.name for its, other in known if its == bare and other.name != bare}
        name = longer.pop() if each.name == bare and len(longer) == 1 else each.name
        first = merged.setdefault(name, each)
        if first is not each:
            _add(first, each)
        first.name = name
    return sorted(merged.values(), key=lambda each: -each.bytes)


def _add(holder: Holder, other: Holder) -> None:
    """Count another one with a holder."""
    holder.bytes, holder.low, holder.high = (
        holder.bytes + other.bytes, holder.low + other.low, holder.high + other.high,
    )  # fmt: skip
    holder.entries += other.entries
    holder.alike += other.alike
    holder.types += [name for name in other.types if name not in holder.types]
