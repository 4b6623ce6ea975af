"""The references by which one asks why an object is alive: a variable, and what a loop goes through to ask for each."""

from __future__ import annotations

import dis
import types

import numpy as np

from garbology.interpreter.thread_stacks import RunningFrame
from garbology.names.classes import safe_type_name
from garbology.names.leftovers import IN_ORDER
from garbology.snapshot.arrays import among
from garbology.snapshot.heap import Heap

_OPTIMIZED = 1  # CO_OPTIMIZED: the locals are in slots, not in a namespace
_BETWEEN = ("CACHE", "EXTENDED_ARG", "KW_NAMES", "NOP", "PRECALL", "PUSH_NULL")
_NAME_LOADS = ("LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_ITERATORS = frozenset(
    [*IN_ORDER, "dict_itemiterator", "dict_reversevalueiterator", "dict_reversekeyiterator"]
)


class Asking:
    """What counts last for the one who asks.

    Parameters
    ----------
    caller : the frame that asks, None where it is not known.
    place : where the object stands in the heap.

    Attributes
    ----------
    variable : bool, shape (m,). The references of the variable that asks.
    gathered : bool, shape (m,). The references of what a loop of the asking function goes through, where nothing but
        that function has it: a list that was made to ask.
    namespace, name : the place of the namespace that has the variable, and its name; -1 and None for a local.
    """

    def __init__(
        self, heap: Heap, frames: list[RunningFrame], caller: types.FrameType | None, place: int
    ) -> None:
        self._heap = heap
        self.variable = np.zeros(len(heap.sources), bool)
        self.gathered = np.zeros(len(heap.sources), bool)
        self.namespace: int = -1
        self.name: str | None = None
        self._caller = -1
        if caller is None:
            return
        self._caller = heap.place_of(caller)
        load, name = _asked(caller)
        own = [place, *(self._cells_of(place) if load == "LOAD_DEREF" else ())]
        self.variable = (heap.sources == self._caller) & among(heap.targets, own)
        if load in _NAME_LOADS:
            self._find_name(caller, name, place)
        stacks = [running.stack_ids for running in frames if running.frame is caller]
        self._find_gathered(caller, place, stacks[0] if stacks else frozenset())

    def _cells_of(self, place: int) -> list[int]:
        """The cells that hold the object: a variable that an inner function shares."""
        holders = self._heap.holders_of(place).tolist()
        return [holder for holder in holders if type(self._heap.objects[holder]) is types.CellType]

    def _find_name(self, caller: types.FrameType, name: str, place: int) -> None:
        """The name by which code at module level asks: one of its references from the namespace."""
        namespace = self._heap.place_of(caller.f_locals)
        if namespace >= 0:
            self.namespace, self.name = namespace, name
            held = np.flatnonzero((self._heap.sources == namespace) & (self._heap.targets == place))
            self.variable[held[:1]] = True  # under another name it is held all the same

    def _find_gathered(self, caller: types.FrameType, place: int, stack: frozenset[int]) -> None:
        asking = {self._caller}
        if not caller.f_code.co_flags & _OPTIMIZED:
            asking |= {self.namespace, self._heap.place_of(caller.f_locals)}
        for source in set(self._heap.holders_of(place).tolist()):
            holders = set(self._heap.holders_of(source).tolist())
            iterators = {each for each in holders if self._is_iterator(each)}
            self.gathered |= self._heap.come_from(iterators)
            is_looped = (
                bool(iterators) or id(self._heap.objects[source]) in stack
            )  # from 3.15 without an iterator
            if is_looped and (asking | iterators).issuperset(holders):
                self.gathered |= self._heap.sources == source

    def _is_iterator(self, place: int) -> bool:
        """Whether it is an iterator that nothing but a loop has."""
        if safe_type_name(type(self._heap.objects[place])) not in _ITERATORS:
            return False
        holders = self._heap.holders_of(place).tolist()
        return all(each == self._caller or self._is_iterator(each) for each in holders if each != place)


def _asked(frame: types.FrameType) -> tuple[str, str]:
    """How a frame loads what it hands to the function that it is calling with one argument, and by which name:
    'LOAD_NAME' and 'x' of ``why_alive(x)`` at module level; empty where that is no plain name.
    """
    code = frame.f_code
    # The constants may be anything that the program has put there: `dis.get_instructions` would ask for their text.
    steps = [(each[-2], each[-1]) for each in dis._unpack_opargs(code.co_code) if each[0] <= frame.f_lasti]  # type: ignore[attr-defined]
    if not steps or not dis.opname[steps[-1][0]].startswith(("CALL", "PRECALL")):
        return "", ""
    for operation, argument in reversed(steps[:-1]):
        name = dis.opname[operation]
        names_keywords = name == "LOAD_CONST" and type(code.co_consts[argument]) is tuple
        if name not in _BETWEEN and not names_keywords:
            return name, str.__str__(code.co_names[argument]) if name in _NAME_LOADS else ""
    return "", ""
