"""A shape of cycle as text: its edges in the order of the cycle, what to do about which, and where that is set."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from garbology.text.escaping import joined
from garbology.text.layout import WIDTH, counted, cut, human_bytes, paragraph

Edge = Mapping[str, Any]

_MOST_EDGES = 8
_MOST_MARKED = 4  # of which each has its mark; more are a list of their own
_MOST_LISTED = 10
_MOST_LIST_LINES = 24
_MOST_PLACES = 2
_MOST_REASON_LINES = 14
_VERBS = {"property": "replace", "capture": "replace", "slots": "rewrite", "none": "cut", "": "weaken"}
_SITE = re.compile(r"^(.*)( \([^()]*:[0-9?]+\))$")


def verb_of(remedy: str) -> str:
    """What to do about an advised edge, by the name of the remedy: 'weaken', 'clear', 'close'."""
    return "weaken" if remedy.lower().startswith("weak") else _VERBS.get(remedy, remedy)


def shape_lines(shape: Mapping[str, Any], name: str, most_lines: int) -> list[str]:
    """The lines of one shape, its edges in about ``most_lines``; ``name`` is how a reader gets at it, empty where only
    `-v` shows more.
    """
    head = f"{shape['count']:,} x a cycle of {_objects(shape)}, {human_bytes(shape['bytes'])} in all"
    return ["", head, *lines_below(shape, name, most_lines)]


def lines_below(shape: Mapping[str, Any], name: str, most_lines: int) -> list[str]:
    """The lines of a shape without the first: its edges, where it was made, what to do."""
    lines: list[str] = []
    edges = in_cycle_order(shape["edges"])
    advised = [edge for edge in edges if edge["weaken"]]
    if len(advised) > _MOST_MARKED:
        lines += _list_of(advised, shape, name)
        edges = [edge for edge in edges if not edge["weaken"]]
        most_lines -= len(lines)
    lines += _edges(edges, shape, name, most_lines)
    if shape["sites"]:
        lines.append(cut(f"    made at {', '.join(shape['sites'][:2])}"))
    return lines + (_advice_lines(shape["advice"], name) if shape["advice"] else [])


def in_cycle_order(edges: Sequence[Edge]) -> list[Edge]:
    """Edges that read differently, so that the cycle can be read round: each begins where the one before ended.

    First the advised ones, each with the shortest way back, then what is left.
    """
    distinct = list({(e["source_type"], e["label"], e["target_type"]): e for e in edges}.values())
    left = dict.fromkeys(range(len(distinct)))
    leaving: dict[str, list[int]] = {}
    for place, edge in enumerate(distinct):
        leaving.setdefault(edge["source_type"], []).append(place)
    ordered: list[int] = []
    firsts = [place for place in left if distinct[place]["weaken"]] or list(left)[:1]
    while left:
        for first in [place for place in firsts if place in left] or [_next(distinct, left, ordered)]:
            if first in left:
                trail = [first, *_way(distinct, leaving, left, first)]
                ordered += trail
                for place in trail:
                    left.pop(place, None)
        firsts = []
    return [distinct[place] for place in ordered]


def _next(edges: Sequence[Edge], left: Mapping[int, None], ordered: Sequence[int]) -> int:
    """An edge that goes on where the text is, else one from an object that it has named, else any."""
    named = [edges[place]["target_type"] for place in reversed(ordered)]
    for name in dict.fromkeys(named):
        for place in left:
            if edges[place]["source_type"] == name:
                return place
    return next(iter(left))


def _way(
    edges: Sequence[Edge], leaving: Mapping[str, list[int]], left: Mapping[int, None], first: int
) -> list[int]:
    """The shortest way, along edges that are left, from where an edge ends to where it begins; empty without one."""
    start, end = edges[first]["target_type"], edges[first]["source_type"]
    before: dict[str, int] = {}
    pending = deque([start])
    while pending and end not in before and start != end:
        for place in leaving.get(pending.popleft(), ()):
            target = edges[place]["target_type"]
            if place in left and place != first and target not in before and target != start:
                before[target] = place
                pending.append(target)
    way: list[int] = []
    while end in before and end != start:
        way.append(before[end])
        end = edges[before[end]]["source_type"]
    return way[::-1]


def _edges(edges: Sequence[Edge], shape: Mapping[str, Any], name: str, most_lines: int) -> list[str]:
    lines: list[str] = []
    places_before: Sequence[str] = ()
    for number, edge in enumerate(edges):
        more = _edge_lines(edge, _mark(shape, edge))
        if edge["weaken"] and edge["set_at"] != places_before:
            more += _place_lines(edge)
        places_before = edge["set_at"]
        full = number >= _MOST_EDGES or len(lines) + len(more) > most_lines
        is_last = number + 1 == len(edges) and len(more) == 1  # takes no more room than to say so
        if full and number and not edge["weaken"] and not is_last:
            lines.append(f"    ... and {counted(len(edges) - number, 'more edge')}{_more(name, 'edges')}")
            return lines
        lines += more
    return lines


def _more(name: str, attribute: str) -> str:
    return f": `{name}.{attribute}`" if name else " (-v shows more)"


def _list_of(advised: Sequence[Edge], shape: Mapping[str, Any], name: str) -> list[str]:
    """Many advised edges as a list under what to do about them."""
    call = shape["advice"].get("call", "") if shape["advice"] else ""
    most = _MOST_MARKED if call else _MOST_LISTED
    verbs = {verb_of(edge.get("remedy", "")) for edge in advised if edge.get("remedy")} or {_verb(shape)}
    verb = verbs.pop() if len(verbs) == 1 else "cut"
    does = f"{call} {'clear' if ' and ' in call else 'clears'}" if call else f"{verb} each of"
    lines = [f"  {does} these {len(advised)}:"]
    places_before: Sequence[str] = ()
    shown = 0
    for edge in advised[:most]:
        lines += _edge_lines(edge, "")
        if edge["set_at"] != places_before:
            lines += _place_lines(edge, 1)
        places_before = edge["set_at"]
        shown += 1
        if len(lines) >= _MOST_LIST_LINES:
            break
    if len(advised) > shown:
        lines.append(f"    ... and {len(advised) - shown} more{_more(name, 'advice.edges')}")
    return [*lines, "  the cycle:"] if len(advised) < len(shape["edges"]) else lines


def _place_lines(edge: Edge, most: int = _MOST_PLACES) -> list[str]:
    """The lines of source that set an edge, and how many more there are; not where its target's own name has it."""
    places = [
        each for each in edge["set_at"] if not edge["target_type"].endswith(f"({each.partition(': ')[0]})")
    ]
    begin = "set in one of" if edge.get("set_at_one_of") and len(places) > 1 else "set at"
    shown = [
        cut(f"      {' ' * len(begin) if number else begin} {each}")
        for number, each in enumerate(places[:most])
    ]
    beside = len(places) - len(shown)
    return (
        [*shown, f"       {' ' * len(begin)}or {counted(beside, 'more line')}: `edge.set_at`"]
        if beside
        else shown
    )


