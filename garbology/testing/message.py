"""What a failing test is told: at most 4 kB, whatever happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import pytest

from garbology.cycles.cycle_text import shape_lines
from garbology.find.text import leak_lines
from garbology.testing.results import Result
from garbology.testing.rules import Rule
from garbology.text.layout import counted, human_bytes, paragraph, wrap

_MOST_BYTES = 4_000
_MOST_BYTES_VERBOSE = 40_000
_HOW = " (-v shows more)"
_MORE = f"…{_HOW}"
_MOST_SHAPES = (3, 30)
_EDGE_LINES = (14, 60)


def complaint(result: Result, shapes: Sequence[Mapping[str, Any]], what: str, verbose: int) -> str:
    """The verdict, then the cycles: which edge to weaken, where it is set, and the remedy.

    ``shapes`` are those to complain of, ``what`` is said of them.
    """
    lines = wrap(what)
    detail = int(verbose > 0)
    told = [shape for shape in shapes[: _MOST_SHAPES[detail]] if shape["distinct"] == 1]
    for shape in told:
        lines += shape_lines(shape, "", _EDGE_LINES[detail])
    more = sum(shape["distinct"] for shape in shapes) - len(told)
    if more:
        lines += ["", f"... and {counted(more, 'more shape')}{_HOW}"]
    for leak in result["leaks"]:
        lines += leak_lines(leak)
    return "\n".join([*lines, *_notes(result)])


def verdict(result: Result, rule: Rule) -> str:
    """What the test has left, as one sentence; empty where it may leave that."""
    if rule.kind == "max_garbage":
        return _over(result, rule)
    if result["own_objects"]:
        own = [shape for shape in result["shapes"] if shape["whose"] == "own"]
        return f"this test left {_amount(result)} for the cyclic collector, in {_cycles(own)}"
    if result["leaks"]:
        return "this test left what not even the cyclic collector can free"
    if result["collected"] and rule.scope.is_open:
        return str(result["collected"])
    return ""


def verdict_on_new(shapes: Sequence[Mapping[str, Any]], baseline: str) -> str:
    """What is said of shapes that a baseline does not list."""
    size = human_bytes(sum(shape["bytes"] for shape in shapes))
    return f"this test left {_cycles(shapes)} ({size}) that {baseline} does not list"


def _over(result: Result, rule: Rule) -> str:
    over = []
    if rule.objects is not None and result["own_objects"] > rule.objects:
        over.append(f"{counted(rule.objects, 'object')}")
    if rule.bytes is not None and result["own_bytes"] > rule.bytes:
        over.append(human_bytes(rule.bytes))
    if not over:
        return ""
    return (
        f"this test left {_amount(result)} for the cyclic collector; max_garbage allows {' and '.join(over)}"
    )


def _amount(result: Result) -> str:
    return f"{counted(result['own_objects'], 'object')} ({human_bytes(result['own_bytes'])})"


def _cycles(shapes: Sequence[Mapping[str, Any]]) -> str:
    occurrences = sum(shape["count"] for shape in shapes)
    return (
        f"{counted(occurrences, 'cycle')} of {counted(sum(shape['distinct'] for shape in shapes), 'shape')}"
    )


def _notes(result: Result) -> Iterator[str]:
    others = [shape for shape in result["shapes"] if shape["whose"] in ("ignored", "the test runner")]
    if others:
        yield ""
        yield from wrap(f"not counted: {_cycles(others)} of others")
    if any(shape["whose"] == "a class of the test" for shape in result["shapes"]):
        yield ""
        yield from wrap("not counted: a class that the test defines, for each class is a cycle by itself")
    if any(shape["whose"] == "pytest.raises" for shape in result["shapes"]):
        yield ""
        yield from wrap(RAISES_TEXT)
    if result["method"] != "reference counts":
        yield "found by asking the collector what it would free: counts are not exact here"


#: What is said of the frame that `pytest.raises` keeps.
RAISES_TEXT = (
    "not counted: `pytest.raises(...) as info` keeps the traceback, and with it this test's frame and variables, until "
    "the collector runs; end with `del info` where they should go at once"
)


def not_again(error: str) -> str:
    """Why a test was judged by its first run."""
    return "\n".join(
        paragraph(
            f"the test could not be run again to leave out what a first call caches ({error}): this is what its first "
            "run left; warmup=0 in the marker says that it is to be run once",
            indent="",
        )
    )


def cut_to(text: str, verbose: int) -> str:
    """The text in the bytes that it may take, whole lines of it."""
    most = _MOST_BYTES_VERBOSE if verbose > 0 else _MOST_BYTES
    if len(text.encode()) <= most:
        return text
    lines, size = [], len(_MORE.encode())
    for line in text.splitlines():
        size += len(line.encode()) + 1
        if size > most:
            break
        lines.append(line)
    return "\n".join([*lines, _MORE])


def fail_with(text: str) -> NoReturn:
    """Fail the test with this text alone. This frame is not hidden: without any, pytest says that all are hidden."""
    pytest.fail(text, pytrace=False)
