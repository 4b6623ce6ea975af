"""A recording in about twenty lines: the verdict first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from garbology.cycles.cycle_text import shape_lines, verb_of
from garbology.growth.text import growth_lines
from garbology.monitoring.recordings import Process, Recording
from garbology.monitoring.wording import name_of, seen_lines, totals
from garbology.text.escaping import joined
from garbology.text.layout import counted, human_bytes, paragraph, wrap

_MOST_SHAPES = 3
_EDGE_LINES = 6
_MOST_GROWN = 4
_NOT_WORTH_A_WORD = ("builtins.", "type", "function", "tuple", "dict", "list", "cell", "set", "frozenset")

_LEFT_ON = (
    "tracemalloc is still on in it, which makes it slower: its threads were at work all the time, and CPython {} may "
    "crash where tracemalloc is switched off meanwhile; it ends with the process"
)


def verdict(recording: Recording) -> str:
    """One sentence: which cycles held how much, and what to do."""
    process = recording.main
    if process is None:
        return (
            "nothing was recorded: the interpreter was started in a way that leaves sitecustomize out (-I, -S, -E), or "
            "ended at once"
        )
    collections = process.last.get("collections", 0)
    if process.shapes:
        return _of_the_heaviest(process.shapes[0], process.last)
    waits = process.at_end.get("waiting_objects", 0)
    size = human_bytes(process.at_end.get("waiting_bytes", 0))
    waiting = f"; at the end {counted(waits, 'object')} ({size}) waited"
    if not collections:
        return f"no collection ran{waiting if waits else ''}"
    if not process.collected:
        return f"{counted(collections, 'collection')} found nothing to free" + (waiting if waits else "")
    return (
        f"{counted(collections, 'collection')} freed {counted(process.collected, 'object')}"
        f"{waiting if waits else ''}; {_nothing_to_show(process)}"
    )


def _nothing_to_show(process: Process) -> str:
    if process.last["refused"]:
        return "which cycles they were is not known"
    if process.left_out:
        return "of the cycles that were analysed, --only and --ignore leave out all"
    return (
        f"of the collections {process.last['analysed']:,} could be analysed within the budget, and freed none of "
        "these: --exact analyses each"
    )


def _of_the_heaviest(shape: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    text = (
        f"cycles of `{name_of(shape['shape'])}` held {human_bytes(shape['most_bytes'])} at most and were "
        f"{_share(shape['share'], last)}"
    )
    advice = shape["shape"]["advice"]
    if not advice or not advice["edges"]:
        return text
    edge = advice["edges"][0]
    todo = f"{verb_of(edge['remedy'])} {joined(edge['source'], edge['label'])}"
    return f"{text}; {todo}, set at {edge['set_at'][0]}" if edge["set_at"] else f"{text}; {todo}"


def _share(share: float, last: Mapping[str, Any]) -> str:
    """Of those collections that are known: few may have been analysed of many."""
    collections = counted(last["collections"], "collection")
    if last["analysed"] == last["collections"]:
        about = "about " if last["extra_objects"] else ""
        return f"{about}{share:.0%} of what the collector freed in {collections}"
    verb = "was" if last["analysed"] == 1 else "were"
    known = f"the {last['analysed']:,} of {collections} that {verb} analysed"
    return f"about {share:.0%} of what the collector freed, by {known}"


def summary_lines(recording: Recording) -> Iterator[str]:
    """For a terminal."""
    yield from wrap(f"garbology: {verdict(recording)}")
    process = recording.main or Process({})
    for shape in process.shapes[:_MOST_SHAPES]:
        yield ""
        yield from _lines(seen_lines(shape, _EDGE_LINES))
    if not process.shapes:
        for shape in process.at_end.get("waiting_shapes", [])[:1]:
            yield from _lines(shape_lines(shape, "", _EDGE_LINES))
    if process.growth:
        yield ""
        yield from growth_lines(process.growth, "memory: ")
    if process.growth_failed:
        yield from ("", *wrap(f"memory: not told to the end: {process.growth_failed}"))
    yield ""
    for line in _figures(recording):
        yield from paragraph(line, indent="  ", hanging="  ")


def _lines(lines: Iterable[str]) -> Iterator[str]:
    return (line.replace("(-v shows more)", "(-o DIR shows more)") for line in lines)


def left_out(shapes: Sequence[Mapping[str, Any]]) -> str:
    """What `--only` and `--ignore` leave out, which the totals have."""
    objects, size, share = (sum(each[name] for each in shapes) for name in ("objects", "bytes", "share"))
    return (
        f"left out by --only and --ignore: {counted(len(shapes), 'shape')}, about {objects:,.0f} objects, "
        f"{human_bytes(size)}, {share:.0%} of what was analysed"
    )


def _analysed(last: Mapping[str, Any]) -> str:
    share = last["analysis_seconds"] / last["elapsed_seconds"] if last["elapsed_seconds"] else 0.0
    told = f"{last['analysed']:,} of them analysed, which took {share:.1%} of {last['elapsed_seconds']:.3g} s"
    if last["unexplained"]:
        told += f"; {last['unexplained']:,} too large for the budget, or not to be read"
    return told


def _figures(recording: Recording) -> Iterator[str]:
    process = recording.main
    if process is None or not process.last:
        return
    last = process.last
    pauses = [each["longest_pause_seconds"] for each in last["generations"]]
    total = sum(each["pause_seconds"] for each in last["generations"])
    yield totals(last["collections"], last["collected"], total, max(pauses))
    if recording.memory:
        yield f"RSS at most {human_bytes(recording.peak_rss_bytes)}, {len(recording.memory):,} samples"
    yield last["refused"] or _analysed(last)
    if process.left_out:
        yield left_out(process.left_out)
    if "waiting_objects" in process.at_end:
        waits = counted(process.at_end["waiting_objects"], "object")
        yield f"at the end {waits} waited ({human_bytes(process.at_end['waiting_bytes'])})"
    grown = [
        f"{name} +{count:,}"
        for name, count in process.at_end.get("grown", {}).items()
        if not name.startswith(_NOT_WORTH_A_WORD)
    ]
    if grown:
        yield f"alive at the end, more than at the start: {', '.join(grown[:_MOST_GROWN])}"
    if process.at_end.get("tracing_left_on"):
        yield _LEFT_ON.format(process.header["python"])
    if not process.ended:
        yield "it ended without an exit of the interpreter: the last second may be missing"
    if len(recording.processes) > 1:
        yield f"{counted(len(recording.processes) - 1, 'more process')} recorded".replace(
            "processs", "processes"
        )
