"""What an answer says beside what the maintainers did: by the names of edges and remedies alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments._upstream.bugs import Cut
from garbology.text.escaping import edge_text

SAME = "same"  # only edges that the maintainers cut, with their remedy
LEFT = "same, and what they left"  # those, and others of cycles that their cut leaves
MORE = "same, and more"  # those, and others that nothing needs
OTHER_REMEDY = "other remedy"
OTHER_EDGE = "other edge"
NO_ADVICE = "no advice"
KIND = "told by its kind"  # C code leaks it: no object of Python's holds it, which is said
LINE = "the line is told"  # that calls the C function which was mended, and no object of Python's holds what leaks
SILENT = "silent"  # no such edge in any cycle
RIGHT = (SAME, LEFT, LINE)
Shape = Mapping[str, Any]


def text_of(edge: Mapping[str, Any]) -> str:
    """An edge of a shape, as one reads it."""
    return edge_text(edge["source_type"], edge["label"], edge["target_type"])


def is_cut(cut: Cut, text: str) -> bool:
    """Whether an edge is one that the maintainers took away."""
    return any(re.search(pattern, text) for pattern in cut.edges)


def concerned(cut: Cut, shapes: Iterable[Shape]) -> list[Shape]:
    """The shapes that an edge of the maintainers' is in."""
    return [shape for shape in shapes if any(is_cut(cut, text_of(edge)) for edge in shape["edges"])]


def advised(shape: Shape) -> list[tuple[str, str]]:
    """Each advised edge with its remedy; of a class that is made again and again, its own edges."""
    found = [(text_of(edge), edge["remedy"]) for edge in shape["edges"] if edge["weaken"]]
    advice = shape["advice"]
    if found or advice is None or advice["edges"] or advice["remedy"] == "none":
        return found
    return [(text_of(edge), advice["remedy"]) for edge in shape["edges"][:1]]


def compared(cut: Cut, shapes: Sequence[Shape]) -> str:
    """How what is advised about these shapes compares with what was done."""
    if not shapes:
        return SILENT
    given = [each for shape in shapes for each in advised(shape)]
    if not given:
        return NO_ADVICE
    at_the_cut = [remedy for text, remedy in given if is_cut(cut, text)]
    if not at_the_cut:
        return OTHER_EDGE
    if not set(at_the_cut) <= set(cut.remedies):
        return OTHER_REMEDY
    if len(at_the_cut) == len(given):
        return SAME
    return LEFT if all(_is_needed_still(cut, shape) for shape in shapes) else MORE


def _is_needed_still(cut: Cut, shape: Shape) -> bool:
    """Whether each further edge that is advised lies on a cycle without the edges that the maintainers cut."""
    left = [edge for edge in shape["edges"] if not is_cut(cut, text_of(edge))]
    further = [edge for edge in left if edge["weaken"]]
    return all(_leads(left, edge["target"], edge["source"]) for edge in further)


def _leads(edges: Sequence[Mapping[str, Any]], start: int, end: int) -> bool:
    """Whether a way of these edges leads from one node to another."""
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        if node == end:
            return True
        new = {edge["target"] for edge in edges if edge["source"] == node} - seen
        seen |= new
        waiting += new
    return False


def compared_line(cut: Cut, lines: Sequence[str]) -> str:
    """The same of what C code leaks: whether the first line that allocates it calls what was mended."""
    return LINE if lines and any(re.search(pattern, lines[0]) for pattern in cut.lines) else KIND


def compared_holder(cut: Cut, holders: Sequence[str]) -> str:
    """The same of what grows: whether the holder that is named first is the one that was mended."""
    if not cut.edges:
        return OTHER_EDGE if holders else KIND
    if not any(is_cut(cut, holder) for holder in holders):
        return OTHER_EDGE if holders else NO_ADVICE
    return SAME if is_cut(cut, holders[0]) else MORE
