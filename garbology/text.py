"""A finding as text for a terminal, from its plain form."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MOST_SHAPES = 4
_MOST_EDGES = 5
_MOST_LEAKS = 3
_WIDTH = 100


def found_text(found: Mapping[str, Any]) -> str:
    """A verdict with numbers, then the shapes with their edges: at most about 40 lines however many cycles."""
    return "\n".join(_lines(found))


def verdict(garbage: int, garbage_bytes: int, occurrences: Sequence[int], leaks: int) -> str:
    """The first line: how much waits, in how many ``occurrences`` of each shape."""
    if not garbage:
        freed = "no garbage: reference counting freed everything that was dropped"
        return "nothing waits for the cyclic collector, but there is what it cannot free" if leaks else freed
    wait = "waits" if garbage == 1 else "wait"
    return (
        f"{_counted(garbage, 'object')} ({human_bytes(garbage_bytes)}) {wait} for the cyclic collector, "
        f"in {_counted(sum(occurrences), 'cycle')} of {_counted(len(occurrences), 'shape')}"
    )


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    shapes = found["shapes"]
    occurrences = [shape["count"] for shape in shapes]
    yield verdict(found["garbage"], found["garbage_bytes"], occurrences, len(found["leaks"]))
    for shape in shapes[:_MOST_SHAPES]:
        yield ""
        yield from _shape_lines(shape)
    if len(shapes) > _MOST_SHAPES:
        rest = shapes[_MOST_SHAPES:]
        held = human_bytes(sum(shape["bytes"] for shape in rest))
        yield f"... and {_counted(len(rest), 'more shape')} ({held})"
    for leak in found["leaks"][:_MOST_LEAKS]:
        yield from _leak_lines(leak)
    if len(found["leaks"]) > _MOST_LEAKS:
        yield f"... and {_counted(len(found['leaks']) - _MOST_LEAKS, 'more leak')}"
    if found["method"] != "reference counts":
        yield "found by asking the collector what it would free: this build's reference counts are not exact"


def _leak_lines(leak: Mapping[str, Any]) -> Iterator[str]:
    size = f"{_counted(leak['objects'], 'object')} ({human_bytes(leak['bytes'])})"
    yield ""
    yield f"leak: {size} that not even the collector frees"
    if leak["path"]:
        yield _cut(f"    {leak['count']:,} x {leak['path']}")
    else:
        yield _cut(f"    {leak['count']:,} x {', '.join(leak['types'])}")
    advice = f"{leak['reason']}: {leak['remedy']}"
    yield from textwrap.wrap(advice, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _shape_lines(shape: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{shape['count']:,} x a cycle of {_counted(shape['objects'], 'object')}, {human_bytes(shape['bytes'])} in all"
    )
    lines = list(dict.fromkeys(map(_edge_line, sorted(shape["edges"], key=_advised_first))))
    yield from (_cut(edge, _WIDTH - len(mark)) + mark for edge, mark in lines[:_MOST_EDGES])
    if len(lines) > _MOST_EDGES:
        yield f"    ... and {_counted(len(lines) - _MOST_EDGES, 'more edge')}"
    if shape["sites"]:
        yield _cut(f"    made at {', '.join(shape['sites'][:2])}")
    if shape["advice"]:
        yield from _advice_lines(shape["advice"])


def _advised_first(edge: Mapping[str, Any]) -> bool:
    return not edge["weaken"]


def _edge_line(edge: Mapping[str, Any]) -> tuple[str, str]:
    """The edge, and the mark that follows it; of a long line the edge is cut."""
    arrow = edge["label"] if edge["label"][:1] in (".", "[") else f" → {edge['label']}"
    begin, mark = ("  x ", "   <- weaken this one") if edge["weaken"] else ("    ", "")
    return f"{begin}{edge['source_type']}{arrow} -> {edge['target_type']}", mark


def _advice_lines(advice: Mapping[str, Any]) -> Iterator[str]:
    text = f"{advice['remedy']}: {advice['reason']}" + (f", {advice['trial']}" if advice["trial"] else "")
    yield from textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _cut(line: str, width: int = _WIDTH) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"


def human_bytes(size: float) -> str:
    """Bytes with three significant digits: ``512 B``, ``61.2 MB`` (1 MB is 10**6 bytes)."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.5 or unit == "TB":
            break
    return f"{size:.{max(0, 3 - len(str(int(size))))}f} {unit}"
