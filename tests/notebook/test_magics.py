"""The magics, in a real kernel: one for all of them."""

import re

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install 'garbology[test]'")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

CELLS = {
    "load": "%load_ext garbology",
    "classes": (
        "class Child:\n    def __init__(self, parent):\n        self.parent = parent\n"
        "class Parent:\n    def __init__(self):\n        self.child = Child(self)\n"
    ),
    "garbage": "%%garbage\nParent()",
    "none": "%%garbage\nlist(range(3))",
    "assigned": "%%garbage\nkept = Parent()",
    "still there": "type(kept).__name__",
    "in the magic's own cell": "%%garbage\nclass Own:\n    def __init__(self):\n        self.me = self\nOwn()",
    "displayed": "shown = Parent()\nshown",
    "deleted": "%%garbage\ndel shown",
    "why": "%why_alive kept",
    "why displayed": "%why_alive Out[8]",
    "cache": "cache = {}",
    "growth": "%%growth -n 8 -w 2\ncache[len(cache)] = bytes(20_000)",
    "runs": "len(cache)",
    "raises": "%%garbage\nParent()\n1 / 0",
    "awaits": "%%garbage\nimport asyncio\nawait asyncio.sleep(0)",
    "no name": "%why_alive",
    "an argument": "%%garbage twice\n1",
    "no Python": "%%garbage\nfor",
}


@pytest.fixture(scope="module")
def cells():
    """The outputs of each cell, run one after the other."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS.values()])
    nbclient.NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=120).execute()
    return dict(zip(CELLS, (cell.outputs for cell in notebook.cells), strict=True))


def text_of(outputs):
    """All that a cell put out, as text."""
    return "\n".join(
        output.get("text", "") + output.get("evalue", "") + output.get("data", {}).get("text/plain", "")
        for output in outputs
    )


def test_a_cell_is_watched_and_its_lines_are_told(cells):
    """By the cell's number, as the notebook shows it; a magic's own line counts, as the reader counts."""
    text = text_of(cells["garbage"])
    assert "wait for the cyclic collector, in 1 cycle" in text
    assert "set at cell 2:3: self.parent = parent" in text
    assert "tried on one of them" in text
    assert "set at cell 7:4: self.me = self" in text_of(cells["in the magic's own cell"])


def test_the_answer_is_a_card(cells):
    """As HTML, without a script, beside the text."""
    for name in ("garbage", "why", "growth"):
        (data,) = [output["data"] for output in cells[name] if "data" in output]
        assert {"text/html", "text/plain"} <= set(data)
        assert "<script" not in data["text/html"]


def test_a_cell_without_garbage_says_so(cells):
    """What IPython itself makes for a cell is not in it."""
    assert text_of(cells["none"]).startswith("no garbage: ")


def test_names_of_the_cell_stay(cells):
    """It runs in the user's namespace."""
    assert "no garbage" in text_of(cells["assigned"])
    assert text_of(cells["still there"]) == "'Parent'"


def test_what_ipython_holds_is_told_apart(cells):
    """No name of the user's has the object that was displayed, and it is no garbage."""
    text = " ".join(text_of(cells["deleted"]).split())
    assert re.search(r"IPython's (last output _+|output cache \S+( \(Out\[8\]\))?) holds: Parent", text)
    assert "%reset -f out" in text
    assert "no garbage" in text
    assert "holds: Found" not in text


def test_a_name_that_asks_is_no_holder_of_its_own_object(cells):
    """The user's name is the answer where there is no other; what IPython hides is named where it is."""
    assert "module __main__.kept -> Parent" in text_of(cells["why"])
    assert "IPython's" in text_of(cells["why displayed"])


def test_a_cell_is_run_again_and_again(cells):
    """As often as asked, after the warm-up."""
    text = text_of(cells["growth"])
    assert re.search(r"grows by [0-9.]+ kB a call .*; 8 calls after 2 of\s+warm-up", text, re.DOTALL)
    assert "__main__.cache" in text
    assert text_of(cells["runs"]) == "10"


def test_an_exception_goes_through_after_the_finding(cells):
    """Both are shown."""
    assert "wait for the cyclic collector" in text_of(cells["raises"])
    assert cells["raises"][-1]["ename"] == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("awaits", "async with garbology.watch()"),
        ("no name", "%why_alive needs a name"),
        ("an argument", "got 'twice'"),
        ("no Python", "invalid syntax"),
    ],
)
def test_what_cannot_be_run_is_told(cells, name, message):
    """In one sentence, and nothing has been run."""
    assert message in text_of(cells[name])
