import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from garbology.text.visible import (
    escape_markdown,
    file_stem,
    markdown_code,
    shorten,
    singular,
    visible,
)
from tests.reporting.pages_for_tests import HOSTILE


@pytest.mark.slow
@given(st.text())
def test_nothing_invisible_passes(text):
    """Whatever comes in, only printable characters come out, and plain text is left alone."""
    assert visible(text).isprintable()
    if text.isprintable():
        assert visible(text) == text


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800", "\ufeff", "\n"]
)
def test_controls_are_shown_as_escapes(character):
    """Terminal controls, bidirectional overrides and lone surrogates become text that names them."""
    shown = visible(f"a{character}b")
    assert shown.startswith("a\\")
    assert shown.endswith("b")


@pytest.mark.parametrize("name", ["z" * 10_000, "\x00" * 10_000, "\n" * 10_000])
def test_a_name_that_nobody_reads_to_its_end_is_cut(name):
    """It says how much is left out, and cutting it again changes nothing: names pass here more than once."""
    shown = visible(name)
    assert len(shown) <= 1000
    assert shown.endswith(" more characters)")
    assert visible(shown) == shown
    assert visible("z" * 1000) == "z" * 1000
    assert len(escape_markdown("z" * 10_000)) <= 1000


@given(st.text(), st.integers(2, 30))
def test_shortened_text_fits(text, limit):
    """A shortened name has at most the characters there is room for."""
    assert len(shorten(text, limit)) <= limit


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_markdown_shows_the_text_itself(text):
    """Undoing the escapes of Markdown gives the text back: nothing was interpreted, nothing lost."""
    escaped = escape_markdown(text)
    assert "\n" not in escaped
    assert not re.search(r"(?<!\\)[|`*_<>\[\]]", escaped.replace("&lt;", "").replace("&gt;", ""))
    undone = html.unescape(re.sub(r"\\([^\sA-Za-z0-9])", r"\1", escaped))
    if text.isprintable() and "\\" not in text and "&" not in text:
        assert undone == text


def test_code_spans_hold_backticks():
    """A code span's fence is longer than any run of backticks in it."""
    assert markdown_code("a`b``c") == "```a`b``c```"
    assert markdown_code("`") == "`` ` ``"


def test_a_name_is_no_path():
    """A figure's name never leaves the report's folder."""
    assert file_stem("../../etc/passwd") == "etc-passwd"
    assert file_stem("...") == "figure"
    assert "/" not in file_stem(HOSTILE)


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("objects", "object"),
        ("classes", "class"),
        ("bodies", "body"),
        ("boxes", "box"),
        ("bus", "bus"),
        ("", ""),
    ],
)
def test_one_of_many_is_singular(many, one):
    """A count of one needs its noun without the plural's ending; what is no plural is left alone."""
    assert singular(many) == one


def test_only_the_beginning_of_a_line_can_begin_a_block():
    """A full stop after a name in code bears no backslash, one that would make a list does."""
    assert escape_markdown(". Then", begins_line=False) == ". Then"
    assert escape_markdown("- no list") == "\\- no list"
