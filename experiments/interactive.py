"""In IPython or a notebook: is an object gone after `del x`?

One looks at a large array, is done with it, says `del x`, and the memory does not come back. `del` takes away a
name, and an interactive session keeps references of its own. What a cell displays is kept to be used again: in
`Out[3]`, in `_3`, and the last three of them in `_`, `__` and `___`. IPython keeps copies of those in a namespace
of hidden names, `user_ns_hidden`. And the traceback of the last error is kept for `%debug`, in `sys.last_traceback`
and in IPython's formatter, `InteractiveTB`: it holds the frames of the functions that were running, and
these hold their local variables.

We run cells in a shell of IPython, and in a Jupyter kernel that we start and speak to as a notebook does: make an
object, display it or not, meet an error or not. Then we try one recipe, with the cyclic collector paused. A weak
reference tells whether the object is gone. Where it is not, `garbology.why_alive` says who holds it; then
we collect, for what only a reference cycle holds would go one day by itself.

What to do about it: end a line with `;`, or do not display what is large: then `del x` is enough. `%xdel x` takes the
object out of the output cache together with its name, but after an error it is not enough. Where the name is gone
already, forget all that the session remembers:

    %reset -f out
    get_ipython().user_ns_hidden.clear()
    1/0
    import gc; gc.collect()

The third line is an error of no consequence, which takes the place of the last one; in the frames of that one the
object may sit in a cycle, so the collector has to follow.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from experiments._sessions import SESSIONS
from garbology.study import NotMeasured, Run, Runs, Study, Table, Tile, bars, counted, median_tile, shown

MAKE, RAISE = "x = make()", "def f(t):\n    raise ValueError"
SITUATIONS = {
    "never displayed": [MAKE],
    "displayed with ;": [MAKE, "x;"],
    "in a caught error": [RAISE, MAKE, "try:\n    f(x)\nexcept ValueError:\n    pass"],
    "displayed": [MAKE, "x"],
    "displayed earlier": [MAKE, "x", "1", "2", "3", "4"],
    "in an error": [RAISE, MAKE, "f(x)"],
}
FREE = ["never displayed", "displayed with ;", "in a caught error"]
DISPLAYED = ["displayed", "displayed earlier"]
HIDDEN = "get_ipython().user_ns_hidden.clear()"
RECIPES = {
    "del x": ["del x"],
    "%xdel x": ["%xdel x"],
    "%reset -f": ["%reset -f"],
    "%reset -f out": ["del x", "%reset -f out"],
    "and hidden names": ["del x", "%reset -f out", HIDDEN],
    "another error": ["del x", "1/0"],
    "all of it": ["del x", "%reset -f out", HIDDEN, "1/0", "import gc; gc.collect()"],
}
FREED, COLLECTED, KEPT = "freed", "by the collector", "kept"
WATCHED = "__import__('experiments._watched', fromlist=['told'])"

study = Study(
    title="What an interactive session keeps",
    parameters={"situation": list(SITUATIONS), "recipe": list(RECIPES)},
    quick={"repeats": 1},
    repeats=2,  # of each: the answer is the same every time
    most_repeats=2,
)


@dataclass(frozen=True)
class Answer:
    """What became of the object: `state` is "freed", "by the collector" or "kept".

    `holders` counts what refers to it directly, 0 when it is freed; `held_by`, `remedy` and `text` are what
    garbology says of it.
    """

    release: str
    state: str
    holders: int
    held_by: str = ""
    remedy: str = ""
    text: str = ""


@study.measure(
    quick={
        "situation": ["displayed", "in an error"],
        "recipe": ["del x", "%xdel x", "%reset -f out", "another error", "all of it"],
    }
)
def ask_ipython(situation: str, recipe: str) -> Answer:
    """Run the cells in a shell of IPython in this process."""
    return _answer("IPython", situation, recipe)


@study.measure(quick={"situation": ["never displayed", "displayed"], "recipe": ["del x"]})
def ask_a_kernel(situation: str, recipe: str) -> Answer:
    """Run the cells in a Jupyter kernel, which is another process, and ask it over its sockets."""
    return _answer("Jupyter kernel", situation, recipe)


FRONT_ENDS = {ask_ipython.__name__: "IPython", ask_a_kernel.__name__: "Jupyter kernel"}


def _answer(front_end: str, situation: str, recipe: str) -> Answer:
    with SESSIONS[front_end]() as session:
        session.run("from experiments._watched import make")
        for cell in SITUATIONS[situation] + RECIPES[recipe]:
            session.run(cell)
        told = json.loads(session.ask(f"{WATCHED}.told()"))
        kept = json.loads(session.ask(f"{WATCHED}.is_alive_collected()"))
    state = KEPT if kept else COLLECTED if told["alive"] else FREED
    package = "ipython" if front_end == "IPython" else "ipykernel"
    return Answer(
        release=f"{package} {importlib.metadata.version(package)}",
        state=state,
        holders=told.get("holders", 0),
        held_by=told.get("root", ""),
        remedy=told.get("remedy", ""),
        text=told.get("text", ""),
    )


def sessions(runs: Runs, **wanted: Any) -> Runs:
    """The answers of both front ends, which is a parameter here."""
    merged = Runs(
        Run(run.measure, {"front_end": FRONT_ENDS[run.measure], **run.case}, run.values, runtime=run.runtime)
        for run in runs
    )
    return merged.where(**wanted)


@study.finding
def del_frees_what_was_not_kept(runs: Runs) -> str:
    """A del frees an object that was never displayed, displayed with a semicolon, or in an error that was caught."""
    asked = sessions(runs, situation=FREE, recipe="del x")
    _all_are(asked, FREED)
    return _told(asked)


@study.finding
def del_does_not_free_what_was_displayed(runs: Runs) -> str:
    """A del does not free an object that was displayed: at least 3 references of the session hold it."""
    asked = sessions(runs, situation=DISPLAYED, recipe="del x")
    _all_are(asked, KEPT)
    for run in asked:
        assert run.holders >= 3, run
        assert "IPython's" in run.held_by, run.held_by
    return f"{max(run.holders for run in asked)} holders; {_told(asked)}"


@study.finding
def del_does_not_free_what_met_an_error(runs: Runs) -> str:
    """Nor one that a function had when it raised: the last traceback holds the function's frame."""
    asked = sessions(runs, situation="in an error", recipe="del x")
    _all_are(asked, KEPT)
    for run in asked:
        assert "InteractiveTB" in run.held_by, run.held_by
        assert "frame of function f" in run.text, run.text
    return run.held_by


