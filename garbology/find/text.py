"""A finding as text for a terminal, from its plain form."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from garbology.cycles.cycle_text import shape_lines
from garbology.text.layout import counted, human_bytes, paragraph, wrap

_MOST_SHAPES = 4
_MOST_LINES = 40
_MOST_LEAKS = 3
_EDGE_LINES = (14, 7)  # of the first shape, and of those after it

NOT_ENDED = "the block has not ended, so nothing is known yet: read the finding after it"
INTERPRETER_ENDING = "the interpreter was being taken down, and nothing was looked at"


def unknown(reason: str) -> str:
    """Why nothing is known of a window, where its leaks were not judged for this ``reason``."""
    return INTERPRETER_ENDING if reason == INTERPRETER_ENDING else NOT_ENDED


def found_text(found: Mapping[str, Any]) -> str:
    """A verdict with numbers, then the shapes with their edges: 40 lines of 80 columns however many cycles."""
    return "\n".join(_lines(found))


def verdict(
    garbage: int,
    garbage_bytes: int,
    occurrences: Sequence[int],
    leaks: int,
    shapes: int,
    *,
    held: int = 0,
    holders: Sequence[str] = ("C code",),
    judged: bool = True,
) -> str:
    """The first line: how much waits, in how many ``occurrences`` of each entry, of so many ``shapes`` in all.

    ``held`` objects are alive because C code holds them, or other ``holders``; ``judged`` says whether that was looked
    for.
    """
    if garbage:
        wait = "waits" if garbage == 1 else "wait"
        return (
            f"{counted(garbage, 'object')} ({human_bytes(garbage_bytes)}) {wait} for the cyclic collector, "
            f"in {counted(sum(occurrences), 'cycle')} of {counted(shapes, 'shape')}"
        )
    if leaks:
        return "nothing made here waits for the collector, but there is what it cannot free"
    if held:
        are = "is" if held == 1 else "are"
        return f"no garbage, but {counted(held, 'object')} {are} still alive, held by {_holders(holders)}"
    if not judged:
        return "no garbage: nothing made here waits for the cyclic collector"
    return "no garbage: reference counting freed every tracked object made and dropped here"


def found_head(found: Mapping[str, Any]) -> str:
    """How much waits, or why nothing is known: the verdict; empty where only a collection is told of."""
    if not found.get("ended", True):
        return unknown(found["leaks_unjudged_reason"])
    if found["garbage"] or found["leaks"] or not _collected(found):
        return _head(found, [shape["count"] for shape in found["shapes"]])
    return ""


def found_tail(found: Mapping[str, Any]) -> list[str]:
    """What is told after the shapes: what collections freed, leaks, and what C code holds."""
    if not found.get("ended", True):
        return []
    return [*wrap(_collected(found)), *_tail_lines(found)]


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield from wrap(found_head(found))
    if not found.get("ended", True):
        return
    shapes, tail = found["shapes"], found_tail(found)
    described = [
        shape_lines(shape, f"found.shapes[{place}]", _EDGE_LINES[min(place, 1)])
        for place, shape in enumerate(shapes[:_MOST_SHAPES])
        if shape["distinct"] == 1
    ]
    blocks = _fitting(described, _MOST_LINES - len(tail) - 3)
    for block in blocks:
        yield from block
    if more := shapes[len(blocks) :]:
        held = human_bytes(sum(shape["bytes"] for shape in more))
        yield f"... and {counted(_distinct(more), 'more shape')}, {held}: `found.shapes`"
    yield from tail


def _collected(found: Mapping[str, Any]) -> str:
    return collected_text(
        found.get("collected_inside", 0),
        found.get("collected_new", 0),
        found.get("collected_generations", []),
    )


def _head(found: Mapping[str, Any], occurrences: Sequence[int]) -> str:
    return verdict(
        found["garbage"],
        found["garbage_bytes"],
        occurrences,
        len(found["leaks"]),
        _distinct(found["shapes"]),
        held=sum(held["objects"] for held in found.get("held_by_c", [])),
        holders=[held.get("holder", "C code") for held in found.get("held_by_c", [])],
        judged=found.get("leaks_judged", True),
    )


def _distinct(shapes: Sequence[Mapping[str, Any]]) -> int:
    """How many shapes there are: the last entry may stand for many."""
    return sum(shape["distinct"] for shape in shapes)


def collected_text(freed: int, new: int | None, generations: Sequence[int]) -> str:
    """What collections inside the block have freed, and how much of it is new; empty where they freed nothing."""
    if not freed:
        return ""
    which = ", ".join(map(str, generations))
    head = f"a collection (generation {which}) inside the block freed {counted(freed, 'object')}"
    if new is None:
        return f"{head}; whether they were made in it could not be seen"
    if new == freed:
        return f"{head} made in it, which reference counting had not freed"
    return f"{head} that reference counting had not, {f'{new:,}' if new else 'none'} of them made in it"


def _fitting(blocks: list[list[str]], most_lines: int) -> list[list[str]]:
    """The first of them, and those after it that still fit."""
    ends = list(itertools.accumulate(map(len, blocks)))
    return [block for block, end in zip(blocks, ends, strict=True) if end <= max(most_lines, ends[0])]


def _tail_lines(found: Mapping[str, Any]) -> Iterator[str]:
    leaks = found["leaks"]
    for leak in leaks[:_MOST_LEAKS]:
        yield from leak_lines(leak)
    if len(leaks) > _MOST_LEAKS:
        yield f"... and {counted(len(leaks) - _MOST_LEAKS, 'more leak')}"
    yield from _held_lines(found.get("held_by_c", []))
    if found.get("leaks_unjudged_reason"):
        yield from wrap(f"what C code keeps was not judged: {found['leaks_unjudged_reason']}")
    if found["method"] != "reference counts":
        yield "found by asking the collector what it would free: counts are not exact here"


def _held_lines(held: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in held[:_MOST_LEAKS]:
        size = f"{counted(each['objects'], 'object')} ({human_bytes(each['bytes'])})"
        yield ""
        yield f"held by {each.get('holder', 'C code')}: {size}, which is no leak as far as can be seen"
        yield from wrap(f"    {each['count']:,} x {each['path']}")
        yield from paragraph(each["reason"])
    if len(held) > _MOST_LEAKS:
        holders = _holders([each.get("holder", "C code") for each in held[_MOST_LEAKS:]])
        yield f"... and {counted(len(held) - _MOST_LEAKS, 'more thing')} held by {holders}"


def _holders(names: Sequence[str]) -> str:
    return " and ".join(sorted(set(names)))


def leak_lines(leak: Mapping[str, Any]) -> Iterator[str]:
    """What is held, by what, and what to do about it."""
    size = f"{counted(leak['objects'], 'object')} ({human_bytes(leak['bytes'])})"
    yield ""
    yield f"leak: {size} that not even the collector frees"
    yield from wrap(f"    {leak['count']:,} x {leak['path'] or ', '.join(leak['types'])}")
    advice = f"{leak['reason']}: {leak['remedy']}"
    yield from paragraph(advice)
