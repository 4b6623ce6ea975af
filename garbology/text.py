"""A finding as text for a terminal, from its plain form."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MOST_SHAPES = 4
_MOST_LINES = 40
_MOST_EDGES = 5
_MOST_LEAKS = 3
_WIDTH = 80


def found_text(found: Mapping[str, Any]) -> str:
    """A verdict with numbers, then the shapes with their edges: 40 lines of 80 columns however many cycles."""
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
    shapes, leaks = found["shapes"], found["leaks"]
    occurrences = [shape["count"] for shape in shapes]
    head = verdict(found["garbage"], found["garbage_bytes"], occurrences, len(leaks))
    yield from wrap(head)
    tail = list(_tail_lines(found))
    blocks = _fitting([_shape_lines(shape) for shape in shapes[:_MOST_SHAPES]], _MOST_LINES - len(tail) - 3)
    for block in blocks:
        yield from block
    if len(shapes) > len(blocks):
        held = human_bytes(sum(shape["bytes"] for shape in shapes[len(blocks) :]))
        yield f"... and {_counted(len(shapes) - len(blocks), 'more shape')} ({held})"
    yield from tail


def _fitting(blocks: list[list[str]], most_lines: int) -> list[list[str]]:
    """The first of them, and those after it that still fit."""
    ends = list(itertools.accumulate(map(len, blocks)))
    return [block for block, end in zip(blocks, ends, strict=True) if end <= max(most_lines, ends[0])]


def _tail_lines(found: Mapping[str, Any]) -> Iterator[str]:
    leaks = found["leaks"]
    for leak in leaks[:_MOST_LEAKS]:
        yield from _leak_lines(leak)
    if len(leaks) > _MOST_LEAKS:
        yield f"... and {_counted(len(leaks) - _MOST_LEAKS, 'more leak')}"
    if found["method"] != "reference counts":
        yield "found by asking the collector what it would free: counts are not exact here"


def _leak_lines(leak: Mapping[str, Any]) -> Iterator[str]:
    size = f"{_counted(leak['objects'], 'object')} ({human_bytes(leak['bytes'])})"
    yield ""
    yield f"leak: {size} that not even the collector frees"
    if leak["path"]:
        yield _cut(f"    {leak['count']:,} x {leak['path']}")
    else:
        yield _cut(f"    {leak['count']:,} x {', '.join(leak['types'])}")
    advice = f"{leak['reason']}: {leak['remedy']}"
    yield from _paragraph(advice)


def _shape_lines(shape: Mapping[str, Any]) -> list[str]:
    size = human_bytes(shape["bytes"])
    edges = list(dict.fromkeys(map(_edge_lines, sorted(shape["edges"], key=_advised_first))))
    lines = ["", f"{shape['count']:,} x a cycle of {_counted(shape['objects'], 'object')}, {size} in all"]
    lines += itertools.chain.from_iterable(edges[:_MOST_EDGES])
    if len(edges) > _MOST_EDGES:
        lines.append(f"    ... and {_counted(len(edges) - _MOST_EDGES, 'more edge')}")
    if shape["sites"]:
        lines.append(_cut(f"    made at {', '.join(shape['sites'][:2])}"))
    return lines + (_advice_lines(shape["advice"]) if shape["advice"] else [])


def _advised_first(edge: Mapping[str, Any]) -> bool:
    return not edge["weaken"]


def _edge_lines(edge: Mapping[str, Any]) -> tuple[str, ...]:
    """The edge, and the mark that follows it; in two lines where one is too narrow, its names cut only then."""
    arrow = edge["label"] if edge["label"][:1] in (".", "[") else f" → {edge['label']}"
    begin, mark = ("  x ", "   <- weaken this one") if edge["weaken"] else ("    ", "")
    held, target = f"{begin}{edge['source_type']}{arrow}", f"-> {edge['target_type']}"
    if len(f"{held} {target}{mark}") <= _WIDTH:
        return (f"{held} {target}{mark}",)
    return _cut(held), _cut(f"        {target}", _WIDTH - len(mark)) + mark


def _advice_lines(advice: Mapping[str, Any]) -> list[str]:
    text = f"{advice['remedy']}: {advice['reason']}" + (f", {advice['trial']}" if advice["trial"] else "")
    return _paragraph(text)


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def wrap(line: str, most_lines: int = 10) -> list[str]:
    """A line of text in lines that fit a terminal, indented as it is, those after the first by four more."""
    indent = " " * (len(line) - len(line.lstrip(" ")))
    return textwrap.wrap(
        line, _WIDTH, subsequent_indent=indent + "    ", max_lines=most_lines, placeholder=" …",
        break_on_hyphens=False, replace_whitespace=False,
    )  # fmt: skip


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
