"""What the code of a program's classes hands on to what it calls, read from its instructions."""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator

from garbology.names.attribute_code import Steps, instructions, own_functions_of
from garbology.names.classes import mro_of

_TAKES_A_STAR = ("CALL_FUNCTION_EX", "LIST_EXTEND", "DICT_MERGE", "BUILD_MAP")
_MOST_OF_A_SUM = 4  # instructions


def passing_class(cls: type, attribute: str) -> type | None:
    """The class, itself or a base, that calls something with what an attribute holds: `self.function(*self.args)`."""
    for base in mro_of(cls):
        if any(_passes_on(function.__code__, attribute) for _, function in own_functions_of(base)):
            return base
    return None


def _passes_on(code: types.CodeType, attribute: str) -> bool:
    """Whether a function calls something with a star and an attribute, or a variable that it was unpacked into."""
    if attribute not in code.co_names:
        return False
    made_of_it: set[object] = set()

    def is_of_it(step: dis.Instruction) -> bool:
        if step.opname == "LOAD_ATTR":
            return bool(step.argval == attribute)
        return step.opname.startswith("LOAD_FAST") and _variables(step.argval)[-1] in made_of_it

    for statement in _statements(instructions(code)):
        names = {step.opname for step in statement}
        if "CALL_FUNCTION_EX" in names and any(map(is_of_it, _starred(statement))):
            return True
        stored = {
            name for step in statement if "STORE_FAST" in step.opname for name in _variables(step.argval)
        }
        unpacks = any(map(is_of_it, statement)) and "GET_ITER" not in names
        made_of_it = made_of_it | stored if unpacks else made_of_it - stored
    return False


def _starred(statement: Steps) -> Iterator[dis.Instruction]:
    """What is loaded just before it is passed on with a star, by itself or as the first part of a sum."""
    for place, step in enumerate(statement):
        if step.opname in _TAKES_A_STAR and place:
            yield statement[place - 1]
        if step.opname in ("BINARY_ADD", "BINARY_OP"):
            yield from statement[max(place - _MOST_OF_A_SUM, 0) : place]


def _variables(names: object) -> tuple[object, ...]:
    return names if type(names) is tuple else (names,)


def _statements(steps: Steps) -> Iterator[Steps]:
    """The instructions of each line, in the order in which they stand."""
    found: Steps = []
    for step in steps:
        if step.starts_line and found:
            yield found
            found = []
        found.append(step)
    yield found
