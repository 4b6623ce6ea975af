"""What the code of a closure does with a variable that it captures, read from its instructions."""

from __future__ import annotations

import dis
import sys
import types
from typing import Any

from garbology.names.attribute_code import instructions

_CONSTANTS = ("LOAD_CONST", "LOAD_COMMON_CONSTANT")
_LOADS_METHOD_TOO = sys.version_info >= (3, 12)  # LOAD_ATTR with its lowest bit set


def attribute_read_alone(function: Any, variable: str) -> str | None:
    """The one attribute that a closure reads of a variable that it captures; None if it does anything else with it."""
    steps = instructions(function.__code__)
    names = set()
    for step, following in zip(steps, [*steps[1:], steps[-1]], strict=True):
        used = step.argval if type(step.argval) is tuple else (step.argval,)
        if variable not in used or step.opname in _CONSTANTS:
            continue
        if step.opname != "LOAD_DEREF" or following.opname != "LOAD_ATTR" or _is_for_a_call(following):
            return None
        names.add(following.argval)
    return names.pop() if len(names) == 1 else None


def attributes_used(code: types.CodeType, variable: str) -> list[str]:
    """The attributes that a closure reads or sets of what it captures; [] if it does anything else with that."""
    steps = [step for step in instructions(code) if step.opname not in ("DUP_TOP", "COPY")]  # of `a.b += 1`
    names: dict[str, None] = {}
    for step, following in zip(steps, [*steps[1:], steps[-1]], strict=True):
        used = step.argval if type(step.argval) is tuple else (step.argval,)
        if variable in used and step.opname not in (*_CONSTANTS, "STORE_ATTR", "LOAD_ATTR", "LOAD_METHOD"):
            if step.opname != "LOAD_DEREF" or not following.opname.endswith(("_ATTR", "_METHOD")):
                return []
            names[following.argval] = None
    return list(names)


def _is_for_a_call(step: dis.Instruction) -> bool:
    return _LOADS_METHOD_TOO and bool((step.arg or 0) & 1)
