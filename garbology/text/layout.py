"""Text for a terminal of 80 columns: counts, bytes, paragraphs, and lines that are too long."""

from __future__ import annotations

import textwrap

WIDTH = 80


def counted(number: int, noun: str) -> str:
    """'1 object', '2,000 objects'."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def paragraph(text: str, indent: str = "    ", hanging: str = "") -> list[str]:
    """Text in lines that are indented; those after the first by ``hanging`` more."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + hanging, break_on_hyphens=False
    )


def wrap(line: str, most_lines: int = 10) -> list[str]:
    """A line of text in lines that fit a terminal, indented as it is, those after the first by four more."""
    indent = " " * (len(line) - len(line.lstrip(" ")))
    return textwrap.wrap(
        line, WIDTH, subsequent_indent=indent + "    ", max_lines=most_lines, placeholder=" …",
        break_on_hyphens=False, replace_whitespace=False,
    )  # fmt: skip


def cut(line: str, width: int = WIDTH) -> str:
    """The line, its end left out where it is too long."""
    return line if len(line) <= width else line[: width - 1] + "…"


def human_bytes(size: float) -> str:
    """Bytes with three significant digits: ``512 B``, ``61.2 MB`` (1 MB is 10**6 bytes)."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.5 or unit == "TB":
            break
    return f"{size:.{max(0, 3 - len(str(int(size))))}f} {unit}"
