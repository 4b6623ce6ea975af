"""Edges of which one must stay: each alone can be spared, all of them can not.

A way back often has two names (``ownerDocument`` and ``parentNode``), or one name in several classes (``package`` of
every kind of part). Where the program has let go of what they lead to but for them, any of these edges may be weak,
yet not all: an advice is a set of edges, and what is needed is asked of the set.

A clause holds the edges that led to one object at one moment. An advice is refused where it has all edges of a
clause. No other question is left: the advice opens every cycle, so of what would be lost one object has lost all
that led to it, and not only what held its holders.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from garbology.advice.edge_classes import EdgeClass

#: The edges that lead to one object, each by the edge classes that stand for its line of source.
Clause = frozenset[frozenset[EdgeClass]]

_MOST_CLAUSES = 2_000
MOST_EDGES = 12  # of a clause: an object that more lines of source hold is not lost by an advice


class Together:
    """The clauses that were seen; ``needed`` edges need none, for no advice has them."""

    def __init__(self) -> None:
        self._clauses: set[Clause] = set()

    def __len__(self) -> int:
        return len(self._clauses)

    def add(self, edges: Iterable[frozenset[EdgeClass]]) -> None:
        """Remember that one of ``edges`` must stay."""
        clause = frozenset(edges)
        if 1 < len(clause) <= MOST_EDGES and len(self._clauses) < _MOST_CLAUSES:
            self._clauses.add(clause)

    def broken_by(self, chosen: Iterable[Any]) -> Clause | None:
        """A clause of which all edges are among the ``chosen`` candidates, if there is one."""
        keys: set[EdgeClass] = set()
        for candidate in chosen:
            keys |= candidate.keys()
        for clause in self._clauses:
            if not any(map(keys.isdisjoint, clause)):
                return clause
        return None

    def at_risk(self, chosen: list[Any]) -> list[Any]:
        """Those of the ``chosen`` candidates of which one must stay; none where all of them can go."""
        clause = self.broken_by(chosen)
        if clause is None:
            return []
        return [each for each in chosen if not all(map(each.keys().isdisjoint, clause))]
