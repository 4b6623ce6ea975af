"""The worked notebook of the documents shows what a kernel shows today."""

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="nbclient is not installed: pip install 'garbology[test]'")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
worked_notebook = __import__("worked_notebook")
sys.path.pop(0)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def told(notebook):
    """What each cell says, as text, without figures, addresses and how wide a line is."""
    return [_told(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]


def _told(outputs):
    texts = (output.get("text") or output["data"]["text/plain"] for output in outputs)
    text = " ".join(" ".join(texts).split())
    text = re.sub(r"0x[0-9a-f]+|-?\d[\d.,]*( ?(k|M)?B)?", "N", text)
    # What C code keeps is not judged where the kernel's own thread sends something in that moment.
    text = re.sub(r"no garbage: .*", "no garbage", text)
    for figures, what in {
        r"<Pauses: .*": "<Pauses",
        r"grows by N a call .*?(alive: \S+).*": r"grows, \1",
    }.items():
        text = re.sub(figures, what, text)
    return text


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="up to 3.10 instances have dicts, which are objects, too"
)
def test_the_worked_notebook_shows_what_its_cells_show():
    """No cell raises; but for figures the outputs that are kept are those of a fresh kernel."""
    kept = nbformat.read(worked_notebook.NOTEBOOK, as_version=4)
    assert told(worked_notebook.executed()) == told(kept)


def test_its_outputs_are_cards():
    """Each answer is kept as HTML, for the page of the documents; no script is in it, and nobody's directory."""
    text = worked_notebook.NOTEBOOK.read_text(encoding="utf-8")
    assert text.count('class=\\"garbology\\"') == 6
    assert "<script" not in text
    assert "/tmp" not in text
    assert "/home" not in text
    assert "/root" not in text
