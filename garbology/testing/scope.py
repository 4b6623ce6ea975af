"""Whose cycle is it: the test's, or somebody else's that only hangs in the test."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from garbology.find.scope import Scope, matches

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


def whose_of(scope: Scope, shape: Mapping[str, Any], module: str = "") -> Whose:
    """Of a shape as plain data, with its ``members``, in a test of ``module``."""
    members = shape["members"]
    if only_pytest_raises(shape["edges"]):
        return "pytest.raises"
    if not scope.only and module and _is_class_of_test(shape["edges"], members, module):
        return "a class of the test"
    if not scope.only and _is_of_a_runner(members):
        return "the test runner"
    return "own" if scope.counts(members, shape["edges"]) else "ignored"


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
    return any(matches(name, _RUNNERS) for name in members) and all(
        name.partition(".")[0] in packages for name in members
    )
