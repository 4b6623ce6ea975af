"""Interactive sessions: what is asked, what is told where a session is missing, and what breaks each claim."""

import gc
import json
import subprocess
import sys

import pytest

from experiments import _sessions, _watched, interactive
from garbology.measuring.processes import clean_environment
from garbology.study.runs import NotMeasured, Run, Runs, Unavailable
from tests.study.claims import doctored

pytestmark = pytest.mark.slow

SHELL, KERNEL = interactive.ask_ipython, interactive.ask_a_kernel
ERROR = {"situation": "in an error"}

# What breaks each finding.
DOCTORED = {
    "del_frees_what_was_not_kept": {
        "a result that is kept unseen": doctored(
            KERNEL, {"situation": "never displayed", "recipe": "del x"}, state=interactive.KEPT
        ),
        "one for the collector": doctored(
            KERNEL, {"situation": "never displayed", "recipe": "del x"}, state=interactive.COLLECTED
        ),
    },
    "del_does_not_free_what_was_displayed": {
        "no output cache": doctored(
            SHELL, {"situation": "displayed", "recipe": "del x"}, state=interactive.FREED
        ),
        "one holder": doctored(SHELL, {"situation": "displayed", "recipe": "del x"}, holders=1),
        "a holder without a name": doctored(
            SHELL, {"situation": "displayed", "recipe": "del x"}, held_by="module __main__"
        ),
    },
    "del_does_not_free_what_met_an_error": {
        "no traceback": doctored(SHELL, {**ERROR, "recipe": "del x"}, state=interactive.FREED),
        "another holder": doctored(SHELL, {**ERROR, "recipe": "del x"}, held_by="module __main__"),
        "a chain without the frame": doctored(SHELL, {**ERROR, "recipe": "del x"}, text="Tensor is alive"),
    },
    "xdel_frees_what_was_displayed": {
        "a hidden copy": doctored(
            SHELL, {"situation": "displayed", "recipe": "%xdel x"}, state=interactive.KEPT
        ),
        "an error forgotten": doctored(SHELL, {**ERROR, "recipe": "%xdel x"}, state=interactive.FREED),
    },
    "reset_out_forgets_the_hidden_names": {
        "a thorough reset": doctored(
            SHELL, {"situation": "displayed", "recipe": "%reset -f out"}, state=interactive.FREED
        ),
        "another holder": doctored(
            SHELL, {"situation": "displayed", "recipe": "%reset -f out"}, held_by="module __main__"
        ),
    },
    "another_error_hands_it_to_the_collector": {
        "two errors kept": doctored(SHELL, {**ERROR, "recipe": "another error"}, state=interactive.KEPT),
        "no cycle": doctored(SHELL, {**ERROR, "recipe": "another error"}, state=interactive.FREED),
    },
    "all_of_it_frees": {
        "a holder that is left": doctored(SHELL, {"recipe": "all of it"}, state=interactive.KEPT),
    },
    "garbology_names_the_remedy": {
        "no remedy": doctored(SHELL, {"situation": "displayed", "recipe": "del x"}, remedy=""),
        "no holder": doctored(SHELL, {"situation": "displayed", "recipe": "del x"}, held_by=""),
    },
    "a_kernel_is_no_different": {
        "a kernel that forgets": doctored(
            KERNEL, {"situation": "displayed", "recipe": "del x"}, state=interactive.FREED
        ),
    },
}


@pytest.fixture
def watched():
    """The module in which an object is made, with the collector as it was afterwards."""
    yield _watched
    gc.enable()
    _watched._made.clear()


def answer(front_end, situation, recipe, state, **values):
    empty = {"release": "", "holders": 0, "held_by": "", "remedy": "", "text": ""}
    measure = {name: front for front, name in interactive.FRONT_ENDS.items()}[front_end]
    return Run(
        measure,
        {"situation": situation, "recipe": recipe},
        {**empty, "state": state, **values},
        runtime="here",
    )


def test_what_is_alive_is_told_with_its_holder(watched):
    """A session answers with the root of the chain, in JSON, and does not keep the object by answering."""
    kept = {"here": watched.make()}
    told = json.loads(watched.answer())
    assert (told["alive"], told["holders"]) == (True, 1)
    assert "['here']" in told["text"]
    kept.clear()
    assert json.loads(watched.answer()) == {"alive": False}


