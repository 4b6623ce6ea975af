"""Whose cycle is it: the test's, or somebody else's that only hangs in the test."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from garbology.text import escaping

Whose = Literal["own", "ignored", "pytest.raises", "a class of the test", "the test runner"]
Edges = Sequence[Mapping[str, Any]]

#: How `ignore` calls what `pytest.raises(...) as info` leaves.
RAISES = "traceback of pytest.raises"
_EXCINFO = ("ExceptionInfo", "_pytest._code.code.ExceptionInfo")
_RUNNERS = (
    "_pytest", "pluggy", "pytest", "pytest_asyncio", "pytest_timeout", "pytest_rerunfailures", "pytest_cov",
    "anyio.pytest_plugin", "anyio._backends", "unittest.case", "unittest.result", "unittest.async_case",
    "doctest", "xdist", "execnet", "coverage", "garbology.testing",
)  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """Whose cycles count.

    ``only`` counts a cycle that has at least one type or function of those. ``ignore`` leaves out a cycle of which all
    types and functions are of those, the standard library's not asked where there are others; a pattern with a blank is
    compared with the edges: 'Figure.canvas -> *'.
    """

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def whose(self, shape: Mapping[str, Any], module: str = "") -> Whose:
        """Of a shape as plain data, with its ``members``, in a test of ``module``."""
        members = shape["members"]
        if only_pytest_raises(shape["edges"]):
            return "pytest.raises"
        if not self.only and module and _is_class_of_test(shape["edges"], members, module):
            return "a class of the test"
        if not self.only and _is_of_a_runner(members):
            return "the test runner"
        return "own" if self.counts(members, shape["edges"]) else "ignored"

    def counts(self, members: Sequence[str], edges: Iterable[Mapping[str, Any]] = ()) -> bool:
        """Whether something with these ``members`` counts."""
        if self.only and not any(_matches(name, self.only) for name in members):
            return False
        return not self._is_ignored(members, edges)

    def _is_ignored(self, members: Sequence[str], edges: Iterable[Mapping[str, Any]]) -> bool:
        if not self.ignore:
            return False
        texts = [edge_text(edge) for edge in edges]
        with_blanks = [pattern for pattern in self.ignore if " " in pattern]
        if any(fnmatchcase(text, pattern) for text in texts for pattern in with_blanks):
            return True
        return bool(members) and _all_match(members, self.ignore)

    @property
    def is_open(self) -> bool:
        """Whether everything counts."""
        return not self.only and not self.ignore


def edge_text(edge: Mapping[str, Any]) -> str:
    """'Child.parent -> Parent'."""
    return escaping.edge_text(edge["source_type"], edge["label"], edge["target_type"])


def only_pytest_raises(edges: Edges) -> bool:
    """Whether a cycle goes through what `pytest.raises(...) as info` keeps, and no other way round."""
    return any(_is_of_raises(edge) for edge in edges) and not _on_cycles(edges)


def core_of(edges: Edges) -> Edges:
    """The edges that are on a cycle without what `pytest.raises` keeps and the frames' way back; all where none is."""
    return _on_cycles(edges) or edges


def _is_of_raises(edge: Mapping[str, Any]) -> bool:
    return edge["source_type"] in _EXCINFO or edge["target_type"] in _EXCINFO


def _on_cycles(edges: Edges) -> list[Mapping[str, Any]]:
    """An entry of a traceback holds the next, and a frame its caller: these are no ways round of the program's."""
    left = [
        each for each in edges if not _is_of_raises(each) and each["label"] not in (".tb_next", ".f_back")
    ]
    before = -1
    while len(left) != before:
        before = len(left)
        sources = {each["source_type"] for each in left}
        targets = {each["target_type"] for each in left}
        left = [each for each in left if each["target_type"] in sources and each["source_type"] in targets]
    return left


def _is_class_of_test(edges: Edges, members: Sequence[str], module: str) -> bool:
    """Whether it is a class that the test's own module makes in a call: each class is a cycle by itself."""
    has_class = any(edge["source_type"].startswith("class ") for edge in edges)
    own = [name for name in members if name.startswith(f"{module}.") and "<locals>" in name]
    others = [name.partition(".")[0] for name in members if name not in own]
    return has_class and bool(own) and all(name in sys.stdlib_module_names for name in others)


def _is_of_a_runner(members: Sequence[str]) -> bool:
    """Whether a part of a test runner is in it, and else only what comes with that or is the standard library's."""
    packages = {each.partition(".")[0] for each in _RUNNERS} | sys.stdlib_module_names
    return any(_matches(name, _RUNNERS) for name in members) and all(
        name.partition(".")[0] in packages for name in members
    )


def _all_match(members: Sequence[str], patterns: Sequence[str]) -> bool:
    """Of what is not of the standard library each; where all of it is, one will do."""
    foreign = [name for name in members if name.partition(".")[0] not in sys.stdlib_module_names]
    if foreign:
        return all(_matches(name, patterns) for name in foreign)
    return any(_matches(name, patterns) for name in members)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") or fnmatchcase(name, each) for each in patterns)
