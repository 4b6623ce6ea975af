"""The ratchet: a file of the shapes that the tests may leave, sorted text that a review reads and branches merge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from garbology.names.labels import pattern
from garbology.text.escaping import joined

VERSION = 1
_TITLE = "# garbology baseline"
_HEADER = f"""{_TITLE} {VERSION}
# Shapes of cycles that the tests may leave, each a paragraph of its edges. A test that leaves another fails.
# Written by: pytest --garbology-baseline FILE --garbology-update-baseline
# A paragraph that is taken out is forbidden from then on.
"""
_NAMED = re.compile(
    r"^(function|frame of|generator|coroutine|async generator|class) (.*) \(([^()]*?)(?::[0-9]+)?\)$"
)
_OWN_FRAME = (".gi_frame", ".cr_frame", ".ag_frame")
_COMPREHENSION = re.compile(
    r"^frame of (.*\.)?<(list|dict|set)comp> "
)  # a generator expression still has one
_BY_FUNCTION = re.compile(
    r" → running function\.__(globals|builtins)__"
)  # from 3.11; before, the frame holds them


def paragraph_of(shape: Mapping[str, Any]) -> str:
    """A shape as its edges, one a line, without what differs from run to run: keys, lines, the order."""
    members = shape["members"]
    names = {
        edge[end]: _full_name(edge[end], members)
        for edge in shape["edges"]
        for end in ("source_type", "target_type")
    }
    aliases = {**_frames_of_generators(shape["edges"]), **_frames_around_comprehensions(shape["edges"])}
    lines = set()
    for edge in shape["edges"]:
        ends = [aliases.get(edge[end], edge[end]) for end in ("source_type", "target_type")]
        if edge["label"] not in _OWN_FRAME and not any(
            map(_is_of_comprehension, (edge["source_type"], *ends))
        ):
            source, target = map(names.__getitem__, ends)
            text = _BY_FUNCTION.sub(r".f_\1", joined(source, pattern(edge["label"])))
            lines.add(f"{text} -> {target}")
    if not lines:  # one of many shapes that were counted only
        return "\n".join(f"among {name}" for name in sorted(shape["types"]))
    return "\n".join(sorted(lines))


def _frames_of_generators(edges: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Up to 3.10 a generator's variables are held by its frame, which is an object of its own."""
    return {edge["target_type"]: edge["source_type"] for edge in edges if edge["label"] in _OWN_FRAME}


def _is_of_comprehension(name: str) -> bool:
    return _COMPREHENSION.match(name) is not None


def _frames_around_comprehensions(edges: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Up to 3.11 a comprehension has a frame of its own, where later ones have that of the function around it."""
    callers = {edge["source_type"]: edge["target_type"] for edge in edges if edge["label"] == ".f_back"}
    around = {}
    for name in filter(_is_of_comprehension, callers):
        caller, seen = name, set[str]()
        while _is_of_comprehension(caller) and caller in callers and caller not in seen:
            seen.add(caller)
            caller = callers[caller]
        around[name] = caller
    return around


def _full_name(name: str, members: Sequence[str]) -> str:
    """'mypkg.family.Child' for 'Child', 'function mypkg.f' for 'function f (family.py:12)': lines change."""
    named = _NAMED.match(name)
    kind, short = (f"{named[1]} ", named[2]) if named else ("", name)
    full = [each for each in members if each == short or each.endswith((f".{short}", f"<locals>.{short}"))]
    if named:  # several modules have a function of that name
        module = _module_of(named[3])
        full = [each for each in full if f".{module}." in f".{each}"] or full
    name = full[0] if full else short
    if kind == "frame of ":  # up to 3.10 code knows the last part of its name alone
        name = name.removesuffix(short) + short.rpartition(".")[2]
    return kind + name


def _module_of(file: str) -> str:
    """The last part of a module's name, by its file: 'timed.py', 'pkg/__init__.py'."""
    return file.removesuffix("/__init__.py").rpartition("/")[2].removesuffix(".py")


@dataclass
class Baseline:
    """The listed shapes, and which of them were seen.

    Attributes
    ----------
    listed : the paragraphs of the file.
    """

    listed: frozenset[str] = frozenset()
    _edges: list[tuple[frozenset[str], str]] = field(default_factory=list)
    _known: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._edges = [(frozenset(each.splitlines()), each) for each in sorted(self.listed)]

    def listing(self, paragraph: str) -> str | None:
        """The listed shape that has all edges of this one; None where it is new."""
        if paragraph not in self._known:
            edges = frozenset(paragraph.splitlines())
            fitting = (each for known, each in self._edges if edges <= known)
            self._known[paragraph] = paragraph if paragraph in self.listed else next(fitting, None)
        return self._known[paragraph]


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file.

    Raises
    ------
    pytest.UsageError : it cannot be read, or was written by a newer garbology.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise pytest.UsageError(f"--garbology-baseline {path}: it cannot be read: {error}") from None
    first, _, rest = text.partition("\n")
    version = first.removeprefix(_TITLE).strip()
    if not first.startswith(_TITLE) or not version.isdigit():
        raise pytest.UsageError(
            f"--garbology-baseline {path}: it is no baseline: its first line should be {_TITLE!r} and a number"
        )
    if int(version) > VERSION:
        raise pytest.UsageError(
            f"--garbology-baseline {path}: it was written by a newer garbology (version {version} of the file, this "
            f"one reads {VERSION}): upgrade garbology"
        )
    return Baseline(frozenset(_paragraphs(rest)))


def _paragraphs(text: str) -> Iterable[str]:
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip() and not line.startswith("#"):
            lines.append(line.strip())
        elif lines and not line.strip():
            yield "\n".join(sorted(set(lines)))
            lines = []


def text_of(paragraphs: Iterable[str]) -> str:
    """The file that lists some shapes."""
    return "\n".join([_HEADER, *(f"{each}\n" for each in sorted(set(paragraphs)))])
