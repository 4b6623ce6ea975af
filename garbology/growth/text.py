"""A diagnosis as text, from plain data: the verdict, then a line for each part of the growth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from garbology.text.layout import counted, human_bytes, paragraph, wrap

Told = Mapping[str, Any]
"""What :meth:`garbology.growth.report.Report.to_dict` tells."""

_MOST_HOLDERS = 8
_MOST_SHAPES = 3
_COLUMN = 10  # of the figures
_NOT_PYTHONS = "C code allocated it and has not freed it{}; `memray run --native` shows which, line by line"
_OR_LEAKED = ", or leaked a reference to a large text or number"  # tracemalloc tells these apart
_UNHELD = (
    "alive: no object that can be seen holds it. C code does, or leaked a reference: a count that was raised and never "
    "lowered"
)
_ROUNDING = "unexplained: rounding of the allocators, and what is too small to tell from noise"
_UNEXPLAINED = (
    "unexplained: no object that the collector knows has it: parts of code objects, or texts and numbers to which a "
    "reference leaked"
)
_RESIZED = "counted above and not in what grows: memory that came at once, as of a table that was resized"
_LEAST_UNEXPLAINED_BYTES, _LEAST_UNEXPLAINED_SHARE = 64, 0.05
_LEAST_WAITING_BYTES = 16  # a call: less is what the last calls left
_TOO_LITTLE = "which is too little to be told from noise"
_MORE = {"call": "more calls (calls=...) tell", "second": "a longer time tells"}
_BEYOND = (
    "of anonymous memory beside these: mapped past the allocators, or older blocks written for the first time"
)
_NOT_READ = (
    "the allocators cannot be read (that needs glibc 2.33 or newer): memory of C code, and what is freed but kept, is "
    "not told"
)


def verdict_of(told: Told) -> str:
    """One sentence: by how much it grows, or what could have been told."""
    if not told["ended"]:
        return "the calls have not ended"
    unit = told["unit"]
    if told["too_short"]:
        return f"{_measured(told['calls'], unit)}: too short a time to tell growth from a program's beginning"
    after = f" after {told['warmup']:,.3g} of warm-up" if told["warmup"] >= 1 else ""
    measured = f"{_measured(told['calls'], unit)}{after}"
    if told["low"] <= 0:
        return f"no growth seen; {measured} can tell {human_bytes(told['can_tell'])} a {unit}"
    interval = _interval(told["low"], told["high"])
    return f"grows by {human_bytes(told['grows'])} a {unit} ({interval}; {measured})"


def _interval(low: float, high: float) -> str:
    return f"95 %: {human_bytes(low)} to {human_bytes(high)}"


def _measured(calls: float, unit: str) -> str:
    return counted(calls, unit) if isinstance(calls, int) else f"{calls:,.3g} {unit}s"


def growth_lines(told: Told, subject: str = "") -> Iterator[str]:
    """For a terminal; the ``subject`` stands before the verdict."""
    yield from wrap(f"{subject}{verdict_of(told)}")
    if not told["ended"] or told["too_short"]:
        return
    for size, text in _parts(told):
        yield from _figure(size, text)
    if told["low"] <= 0 and told["holders"]:
        more = _MORE.get(told["unit"], f"more {told['unit']}s tell")
        yield from _figure(None, f"{_TOO_LITTLE}: {more}")
    for place in told.get("allocated_at", []):  # the first recordings have none
        yield from _figure(None, f"allocated at {_allocated(place, told['unit'])}")
    if told["low"] > 0 and told.get("traced") is not None:  # the first recordings have none
        yield from _figure(None, _traced(told))
    for holder in told["bounded"][:_MOST_HOLDERS]:
        yield from _figure(None, f"bounded: {_bounded(holder)}")
    if told["kept_bytes"] and told["kept"]:
        yield from _figure(None, f"the allocators keep {human_bytes(told['kept_bytes'])} that were freed")
    elif told["kept_gained"]:
        yield from _figure(None, f"bounded: what the allocators keep of freed memory grew by {_kept(told)}")
    if told["beyond"]:
        yield from _figure(told["beyond"], _BEYOND)
    if told["trimmed_bytes"] is not None:
        yield from _figure(None, f"malloc_trim gave back {human_bytes(told['trimmed_bytes'])}")
    if told["native"] is None:
        yield from paragraph(_NOT_READ, indent="  ")


def _figure(size: float | None, text: str) -> Iterator[str]:
    head = "" if size is None else human_bytes(size)
    lines = paragraph(text, indent=" " * (_COLUMN + 2), hanging="  ")
    lines[0] = f"{head:>{_COLUMN}}  {lines[0].lstrip()}"
    yield from lines


def _parts(told: Told) -> Iterator[tuple[float, str]]:
    shown = told["holders"][:_MOST_HOLDERS]
    for holder in shown:
        yield holder["bytes"], f"alive: {_gains(holder, told['unit'])}"
    if told["unheld"]:
        yield told["unheld"], _UNHELD
    rest = told["alive"] - told["unheld"] - sum(each["bytes"] for each in shown)
    if rest >= max(told["can_tell"], 16):
        yield rest, "alive: held elsewhere"
    if told["waiting"] >= _LEAST_WAITING_BYTES:
        yield told["waiting"], f"waits for the collector{_cycles(told)}"
    if told["kept"]:
        yield (
            told["kept"],
            "freed, and kept by the allocators: objects that stay keep the arenas of those that went",
        )
    if told["native"]:
        # The first recordings have no interval.
        within = f" ({_interval(told['native_low'], told['native_high'])})" if "native_low" in told else ""
        leaked = _OR_LEAKED if told.get("traced") is None else ""
        yield told["native"], f"not Python's{within}: {_NOT_PYTHONS.format(leaked)}"
    if told["low"] > 0:
        yield from _unexplained(told)


def is_unexplained(told: Told) -> bool:
    """Whether it grows, and more of that than rounding and noise is no object's that the collector knows."""
    return bool(told["low"] > 0 and told["unexplained"] > _much(told))


