"""The edges of a cycle that a line of the program can weaken, and the references that each of them stands for."""

from __future__ import annotations

import functools
import types
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from garbology.advice.edge_classes import EdgeClass, class_of_edge, lines_of_source, with_bases
from garbology.advice.remedies import is_closed_with
from garbology.advice.remedy import attribute_of
from garbology.advice.sampling import is_made_by_the_program
from garbology.advice.tables import is_table
from garbology.cycles.folding import Link, Step
from garbology.cycles.occurrence import Occurrence
from garbology.cycles.shapes import is_class
from garbology.names.classes import safe_type_name
from garbology.names.finalizers import found_in
from garbology.snapshot.arrays import among, blocks, put

# What no line of the program can weaken.
_FIXED = (
    *(".__class__", ".__mro__", ".__bases__", ".__objclass__", ".__globals__", ".__builtins__", ".__code__"),
    *(".f_back", ".f_globals", ".tb_frame", ".tb_next", ".gi_frame", ".cr_frame", ".ag_frame"),
    "value stack",
)
_OF_CLASSES = (types.GetSetDescriptorType, types.MemberDescriptorType)  # a class makes them for itself
# What keeps for good what it was made of, and refers to it by these labels.
_MADE_OF = {
    **dict.fromkeys(("super", "property", "staticmethod", "classmethod", "slice", "managedbuffer"), "."),
    **dict.fromkeys(("re.Match", "_sre.SRE_Scanner", "types.GenericAlias", "types.UnionType"), "."),
    **dict.fromkeys(("_io.BufferedReader", "_io.BufferedWriter", "_io.BufferedRandom"), ".raw"),
    "_io.TextIOWrapper": ".buffer",
    **dict.fromkeys(("list_iterator", "list_reverseiterator", "tuple_iterator", "set_iterator"), "iterated "),
    **dict.fromkeys(("dict_keyiterator", "dict_valueiterator", "dict_itemiterator"), "iterated "),
    **dict.fromkeys(("iterator", "enumerate", "map", "filter", "zip", "reversed"), "iterat"),
    **dict.fromkeys(("dict_keys", "dict_values", "dict_items"), "viewed "),
    "mappingproxy": "wrapped ",
}
_OF_C_CODE = ("_asyncio.",)  # whose attributes no line of the program sets
_HELD_INSIDE = "held inside"  # by C code


@dataclass(eq=False)
class Candidate:
    """All links of one edge class, and the references in the occurrence that they end in."""

    key: EdgeClass
    links: list[Link]
    removed: NDArray[np.bool_]
    younger_to_older: bool

    @property
    def name(self) -> str:
        """The label; of the partials that one class has as attributes, one for all: a line makes them in a loop."""
        steps = self.links[0].steps
        is_of_a_partial = any(type(step.holder) is functools.partial for step in steps[1:])
        return (
            f"partials of {self.key[0]}" if is_of_a_partial and attribute_of(self.links[0]) else self.key[1]
        )

    def keys(self) -> set[EdgeClass]:
        """What stands for the same line of source: one that is needed speaks against all that have a key of it."""
        return lines_of_source(self.links[0])

    def is_among(self, needed: Iterable[EdgeClass]) -> bool:
        """Whether it is some of a list's elements of which others are needed: who reads the list takes all alike.

        So are the values of a table. In a tuple each place has a meaning of its own, as among a call's arguments, and
        in a record each key.
        """
        holder = self.links[0].steps[-1].holder
        are_alike = any(type(holder) is kind for kind in (list, set, frozenset, deque))
        if not are_alike and not (type(holder) is dict and is_table(self.links[0])):
            return False
        return any(key[:2] == self.key[:2] for key in needed)

    def needed_keys(self) -> set[EdgeClass]:
        """The keys that are needed where this one is: one line of source also holds a base class's objects."""
        return with_bases(self.keys(), self.links[0].steps[-1].referent)


def candidates_of(occurrence: Occurrence, links: Sequence[Link]) -> list[Candidate]:
    """The links by edge class, those left out that no line of a program can weaken."""
    groups: dict[EdgeClass, list[Link]] = defaultdict(list)
    namespaces = namespaces_in(links)
    for link in links:
        if _can_be_weakened(link) and id(link.steps[-1].holder) not in namespaces:
            groups[class_of_edge(link)].append(link)
    found = []
    for key, members in groups.items():
        younger = sum(link.source > link.target for link in members)
        own = sum(link.source == link.target for link in members)
        found.append(Candidate(key, members, _removed(occurrence, members), 2 * younger + own > len(members)))
    return found


