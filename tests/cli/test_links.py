"""Paths that a click opens, in a terminal that has hyperlinks."""

import io
from pathlib import Path

import pytest

from garbology.text.links import file_link, has_links

PATH = Path("reports/my page/index.html")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "environment",
    [{"TERM_PROGRAM": "iTerm.app"}, {"TERM": "xterm-kitty"}, {"WT_SESSION": "1"}, {"VTE_VERSION": "6800"}],
)
def test_a_terminal_that_is_known_for_them_has_links(environment):
    """The text is the path as it is; what it opens is the file's address."""
    text = file_link(PATH, Terminal(), environment=environment)
    assert text == f"\x1b]8;;{PATH.resolve().as_uri()}\x1b\\{PATH}\x1b]8;;\x1b\\"
    assert "my%20page" in text


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "xterm-256color"}, {"TERM": "dumb"}, {"VTE_VERSION": "4200"}, {"VTE_VERSION": "x"}, {}],
)
def test_any_other_terminal_shows_the_path_alone(environment):
    """What it does with an escape it does not know is not tried."""
    assert file_link(PATH, Terminal(), environment=environment) == str(PATH)


def test_what_is_no_terminal_gets_no_escape():
    """A file, a pipe, a stream that is closed or not there; of two streams both must be a terminal's."""
    known = {"TERM_PROGRAM": "WezTerm"}
    closed = io.StringIO()
    closed.close()
    for stream in (io.StringIO(), closed, None):
        assert not has_links(stream, known)
        assert file_link(PATH, Terminal(), stream, environment=known) == str(PATH)


def test_the_reader_s_word_decides():
    """FORCE_HYPERLINK, as other programs have it."""
    assert has_links(io.StringIO(), {"FORCE_HYPERLINK": "1"})
    assert not has_links(Terminal(), {"FORCE_HYPERLINK": "0", "WT_SESSION": "1"})
