"""A finding as text for a terminal, from its plain form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_SHAPES = 4
_MOST_EDGES = 5
_WIDTH = 100


def found_text(found: Mapping[str, Any]) -> str:
    """A verdict with numbers, then the shapes with their edges: at most about 40 lines however many cycles."""
    return "\n".join(_lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    shapes = found["shapes"]
    if not found["garbage"]:
        yield "no garbage: reference counting freed everything that was dropped"
    else:
        cycles = sum(shape["count"] for shape in shapes)
        yield (
            f"{_counted(found['garbage'], 'object')} ({human_bytes(found['garbage_bytes'])}) wait for the cyclic "
            f"collector, in {_counted(cycles, 'cycle')} of {_counted(len(shapes), 'shape')}"
        )
    for shape in shapes[:_MOST_SHAPES]:
        yield ""
        yield from _shape_lines(shape)
    if len(shapes) > _MOST_SHAPES:
        rest = shapes[_MOST_SHAPES:]
        held = human_bytes(sum(shape["bytes"] for shape in rest))
        yield f"... and {_counted(len(rest), 'more shape')} ({held})"
    for leak in found["leaks"][:_MOST_SHAPES]:
        yield f"leak: {_counted(leak['objects'], 'object')} ({human_bytes(leak['bytes'])}): {leak['reason']}"


def _shape_lines(shape: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{shape['count']:,} x a cycle of {_counted(shape['objects'], 'object')}, {human_bytes(shape['bytes'])} in all"
    )
    for edge in shape["edges"][:_MOST_EDGES]:
        mark = "   <- weaken this one" if edge["weaken"] else ""
        arrow = edge["label"] if edge["label"][:1] in (".", "[") else f" → {edge['label']}"
        yield _cut(f"    {edge['source_type']}{arrow} -> {edge['target_type']}{mark}")
    if len(shape["edges"]) > _MOST_EDGES:
        yield f"    ... and {_counted(len(shape['edges']) - _MOST_EDGES, 'more edge')}"
    if shape["sites"]:
        yield _cut(f"    made at {', '.join(shape['sites'][:2])}")
    if shape["advice"]:
        yield _cut(f"    {shape['advice']['reason']}")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def human_bytes(size: float) -> str:
    """Bytes with three significant digits: ``512 B``, ``61.2 MB`` (1 MB is 10**6 bytes)."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.5 or unit == "TB":
            break
    return f"{size:.{max(0, 3 - len(str(int(size))))}f} {unit}"
