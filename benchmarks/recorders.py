"""Recorders and plugin: how much slower programs and tests become, beside other tools that watch memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.goals import Goal, Shown
from benchmarks.programs import PROGRAMS, units_in
from benchmarks.rounds import Job
from benchmarks.rows import Estimate, Rows, highest
from benchmarks.settings import Settings
from benchmarks.suites import BLOCKS, LONG_SECONDS, WAYS, rounds_of
from benchmarks.tools import LINES, MONITOR_1, MONITOR_5, NOTHING, PAUSES, RUN, RUNNERS, TOOLS

WATCHED, WHOLE = "watched programs", "programs run whole"
SMALL, LONG, BLOCK = "pytest, small tests", "pytest, tests of 10 ms", "small blocks"
BARE, EVERY_TEST = "bare", "--garbology"
WATCHES = ("watch(looks=False)", "watch()", "assert_no_cycles()")
EMPTY = "empty"


def jobs(settings: Settings) -> Iterator[Job]:
    """Every measurement of this section."""
    units = {program: units_in(program, settings.program_seconds) for program in PROGRAMS}
    for program in PROGRAMS:
        for tool, (needs, *_) in TOOLS.items():
            if tool != LINES or program == "requests":  # whose lines are read
                yield _of_program(WATCHED, program, tool, needs, "tools:watched", {"tool": tool}, units)
    for program in PROGRAMS:
        for runner, (needs, _) in RUNNERS.items():
            yield _of_program(WHOLE, program, runner, needs, "tools:whole_run", {"runner": runner}, units)
    long_rounds = rounds_of(LONG_SECONDS)
    for part, tests, rounds in ((SMALL, settings.tests, 0), (LONG, settings.long_tests, long_rounds)):
        for way in WAYS:
            arguments = {"way": way, "tests": tests, "rounds": rounds}
            plugins = ("pytest_memray",) if way == "--memray" else ()
            yield Job(part, f"{tests:,} tests", way, "suites:suite", arguments, plugins, size=tests)
    for block in BLOCKS:
        yield Job(BLOCK, block, "garbology", "suites:block", {"name": block, "repeats": settings.repeats})


def _of_program(
    part: str, program: str, who: str, needs: str, call: str, how: dict[str, Any], units: dict[str, int]
) -> Job:
    arguments = {**how, "program": program, "units": units[program]}
    return Job(part, program, who, call, arguments, (needs,) if needs else (), size=units[program])


def slowdown(rows: Rows, part: str, tool: str) -> Estimate | None:
    """The part of its time that the program takes longer, at worst of the three."""
    found = [
        rows.paired(part, program, tool, NOTHING, "unit_seconds", lambda ours, bare: ours / bare - 1)
        for program in rows.cases(part)
    ]
    return highest(found)


def _slowdown(part: str, tool: str) -> Any:
    return lambda rows: slowdown(rows, part, tool)


def _of_a_test(rows: Rows) -> Estimate | None:
    return highest([rows.added(SMALL, case, EVERY_TEST, BARE, "test_seconds") for case in rows.cases(SMALL)])


def _of_nothing(rows: Rows) -> Estimate | None:
    return _named(rows, [EMPTY], "{}_seconds")


def _of_a_block(rows: Rows) -> Estimate | None:
    return _named(rows, [each for each in rows.cases(BLOCK) if each != EMPTY], "{} added_seconds")


def _named(rows: Rows, blocks: list[str], figure: str) -> Estimate | None:
    """At worst of the blocks, in a plain watch."""
    return rows.worst(BLOCK, "garbology", figure.format("watch()"), blocks)


GOALS = (
    Goal(
        "slowdown under record_pauses, at worst of three programs", 0.01, _slowdown(WATCHED, PAUSES), "part"
    ),
    Goal("slowdown under a monitor at 1 %", 0.02, _slowdown(WATCHED, MONITOR_1), "part"),
    Goal("slowdown under a monitor at 5 %", 0.06, _slowdown(WATCHED, MONITOR_5), "part"),
    Goal("slowdown of the work under garbology run", 0.08, _slowdown(WHOLE, RUN), "part"),
    Goal("what pytest --garbology adds to a passing test", 0.3e-3, _of_a_test, "seconds"),
    Goal("a watch of nothing", 0.15e-3, _of_nothing, "seconds"),
    Goal("what a watch adds to a block of 200 objects, at worst", 0.3e-3, _of_a_block, "seconds"),
)

SHOWN = (
    Shown(WATCHED, {"unit_seconds": "a unit of work"}, NOTHING, "unit_seconds"),
    Shown(
        WHOLE,
        {"unit_seconds": "a unit of work", "process_seconds": "the whole process"},
        NOTHING,
        "unit_seconds",
    ),
    *(
        Shown(part, {"test_seconds": "a test", "outside_seconds": "once"}, BARE, "test_seconds")
        for part in (SMALL, LONG)
    ),
    Shown(BLOCK, {"bare_seconds": "bare", **{f"{watch}_seconds": watch for watch in WATCHES}}),
)
SIZES = ("program_seconds", "tests", "long_tests", "repeats")
