"""Whose cycles count: by the modules, packages, types and functions that are in them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from garbology.text.escaping import edge_text


@dataclass(frozen=True)
class Scope:
    """Whose cycles count.

    ``only`` counts a cycle that has at least one type or function of those. ``ignore`` leaves out a cycle of which all
    types and functions are of those, the standard library's not asked where there are others; a pattern with a blank is
    compared with the edges: 'Figure.canvas -> *'.
    """

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def counts(self, members: Sequence[str], edges: Iterable[Mapping[str, Any]] = ()) -> bool:
        """Whether something with these ``members`` counts."""
        if self.only and not any(matches(name, self.only) for name in members):
            return False
        return not self._is_ignored(members, edges)

    def _is_ignored(self, members: Sequence[str], edges: Iterable[Mapping[str, Any]]) -> bool:
        if not self.ignore:
            return False
        texts = [edge_text(each["source_type"], each["label"], each["target_type"]) for each in edges]
        with_blanks = [pattern for pattern in self.ignore if " " in pattern]
        if any(fnmatchcase(text, pattern) for text in texts for pattern in with_blanks):
            return True
        return bool(members) and _all_match(members, self.ignore)

    @property
    def is_open(self) -> bool:
        """Whether everything counts."""
        return not self.only and not self.ignore


def _all_match(members: Sequence[str], patterns: Sequence[str]) -> bool:
    """Of what is not of the standard library each; where all of it is, one will do."""
    foreign = [name for name in members if name.partition(".")[0] not in sys.stdlib_module_names]
    if foreign:
        return all(matches(name, patterns) for name in foreign)
    return any(matches(name, patterns) for name in members)


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is one of those, is in one of them, or fits one as a pattern."""
    return any(name == each or name.startswith(f"{each}.") or fnmatchcase(name, each) for each in patterns)
