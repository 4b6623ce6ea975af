"""A method that ends a whole: close, unlink or decompose, where one call lets go of edges of several names.

Read from the code of the classes: which attributes a method lets go of, and by which attributes it gets to the parts
whose method of that name it calls. Nothing of it is run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from garbology.advice.remedy import attribute_of
from garbology.advice.sampling import is_made_by_the_program
from garbology.cycles.folding import Link
from garbology.names.attribute_code import ENDINGS, Ended, ended_by
from garbology.names.classes import mro_of
from garbology.names.edges import short_type_name

_MOST_CLASSES = 16


@dataclass(frozen=True)
class Ending:
    """A method of one class, or of two, and the edges that it lets go of.

    Attributes
    ----------
    owners : the names of the classes, that of the parts first.
    alone : whether there is one object of the last of them on the cycle.
    method : its name.
    is_tree : whether it also ends what hangs on the object.
    links : the edges.
    """

    owners: tuple[str, ...]
    alone: bool
    method: str
    is_tree: bool
    links: list[Link]

    @property
    def call(self) -> str:
        """'Document.unlink()'."""
        return " and ".join(f"{owner}.{self.method}()" for owner in self.owners)

    def sentence(self, names: str) -> str:
        """What it lets go of, and when to call it."""
        *parts, root = self.owners
        if parts:
            return (
                f"{self.method}() lets go of {names}: call it on each {parts[0]} that the {root} holds, "
                f"then on the {root}, when it is done with"
            )
        whole = ", with all that hangs on it" if self.is_tree else ""
        when = f"when the {root}" if self.alone else f"on the outermost {root} when that"
        return f"{self.call} lets go of {names}{whole}: call it {when} is done with"


def endings_of(links: Sequence[Link]) -> Iterator[Ending]:
    """The methods of one class that let go of some of the edges, then those of two classes, the rarer classes first."""
    classes = _Classes(links)
    for method in ENDINGS:
        singly = {kind: classes.let_go_from(kind, method) for kind in classes.rarest_first()}
        singly = {kind: each for kind, each in singly.items() if each[0]}
        for kind, (cleared, reached) in singly.items():
            yield classes.ending([kind], method, cleared, reached)
        for root, (own, _) in singly.items():
            for part in classes.held_by(root):
                if part in singly and part != root:
                    yield classes.ending([part, root], method, [*singly[part][0], *own], singly[part][1])


class _Classes:
    """The classes on a cycle, the edges that leave their objects, and what their methods let go of."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links: dict[int, list[Link]] = defaultdict(list)
        self._kinds: dict[int, type] = {}
        for link in links:
            kind = type(link.steps[0].holder)
            self._kinds[id(kind)] = kind
            self._links[id(kind)].append(link)
        self._ended: dict[tuple[int, str], Ended | None] = {}

    def rarest_first(self) -> list[int]:
        """The program's own classes, those first of which there are fewest objects, and of these the oldest."""
        own = [each for each, kind in self._kinds.items() if is_made_by_the_program(kind)][:_MOST_CLASSES]
        return sorted(
            own, key=lambda each: (self._count(each), min(link.source for link in self._links[each]))
        )

    def held_by(self, kind: int) -> list[int]:
        """The classes of what objects of a class hold, those in containers first."""
        ordered = sorted(self._links[kind], key=lambda link: len(link.steps), reverse=True)
        return list(dict.fromkeys(id(type(link.steps[-1].referent)) for link in ordered))

    def _count(self, kind: int) -> int:
        return len({link.source for link in self._links[kind]})

    def ending(self, kinds: Sequence[int], method: str, links: list[Link], reached: Iterable[int]) -> Ending:
        """The ending by the methods of these classes."""
        names = tuple(short_type_name(self._kinds[kind]) for kind in kinds)
        alone = self._count(kinds[-1]) == 1
        parts = set(reached) - set(kinds)
        return Ending(names, alone, method, bool(parts) or not alone, links)

    def let_go_from(self, root: int, method: str) -> tuple[list[Link], set[int]]:
        """The edges that are let go of when the method of an object is called, and the classes that it gets to."""
        cleared: list[Link] = []
        reached, pending = {root}, [(root, False)]
        while pending:
            kind, wiped = pending.pop()
            ended = self._ended_by(kind, method)
            cleared += [
                link for link in self._links[kind] if wiped or (ended and ended.lets_go_of(_name(link)))
            ]
            following = self._reached_by(kind, ended) if ended else []
            new = dict.fromkeys(each for each in following if each not in reached)
            wipes = wiped or bool(ended and ended.wipes_others)
            pending += [
                (each, wipes) for each in new if wipes or self._ended_by(each, method) or self._is_list(each)
            ]
            reached.update(new)
        return cleared, reached

    def _ended_by(self, kind: int, method: str) -> Ended | None:
        if (kind, method) not in self._ended:
            own = self._kinds[kind]
            self._ended[kind, method] = ended_by(own, method) if is_made_by_the_program(own) else None
        return self._ended[kind, method]

    def _reached_by(self, kind: int, ended: Ended) -> list[int]:
        """The classes of the parts that a method ends as well; through a list of a class of its own."""
        if not ended.goes_on:
            return []
        found = []
        for link in self._links[kind]:
            if _name(link) in ended.followed:
                target = id(type(link.steps[-1].referent))
                found.append(target)
                if self._is_list(target):
                    found += [id(type(each.steps[-1].referent)) for each in self._links[target]]
        return found

    def _is_list(self, kind: int) -> bool:
        bases = mro_of(self._kinds[kind]) if kind in self._kinds else ()
        return any(base is each for base in bases for each in (list, dict, tuple, set))


def _name(link: Link) -> str:
    return attribute_of(link) or ""
