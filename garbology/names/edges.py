"""The name of an edge: what a reference is called in the source of the program that made it."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence

from garbology.interpreter.traversal import safe_referents
from garbology.names.attributes import (
    Candidate,
    class_of,
    guessed_attributes,
    inline_attributes,
    members,
    plain_properties,
)
from garbology.names.classes import mro_of, safe_type_name, short_type_name
from garbology.names.containers import ELEMENTS, elements_at
from garbology.names.frames import FRAMES
from garbology.names.hidden import hidden_referents
from garbology.names.leftovers import leftover_labels
from garbology.text.escaping import safe_text

__all__ = [
    "closure_variable_name",
    "hidden_referents",
    "named_referents",
    "named_referents_at",
    "safe_type_name",
    "short_type_name",
]

_NAMERS = {**ELEMENTS, **FRAMES}
_get_code = types.FunctionType.__dict__["__code__"].__get__


def named_referents(obj: object) -> list[tuple[str, object]]:
    """Return every referent of the object with the label of the edge, in the order of `gc.get_referents`.

    Labels: '.name' (attribute, slot or C member; a mangled slot as code outside the class writes it,
    '._Owner__name'), '.__dict__' and '.__class__', '[3]', "['key']", 'key 'name'' for the key itself, 'set
    element', 'local x', 'value stack', '.cell_contents', 'weakref callback' and so on; where CPython gives
    no way to know, 'held inside module.Type'. The objects are those of `gc.get_referents(obj)`, each as
    often, followed by what the collector cannot see (`hidden_referents`).

    No user code runs: no `__repr__`, `__eq__`, `__hash__`, `__iter__`, `__getattribute__` or metaclass of a
    watched object, and no `__dict__` or frame is materialised.
    """
    referents = safe_referents(obj)
    labels: list[str | None] = [None] * len(referents)
    if referents:
        _match(obj, referents, labels)
        _name_the_rest(obj, referents, labels)
    named = [(label or "", referent) for label, referent in zip(labels, referents, strict=True)]
    return named + hidden_referents(obj)


def named_referents_at(obj: object, positions: Sequence[int]) -> list[tuple[str, object]]:
    """The entries of `named_referents` at some positions: one each, an empty label where there is none.

    Of a large list, tuple, dict, set or deque the others are not named.
    """
    some = elements_at(obj, positions)
    if some is not None:
        return some
    named = named_referents(obj)
    return [named[position] if position < len(named) else ("", None) for position in positions]


def closure_variable_name(function: types.FunctionType, index: int) -> str:
    """Return the name of the variable in the function's cell number `index`: 'out' of
    `function.__closure__[index]`.

    Raises
    ------
    TypeError : if `function` is not a Python function.
    IndexError : if the function has no such cell.
    """
    if type(function) is not types.FunctionType:
        raise TypeError(f"a closure belongs to a Python function, got {safe_type_name(function)}")
    names = _get_code(function).co_freevars
    if not 0 <= index < len(names):
        raise IndexError(f"the function has {len(names)} closure variables, got index {index}")
    return safe_text(names[index], limit=80)


def _match(obj: object, referents: list[object], labels: list[str | None]) -> None:
    """Give each candidate to the first referent of that identity that has no label yet."""
    waiting: dict[int, list[int]] = {}
    for position in range(len(referents) - 1, -1, -1):
        waiting.setdefault(id(referents[position]), []).append(position)
    missing = len(referents)
    for label, referent_id in _candidates(obj):
        positions = waiting.get(referent_id)
        if positions:
            labels[positions.pop()] = label
            missing -= 1
            if not missing:
                return


def _candidates(obj: object) -> Iterator[Candidate]:
    yield from _guarded(inline_attributes(obj))
    for cls in mro_of(type(obj)):
        if cls is not object:
            yield from _guarded(members(obj, cls))
            yield from _guarded(plain_properties(obj, cls))
            namer = _NAMERS.get(safe_type_name(cls))
            if namer is not None:
                yield from _guarded(namer(obj))
    yield from class_of(obj)
    yield from _guarded(guessed_attributes(obj))


def _guarded(candidates: Iterator[Candidate]) -> Iterator[Candidate]:
    """A container that changes while it is read, or a class that calls itself 'list', costs names and
    nothing else.
    """
    try:
        yield from candidates
    except Exception:
        return


def _name_the_rest(obj: object, referents: list[object], labels: list[str | None]) -> None:
    rest = [position for position, label in enumerate(labels) if label is None]
    if rest:
        names = leftover_labels(obj, [referents[position] for position in rest])
        for position, name in zip(rest, names, strict=True):
            labels[position] = name