@study.finding
def xdel_frees_what_was_displayed(runs: Runs) -> str:
    """%xdel frees a displayed object, and does not free one that met an error."""
    displayed = sessions(runs, situation=DISPLAYED, recipe="%xdel x")
    failed = sessions(runs, situation="in an error", recipe="%xdel x")
    _all_are(displayed, FREED)
    _all_are(failed, KEPT)
    return f"{_told(displayed)}; {_told(failed)}"


@study.finding
def reset_out_forgets_the_hidden_names(runs: Runs) -> str:
    """%reset -f out frees what was displayed earlier, and not the last: the hidden names still hold that."""
    for run in sessions(runs, situation=DISPLAYED, recipe="%reset -f out"):
        last = run.situation == "displayed"
        assert run.state == (KEPT if last else FREED), run
        assert ("user_ns_hidden" in run.held_by) == last, run
    return _told(sessions(runs, situation=DISPLAYED, recipe="%reset -f out"))


@study.finding
def another_error_hands_it_to_the_collector(runs: Runs) -> str:
    """After another error the object of the first is no longer held, but only the collector frees it."""
    asked = sessions(runs, situation="in an error", recipe="another error")
    _all_are(asked, COLLECTED)
    return _told(asked)


@study.finding
def all_of_it_frees(runs: Runs) -> str:
    """The whole recipe frees the object in every situation."""
    asked = sessions(runs, recipe="all of it")
    _all_are(asked, FREED)
    return counted(len(asked), "session")


@study.finding
def the_remedy_is_told(runs: Runs) -> str:
    """Whatever a session keeps, garbology says whose reference it is and how to let go of it."""
    asked = sessions(runs, state=KEPT)
    for run in asked:
        assert run.held_by, run
        assert run.remedy, run
    return counted(len(asked), "session")


