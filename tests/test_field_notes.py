"""The field notes: the script runs, and the document has a place for every case."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from experiments._upstream import cases  # noqa: F401 - registers the bugs
from experiments._upstream.bugs import BUGS

DOCUMENTS = Path(__file__).parent.parent / "docs"


def _script(name):
    spec = importlib.util.spec_from_file_location(name, DOCUMENTS / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def field_notes():
    return _script("field_notes")


@pytest.fixture(scope="module")
def document():
    return (DOCUMENTS / "field-notes.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_argparse_leaves_its_groups_and_its_formatter(field_notes):
    """The parser's actions point back to their group, and the formatter's sections to the formatter."""
    found = field_notes.find_in_a_fresh_interpreter("argparse")
    edges = {edge["label"]: edge["target"] for s in found["shapes"] for edge in s["advice"]["edges"]}
    assert edges == {".container": "_ArgumentGroup", ".formatter": "HelpFormatter"}
    assert all(shape["advice"]["verified"] for shape in found["shapes"])


@pytest.mark.slow
@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="up to 3.10 a connection does not hold its cache strongly"
)
def test_an_open_connection_waits_and_a_closed_one_does_not(field_notes):
    """Reference counting frees a closed sqlite3 connection; one dropped open is advised to be closed."""
    assert field_notes.find_in_a_fresh_interpreter("sqlite3, closed")["shapes"] == []
    (shape,) = field_notes.find_in_a_fresh_interpreter("sqlite3, not closed")["shapes"]
    assert shape["advice"]["remedy"] == "close"


def test_the_document_has_every_case(field_notes, document):
    """A finding for each case, judged: neither an empty block nor one that the script does not know."""
    blocks = dict(field_notes.blocks_of(document))
    assert set(field_notes.CASES) == {name for name in blocks if not name.startswith("table ")}
    assert all(text.strip() for text in blocks.values())


def test_what_moved_to_the_study_is_there(document):
    """Each report of a leak that the notes tell of is a case of `upstream`, under the same thread."""
    threads = set(
        re.findall(r"\[([\w.-]+/[\w.-]+#\d+)\]\(https://github", document.partition("## Reports of leaks")[2])
    )
    assert len(threads) == 13
    assert threads <= {bug.report for bug in BUGS.values()}


def test_only_generated_blocks_are_rewritten(field_notes):
    """What was written by hand stays, and so does a block that was not measured."""
    document = (
        "a\n<!-- generated: one -->\nold\n<!-- end -->\nb\n<!-- generated: two -->\nkept\n<!-- end -->\n"
    )
    rewritten = field_notes.rewritten(document, {"one": r"new \1", "three": "x"})
    assert rewritten == document.replace("old", "\nnew \\1\n")


def test_an_unknown_case_is_refused_by_name(field_notes, capsys):
    """The message names what was asked for and what there is."""
    with pytest.raises(SystemExit):
        field_notes.main(["nothing"])
    assert "no case begins with 'nothing'; there are argparse," in capsys.readouterr().err
