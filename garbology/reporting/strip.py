"""Pauses over time as a strip of lines: small, drawn without a drawing library, and bounded however many there are."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from garbology.text.numbers import format_quantity

_WIDTH, _HEIGHT = 640, 56
_PLACES = 160  # side by side: the longest pause of each stretch of time is drawn


def strip(starts: Sequence[float], durations: Sequence[float]) -> Markup:
    """The drawing: each line is a pause, as high as it is long; empty where there was none."""
    longest, tallest = _longest_of_each(starts, durations), max(durations, default=0.0)
    if not tallest:
        return Markup("")
    lines = Markup().join(_line(place, duration, tallest) for place, duration in sorted(longest.items()))
    span, longest_one = format_quantity(max(starts), "seconds"), format_quantity(tallest, "seconds")
    label = f"{len(durations):,} pauses over {span}, the longest {longest_one}"
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}</svg>').format(
        _WIDTH, _HEIGHT, label, lines
    )  # fmt: skip


def _longest_of_each(starts: Sequence[float], durations: Sequence[float]) -> dict[int, float]:
    longest: dict[int, float] = {}
    end = max(starts, default=0.0) or 1.0
    for start, duration in zip(starts, durations, strict=True):
        place = round(start / end * (_PLACES - 1))
        longest[place] = max(longest.get(place, 0.0), duration)
    return longest


def _line(place: int, duration: float, tallest: float) -> Markup:
    x = 2 + place * (_WIDTH - 4) / (_PLACES - 1)
    height = max(duration / tallest * (_HEIGHT - 4), 1.0)
    path = Markup('<path d="M{:.1f} {}v-{:.1f}" stroke="var(--vermillion)" stroke-width="2"/>')
    return path.format(x, _HEIGHT - 2, height)