def namespaces_in(links: Sequence[Link]) -> set[int]:
    """Addresses of the dicts that are the global variables of functions: to clear one of their names helps nothing."""
    steps = (step for link in links for step in link.steps)
    return {id(step.referent) for step in steps if step.label == ".__globals__"}


def _removed(occurrence: Occurrence, links: Sequence[Link]) -> NDArray[np.bool_]:
    """The references that ``links`` end in, and in a large cycle those of all paths like them: bool, shape (m,)."""
    if not occurrence.is_large:
        strides = int(occurrence.positions.max(initial=0)) + 1
        ends = np.array(
            [link.steps[-1].place * strides + link.steps[-1].position for link in links], np.int64
        )
        return among(occurrence.sources.astype(np.int64) * strides + occurrence.positions, ends)
    removed = np.zeros(len(occurrence.targets), bool)
    for path in set(map(functools.partial(_physical_path, occurrence.kinds), links)):
        holders = occurrence.kinds == path[0][0]
        for step in path:
            chosen = _references_like(occurrence, holders, step)
            holders = np.zeros(len(occurrence.objects), bool)
            put(holders, occurrence.targets[chosen], True)
        removed |= chosen
    return removed


def _references_like(
    occurrence: Occurrence, holders: NDArray[np.bool_], step: tuple[int, int | None, int]
) -> NDArray[np.bool_]:
    """The references that some ``holders`` (bool, shape (n,)) have by one step of a path: bool, shape (m,)."""
    kind, position, following = step
    like = np.zeros(len(occurrence.targets), bool)
    for block in blocks(len(occurrence.objects)):
        own = holders[block] & (occurrence.kinds[block] == kind)
        if not own.any():
            continue
        starts = occurrence.starts[block.start : block.stop + 1]
        within = slice(int(starts[0]), int(starts[-1]))
        chosen = np.repeat(own, np.diff(starts))
        if position is not None:
            chosen &= occurrence.positions[within] == position
        chosen &= occurrence.kinds[occurrence.targets[within]] == following
        like[within] = chosen
    return like


def _physical_path(kinds: NDArray[np.int32], link: Link) -> tuple[tuple[int, int | None, int], ...]:
    """For each step the kind of the holder, the position of the reference and the kind of the referent; no position
    for any element of a container.
    """
    path = []
    before = ""
    following = [step.place for step in link.steps[1:]] + [link.target]
    for step, target in zip(link.steps, following, strict=True):
        element = step.label.startswith("[") or type(step.holder) is set or type(step.holder) is frozenset
        named = before == ".__dict__" or (
            type(step.holder) is tuple and type(step.referent) is types.CellType
        )
        position = step.position if named or not element else None
        path.append((int(kinds[step.place]), position, int(kinds[target])))
        before = step.label
    return tuple(path)


def _can_be_weakened(link: Link) -> bool:
    """Whether a line of the program can: not inside a C object, but in a closure or a method that one holds."""
    if is_closed_with(link):
        return True
    *before, last = (step.label for step in link.steps)
    if (
        is_class(link.steps[-1].referent)
        or is_made_for_a_class(link.steps[-1].referent)
        or last.startswith(_HELD_INSIDE)
    ):
        return False
    if _refuses_to_be_set(link.steps[-1]):
        return False
    kind = safe_type_name(link.steps[-1].holder)
    if kind.startswith(_OF_C_CODE) or last.startswith(_MADE_OF.get(kind, "\0")):
        return False
    if any(label.startswith(_HELD_INSIDE) for label in before) and not _calls_back(link.steps[-1].holder):
        return False
    return not last.startswith(_FIXED) and not any(label.startswith(_FIXED) for label in before)


def _refuses_to_be_set(step: Step) -> bool:
    """Whether a descriptor of the program's says what setting the attribute does, but not what deleting it does.

    That is how a lazy property keeps its value for good.
    """
    owner = type(step.holder)
    if not step.label.startswith(".") or not is_made_by_the_program(owner):
        return False
    descriptor = type(found_in(owner, step.label[1:]))
    if not is_made_by_the_program(descriptor):
        return False
    return found_in(descriptor, "__set__") is not None and found_in(descriptor, "__delete__") is None


def is_made_for_a_class(obj: object) -> bool:
    """Whether it is a descriptor such as a class makes for itself."""
    return any(type(obj) is kind for kind in _OF_CLASSES)


def _calls_back(holder: object) -> bool:
    """Whether it is a part of what a program gives to C code to call: a variable of a closure, a method's object."""
    containers = (tuple, dict, list, set, deque)
    known = (types.CellType, types.MethodType, types.FunctionType, functools.partial, *containers)
    return any(type(holder) is kind for kind in known)
