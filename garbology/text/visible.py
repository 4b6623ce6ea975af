"""Names come from watched programs: here they become text that is shown and never interpreted."""

from __future__ import annotations

import re
import unicodedata

from garbology.text.escaping import escaped

_MARKDOWN_SPECIAL = re.compile(r"[\\`*_\[\]|~$]")
_MARKDOWN_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
_MARKDOWN_ADDRESS = re.compile(r"(?i)(https?|ftp|www)([:.])")  # GitHub makes a link of a bare address
_LONGEST = 1000  # characters of a text that a page or a terminal shows; the records have all
_MARKDOWN_BLOCK = re.compile(r"^(\s*(?:\d+(?=[.)]\s))?)(?=[-+=#.)])")  # a list or a heading begins a line


def visible(text: object, *, keep_newlines: bool = False) -> str:
    """`text` with control, bidirectional and unassigned characters written as escapes (`\\x1b`, `\\u202e`).

    A terminal obeys an escape sequence, a browser a bidirectional override, and the library that draws the
    figures ends the process at a control character: none of them may see one. What no reader reads to its
    end is cut, and says so: a page stays small, whatever a program has for names.
    """
    source = str(text)
    if not source.isprintable():
        source = "".join(
            character if _shown(character, keep_newlines) else _escape(character) for character in source
        )
    return source if keep_newlines else _cut(source)


def _cut(source: str) -> str:
    """`source` in at most `_LONGEST` characters, so that what was cut once is not cut again."""
    if len(source) <= _LONGEST:
        return source
    kept = source[: _LONGEST - 40]
    return f"{kept}… ({len(source) - len(kept):,} more characters)"


def _shown(character: str, keep_newlines: bool) -> bool:
    return character.isprintable() or (keep_newlines and character == "\n")


def _escape(character: str) -> str:
    if unicodedata.category(character) == "Zs":
        return " "
    return escaped(character)


def shorten(text: object, limit: int) -> str:
    """`text` made visible, in at most `limit` characters, the cut marked by an ellipsis."""
    shown = visible(text)
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def singular(noun: str) -> str:
    """One of what `noun` names: "objects" is "object", "classes" is "class"; what is no plural is left alone."""
    if noun.endswith(("sses", "xes", "shes", "ches")):
        return noun[:-2]
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us", "is")) else noun


def escape_markdown(text: object, *, begins_line: bool = True) -> str:
    """`text` as one line of GitHub's Markdown that renders to the same text, in a table cell too.

    What does not begin a line has no need of the escapes that keep a line from being a list or a heading.
    """
    line = _cut(visible(text, keep_newlines=True).replace("\n", " "))
    line = _MARKDOWN_SPECIAL.sub(r"\\\g<0>", line)
    for character, entity in _MARKDOWN_ENTITIES.items():
        line = line.replace(character, entity)
    line = _MARKDOWN_ADDRESS.sub(r"\1\\\2", line)
    return _MARKDOWN_BLOCK.sub(r"\1\\", line) if begins_line else line


def markdown_code(text: object) -> str:
    """`text` as a code span of Markdown, fenced by more backticks than it has; not for a table's cell."""
    line = visible(text)
    runs = [len(run) for run in re.findall("`+", line)]
    fence = "`" * (max(runs, default=0) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def file_stem(name: str) -> str:
    """`name` as the stem of a file: letters, digits, dots, dashes and underscores only, never a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "figure"


def words(name: str) -> str:
    """A field's name as words: `longest_pause` is "longest pause"."""
    return visible(name).replace("_", " ").strip()
