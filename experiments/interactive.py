"""In IPython or a notebook: is an object gone after `del x`?

`del` takes away a name, and an interactive session keeps references of its own. What a cell displays is kept to be used
again: in `Out[3]`, in `_3`, and the last three of them in `_`, `__` and `___`, with copies in a namespace of hidden
names, `user_ns_hidden`. The traceback of the last error is kept for `%debug`, in `sys.last_traceback` and in IPython's
formatter, `InteractiveTB`: it holds the frames of the functions that were running, with their local variables.

We run cells in a shell of IPython, and in a Jupyter kernel that we start and speak to as a notebook does: make an
object, display it or not, meet an error or not. Then we try one recipe, with the cyclic collector paused. A weak
reference tells whether the object is gone. Where it is not, `garbology.why_alive` says what holds it; then we collect,
for what only a reference cycle holds would go one day by itself.

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

import importlib.metadata
import json
from dataclasses import dataclass

from experiments import _parts
from experiments._sessions import SESSIONS
from garbology.study import Run, Runs, Selection, Study, Table, agree, every, run_study

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
WATCHED = "__import__('experiments._watched', fromlist=['answer'])"

study = Study(
    title="What an interactive session keeps",
    part=_parts.WHO_FREES,
    parameters={"situation": list(SITUATIONS), "recipe": list(RECIPES)},
    quick={"repeats": 1},
    repeats=2,  # of each: the answer is the same every time
    most_repeats=2,
)


@dataclass(frozen=True)
class Answer:
    """What became of the object: `state` is "freed", "by the collector" or "kept".

    `holders` counts what refers to it directly, 0 when it is freed; `held_by`, `remedy` and `text` are what garbology
    says of it.
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
        answer = json.loads(session.ask(f"{WATCHED}.answer()"))
        kept = json.loads(session.ask(f"{WATCHED}.is_alive_collected()"))
    state = KEPT if kept else COLLECTED if answer["alive"] else FREED
    package = "ipython" if front_end == "IPython" else "ipykernel"
    return Answer(
        release=f"{package} {importlib.metadata.version(package)}",
        state=state,
        holders=answer.get("holders", 0),
        held_by=answer.get("root", ""),
        remedy=answer.get("remedy", ""),
        text=answer.get("text", ""),
    )


def _of_a_front_end(run: Run) -> Run:
    case = {"front_end": FRONT_ENDS[run.measure], **run.case}
    return Run(run.measure, case, run.values, repeat=run.repeat, runtime=run.runtime)


sessions = Selection(lambda runs: runs.each(_of_a_front_end))  # of both, which is a parameter here
after_del = sessions.where(recipe="del x")
freed_by_del = after_del.where(situation=FREE)
displayed, in_an_error = after_del.where(situation=DISPLAYED), after_del.where(situation="in an error")
forgotten = sessions.where(situation=DISPLAYED, recipe="%reset -f out")
whole, still_held = sessions.where(recipe="all of it"), sessions.where(state=KEPT)
most_holders, whole_situations = displayed.most("holders"), whole.count("situation")
recipes_kept, recipes_asked = still_held.count("recipe"), sessions.count("recipe")

