"""Scales with few, round ticks: 1, 10, 100, 1k on a logarithmic axis; 0, 20 MB, 40 MB on a linear one.

The ticks are chosen here and not by the drawing library because its logarithmic axes label 2, 3, 4... of
every decade and its symlog axes label like linear ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from garbology.text.numbers import format_tick, is_number, quantity
from garbology.text.visible import shorten

_LABEL_CHARACTERS = 18
_LOG_TICKS = 3  # at least: with fewer decades 2 and 5 of each are ticks as well
_SYMLOG_DECADES = 3  # at least: with fewer the axis would be a linear one in all but name
_SYMLOG_TICKS = 7  # at most
_SYMLOG_LABEL_ROOM = 0.065  # of the axis: where the first decade is nearer to zero, their labels would touch


@dataclass(frozen=True)
class Axis:
    """One axis: numbers have a scale and its `domain`, anything else has `categories` in their order."""

    scale: str  # "linear", "log", "symlog" or "category"
    domain: tuple[float, float] = (0.0, 1.0)
    ticks: Sequence[float] = ()
    labels: Sequence[str] = ()
    constant: float = 1.0  # a symlog axis is linear up to about here
    categories: Sequence[Any] = ()

    @property
    def longest_label(self) -> int:
        """Characters of the longest label."""
        return max((len(label) for label in self.labels), default=1)

    def thinned(self, limit: int) -> Axis:
        """The axis with at most `limit` ticks: every second, third... of them, the last one always in.

        A linear axis keeps its first one as well, so that zero is named where it begins there.
        """
        step, gaps = math.ceil(len(self.ticks) / limit), len(self.ticks) - 1
        if self.scale == "linear" and gaps:
            step = next(each for each in range(step, gaps + 1) if gaps % each == 0 or each == gaps)
        ticks, labels = self.ticks[::-1][::step][::-1], self.labels[::-1][::step][::-1]
        return replace(self, ticks=ticks, labels=labels)

    def share(self, value: float) -> float:
        """Where a number is on the axis: 0 at its beginning, 1 at its end."""
        low, value, high = (self._drawn(each) for each in (self.domain[0], value, self.domain[1]))
        return (value - low) / ((high - low) or 1.0)

    def _drawn(self, value: float) -> float:
        if self.scale == "log":
            return math.log10(max(value, 1e-300))
        return (
            math.copysign(math.log1p(abs(value) / self.constant), value) if self.scale == "symlog" else value
        )

    def position(self, value: Any) -> Any:
        """What stands for `value` in the drawing's data: itself, or the index of its category."""
        return str(self.categories.index(value)) if self.scale == "category" else value


def number_axis(values: Sequence[float], scale: str, unit: str, *, tight: bool = False) -> Axis:
    """The axis of the finite numbers `values`; `tight` leaves no room beyond the outermost one."""
    if scale == "log" and min(values) <= 0:
        scale = "symlog"  # zero has no place on a logarithmic axis, and leaving it out would flatter
    if tight and min(values) == max(values) > 0:
        return _number_axis("linear", (values[0] / 2, values[0] * 1.5), [values[0]], unit)
    if scale == "log":
        return _log_axis(values, unit, tight)
    return _symlog_axis(values, unit) if scale == "symlog" else _linear_axis(values, unit, tight)


def category_axis(values: Sequence[Any], unit: str = "") -> Axis:
    """The axis of names, flags and of numbers that are drawn as names."""
    labels = [
        format_tick(value, unit) if is_number(value) else shorten(quantity(value)[0], _LABEL_CHARACTERS)
        for value in values
    ]
    return Axis("category", ticks=range(len(labels)), labels=labels, categories=list(values))


def _linear_axis(values: Sequence[float], unit: str, tight: bool) -> Axis:
    low, high = min(values), max(values)
    if not tight or 0 <= low <= 0.4 * high:
        low = min(low, 0.0)
    high = max(high, 0.0) if not tight else high
    if low == high:
        low, high = (0.0, 1.0) if low == 0 else (low - abs(low) / 2, high + abs(high) / 2)
    step = _round_step((high - low) / 4)
    if unit == "" and all(float(value).is_integer() for value in values):
        step = max(step, 1.0)  # there is nothing between no object and one
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [round(index * step, 12) for index in range(first, last + 1)]
    if tight:
        ticks = [tick for tick in ticks if low <= tick <= high]
    domain = (low, high) if tight else (ticks[0], ticks[-1])
    return _number_axis("linear", domain, ticks, unit)


def _round_step(step: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(step))
    return float(
        next(factor for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= step * 0.999) * magnitude
    )


def _log_axis(values: Sequence[float], unit: str, tight: bool) -> Axis:
    low, high = min(values), max(values)
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    if tight:
        low, high = (low, high) if low < high else (low / 2, high * 2)
    else:
        last = max(last, first + 1)
        low, high = 10.0**first, 10.0**last
    ticks = [10.0**power for power in _thin(range(first, last + 1), 7)]
    if sum(_within(tick, low, high) for tick in ticks) < _LOG_TICKS:
        ticks = [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)]
    distinct = sorted(set(values))
    if tight and len(distinct) <= _LOG_TICKS and sum(_within(tick, low, high) for tick in ticks) < _LOG_TICKS:
        ticks = distinct  # between 10 and 40 there is one round number, and 40 would go unnamed
    return _number_axis("log", (low, high), [tick for tick in ticks if _within(tick, low, high)], unit)


def _symlog_axis(values: Sequence[float], unit: str) -> Axis:
    sizes = [abs(value) for value in values if value]
    first = math.floor(math.log10(min(sizes)) + 1e-9) if sizes else 0
    last = max(math.ceil(math.log10(max(sizes)) - 1e-9) if sizes else 1, first)
    first = min(first, last - _SYMLOG_DECADES)
    if unit != "seconds":
        first, last = max(first, 0), max(last, 1)  # there is nothing between no object and one
    constant = 10.0**first
    low = -_decade_above(-min(values), first) if min(values) < 0 else 0.0
    high = _decade_above(max(values), first) if max(values) > 0 else 0.0 if low else 10.0**last
    length = math.log1p(high / constant) + math.log1p(-low / constant)
    crowded = math.log1p(1) / length < _SYMLOG_LABEL_ROOM
    powers = range(first + crowded, last + 1)
    return _number_axis("symlog", (low, high), _symlog_ticks(low, high, powers), unit, constant)


def _symlog_ticks(low: float, high: float, powers: range) -> list[float]:
    """Zero and the decades on both sides of it: all of them, or every second, third..."""
    limit = len(powers)
    while True:
        decades = [10.0**power for power in _thin(powers, limit)]
        ticks = [
            tick for tick in [*(-decade for decade in decades[::-1]), 0.0, *decades] if low <= tick <= high
        ]
        if len(ticks) <= _SYMLOG_TICKS:
            return ticks
        limit -= 1


def _decade_above(value: float, first: int) -> float:
    return float(10.0 ** max(math.ceil(math.log10(value) - 1e-9), first + 1))


def _thin(powers: range, limit: int) -> list[int]:
    """Every second, third... of `powers`, the last one always in, so that at most `limit` are left."""
    step = math.ceil(len(powers) / limit)
    return list(reversed(powers[::-1][::step]))


def _within(tick: float, low: float, high: float) -> bool:
    return low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)


def _number_axis(
    scale: str, domain: tuple[float, float], ticks: Sequence[float], unit: str, constant: float = 1.0
) -> Axis:
    labels = [format_tick(tick, unit) for tick in ticks]
    return Axis(scale, domain, list(ticks), labels, constant)