@study.finding
def a_kernel_is_no_different(runs: Runs) -> str:
    """A Jupyter kernel keeps and frees what IPython does."""
    states: dict[str, dict[str, str]] = {name: {} for name in SESSIONS}
    for run in sessions(runs):
        states[run.front_end][f"{run.situation}, {run.recipe}"] = run.state
    both = states["IPython"].keys() & states["Jupyter kernel"].keys()
    if not both:
        raise NotMeasured("nothing was asked in both")
    different = [case for case in sorted(both) if len({states[name][case] for name in states}) > 1]
    assert not different, f"different: {'; '.join(different)}"
    return counted(len(both), "case")


def _all_are(asked: Runs, state: str) -> None:
    for run in asked:
        assert run.state == state, f"{run.state} in {run}"


def _told(asked: Runs) -> str:
    told = (f"{run.front_end}: {run.situation}, {run.recipe}: {run.state}" for run in asked)
    return "; ".join(dict.fromkeys(told))


@study.figure
def holders_of_the_object(runs: Runs) -> Any:
    """After `del x`: how many references still hold the object, by what had happened to it."""
    return bars(sessions(runs, recipe="del x"), x="situation", y="holders", color="front_end")


@study.figure
def situations_of_a_recipe(runs: Runs) -> Any:
    """In how many of the situations a recipe frees the object, leaves it to the collector, or does not help."""
    asked = sessions(runs)
    counted = [
        Run("sessions", {"recipe": recipe, "state": state, "front_end": front_end},
            {"situations": len(_situations(asked, front_end, recipe, state))}, runtime=runtime)
        for runtime in dict.fromkeys(run.runtime for run in asked)
        for front_end in dict.fromkeys(run.front_end for run in asked)
        for recipe in dict.fromkeys(run.recipe for run in asked)
        for state in (FREED, COLLECTED, KEPT)
    ]  # fmt: skip
    return bars(Runs(counted), x="recipe", y="situations", color="state", facet="front_end")


def _situations(asked: Iterable[Run], front_end: str, recipe: str, state: str) -> set[str]:
    wanted = (front_end, recipe, state)
    return {run.situation for run in asked if (run.front_end, run.recipe, run.state) == wanted}


@study.tile
def tiles(runs: Runs) -> list[Tile]:
    """Who holds a displayed object and one in a traceback, and how far the recipes reach."""
    made = []
    for situation, label in (
        ("displayed", "Holders of a displayed object"),
        ("in an error", "Holders of one in an error"),
    ):
        case = runs.of(ask_ipython).where(situation=situation, recipe="del x").only_case()
        made.append(median_tile(label, case, "holders", "references", atlas=situation == "displayed"))
    for recipe in ("del x", "all of it"):
        asked = [run for run in sessions(runs, front_end="IPython") if run.recipe == recipe]
        freed = len(_situations(asked, "IPython", recipe, FREED))
        total = len({run.situation for run in asked})
        made.append(Tile(f"Situations in which {recipe!r} frees", f"{freed} of {total}", better="more"))
    return made


@study.verdict
def verdict(runs: Runs) -> str:
    """What `del x` leaves, and what the whole recipe frees."""
    asked = sessions(runs, front_end="IPython")
    after_del = sessions(runs, front_end="IPython", recipe="del x")
    kept = {run.situation: run.holders for run in after_del if run.state != FREED}
    told = [f"{situation} (held by {shown(holders)})" for situation, holders in kept.items()]
    freed = len(_situations(asked, "IPython", "all of it", FREED))
    total = len({run.situation for run in asked})
    return (
        f"After `del x` an object is still there if it was {'; '.join(told) or 'none of these'}. "
        f"The whole recipe frees it in {freed} of {total} situations."
    )


@study.table
def states(runs: Runs) -> Table:
    """Each situation and what each recipe did, with who holds the object after `del x`."""
    asked = sessions(runs)
    recipes = list(dict.fromkeys(run.recipe for run in asked))
    found = {(run.front_end, run.situation, run.recipe): run for run in asked}
    rows = []
    for front_end, situation in dict.fromkeys((run.front_end, run.situation) for run in asked):
        answers = [found.get((front_end, situation, recipe)) for recipe in recipes]
        first = found.get((front_end, situation, "del x"))
        states = [answer.state if answer else "" for answer in answers]
        rows.append([front_end, situation, *states, first.held_by if first else ""])
    caption = "What became of the object, and what holds it after `del x`."
    return Table(["front end", "the object was", *recipes, "held by"], rows, caption)


if __name__ == "__main__":
    raise SystemExit(study.main())
