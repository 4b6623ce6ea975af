"""Hyperlinks in a terminal that has them (OSC 8): the text stays as it is, and a click opens what it names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

_OPEN, _END = "\x1b]8;;", "\x1b\\"
_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio")
_TERMS = ("xterm-kitty", "alacritty", "foot", "xterm-ghostty", "wezterm", "contour")
_MARKS = ("WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION")
_FIRST_VTE = 5000  # 0.50


def file_link(path: Path, *streams: TextIO, environment: Mapping[str, str] = os.environ) -> str:
    """The path as text; where all the streams are a terminal's that has hyperlinks, one that opens the file."""
    if not all(has_links(stream, environment) for stream in streams):
        return str(path)
    return f"{_OPEN}{path.resolve().as_uri()}{_END}{path}{_OPEN}{_END}"


def has_links(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether what reads the stream shows a hyperlink: a terminal that is known for it, or FORCE_HYPERLINK says so."""
    forced = environment.get("FORCE_HYPERLINK")
    if forced is not None:
        return forced != "0"
    try:
        is_terminal = stream.isatty()
    except (AttributeError, ValueError):  # no stream, or one that is closed
        return False
    return is_terminal and _is_known(environment)


def _is_known(environment: Mapping[str, str]) -> bool:
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM", "") in _PROGRAMS
        or environment.get("TERM", "").startswith(_TERMS)
        or any(environment.get(name) for name in _MARKS)
        or (vte.isdigit() and int(vte) >= _FIRST_VTE)
    )
