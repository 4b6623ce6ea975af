"""Exceptions that are put into a container of a function's variable, and whose tracebacks keep its frame."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from garbology.advice.raised import is_exception
from garbology.advice.remedy import Remedy
from garbology.cycles.folding import Link, joined_label
from garbology.names.attribute_code import argument_count, instructions
from garbology.names.frames import made_by

_CONTAINERS = (list, dict, set, deque)
_MOST_STEPS = 4  # from a container to the variable that it is in

_VARIABLES = ("LOAD_FAST", "LOAD_DEREF")
_ANY = 99
# What hands something on, and where that is among what was loaded before it, counted from the last.
_HANDING_ON = (("RETURN_", 1), ("YIELD_", 1), ("STORE_ATTR", 2), ("STORE_SUBSCR", 3), ("BUILD_", _ANY))

HoldersOf = Callable[[object], list[Link]]


@dataclass(frozen=True)
class Gathered:
    """Which container: a variable, or an element of what a variable holds.

    Attributes
    ----------
    name, inside : of the variable; and where in it, '[0]' or nothing.
    where : the function.
    is_own : whether that function made it, and was not given it.
    depth : how many containers it is in.
    is_handed_on : whether the function returns it, so that it must not be emptied.
    """

    name: str
    inside: str
    where: str
    is_own: bool
    depth: int
    is_handed_on: bool

    def remedy(self) -> Remedy:
        """Delete the variable; where others have the container, too, empty it where the function that made it ends."""
        cleared = f"`for each in {self.name}: each.clear()`" if self.inside else f"`{self.name}.clear()`"
        cleared = cleared if self.depth else f"`del {self.name}`"
        of, end = "of" if self.is_own else "in", "end" if self.is_own else "let the function that made it end"
        said = (
            f"{self.name}{self.inside} {of} {self.where} keeps exceptions whose tracebacks keep its frame: "
            f"{end} with {cleared} in a finally"
        )
        return Remedy("clear", lambda edge, target: said)


def gathered_in(link: Link, holders_of: HoldersOf) -> Gathered | None:
    """The container of a function's variable by which a link holds an exception; None where it is another's, too.

    Of several the outermost: an inner function hands on what it gathers.
    """
    last = link.steps[-1]
    if not is_exception(last.referent) or not _is_container(last.holder):
        return None
    found = list(_variables(link, holders_of, "", 0))
    if not found or None in found or any(each is not None and each.is_handed_on for each in found):
        return None
    return max((each for each in found if each is not None), key=lambda each: (each.is_own, each.depth))


def _variables(link: Link, holders_of: HoldersOf, inside: str, depth: int) -> Iterator[Gathered | None]:
    """The variables that hold a container; None where something else does, or it is too far away."""
    steps = link.steps[:-1] if depth == 0 else link.steps
    first = link.steps[0].holder
    if any(type(step.holder) is types.FunctionType for step in link.steps):
        return  # a closure that has it does nothing with it
    if _is_frame_s_variable(link):
        place = 2 if steps[1:] and steps[1].label == ".cell_contents" else 1
        yield _of_frame(link, joined_label(steps[place:]) + inside, depth)
    elif _is_container(first) and depth < _MOST_STEPS:
        label = joined_label(steps) + inside
        for holder in holders_of(first):
            yield from _variables(holder, holders_of, label, depth + 1)
    else:
        yield None


def _is_frame_s_variable(link: Link) -> bool:
    return type(link.steps[0].holder) is types.FrameType and link.steps[0].label.startswith("local ")


def _of_frame(link: Link, inside: str, depth: int) -> Gathered:
    frame: Any = link.steps[0].holder
    code = frame.f_code
    name = link.steps[0].label.removeprefix("local ")
    is_own = name not in code.co_varnames[: argument_count(code)] and name not in code.co_freevars
    handed_on = depth > 0 and _is_handed_on(code, name)
    return Gathered(name, inside, made_by(frame), is_own, depth, is_handed_on=handed_on)


def _is_handed_on(code: types.CodeType, name: str) -> bool:
    """Whether a function returns or yields what a variable holds, by itself or among others, or stores it."""
    loaded: list[tuple[str, ...]] = []
    steps = instructions(code)
    for step, after in zip(steps, [*steps[1:], steps[-1]], strict=True):
        names = step.argval if type(step.argval) is tuple else (step.argval,)
        if step.opname.startswith("LOAD_"):
            loaded += [(each,) if step.opname.startswith(_VARIABLES) else () for each in names]
            continue
        place = next((place for start, place in _HANDING_ON if step.opname.startswith(start)), None)
        is_closure = type(after.argval) is types.CodeType
        if place is not None and not is_closure and (name,) in loaded[-place:][: 1 if place < _ANY else None]:
            return True
        loaded.clear()
    return False


def _is_container(obj: object) -> bool:
    return any(type(obj) is kind for kind in _CONTAINERS)
