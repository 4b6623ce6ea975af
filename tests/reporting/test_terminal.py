import io
from dataclasses import replace

import pytest
from rich.console import Console

from garbology.reporting.terminal import print_page
from garbology.study.page import Table
from tests.reporting import pages_for_tests as pages


def printed(page, width=80, encoding="utf-8", **options):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    print_page(page, Console(file=file, width=width, **options))
    file.flush()
    return raw.getvalue().decode(encoding)


def test_the_terminal_carries_the_pages_message():
    """Verdict, tiles, claims with their status, and problems are all there; the verdict stands last."""
    text = printed(pages.study_page(), 120)
    for said in (
        "2 of 4 findings hold",
        "One collection frees all of it.",
        "61.2 MB",
        "crashed with SIGSEGV",
    ):
        assert said in text
    assert text.rstrip().endswith(pages.study_page().verdict)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("page", [pages.study_page(), pages.several_runtimes()], ids=["one", "several"])
def test_nothing_is_wider_than_the_terminal(page, width):
    """At 40, 80 and 120 columns no line of a terminal's output is wrapped by the terminal itself."""
    text = printed(page, width, force_terminal=True, color_system=None)
    assert max(map(len, text.splitlines())) <= width


def test_a_wide_table_is_split_and_keeps_its_parameters():
    """At 80 columns the table goes on below, led by the columns that tell the cases apart."""
    lines = printed(pages.study_page(), 80).splitlines()
    heads = [line.split() for line in lines if line.startswith(" workload")]
    assert len(heads) == 2
    assert all(head[:3] == ["workload", "outputs", "operations"] for head in heads)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_cell_stays_on_its_line(width):
    """Where a column is narrow its heading is wrapped, not its numbers."""
    lines = printed(pages.study_page(), width).splitlines()
    assert sum("0.043 ms (0.02 to 12.1 ms)" in line for line in lines) > 0


def test_without_a_terminal_there_is_no_escape_sequence():
    """A pipe gets plain text."""
    assert "\x1b" not in printed(pages.study_page())


def test_no_color_is_respected(monkeypatch):
    """NO_COLOR turns off colours in a terminal too."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in printed(pages.study_page(), force_terminal=True)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[3" in printed(pages.study_page(), force_terminal=True, color_system="standard")


def test_no_color_leaves_no_escape_sequence_at_all(monkeypatch, capsys):
    """Bold and faint are gone too, even where another variable asks for colour."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_page(pages.study_page())
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    print_page(pages.study_page())
    assert "\x1b" not in capsys.readouterr().out


def test_a_terminal_without_a_size_shows_the_verdict(monkeypatch, capsys):
    """COLUMNS=0 is what some pseudo-terminals say, and rich alone prints nothing then."""
    monkeypatch.setenv("COLUMNS", "0")
    print_page(pages.study_page())
    assert pages.VERDICT in capsys.readouterr().out


def test_an_exception_is_told_with_its_reason_and_reference():
    """A claim that is not expected to hold here is no failure: the terminal says why, and where to read it."""
    page = pages.several_runtimes()
    excepted = [one for one in page.findings if one.status == "not on this version"][:1]
    text = " ".join(printed(replace(page, findings=excepted), 200).split())
    assert "not on this version With strong outputs the whole graph is left." in text
    assert "looks at a slice of the heap at a time; python/cpython#142516, PEP 848" in text


def test_names_are_shown_and_never_obeyed():
    """Neither escape sequences nor rich's own markup in a name have an effect."""
    text = printed(replace(pages.hostile_page(), verdict="[bold red]\x1b[31m[/]"), 200)
    assert "\x1b" not in text
    assert "[bold red]\\x1b[31m[/]" in text
    assert "\u202e" not in text


def test_a_terminal_without_unicode_gets_escapes():
    """An ASCII terminal gets ASCII, not an exception."""
    text = printed(replace(pages.study_page(), verdict="12 µs"), encoding="ascii")
    assert "12 \\xb5s" in text


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_column_is_cut(width, encoding):
    """A long first column and long headings leave every cell whole, with its unit, at any usual width."""
    columns = ["recipe", *(f"arrays after collection {name}" for name in "abcdef")]
    rows = [
        [f"interactive prompt {index}", *(f"{index}{place}.45 MB" for place in range(6))] for index in (1, 2)
    ]
    page = replace(pages.study_page(), table=Table(columns, rows))
    text = printed(page, width, encoding)
    seen = text.split("more column")[0].split("61.2 MB")[0]
    assert max(map(len, seen.splitlines()[3:])) <= width
    shown = [cell for row in rows for cell in row[1:] if cell in seen]
    assert len(shown) >= 2 * 3
    assert len(shown) == seen.count(".45"), "a number without its unit"
    assert seen.count("collection") == len(shown) / 2
