"""What was seen, in words: the figures, a shape with its estimate, a shape's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from garbology.cycles.cycle_text import lines_below
from garbology.text.escaping import edge_text
from garbology.text.layout import counted, human_bytes, wrap


def totals(collections: int, collected: int, pause_seconds: float, longest_pause_seconds: float) -> str:
    """What the collector did, which is exact."""
    return (
        f"{counted(collections, 'collection')} freed {counted(collected, 'object')} in {pause_seconds:.3g} s, "
        f"the longest pause {1000 * longest_pause_seconds:.3g} ms"
    )


def seen_lines(seen: Mapping[str, Any], most_edge_lines: int) -> Iterator[str]:
    """One seen shape as plain data: its estimate, its edges, and what to do."""
    yield from wrap(
        f"{_objects(seen)}, {human_bytes(seen['bytes'])}, in {counted(round(seen['cycles']), 'cycle')}: "
        f"{seen['share']:.0%} of what was analysed"
    )
    yield from lines_below(seen["shape"], "", most_edge_lines)


def _objects(seen: Mapping[str, Any]) -> str:
    low, value, high = (f"{seen[name]:,.0f}" for name in ("objects_low", "objects", "objects_high"))
    return (
        counted(round(seen["objects"]), "object")
        if low == high
        else f"about {value} ({low} to {high}) objects"
    )


def name_of(shape: Mapping[str, Any]) -> str:
    """A shape in a few words: the advised edges, or its types."""
    advice = shape["advice"]
    if advice and advice["edges"]:
        return " and ".join(edge_text(e["source"], e["label"], e["target"]) for e in advice["edges"][:2])
    return ", ".join(list(shape["types"])[:3])
