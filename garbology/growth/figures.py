"""From what was recorded to the figures of a report: which of the four kinds, by how much, and who holds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from garbology.growth.holders import Holder, describe
from garbology.growth.recording import Last, Recorder, State
from garbology.growth.report import Report
from garbology.growth.trend import NONE, Slope, settled_from, slope_of, undisturbed
from garbology.interpreter.allocators import block_rules

_LEAST_TOTAL_BYTES = 1_024  # in all calls: what lists of freed blocks may hide or show
_MOST_NAMED = 16  # holders
_LEAST_BYTES = 16.0  # a call, of a holder that is named
_LEAST_UNHELD_BYTES = 64.0
_LEAST_SHARE = 0.005  # of the growth
_LEAST_RISING_SHARE = 1 / 3  # of the times between two censuses: what gains once does not grow
_FEWEST_RISES = 2
_FIRST_SHARE, _LIKE_SHARE = 0.9, 0.01
_LEAST_BOUNDED_BYTES = 1_000
# What the estimate of Python's own blocks may be wrong by: bytes a call, and a share of the growth.
_LEAST_NATIVE = 64.0, 0.02
_LEAST_NATIVE_OF_MALLOC = 512.0, 0.1  # where each object is malloc's own
_LEAST_NATIVE_TOTAL = 2_048  # in all calls
_LEAST_KEPT_BYTES = 4 << 20  # a few arenas, by which the figure jumps
_DISTURBANCE_BYTES = 1_024  # by a census, at most: free lists of CPython that it does not tell of
_LEAST_BEYOND_BYTES = 4 << 20
_Values = NDArray[np.float64]


def fill_in(report: Report, recorder: Recorder, last: Last | None, *, keys: bool) -> None:
    """All that is known without the cycles: growth, what is alive and its holders, what is kept, what is C's."""
    if last is None:
        return
    states = recorder.states
    steps, used, kept, _ = _readings(recorder)
    start = settled_from(steps, used)
    report.settled = int(steps[start])
    growth = slope_of(steps[start:], used[start:])
    least = _LEAST_TOTAL_BYTES / max(steps[-1] - steps[start], 1.0)
    low = growth.low if growth.value >= least else min(growth.low, 0.0)
    report.grows, report.low, report.high = growth.value, low, growth.high
    report.can_tell = max(growth.high - growth.value, growth.value - growth.low, least)
    steady = [state for state in states if state.step >= report.settled]
    report.unheld = _slope(steady if len(steady) > 1 else states, "unheld_bytes").value
    report.native = _native(recorder, steady, report)
    report.beyond = _beyond(steady)
    report.kept, report.kept_bytes = _kept(steps[start:], kept[start:])
    report.kept_gained = int(kept[-1] - kept[0])
    report.holders, report.bounded, live = _holders(report, recorder, last, keys=keys)
    report.alive = live.value
    believe_objects(report, live)
    report.moments = list(_moments(recorder))


def believe_objects(report: Report, live: Slope) -> None:
    """Where holders gain and the allocators' figures are too noisy to tell, growth is that of the live objects."""
    if report.low <= 0 < live.low and report.holders and live.value >= _LEAST_UNHELD_BYTES:
        report.grows, report.low, report.high = live.value, live.low, live.high


def add_waiting(report: Report) -> None:
    """What the finder found for the same calls is not alive; the rest is unexplained."""
    report.waiting = report.found.garbage_bytes / report.calls if report.calls else 0.0
    report.alive -= report.waiting
    report.unheld -= report.waiting
    if report.unheld < max(_LEAST_UNHELD_BYTES, report.waiting):  # the finder weighs garbage otherwise
        report.alive -= max(report.unheld, 0.0) if report.waiting else 0.0
        report.unheld = 0.0
    if report.alive < report.can_tell and not report.holders:
        report.alive = max(report.alive, 0.0)
    report.unexplained = report.grows - report.alive - report.waiting - (report.native or 0.0)


def _readings(recorder: Recorder) -> tuple[_Values, _Values, _Values, _Values]:
    """The columns of the readings; of the live objects alone, where allocators cannot be read.

    A census disturbs what the allocators have in reserve, so the step after it shows some hundred bytes more or less.
    Where that is all that it shows, it is replaced by what other steps show.
    """
    steps, used, kept, in_c = recorder.readings.T
    if np.isnan(used).any():
        places, live = _series(recorder.states, "live_bytes")
        return places, live, np.zeros(len(live)), np.full(len(live), np.nan)
    after = np.searchsorted(steps, [state.step for state in recorder.states[1:-1]])
    smooth = (undisturbed(series, after, _DISTURBANCE_BYTES) for series in (used, in_c))
    return steps, next(smooth), kept, next(smooth)


def _series(states: Sequence[State], name: str) -> tuple[_Values, _Values]:
    return (
        np.array([state.step for state in states], float),
        np.array([getattr(state, name) for state in states], float),
    )


def _slope(states: Sequence[State], name: str) -> Slope:
    return slope_of(*_series(states, name))


def _native(recorder: Recorder, steady: Sequence[State], report: Report) -> float | None:
    """What `malloc` handed out beyond Python's own objects."""
    steps, _, _, in_c = _readings(recorder)
    if np.isnan(in_c).any():
        return None
    places, pythons = _series(steady if len(steady) > 1 else recorder.states, "c_bytes")
    slope = slope_of(places, np.interp(places, steps, in_c) - pythons)
    calls = max(places[-1] - places[0], 1.0)
    least_bytes, share = _LEAST_NATIVE if block_rules().above else _LEAST_NATIVE_OF_MALLOC
    least = max(least_bytes, share * abs(report.grows), _LEAST_NATIVE_TOTAL / calls)
    return slope.value if slope.value >= least and slope.low > 0 and report.low > 0 else 0.0


