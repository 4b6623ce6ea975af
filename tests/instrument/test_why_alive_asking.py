"""The variable by which one asks is the answer last of all, at module level and in a loop as well."""

import subprocess
import sys

import pytest

from garbology import why_alive


class Node:
    """What is asked for."""


class App:
    """What really holds it."""


#: Prints a line for each answer: its chain of edges.
HEAD = """
import gc, sys
from garbology import why_alive
class Node: pass
class App: pass
def show(alive): print(" > ".join(map(str, alive.edges)).replace("module __main__", "main"))
"""


AT_MODULE_LEVEL = {
    "nothing else": ("x = Node()\nshow(why_alive(x))", ["main.x -> Node"]),
    "a list": ("x = Node()\nkept = [x]\nshow(why_alive(x))", ["main.kept[0] -> Node"]),
    "by keyword": ("x = Node()\nkept = [x]\nshow(why_alive(obj=x))", ["main.kept[0] -> Node"]),
    "another name": ("a = b = Node()\nshow(why_alive(a))\nshow(why_alive(b))", ["main.b -> Node", "main.a -> Node"]),
    "no name": ("class A: pass\nA.x = Node()\nshow(why_alive(A.x))", ["main.A -> class A > class A.x -> Node"]),
    "a gathered list": (
        "app = App()\napp.node = Node()\nfound = [o for o in gc.get_objects() if type(o) is Node]\n"
        "for each in found: show(why_alive(each))",
        ["main.app -> App > App.node -> Node"],
    ),
    "a loop over what holds it": (
        "app = App()\napp.nodes = [Node()]\nfor each in app.nodes: show(why_alive(each))",
        ["main.app -> App > App.nodes[0] -> Node"],
    ),
    "a list that alone holds it": ("kept = [Node()]\nfor x in kept: show(why_alive(x))", ["main.kept[0] -> Node"]),
    "values of a dict": (
        "app = App()\napp.node = Node()\nfound = {1: app.node}\nfor x in found.values(): show(why_alive(x))",
        ["main.app -> App > App.node -> Node"],
    ),
    "enumerate": (
        "app = App()\napp.node = Node()\nfound = [app.node]\nfor _, x in enumerate(found): show(why_alive(x))",
        ["main.app -> App > App.node -> Node"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "chains"), AT_MODULE_LEVEL.values(), ids=AT_MODULE_LEVEL)
def test_at_module_level_another_holder_is_the_answer(fresh, code, chains):
    """A name of a script or a prompt is a variable like a local."""
    done = fresh.run(HEAD + code)
    assert (done.returncode, done.stdout.splitlines()) == (0, chains), done.stderr


@pytest.mark.slow
def test_a_script_is_answered_as_what_is_run_in_its_module(tmp_path):
    """A file that Python was started with."""
    code, chains = AT_MODULE_LEVEL["a loop over what holds it"]
    script = tmp_path / "script.py"
    script.write_text(HEAD + code, encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == chains


@pytest.mark.slow
def test_in_a_function_the_list_that_was_made_to_ask_comes_last():
    """What a loop goes through counts last where nothing but the asking function has it."""
    app = App()
    app.node = Node()
    gathered = [app.node]
    for node in gathered:
        alive = why_alive(node)
    assert [str(edge).partition("→ ")[2] or str(edge) for edge in alive.edges] == [
        "local app -> App",
        "App.node -> Node",
    ]
    del app.node
    for node in gathered:
        alive = why_alive(node)
    assert alive.root.startswith("local 'gathered' of function ")


def test_a_closure_that_shares_the_variable_is_an_answer():
    """The variable that asks is shared with a function: that holds the object when the asking is done."""
    node = Node()

    def use():
        return node

    alive = why_alive(node)
    assert alive.root.startswith("local 'use' of function ")
    assert str(alive.edges[-1]).endswith("local use → closure variable node -> Node")


def test_to_see_what_asks_runs_nothing_of_the_program():
    """A constant that the program has put into its code is not asked for its text."""

    class Trap:
        def __repr__(self):
            raise AssertionError("it was asked for its text")

    code = compile("kept = [x]\nalive = why_alive(x)", "script.py", "exec")
    namespace = {"why_alive": why_alive, "x": Node()}
    exec(code.replace(co_consts=(*code.co_consts, Trap())), namespace)
    assert namespace["alive"].edges[-1].label.endswith("['kept'][0]")
