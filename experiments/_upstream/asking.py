"""One case, in the environment of its release: what plain gc counts, then what the instrument says."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import Any

from experiments._upstream.bugs import BROKEN, HOLDER, LEAK, Bug, Work
from experiments._upstream.judging import (
    KIND,
    NO_ADVICE,
    SILENT,
    advised,
    compared,
    compared_holder,
    compared_line,
    concerned,
    is_cut,
    text_of,
)
from garbology import collector

WARM_UP = 3
COUNTED = 10  # calls, of which the objects that stay are counted
LEAST_BYTES = 400  # a call, that C code is said to leak
MOST_SHAPES = 3  # that are kept for the page
NAMELESS = ("", "?")


def ask(bug: Bug, release: str) -> dict[str, Any]:
    """Everything that is measured of the library that is installed here."""
    import garbology  # with all that it needs, before anything is counted

    garbology.find_cycles(lambda: None)
    work = bug.prepare()
    for _ in range(WARM_UP):
        work()
    gc.collect()
    if bug.kind in (HOLDER, LEAK):
        return _ask_of_growth(bug, work, release)
    return _ask_of_cycles(bug, work)


def waiting_objects(work: Work) -> int:
    """What only the collector can free of one call: plain gc, with DEBUG_SAVEALL."""
    gc.collect()
    with collector.paused():
        flags = gc.get_debug()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            _call(work)
            gc.collect()
            return len(gc.garbage)
        finally:
            gc.set_debug(flags)
            gc.garbage.clear()
            gc.collect()


def staying_objects(work: Work) -> float:
    """How many tracked objects stay of each call, whatever the collector does."""
    before = _tracked()
    for _ in range(COUNTED):
        work()
    return (_tracked() - before) / COUNTED


def _call(work: Work) -> None:
    """A frame that ends, as find_cycles has one: a kept exception keeps it."""
    work()


def _tracked() -> int:
    for _ in range(3):
        gc.collect()
    return len(gc.get_objects())


def _ask_of_cycles(bug: Bug, work: Work) -> dict[str, Any]:
    import garbology

    truth = waiting_objects(work)
    work()
    gc.collect()
    started = time.perf_counter()
    found = garbology.find_cycles(work)
    lines = str(found).splitlines()
    seconds = time.perf_counter() - started
    shapes = found.to_dict()["shapes"]
    about = concerned(bug.cut, shapes)
    given = [each for shape in about for each in advised(shape)]
    return {
        "truth_objects": truth,
        "found_objects": found.garbage,
        "cut_edges": [text for text in _edges(about) if is_cut(bug.cut, text)],
        "advised_edges": [text for text, _ in given],
        "remedies": [remedy for _, remedy in given],
        "verdict": compared(bug.cut, about),
        "reason": about[0]["advice"]["reason"] if about and about[0]["advice"] else "",
        "trial": about[0]["advice"]["trial"] if about and about[0]["advice"] else "",
        "set_at": [line for shape in about for edge in shape["edges"] for line in edge["set_at"]],
        "nameless_edges": sum(edge["label"] in NAMELESS for shape in shapes for edge in shape["edges"]),
        "leaks": len(found.leaks),
        "holder": "",
        "ask_seconds": seconds,
        "text_lines": len(lines),
        "shapes": (about or shapes)[:MOST_SHAPES],
    }


def _edges(shapes: Sequence[Any]) -> list[str]:
    return [text_of(edge) for shape in shapes for edge in shape["edges"]]


def _ask_of_growth(bug: Bug, work: Work, release: str) -> dict[str, Any]:
    import garbology

    truth = staying_objects(work)
    started = time.perf_counter()
    found = garbology.find_cycles(work)
    leaks = [f"{leak.path} (held by {leak.holder})" for leak in found.leaks]
    told = None if leaks else garbology.diagnose(work, calls=bug.calls)
    text = str(found if told is None else told)
    seconds = time.perf_counter() - started
    holders = leaks if told is None else [f"{each.name} ({each.where})" for each in told.holders]
    lines = [] if told is None else [f"{each['where']}: {each['source']}" for each in told.allocated_at]
    verdict = compared_holder(bug.cut, holders)
    if _is_mended(bug, told, holders) and release != BROKEN:
        verdict = SILENT
    elif verdict == KIND:
        verdict = compared_line(bug.cut, lines) if _is_in_c(told) else NO_ADVICE
    reasons = [f"{leak.reason}: {leak.remedy}" for leak in found.leaks]
    return {
        "truth_objects": truth,
        "found_objects": sum(leak.objects for leak in found.leaks),
        "cut_edges": [each for each in holders if is_cut(bug.cut, each)],
        "advised_edges": (holders or lines)[:1],
        "remedies": [],
        "verdict": verdict,
        "reason": reasons[0] if reasons else _growth_of(told),
        "trial": "",
        "set_at": lines,
        "nameless_edges": 0,
        "leaks": len(found.leaks),
        "holder": holders[0] if holders else "",
        "ask_seconds": seconds,
        "text_lines": len(text.splitlines()),
        "shapes": [],
    }


def _is_mended(bug: Bug, told: Any, holders: Sequence[str]) -> bool:
    """Whether nothing is said of what was cut; where C code leaked, whether C code leaks no more."""
    return not any(is_cut(bug.cut, each) for each in holders) and (bool(bug.cut.edges) or not _is_in_c(told))


def _is_in_c(told: Any) -> bool:
    """Whether a diagnosis says that most of what grows is not held by any object that can be seen."""
    hidden = (told.native or 0.0) + told.unexplained + told.unheld
    return bool(told.low > 0 and told.grows >= LEAST_BYTES and hidden > told.grows / 2)


def _growth_of(told: Any) -> str:
    """The figures of a diagnosis, in one line."""
    if told is None:
        return ""
    parts = {"alive": told.alive, "waits": told.waiting, "not Python's": told.native or 0.0}
    figures = ", ".join(f"{name} {value:.0f}" for name, value in parts.items())
    return f"grows by {told.grows:.0f} bytes a call: {figures}, unexplained {told.unexplained:.0f}"