del_frees_what_was_not_kept = study.claim(
    "A del frees an object that was never displayed, displayed with a semicolon, or in an error that was caught.",
    every(freed_by_del, state=FREED),
)
del_does_not_free_what_was_displayed = study.claim(
    "A del does not free an object that was displayed: at least 3 references of the session hold it.",
    every(displayed, state=KEPT),
    every(displayed, lambda run: run.holders >= 3),
    every(displayed, lambda run: "IPython's" in run.held_by, "held by {held_by}"),
    evidence="kept in {samples}, by up to {most_holders} references",
)
del_does_not_free_what_met_an_error = study.claim(
    "A del does not free an object that a function held when it raised: the last traceback holds the frame.",
    every(in_an_error, state=KEPT),
    every(in_an_error, lambda run: "InteractiveTB" in run.held_by, "held by {held_by}"),
    every(in_an_error, lambda run: "frame of function f" in run.text, "{text}"),
    evidence="{held_by}",
    of=in_an_error.first(),
)
xdel_frees_what_was_displayed = study.claim(
    "%xdel frees a displayed object, and does not free one that met an error.",
    every(sessions.where(situation=DISPLAYED, recipe="%xdel x"), state=FREED),
    every(sessions.where(situation="in an error", recipe="%xdel x"), state=KEPT),
)
reset_out_forgets_the_hidden_names = study.claim(
    "%reset -f out frees what was displayed earlier, and not the last: the hidden names still hold that.",
    every(forgotten, lambda run: run.state == (KEPT if run.situation == "displayed" else FREED)),
    every(forgotten, lambda run: ("user_ns_hidden" in run.held_by) == (run.situation == "displayed")),
    evidence="in {samples}, the last held by user_ns_hidden",
)
another_error_hands_it_to_the_collector = study.claim(
    "After another error the object of the first is no longer held, but only the collector frees it.",
    every(sessions.where(situation="in an error", recipe="another error"), state=COLLECTED),
)
all_of_it_frees = study.claim(
    "The whole recipe frees the object in every situation.",
    every(whole, state=FREED),
    evidence="{whole_situations} situations in {samples}",
)
garbology_names_the_remedy = study.claim(
    "Whatever a session keeps, garbology says whose reference it is and how to let go of it.",
    every(still_held, lambda run: run.held_by and run.remedy),
    evidence="{samples} after {recipes_kept} of {recipes_asked} recipes",
)
a_kernel_is_no_different = study.claim(
    "A Jupyter kernel keeps and frees what IPython does.",
    agree(sessions, "state", by=["situation", "recipe"], across="front_end"),
)

holders_of_the_object = study.bars(
    "After `del x`: how many references still hold the object, by what had happened to it.",
    after_del, x="situation", y="holders", color="front_end", y_title="references that hold it")  # fmt: skip


def _situations_by_state(runs: Runs) -> Runs:
    """How many situations of a recipe each state has, none of them among them."""
    asked = list(runs)
    found = {(run.runtime, run.front_end, run.recipe, run.state, run.situation) for run in asked}
    return Runs(
        Run("sessions", {"recipe": recipe, "state": state, "front_end": front_end},
            {"situations": sum(each[:4] == (runtime, front_end, recipe, state) for each in found)}, runtime=runtime)
        for runtime, front_end, recipe in dict.fromkeys((run.runtime, run.front_end, run.recipe) for run in asked)
        for state in (FREED, COLLECTED, KEPT)
    )  # fmt: skip


situations_of_a_recipe = study.bars(
    "In how many of the situations a recipe frees the object, leaves it to the collector, or does not help.",
    Selection(lambda runs: _situations_by_state(sessions.of(runs))),
    x="recipe", y="situations", color="state", facet="front_end")  # fmt: skip
shell_displayed, shell_in_an_error = ask_ipython.where(recipe="del x").each(
    situation=["displayed", "in an error"]
)
study.tile("Holders of a displayed object", shell_displayed.holders, unit="references", atlas=True)
study.tile("Holders of one in an error", shell_in_an_error.holders, unit="references")
freed_by_all = ask_ipython.where(recipe="all of it", state=FREED).count("situation")
study.tile("Situations, of {whole_situations}, in which all of it frees", freed_by_all, better="more")
study.verdict("""After `del x` a displayed object has {shell_displayed.holders} holders, one in a traceback
    {shell_in_an_error.holders}; the whole recipe frees it in {freed_by_all} of {whole_situations} situations.""")


@study.table
def states(runs: Runs) -> Table:
    """Each situation and what each recipe did, with what holds the object after `del x`."""
    asked = sessions.of(runs)
    recipes = list(dict.fromkeys(run.recipe for run in asked))
    found = {(run.front_end, run.situation, run.recipe): run for run in asked}
    rows = []
    for place in dict.fromkeys((run.front_end, run.situation) for run in asked):
        answers = [found.get((*place, recipe)) for recipe in [*recipes, "del x"]]
        *states, _ = [answer.state if answer else "" for answer in answers]
        rows.append([*place, *states, answers[-1].held_by if answers[-1] else ""])
    caption = "What became of the object, and what holds it after `del x`."
    return Table(["front end", "the object was", *recipes, "held by"], rows, caption)


if __name__ == "__main__":
    raise SystemExit(run_study(study))
