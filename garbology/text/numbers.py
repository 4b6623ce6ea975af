"""How numbers read: three significant digits and a unit that fits, never nine digits in a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from garbology.text.visible import singular, visible, words

NOTHING = "\N{EN DASH}"
_MINUS, _TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
_BYTES: Sequence[tuple[float, str]] = ((1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB"))
_SECONDS: Sequence[tuple[float, str]] = ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1, "s"))
_COUNTS: Sequence[tuple[float, str]] = ((1, ""), (1e6, "million"), (1e9, "billion"))
_SHORT: Sequence[tuple[float, str]] = ((1, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"))
_GROUPED_BELOW = 10_000_000  # 400,002 is read at a glance, 123,456,789 is not


def is_number(value: object) -> bool:
    """Whether `value` is a finite int or float; a bool is a word, not a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def unit_of(name: str) -> str:
    """The base unit that a field's name ends in: "bytes", "seconds", or "" for a count."""
    last = name.rsplit("_", 1)[-1]
    return last if last in ("bytes", "seconds") else ""


def title_of(name: str) -> str:
    """A field's name as an axis title: its words without the unit, which the labels carry."""
    unit = unit_of(name)
    stem = name[: -len(unit)].rstrip("_") if unit else name
    return words(stem) or {"bytes": "size", "seconds": "time"}[unit]


def quantity(value: Any, unit: str = "") -> tuple[str, str]:
    """`value`, given in the base `unit`, as (number, unit): (61_234_567, "bytes") is ("61.2", "MB")."""
    if isinstance(value, bool):
        return ("yes" if value else "no"), ""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOTHING, ""
    if not isinstance(value, (int, float)):
        return visible(value), visible(unit)
    if math.isinf(value):
        return ("∞" if value > 0 else _MINUS + "∞"), visible(unit)
    return _number(value, unit)


def _number(value: float, unit: str) -> tuple[str, str]:
    if unit == "bytes":
        return _scaled(value, _BYTES)
    if unit == "seconds":
        return _scaled(value, _SECONDS)
    if unit in ("times", "x", _TIMES):
        return _significant(value), _TIMES
    if unit in ("percent", "%"):
        return _significant(value), "%"
    number, factor = _count(value)
    return number, f"{factor} {visible(singular(unit) if number == '1' and not factor else unit)}".strip()


def _scaled(value: float, scale: Sequence[tuple[float, str]]) -> tuple[str, str]:
    """The largest unit of `scale` in which the rounded value is at least 1."""
    base_unit = "s" if scale is _SECONDS else scale[0][1]
    if value == 0:
        return "0", base_unit
    rounded = float(f"{value:.3g}")
    factor, unit = next(
        ((factor, unit) for factor, unit in reversed(scale) if abs(rounded) >= factor * (1 - 1e-9)), scale[0]
    )
    return _significant(rounded / factor), unit


def _significant(value: float) -> str:
    """At most three significant digits, without an exponent, thousands grouped."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    if abs(rounded) >= 100:
        return _signed(f"{rounded:,.0f}")
    if abs(rounded) < 1e-4:
        return _signed(f"{rounded:.2g}")
    decimals = max(0, 2 - math.floor(math.log10(abs(rounded))))
    shown = f"{rounded:.{decimals}f}"
    return _signed(shown.rstrip("0").rstrip(".") if "." in shown else shown)


def _signed(number: str) -> str:
    return number.replace("-", _MINUS, 1) if number.startswith("-") else number


def _count(value: float) -> tuple[str, str]:
    if abs(value) >= _GROUPED_BELOW:
        return _scaled(value, _COUNTS)
    if float(value).is_integer():
        return _signed(f"{int(value):,}"), ""
    return (_signed(f"{value:,.0f}") if abs(value) >= 1000 else _significant(value)), ""


def format_quantity(value: Any, unit: str = "") -> str:
    """`value` as text with its unit: "61.2 MB", "1.5 ms", "400,002"."""
    number, shown_unit = quantity(value, unit)
    separator = "" if shown_unit == _TIMES or not shown_unit else " "
    return f"{number}{separator}{shown_unit}"


def format_interval(low: Any, high: Any, unit: str = "") -> str:
    """The interval as text, "1.2 to 1.4 ms" or "no spread"; empty where there is none."""
    if not (is_number(low) and is_number(high)):
        return ""
    low_number, low_unit = quantity(low, unit)
    high_text = format_quantity(high, unit)
    if format_quantity(low, unit) == high_text:
        return "no spread"
    same_unit = low_unit == quantity(high, unit)[1] or low == 0
    return f"{low_number if same_unit else format_quantity(low, unit)} to {high_text}"


def format_tick(value: float, unit: str = "") -> str:
    """An axis label: "100k", "10 MB", "1 ms"."""
    if unit in ("bytes", "seconds") or abs(value) < 1:
        return format_quantity(value, unit)
    number, suffix = _scaled(value, _SHORT)
    return number + suffix


def format_value(value: Any, field: str) -> str:
    """A parameter's or a measured value as text, in the unit that the name of its field ends in."""
    if is_number(value) or value is None:
        return format_quantity(value, unit_of(field))
    return quantity(value)[0]