def _mark(shape: Mapping[str, Any], edge: Edge) -> str:
    if not edge["weaken"]:
        return ""
    remedy = edge.get("remedy", "")
    return f"   <- {verb_of(remedy) if remedy else _verb(shape)} this one"


def _verb(shape: Mapping[str, Any]) -> str:
    return verb_of(shape["advice"]["remedy"] if shape["advice"] else "")


def _edge_lines(edge: Edge, mark: str) -> list[str]:
    """An edge and its mark; in two or more lines where one is too narrow, its names shortened only then."""
    begin = "  x " if edge["weaken"] else "    "
    held = begin + joined(edge["source_type"], edge["label"])
    target = f"-> {edge['target_type']}"
    if len(f"{held} {target}{mark}") <= WIDTH:
        return [f"{held} {target}{mark}"]
    last = [_shortened(f"        {target}", WIDTH - len(mark)) + mark]
    if (
        _SITE.match(target) and len(target) + len(mark) > WIDTH - 8
    ):  # where the target is says more than a mark beside it
        last = [_shortened(f"        {target}"), *([f"     {mark}"] if mark else [])]
    if len(held) <= WIDTH or not edge["source_type"].endswith(")"):
        return [cut(held), *last]
    return [_shortened(begin + edge["source_type"]), cut(f"        → {edge['label']}"), *last]


def _shortened(line: str, width: int = WIDTH) -> str:
    """A name cut at its end, before the file and line that it may have."""
    named = _SITE.match(line)
    if len(line) <= width or named is None or len(named[2]) > width // 2:
        return cut(line, width)
    return cut(named[1], width - len(named[2])) + named[2]


def _objects(shape: Mapping[str, Any]) -> str:
    low, high = shape["objects_low"], shape["objects_high"]
    return f"{low:,} to {high:,} objects" if low < high else counted(high, "object")


def _advice_lines(advice: Mapping[str, Any], name: str) -> list[str]:
    """The remedy and its reason; each sentence of many on a line of its own."""
    trial = f", {advice['trial']}" if advice["trial"] else ""
    sentences = list(_sentences(advice["reason"]))
    if len(sentences) <= _MOST_MARKED:
        lines = paragraph(f"{advice['remedy']}: {advice['reason']}{trial}")
    else:
        sentences[-1] += trial
        lines = [f"    {advice['remedy']}:"]
        for sentence in sentences:
            lines += paragraph(f"- {sentence}", hanging="  ")
    if len(lines) <= _MOST_REASON_LINES:
        return lines
    return [*lines[: _MOST_REASON_LINES - 1], f"    ... more{_more(name, 'advice.reason')}"]


def _sentences(reason: str) -> Iterator[str]:
    """The parts of a reason; 'the same in ...' belongs to the one before."""
    latest = ""
    for part in reason.split("; "):
        if latest and not part.startswith("the same in "):
            yield latest
            latest = part
        else:
            latest = f"{latest}; {part}" if latest else part
    yield latest