def test_a_cycle_waits_for_the_collector(watched):
    """Making an object pauses the collector; a cycle is alive until it is collected on purpose."""
    tensor = watched.make()
    assert not gc.isenabled()
    tensor.itself = tensor
    del tensor
    assert json.loads(watched.answer())["kind"] == "garbage"
    assert json.loads(watched.is_alive_collected()) is False


@pytest.mark.parametrize("name", _sessions.SESSIONS)
def test_a_missing_package_is_unavailable(name, monkeypatch):
    """Without IPython or the kernel the case is not measured, and the message has pip's command."""
    for module in ("traitlets.config", "IPython.core.interactiveshell", "ipykernel"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Unavailable, match=r"not installed: pip install 'garbology\[interactive\]'"):
        with _sessions.SESSIONS[name]():
            pass


SCRIPT = """
import sys
from experiments._sessions import SESSIONS
main = sys.modules["__main__"]
with SESSIONS[sys.argv[1]]() as session:
    session.run("value = 6 * 7")
    session.run("1 / 0")
    print("ANSWER", session.ask("'a \\\\n text'") == "a \\n text")
    try:
        session.ask("no_such_name")
    except (NameError, RuntimeError) as error:
        print("ERROR", "no_such_name" in str(error))
print("MAIN", sys.modules["__main__"] is main)
"""


@pytest.mark.parametrize("name", _sessions.SESSIONS)
def test_a_session_goes_on_after_an_error_and_answers(name):
    """A failing cell ends nothing, an answer comes back as it is, and a failing question is an error here."""
    pytest.importorskip("IPython")
    pytest.importorskip("ipykernel")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name],
        env=clean_environment("experiments.interactive"),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("ANSWER", "ERROR", "MAIN"))]
    assert lines == ["ANSWER True", "ERROR True", "MAIN True"]


def test_front_ends_are_compared_where_both_were_asked():
    """A case that one of them lacks says nothing."""
    runs = Runs(
        [
            answer("IPython", "displayed", "del x", interactive.KEPT),
            answer("IPython", "displayed", "%xdel x", interactive.FREED),
            answer("Jupyter kernel", "displayed", "del x", interactive.KEPT),
        ]
    )
    assert interactive.a_kernel_is_no_different(runs) == "so in 3 samples"
    alone = Runs([run for run in runs if run.measure == "ask_ipython"])
    with pytest.raises(NotMeasured):
        interactive.a_kernel_is_no_different(alone)


def test_situations_are_counted_once_each():
    """A recipe's bar counts situations, not samples, for each front end and runtime."""
    freed, kept = interactive.FREED, interactive.KEPT
    answers = [
        answer("IPython", "never displayed", "del x", freed),
        answer("IPython", "never displayed", "del x", freed),
        answer("IPython", "displayed", "del x", kept),
        answer("IPython", "in an error", "del x", kept),
    ]
    rows = interactive.situations_of_a_recipe(Runs(answers)).rows
    assert {row["state"]: row["situations"] for row in rows} == {freed: 1, interactive.COLLECTED: 0, kept: 2}


def test_the_verdict_and_the_table_say_who_holds_it():
    """What `del x` leaves is named with the number of its holders; a case that was not measured is blank."""
    runs = Runs(
        [
            answer("IPython", "never displayed", "del x", interactive.FREED),
            answer("IPython", "displayed", "del x", interactive.KEPT, holders=4, held_by="Out[2]"),
            answer("IPython", "displayed", "all of it", interactive.FREED),
            answer("IPython", "in an error", "del x", interactive.KEPT, holders=1, held_by="InteractiveTB"),
        ]
    )
    assert interactive.study.summaries["verdict"](runs) == (
        "After `del x` a displayed object has 4 holders, one in a traceback 1; "
        "the whole recipe frees it in 1 of 1 situations."
    )
    assert interactive.states(runs).rows == [
        ["IPython", "never displayed", "freed", "", ""],
        ["IPython", "displayed", "kept", "freed", "Out[2]"],
        ["IPython", "in an error", "kept", "", "InteractiveTB"],
    ]
