"""Edges named by their owner: a container that one object owns is part of that object's edge, not a node.

A cell is part of an edge however many functions share it: the variable has a name, the cell has none.

``Mul -> tuple -> weakref-free Variable`` reads ``Mul.outputs[0] -> Variable``; an engine that keeps its rule in a
closure reads ``Value._backward → closure variable out``.
"""

from __future__ import annotations

import functools
import gc
import types
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from garbology.interpreter.once import cached_property
from garbology.names.classes import mro_of, safe_type_name
from garbology.names.edges import closure_variable_name, named_referents, named_referents_at
from garbology.snapshot.arrays import at
from garbology.snapshot.snapshot import Index, addresses_of, types_of

#: What may be folded into its owner's edge, the least telling first.
FOLDABLE: dict[int, int] = {
    id(kind): rank  # by address, for a metaclass may define __hash__
    for rank, kind in enumerate(
        [
            types.CellType,
            tuple,
            dict,
            list,
            set,
            frozenset,
            deque,
            types.MethodType,
            types.BuiltinMethodType,
            functools.partial,
            types.FunctionType,
        ]
    )
}


_CELL = FOLDABLE[id(types.CellType)]


def is_foldable(obj: object) -> bool:
    """Whether ``obj`` is a container that may be part of its owner's edge."""
    return id(type(obj)) in FOLDABLE


@dataclass(frozen=True)
class Step:
    """One reference on the way from an owner: ``holder`` refers by ``label`` to ``referent``.

    ``place`` is where the holder stands in the occurrence, ``position`` where the reference stands among all
    referents of the holder.
    """

    holder: object = field(repr=False)
    label: str
    referent: object = field(repr=False)
    place: int
    position: int


@dataclass(frozen=True)
class Link:
    """A named edge between two nodes of an occurrence; source and target are places in its object list."""

    source: int
    target: int
    steps: tuple[Step, ...]

    @cached_property
    def label(self) -> str:
        """The steps as one reads them: ``.outputs[0]``, ``._backward → closure variable out``."""
        return joined_label(self.steps)


def joined_label(steps: Sequence[Step]) -> str:
    """The label of a path through owned containers."""
    text = ""
    for part in _parts(steps):
        text += part if not text or part[0] in ".[" else f" → {part}"
    return text


def _parts(steps: Sequence[Step]) -> Iterator[str]:
    skip_to = 0
    for place, step in enumerate(steps):
        if place < skip_to:
            continue
        following = steps[place + 1] if place + 1 < len(steps) else None
        in_thread = _names_in_thread(steps, place)
        if in_thread:
            yield f".{steps[in_thread].label[2:-2]}"
            skip_to = in_thread + 1
        elif step.label == ".__dict__" and following and following.label.startswith("['"):
            name = following.label[2:-2]
            yield f".{name}" if name.isidentifier() else following.label
            skip_to = place + 2
        elif type(step.holder) is types.FunctionType and step.label == ".__closure__" and following:
            yield f"closure variable {closure_variable_name(step.holder, int(following.label[1:-1]))}"
            after = steps[place + 2] if place + 2 < len(steps) else None
            skip_to = place + (3 if after and after.label == ".cell_contents" else 2)
        elif not (step.label == ".cell_contents" and place and steps[place - 1].label.startswith("local ")):
            yield step.label  # a frame's variable that an inner function shares is in a cell


def _ranks(types: list[type], kinds: NDArray[np.int32]) -> NDArray[np.int8]:
    """For each object what stands for its type in ``FOLDABLE``, or how many there are."""
    if len(kinds) < len(types):  # a small cycle of a heap with many types
        own = (types[kind] for kind in kinds.tolist())
        return np.array([FOLDABLE.get(id(kind), len(FOLDABLE)) for kind in own], np.int8)
    return at(np.array([FOLDABLE.get(id(kind), len(FOLDABLE)) for kind in types], np.int8), kinds)


class Folded:
    """Some objects with their owned containers folded away: mostly one occurrence of a cycle.

    Parameters
    ----------
    in_degrees : int, shape (len(objects),). References to each from among them.
    types, kinds : the distinct types and which of them each object has (int32), where that is known.
    find : from addresses to places in ``objects``, -1 where there is none, where that is known.
    choose : which references of an object are named: their targets and positions (see :class:`Step`), or None for
        all of them.
    """

    def __init__(
        self,
        objects: Sequence[object],
        in_degrees: NDArray[np.integer],
        types: list[type] | None = None,
        kinds: NDArray[np.int32] | None = None,
        find: Callable[[NDArray[np.int64]], NDArray[np.int32]] | None = None,
        choose: Callable[[int], tuple[list[int], list[int]] | None] | None = None,
    ) -> None:
        if types is None or kinds is None:
            types, kinds = types_of(objects)
        self._objects = objects
        self._find = find or Index(objects).find
        self._choose = choose
        ranks = _ranks(types, kinds)
        owned = np.asarray(in_degrees) == 1
        self._folds = (ranks < len(FOLDABLE)) & owned
        if self._folds.all():  # a ring of containers: its most telling kind stands for it
            self._folds = ranks < ranks.max()
        shared = np.flatnonzero((ranks == _CELL) & ~self._folds)
        if len(shared):
            self._fold_shared_cells(shared.tolist())

    def _fold_shared_cells(self, cells: list[int]) -> None:
        """A variable that several functions share is part of their edges; what it holds is a node of its own."""
        contents = gc.get_referents(*map(self._objects.__getitem__, cells))
        found = self._find(addresses_of(contents))
        places = found[found >= 0]
        of_cells = [place for place in places.tolist() if type(self._objects[place]) is types.CellType]
        self._folds[places] = False
        self._folds[cells] = not of_cells  # cells in cells are no variables

    @cached_property
    def nodes(self) -> NDArray[np.int32]:
        """Places of the objects that are nodes of their own, ascending."""
        return np.flatnonzero(~self._folds).astype(np.int32)

    def links_from(self, node: int) -> Iterator[Link]:
        """The named edges from a node, through whatever it owns, to other nodes of the component."""
        pending: list[tuple[int, tuple[Step, ...]]] = [(node, ())]
        while pending:
            place, path = pending.pop()
            holder = self._objects[place]
            for target, position, label, referent in self._references_of(place, holder):
                steps = (*path, Step(holder, label, referent, place, position))
                if self._folds[target]:
                    pending.append((target, steps))
                else:
                    yield Link(node, target, steps)

    def _references_of(self, place: int, holder: object) -> Iterator[tuple[int, int, str, object]]:
        """Target, position, label and referent of the named references between the objects."""
        chosen = self._choose(place) if self._choose else None
        if chosen is not None:
            named = named_referents_at(holder, chosen[1])
            for target, position, (label, referent) in zip(*chosen, named, strict=True):
                if referent is self._objects[target]:  # it is there still
                    yield target, position, label, referent
            return
        referents = named_referents(holder)
        targets = self._find(addresses_of([referent for _, referent in referents]))
        for position, target in enumerate(targets.tolist()):
            if target >= 0:
                yield target, position, *referents[position]


def _names_in_thread(steps: Sequence[Step], place: int) -> int:
    """Which of the next steps names an attribute of thread-local data, whose dictionaries are a table; 0 for none."""
    if not steps[place].label.startswith("held inside"):
        return 0
    if not any(safe_type_name(base) == "_thread._local" for base in mro_of(type(steps[place].holder))):
        return 0
    named = [at for at in range(place + 1, len(steps)) if steps[at].label.startswith("['")]
    return named[0] if named and steps[named[0]].label[2:-2].isidentifier() else 0
