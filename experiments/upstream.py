"""Bugs of other people's libraries: is the advice what the maintainers did?

A memory bug that was reported in public has two releases beside it: one that has it, and a later one that does not.
What the maintainers changed between them is known. So we can ask the instrument about the broken release, as one would
have who met the bug, and compare what it says with what was done.

Each case is a few lines that bring the bug about. Plain gc says how much of it there is: what `gc.DEBUG_SAVEALL` saves
of one call, or how many tracked objects stay of each call. Then garbology is asked: of cycles `find_cycles` says which
edge to weaken and how, of what stays alive `diagnose` says who holds it. The advice is right if it names the edges that
the maintainers cut, with a remedy that says what they did, and no other edge but of cycles that they left. The mended
release is asked the same: nothing must be said of the edge that was cut.

Each release has an environment of its own, from wheels, under the cache directory (GARBOLOGY_UPSTREAM names another);
`python -m experiments.upstream` makes those that are missing, `--only NAME` those of one case. Every other way to run
studies measures what is there already, and says of the rest that it is not measured.

objgraph, refcycle, memray and pytest-memray are asked about the same calls, each as it is meant to be used:
`objgraph.typestats()` around ten calls and `show_backrefs` of the youngest objects; `refcycle.garbage()`; a
`memray.Tracker` of ten calls; a test with `limit_leaks`.

What to do about it: where the advice is one of the rows below that are right, do it; where a row is wrong, read why,
and what the maintainers did instead.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from experiments import _parts
from experiments._upstream import (
    cases,  # noqa: F401 - registers the bugs
    environments,
)
from experiments._upstream.applying import apply
from experiments._upstream.asking import ask
from experiments._upstream.bugs import BROKEN, BUGS, CYCLE, EXCEPTION, MENDED
from experiments._upstream.elsewhere import PROGRAM, measured
from experiments._upstream.judging import (
    KIND,
    LEFT,
    LINE,
    MORE,
    NO_ADVICE,
    OTHER_EDGE,
    OTHER_REMEDY,
    RIGHT,
    SAME,
    SILENT,
)
from experiments._upstream.peers import REQUIREMENT, ask_peers
from garbology.study import (
    FigureSpec,
    NotMeasured,
    Run,
    Runs,
    Selection,
    Study,
    Table,
    Tile,
    Unavailable,
    bars,
    counted,
    every,
    shown,
)

ASKED_RIGHT = 28 / 32  # of the cases, at least
WAITS = (CYCLE, EXCEPTION)

study = Study(
    title="Bugs of other people's libraries",
    part=_parts.FRAMEWORKS,
    is_score=True,
    parameters={"bug": list(BUGS), "release": [BROKEN, MENDED]},
    quick={"bug": ["httpx", "networkx", "tqdm", "babel"]},
    repeats=1,
    most_repeats=1,
    timeout_seconds=300,
    opening="We ask a broken release and a mended one of each bug, and compare what is said with what was done.",
    glossary={
        SAME: "the advice names what the maintainers cut, with their remedy, and nothing else",
        LEFT: "so it does, and it opens another cycle too, which they left",
        MORE: "so it does, and it names edges that need not be cut",
        OTHER_REMEDY: "the edge is theirs, the remedy is another",
        OTHER_EDGE: "other edges are advised",
        LINE: "C code leaks it, which is said, with the line that calls the function which they mended",
        KIND: "C code leaks it, which is said, and no such line is told",
        NO_ADVICE: "it is seen, and no edge or holder is named",
        SILENT: "the edge is in no cycle, the holder does not grow",
    },
)


@dataclass(frozen=True)
class Answer:
    """What plain gc counted and what was said of one release.

    `truth_objects` wait of one call, or stay of each; `found_objects` are those that garbology counts. `cut_edges` are
    the maintainers', as far as they are in a cycle; `holder` is the first that is named of what stays alive.
    """

    kind: str
    library: str
    truth_objects: float
    found_objects: int
    cut_edges: list[str]
    advised_edges: list[str]
    remedies: list[str]
    verdict: str
    reason: str
    trial: str
    set_at: list[str]
    nameless_edges: int
    leaks: int
    holder: str
    ask_seconds: float
    text_lines: int
    shapes: list[dict[str, Any]]


@study.measure
def ask_release(bug: str, release: str) -> Answer:
    """Bring the bug about in an environment of its release, count with plain gc, then ask."""
    case = BUGS[bug]
    answer = measured(case, release, ask_release, {"bug": bug, "release": release}, study.target)
    if answer is None:
        answer = {"kind": case.kind, "library": case.requirement(release), **ask(case, release)}
    return Answer(**answer)


@dataclass(frozen=True)
class Applied:
    """What came of the advice in a copy of the broken release.

    `changes` is empty where the advice is more than one change at one place. `works` is "yes" where a use of the
    library succeeds with the copy.
    """

    changes: list[str]
    outcome: str
    waiting_before: int
    waiting_after: int
    verdict_after: str
    works: str


@study.measure
def apply_advice(bug: str) -> Applied:
    """Change a copy of the library as it is advised, then count and ask again, and use the library."""
    case = BUGS[bug]
    if case.kind not in WAITS:
        raise Unavailable("it is no cycle: a holder is cleared where people know that it is done with")
    answer = measured(case, BROKEN, apply_advice, {"bug": bug}, study.target)
    return Applied(**(apply(case) if answer is None else answer))


@dataclass(frozen=True)
class Peers:
    """What other tools say of the broken release, a row for each: the tool, what it says, how it was asked.

    It is "named" where the name of what was cut is in what is drawn, "counted" where objects or bytes are.
    """

    peers: list[dict[str, str]]


@study.measure(quick={"bug": ["tqdm"]})
def ask_others(bug: str) -> Peers:
    """Ask objgraph, refcycle, memray and pytest-memray about the same calls."""
    answer = measured(BUGS[bug], BROKEN, ask_others, {"bug": bug}, study.target)
    if answer is not None:
        return Peers(**answer)
    place = environments.packages_of(REQUIREMENT)
    if place is None:
        raise Unavailable(f"the other tools have no environment here: {PROGRAM} makes it")
    return Peers(ask_peers(BUGS[bug], place))


def is_right(run: Run) -> bool:
    """Whether the advice is what the maintainers did."""
    return run.verdict in RIGHT


broken, mended = ask_release.each(release=[BROKEN, MENDED])
waiting = broken.matching(lambda run: run.kind in WAITS)
applied = apply_advice.matching(lambda run: bool(run.changes), "with an advice that is one change")
others = ask_others.rows("peers", by=["peer"])
# What C code leaked had neither; a mended release may go on to leave a few bytes a call, which are told.
named = mended.matching(lambda run: bool(BUGS[run.bug].cut.edges))
cases_asked = broken.count("bug")

every_cycle_is_found = study.claim(
    "Of every cycle that plain gc counts all objects are found, and no more.",
    every(waiting, lambda run: run.truth_objects > 0, "it does not come about"),
    every(waiting, lambda run: run.found_objects == run.truth_objects, "another number is found"),
)
every_edge_has_a_name = study.claim(
    "Every edge of the cycles has a name.",
    every(waiting, nameless_edges=0),
)
the_cut_edge_is_seen = study.claim(
    "What the maintainers cut is among the edges of a cycle that is found.",
    every(waiting, lambda run: bool(run.cut_edges), "it is in no cycle that was found"),
)
a_mended_release_is_silent = study.claim(
    "Of the mended release nothing is said of the edge or the holder that was mended.",
    every(named, verdict=SILENT),
)


applied_advice_opens_the_cycle = study.claim(
    "Where the advice is one change at one place, it was made in a copy of the library: that cycle is gone.",
    every(applied, lambda run: run.verdict_after == SILENT, "the edge is in a cycle still"),
    every(applied, lambda run: run.waiting_after < run.waiting_before, "as much waits as before"),
)
applied_advice_breaks_nothing = study.claim(
    "The library works with the advice in it.",
    every(applied, works="yes"),
)


@study.finding
def the_advice_is_what_was_done(runs: Runs) -> str:
    """In at least 28 of 32 cases the advice is what the maintainers did."""
    asked = list(broken.of(runs))
    wrong = [f"{run.bug}: {run.verdict}" for run in asked if not is_right(run)]
    right = len(asked) - len(wrong)
    text = f"{right} of {len(asked)}" + (f"; {', '.join(wrong)}" if wrong else "")
    assert right >= ASKED_RIGHT * len(asked), text
    return text


asked_seconds = study.points(
    "How long it takes to ask about a broken release, by what it leaves.",
    waiting, x="found_objects", y="ask_seconds", color="kind", log="xy",
)  # fmt: skip
left_objects = study.bars(
    "What waits of one call of the broken release and of the mended one, or stays of each call, by plain gc.",
    ask_release, x="bug", y="truth_objects", color="release", symlog=True,
)  # fmt: skip


@study.figure
def other_tools(runs: Runs) -> FigureSpec:
    """Of how many broken releases each other tool names what was cut, counts objects or bytes, or says nothing. Whether
    one that counts would count as much of the mended release was not asked.
    """
    told = Counter((run.peer, run.says.partition(":")[0]) for run in others.of(runs))
    made = [Run("ask_others", {"peer": peer, "says": says}, {"cases": n}) for (peer, says), n in told.items()]
    return bars(Runs(made), x="peer", y="cases", color="says")


@study.tile
def advice_right(runs: Runs) -> Tile:
    """How many of the cases that were asked have the advice that the maintainers followed."""
    asked = list(broken.of(runs))
    return Tile("Advice right", sum(map(is_right, asked)), "cases", atlas=True, better="more")


study.tile("Cases asked", cases_asked, unit="cases", atlas=True, better="more")
study.tile("Longest to ask", broken.most("ask_seconds"))
study.tile("Longest text", broken.most("text_lines"), unit="lines")


@study.verdict
def verdict(runs: Runs) -> str:
    """How many are right, and how many mended releases are silent."""
    asked, after = list(broken.of(runs)), _taken(mended, runs)
    silent = sum(run.verdict == SILENT for run in after)
    return (
        f"Of {counted(len(asked), 'reported bug')} {sum(map(is_right, asked))} have the advice that the maintainers "
        f"followed; of {counted(len(after), 'mended release')} {silent} are silent."
    )


@study.pictures
def pictures(runs: Runs) -> list[dict[str, Any]]:
    """The cycle of each case, beside what was done."""
    return [
        {**run.shapes[0], "about": _about(run)} for run in waiting.of(runs) if run.shapes and run.cut_edges
    ]


def _about(run: Run) -> list[list[str]]:
    case = BUGS[run.bug]
    return [
        ["bug", f"{case.library}, {case.report}"], ["maintainers", case.cut.words], ["verdict", run.verdict],
    ]  # fmt: skip


@study.table
def bugs(runs: Runs) -> Table:
    """One row a bug: what it is, what was counted, what is advised, and what was done."""
    headings = [
        "bug", "report", "release", "kind", "counted", "found", "advice", "remedy", "maintainers", "verdict",
        "what it said", "tried", "mended in", "applied", "lines", "asked in", "others",
    ]  # fmt: skip
    silent = {run.bug: run.verdict for run in _taken(mended, runs)}
    done = {run.bug: run for run in _taken(apply_advice, runs)}
    said = {
        run.bug: ", ".join(f"{each['peer']} {each['says']}" for each in run.peers)
        for run in _taken(ask_others, runs)
    }
    rows = [
        _row(run, silent.get(run.bug), done.get(run.bug), said.get(run.bug, "")) for run in broken.of(runs)
    ]
    return Table(headings, rows, "What was said of each broken release, and what the maintainers did.")


def _taken(selection: Selection, runs: Runs) -> list[Run]:
    """The samples of a selection; none where it was not measured."""
    try:
        return list(selection.of(runs))
    except NotMeasured:
        return []


def _row(run: Run, silent: str | None, done: Run | None, said: str) -> list[str]:
    case = BUGS[run.bug]
    edges = list(dict.fromkeys(run.advised_edges))
    advice = "; ".join(edges[:2]) + (f"; and {len(edges) - 2} more" if len(edges) > 2 else "")
    after = "" if silent is None else f"{case.mended_in}: {silent}"
    why = "" if is_right(run) else run.reason  # what is wrong is read whole
    return [
        run.bug, case.report, case.library, case.kind, shown(run.truth_objects), shown(run.found_objects),
        advice, ", ".join(dict.fromkeys(run.remedies)), case.cut.words, run.verdict, why, run.trial, after,
        _applied(done), shown(run.text_lines), shown(run.ask_seconds, "seconds"), said,
    ]  # fmt: skip


def _applied(done: Run | None) -> str:
    """What came of the advice in a copy."""
    if done is None:
        return ""
    if not done.changes:
        return str(done.outcome)
    left = f"{shown(done.waiting_before)} objects wait before, {shown(done.waiting_after)} after"
    return f"{left}; works: {done.works}"


if __name__ == "__main__":
    from experiments._upstream.program import main

    raise SystemExit(main(study))