def _moments(recorder: Recorder) -> Iterator[dict[str, float]]:
    """The bytes of each kind at each census, since the first."""
    steps, _, kept, in_c = _readings(recorder)
    first = recorder.states[0]
    for state in recorder.states:
        handed_out, keep = (
            float(np.interp(state.step, steps, column) - column[0]) for column in (in_c, kept)
        )
        native = handed_out - (state.c_bytes - first.c_bytes)
        yield {
            "step": state.step,
            "alive_bytes": state.live_bytes - first.live_bytes - state.unheld_bytes,
            "waiting_bytes": state.unheld_bytes,
            "kept_bytes": keep,
            "native_bytes": 0.0 if np.isnan(native) else native,
        }


def _beyond(states: Sequence[State]) -> float:
    """Anonymous memory that grows beyond what the allocators hold."""
    slope = _slope(states, "beyond_bytes") if len(states) > 1 else NONE
    rose = states[-1].beyond_bytes - states[0].beyond_bytes if states else 0
    return slope.value if rose >= _LEAST_BEYOND_BYTES and slope.low > 0 else 0.0


def _kept(steps: _Values, kept: _Values) -> tuple[float, int]:
    slope = slope_of(steps, kept) if len(kept) > 1 else NONE
    grew = kept[-1] - kept[0] >= _LEAST_KEPT_BYTES and slope.low > 0
    return slope.value if grew else 0.0, int(kept[-1])


def _holders(
    report: Report, recorder: Recorder, last: Last, *, keys: bool
) -> tuple[list[Holder], list[Holder], Slope]:
    """Those that gain in the steady part, and those that did before, most bytes first; what all but these gain."""
    states = recorder.states
    places, gained, entries = _gains(states)
    steps = np.array([state.step for state in states], float)
    steady = steps >= report.settled if (steps >= report.settled).sum() > 1 else np.ones(len(steps), bool)
    rates = [slope_of(steps[steady], gained[steady, column]) for column in range(len(places))]
    least = max(_LEAST_BYTES, _LEAST_SHARE * report.grows)
    growing = [
        at
        for at, rate in enumerate(rates)
        if rate.value >= least
        and rate.low >= 0
        and (rises_again(gained[steady, at]) or rises_again(entries[steady, at]))
    ]
    growing.sort(key=lambda at: -rates[at].value)
    holders = [
        _described(Holder("", *_values(rates[at])), recorder, last, int(places[at]), report.calls, keys=keys)
        for at in growing[:_MOST_NAMED]
    ]
    stopped = [
        at
        for at in np.argsort(-gained[-1]).tolist()
        if gained[-1, at] >= _LEAST_BOUNDED_BYTES
        and at not in growing
        and has_stopped(steps, gained[:, at])
        and has_stopped(steps, entries[:, at])
    ]
    live = np.array([state.live_bytes for state in states]) - gained[:, stopped].sum(axis=1)
    bounded = [
        _described(_bounded(gained[-1, at]), recorder, last, int(places[at]), 1, keys=keys)
        for at in stopped[: _MOST_NAMED // 2]
    ]
    return _merged(holders), _merged(bounded), slope_of(steps[steady], live[steady])


def _gains(states: Sequence[State]) -> tuple[NDArray[np.int32], _Values, _Values]:
    """Which objects of the first census gained, and bytes and entries of each at each census."""
    places = np.unique(np.concatenate([state.places for state in states]))
    gained, entries = np.zeros((2, len(states), len(places)))
    for number, state in enumerate(states):
        columns = np.searchsorted(places, state.places)
        gained[number, columns], entries[number, columns] = state.gained, state.entries
    return places, gained, entries


def rises_again(series: _Values) -> bool:
    """Whether a series rises in at least a third of the times between two censuses, as by one import it does not."""
    changes = np.diff(series)
    rises = int((changes > 0).sum())
    return rises == len(changes) or rises >= max(_FEWEST_RISES, _LEAST_RISING_SHARE * len(changes))


def has_stopped(steps: _Values, series: _Values) -> bool:
    """Whether a series rises no more in the last tenth of the steps."""
    before = int(np.searchsorted(steps, _FIRST_SHARE * steps[-1], side="right")) - 1
    return bool(series[-1] <= series[before] + _LIKE_SHARE * abs(series[-1]))


def _bounded(gained: float) -> Holder:
    return Holder("", gained, gained, gained, bounded=True)


def _values(rate: Slope) -> tuple[float, float, float]:
    return rate.value, rate.low, rate.high


def _described(
    holder: Holder, recorder: Recorder, last: Last, place: int, calls: int, *, keys: bool
) -> Holder:
    describe(holder, last, place, recorder.growing_leaf(place), keys=keys)
    holder.entries = last.entries_gained(place) / calls
    return holder


def _merged(holders: list[Holder]) -> list[Holder]:
    """Holders of one name are one line."""
    merged: dict[str, Holder] = {}
    for each in holders:
        known = merged.setdefault(each.name, each)
        if known is not each:
            known.bytes, known.low, known.high = (
                known.bytes + each.bytes, known.low + each.low, known.high + each.high,
            )  # fmt: skip
            known.entries += each.entries
            known.types += [name for name in each.types if name not in known.types]
    return sorted(merged.values(), key=lambda each: -each.bytes)
