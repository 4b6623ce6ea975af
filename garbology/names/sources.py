"""The text of source files, read as plain files: no loader of the program's runs, and nothing is imported."""

from __future__ import annotations

import io
import linecache
import os
import re
import stat
import sys
import sysconfig
from collections.abc import Mapping
from typing import Any

from garbology.text.escaping import safe_text

_LARGEST_FILE_BYTES = 1_000_000
_MOST_KEPT = 3
_LONGEST_LINE = 100
_COMMENT = re.compile(r"\s{2,}#[^'\"]*$")
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_ENCODINGS = {
    b"utf-8": "utf-8",
    b"utf8": "utf-8",
    b"ascii": "ascii",
    b"us-ascii": "ascii",
    b"latin-1": "latin-1",
}
_open = io.open
_LIBRARY = tuple(
    os.path.join(path, "")
    for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), os.path.dirname(os.__file__)}
    if path
)

#: Where the instrument's own files are.
INSTRUMENT = os.path.join(__file__.rpartition("names")[0], "")

#: The cells of a notebook: the file that a shell calls a cell's text by, and the cell's number.
cells: Mapping[str, int] = {}

_NO_FILE = (0, -1)
_kept: dict[tuple[str, tuple[int, int]], tuple[str, ...]] = {}


def is_own_code(filename: str) -> bool:
    """Whether a file is the program's own, and not the standard library's or an installed package's."""
    filename = str.__str__(filename)
    path = filename.replace("\\", "/")
    if "/site-packages/" in path or "/dist-packages/" in path or path.startswith("<frozen"):
        return False
    return not filename.startswith(_LIBRARY)


def is_standard_library(filename: str) -> bool:
    """Whether a file is the standard library's."""
    path = str.__str__(filename).replace("\\", "/")
    return not is_own_code(filename) and "/site-packages/" not in path and "/dist-packages/" not in path


def short_path(filename: str) -> str:
    """The name of a file, with its folder where every package has a file of that name; 'cell 3' of a notebook."""
    number = cells.get(filename) if type(filename) is str else None
    if number is not None:
        return f"cell {number}"
    parts = str.__str__(filename).replace("\\", "/").rsplit("/", 2)
    name = "/".join(parts[-2:] if parts[-1] in ("__init__.py", "__main__.py") else parts[-1:])
    return safe_text(name, limit=60)


def site(filename: str, line: int | None) -> str:
    """A place in the source: 'app.py:12'."""
    return f"{short_path(filename)}:{line or '?'}"


def lines_of(filename: str) -> tuple[str, ...]:
    """The lines of a source file; empty where there is none to be read.

    A file on disk is read as such. What has no file (a cell of a notebook, a line at the prompt, a doctest) is there
    where the interpreter or its shell has put its text into `linecache`.
    """
    stamp = stamp_of(filename)
    if stamp == _NO_FILE:
        return _cached_lines(filename)
    if stamp[1] > _LARGEST_FILE_BYTES:
        return ()
    key = filename, stamp
    lines = _kept.get(key)
    if lines is None:
        lines = _read_lines(filename)
        while len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = lines
    return lines


def stamp_of(filename: str) -> tuple[int, int]:
    """By what a file of the same name is told from an earlier one: when it was changed (ns) and its size in bytes."""
    try:
        status = os.stat(filename)
    except (OSError, ValueError):
        return _NO_FILE
    return (status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else _NO_FILE


def line_at(filename: str, line: int) -> str:
    """A line of a file as it is shown: without indentation and comment, bounded, printable; empty without source."""
    lines = lines_of(filename)
    text = _COMMENT.sub("", lines[line - 1]).strip() if 0 < line <= len(lines) else ""
    return safe_text(text, limit=_LONGEST_LINE)


def _read_lines(filename: str) -> tuple[str, ...]:
    try:
        with _open(filename, "rb") as file:
            data = file.read(_LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError):
        return ()
    encoding = _encoding_of(data)
    if encoding is None:
        return ()
    text = data.decode(encoding, errors="replace").lstrip("\ufeff")
    return tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _encoding_of(data: bytes) -> str | None:
    """UTF-8 unless the file says otherwise; None for a codec that a program may have registered itself."""
    for line in data.split(b"\n", 2)[:2]:
        cookie = _COOKIE.match(line)
        if cookie:
            return _ENCODINGS.get(cookie[1].lower().replace(b"_", b"-"))
    return "utf-8"


def _cached_lines(filename: str) -> tuple[str, ...]:
    if filename.startswith("<doctest "):
        return _doctest_lines(filename)
    entry: Any = linecache.cache.get(filename) or _entry_by_code(filename)
    if type(entry) is not tuple or len(entry) != 4:  # another has yet to be asked for by running a loader
        return ()
    lines = entry[2]
    if type(lines) is not list and type(lines) is not tuple:
        return ()
    return tuple(line.rstrip("\n") for line in lines if type(line) is str)


def _entry_by_code(filename: str) -> object:
    """From 3.13.1 a text without a file is kept by the code made of it; None where one name stands for two texts."""
    by_code: Any = getattr(linecache, "_interactive_cache", {})
    found = {
        id(entry): entry
        for key, entry in list(by_code.items())
        if type(key) is tuple and type(key[0]) is str and key[0] == filename
    }
    return found.popitem()[1] if len(found) == 1 else None


def _doctest_lines(filename: str) -> tuple[str, ...]:
    """A doctest keeps its examples to itself and answers for them as long as it runs."""
    doctest = sys.modules.get("doctest")
    getlines: Any = linecache.getlines
    if doctest is None or getattr(getlines, "__module__", "") != "doctest":
        return ()
    return tuple(line.rstrip("\n") for line in getlines(filename))
