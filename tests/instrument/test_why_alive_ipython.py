"""Hidden references of IPython: by a stand-in everywhere, in the real thing where it is installed."""

import gc
import sys
import types
import weakref

import pytest

from garbology import why_alive


class Node:
    pass


class Formatter:
    pass


class Shell:
    def get_ipython(self):
        return self


@pytest.fixture
def session():
    """A module that looks like the namespace of an IPython session, and its shell."""
    module, shell = types.ModuleType("session"), Shell()
    shell.user_ns_hidden, shell.InteractiveTB, shell.displayhook = {}, Formatter(), Formatter()
    module.get_ipython = shell.get_ipython
    module.Out = module._oh = {}
    sys.modules["session"] = module
    yield module, shell
    del sys.modules["session"]
    vars(module).clear()
    vars(shell).clear()


def kept(keep):
    node = Node()
    keep(node)
    return weakref.ref(node)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keep", "name", "remedy"),
    [
        (lambda m, s, n: m.Out.update({3: n}), "IPython's output cache Out[3]", "%reset -f out"),
        (lambda m, s, n: setattr(m, "_3", n), "IPython's output cache _3 (Out[3])", "%reset -f out"),
        (lambda m, s, n: setattr(m, "_", n), "IPython's last output _", "%xdel"),
        (lambda m, s, n: setattr(m, "___", n), "IPython's last output ___", "%xdel"),
        (
            lambda m, s, n: s.user_ns_hidden.update(__=n),
            "IPython's hidden namespace user_ns_hidden['__']",
            "user_ns_hidden.clear()",
        ),
        (
            lambda m, s, n: setattr(s.InteractiveTB, "tb", n),
            "IPython's last traceback InteractiveTB.tb",
            "run `1/0`",
        ),
        (lambda m, s, n: setattr(s.displayhook, "_", n), "IPython's last output displayhook._", "%reset"),
    ],
    ids=["Out", "_3", "_", "___", "user_ns_hidden", "InteractiveTB", "displayhook"],
)
def test_each_hidden_reference_has_its_name_and_remedy(session, keep, name, remedy):
    """What a user never wrote is named as IPython's, with what lets go of it."""
    module, shell = session
    alive = why_alive(kept(lambda node: keep(module, shell, node))())
    assert alive.root == name
    assert remedy in alive.remedy
    assert alive.edges[0].source == "module session"


@pytest.mark.slow
def test_a_name_that_the_user_gave_comes_first(session):
    """Of equally near references the user's own is the chain; the hidden ones are told beside it."""
    module, _ = session

    def keep(node):
        module._3 = module.Out[3] = node
        module.result = node

    alive = why_alive(kept(keep)())
    assert (alive.root, alive.edges[0].label) == ("module session", ".result")
    assert "IPython's output cache Out[3]" in alive.also
    assert "%reset -f out" in alive.remedy


def run(shell, *cells):
    for cell in cells:
        shell.run_cell(cell, store_history=True)


@pytest.mark.slow
def test_a_real_session(capsys):
    """Displayed, then deleted, then reset: each time the answer names what still holds, until nothing does."""
    interactive = pytest.importorskip("IPython.core.interactiveshell", reason="IPython is not installed")
    main = sys.modules["__main__"]
    shell = interactive.InteractiveShell.instance()
    try:
        run(
            shell,
            "import weakref",
            "class Thing: pass",
            "x = Thing(); reference = weakref.ref(x)",
            "x",
            "del x",
        )
        reference = shell.user_ns["reference"]
        assert why_alive(reference()).root.startswith("IPython's ")
        run(shell, "1", "2", "3", "4")
        alive = why_alive(reference())
        assert alive.root == "IPython's output cache _4 (Out[4])"
        assert "IPython's output cache Out[4]" in alive.also
        run(shell, "%reset -f out")
        shell.user_ns_hidden.clear()
        gc.collect()
        assert reference() is None
    finally:
        capsys.readouterr()
        interactive.InteractiveShell.clear_instance()
        sys.modules["__main__"] = main
