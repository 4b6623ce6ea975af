"""What is said of objects that live on unseen: a leak, or held by C code by right, or by a cache of calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from garbology.cycles.result import Edge


@dataclass(frozen=True)
class Leak:
    """Objects that not even the cyclic collector frees: what holds them, and why it cannot see that.

    Attributes
    ----------
    objects : objects in all occurrences: of a cycle its members, else all that is held.
    bytes : bytes of all occurrences and of what hangs off them, each buffer once.
    holder : the type that holds without telling the collector: 'numpy.ndarray', 'something outside Python'.
    reason, remedy : one sentence each.
    count : how many times the leak occurs.
    types : how many objects of each type one occurrence has, by qualified name.
    edges : one cycle through the holder, in order: each edge's target is the next one's source. Empty where
        something outside Python is the holder.
    """

    objects: int
    bytes: int
    holder: str
    reason: str
    remedy: str = ""
    count: int = 1
    types: dict[str, int] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The edges as one line, ``C.arr -> ndarray[0] -> C``; empty where there are none."""
        return _as_one_line(self.edges)

    def to_dict(self) -> dict[str, Any]:
        """The leak as plain JSON types."""
        return {
            "count": self.count,
            "objects": self.objects,
            "bytes": self.bytes,
            "holder": self.holder,
            "types": dict(self.types),
            "path": self.path,
            "edges": _as_plain(self.edges),
            "reason": self.reason,
            "remedy": self.remedy,
        }


@dataclass(frozen=True)
class HeldByC:
    """Objects that are still alive, held by C code as far as can be seen: no leak, for it may let go of them. A cache
    of calls (`functools.lru_cache`) that keeps their arguments is one.

    Attributes
    ----------
    objects, bytes : of what is held and of all that only it leads to.
    through : what C code holds: 'bound method Parser.fail', 'function <lambda> (app.py:12)', 'list'.
    reason : one sentence.
    count : how many such there are.
    types : of what C code holds in one occurrence, by qualified name.
    edges : from that to the first object of the program's.
    holder : 'C code', or 'a cache'.
    """

    objects: int
    bytes: int
    through: str
    reason: str
    count: int = 1
    types: dict[str, int] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    holder: str = "C code"

    @property
    def path(self) -> str:
        """The edges as one line, ``bound method Parser.fail.__self__ -> Parser``; what is held where there are none."""
        return _as_one_line(self.edges) or self.through

    def to_dict(self) -> dict[str, Any]:
        """It as plain JSON types."""
        return {
            "count": self.count,
            "objects": self.objects,
            "bytes": self.bytes,
            "through": self.through,
            "types": dict(self.types),
            "path": self.path,
            "edges": _as_plain(self.edges),
            "reason": self.reason,
            "holder": self.holder,
        }


@dataclass(frozen=True)
class Leaks:
    """All that is said of a window's objects which the collector will not free.

    ``unjudged`` is why it was not judged what is held by C code; empty where it was.
    """

    found: list[Leak] = field(default_factory=list)
    held: list[HeldByC] = field(default_factory=list)
    unjudged: str = ""


def _as_one_line(edges: Sequence[Edge]) -> str:
    return " -> ".join(_without_target(edge) for edge in edges) + "".join(
        f" -> {edge.target}" for edge in edges[-1:]
    )


def _as_plain(edges: Sequence[Edge]) -> list[dict[str, str]]:
    return [{"source_type": edge.source, "label": edge.label, "target_type": edge.target} for edge in edges]


def _without_target(edge: Edge) -> str:
    return str(edge).removesuffix(f" -> {edge.target}")