def _much(told: Told) -> float:
    return float(max(_LEAST_UNEXPLAINED_BYTES, _LEAST_UNEXPLAINED_SHARE * told["grows"], told["can_tell"]))


def _unexplained(told: Told) -> Iterator[tuple[float, str]]:
    if told["unexplained"] >= 1:
        yield told["unexplained"], _UNEXPLAINED if is_unexplained(told) else _ROUNDING
    elif -told["unexplained"] > _much(told):
        yield -told["unexplained"], _RESIZED


def _allocated(place: Told, unit: str) -> str:
    source = f": {place['source']}" if place["source"] else ""
    measured = f"{human_bytes(place['bytes'])} a {unit}, by tracemalloc in {place['calls']} more {unit}s"
    return f"{place['where']}{source} ({measured})"


def _traced(told: Told) -> str:
    numpys = (
        f", {human_bytes(told['traced_numpy'])} of it NumPy's arrays" if told["traced_numpy"] >= 1 else ""
    )
    return f"tracemalloc counts {human_bytes(max(told['traced'], 0.0))} more a {told['unit']}{numpys}"


def _kept(told: Told) -> str:
    return f"{human_bytes(told['kept_gained'])} to {human_bytes(told['kept_bytes'])}, then no more"


def _gains(holder: Told, unit: str) -> str:
    where = f"{_together(holder)} ({holder['where']})" if holder["where"] else _together(holder)
    count = holder["entries"]
    if count < 0.01:
        return f"{holder['name']} grows{where}"
    is_whole = count >= 10 or (count >= 0.95 and abs(count - round(count)) < 0.05)
    number = f"{count:,.0f}" if is_whole else f"{count:,.2g}"
    objects = "object" if number == "1" else "objects"
    kind = holder["types"][0] if len(holder["types"]) == 1 else objects
    kind = f"bytes {objects}" if kind == "bytes" else kind  # else it reads as a size
    return f"{holder['name']} gains {number} {kind} a {unit}{where}"


def _together(holder: Told) -> str:
    alike = holder.get("alike", 1)  # the first recordings have none
    return f", {alike:,} of them together" if alike > 1 else ""


def _bounded(holder: Told) -> str:
    where = f" ({holder['where']})" if holder["where"] else ""
    entries = (
        f"by {counted(round(holder['entries']), 'entry').replace('entrys', 'entries')}, "
        if holder["entries"]
        else "by "
    )
    return f"{holder['name']} grew {entries}{human_bytes(holder['bytes'])}, then no more{where}"


def _cycles(told: Told) -> str:
    cycles = told["cycles"][:_MOST_SHAPES]
    return f": {'; '.join(f'cycle {each}' for each in cycles)}" if cycles else ""
