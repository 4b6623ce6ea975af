"""What looks cannot see: a function that lets go of a variable and uses another before the next look.

From 3.12 each line that begins is a moment to look at, before only calls are. Between `del a` and `b.a` on one line
nothing is told, so what `b.a` needs is not known.
"""

from __future__ import annotations

import dis
import opcode
import sys
import types

from garbology.names.attribute_code import instructions

_DROPS = ("DELETE_FAST", "DELETE_DEREF", "DELETE_NAME", "DELETE_GLOBAL")
_OPCODES = frozenset(opcode.opmap[name] for name in _DROPS)
_USES = ("LOAD_ATTR", "LOAD_METHOD", "BINARY_SUBSCR", "STORE_ATTR")
TELLS_OF_LINES = sys.version_info >= (3, 12)


def uses_after_a_drop(code: types.CodeType) -> bool:
    """Whether a function drops a variable and reads or sets an attribute or an element before anything is told."""
    if _OPCODES.isdisjoint(code.co_code[::2]):
        return False
    steps = instructions(code)
    lines = _lines_of(code)
    dropped_on: int | None = None
    for earlier, before, step in zip(steps, steps[1:], steps[2:], strict=False):
        line = lines.get(step.offset, 0)
        if "CALL" in step.opname or (TELLS_OF_LINES and line != dropped_on):
            dropped_on = None
        if step.opname in _DROPS and not _ends_a_handler(earlier, before, step):
            dropped_on = line
        elif dropped_on is not None and step.opname in _USES:
            return True
    return False


def _ends_a_handler(*steps: dis.Instruction) -> bool:
    """Whether it is the end of `except ... as name`: the name is set to None, and deleted."""
    constant, store, delete = steps
    return constant.opname == "LOAD_CONST" and constant.argval is None and store.argval == delete.argval


def _lines_of(code: types.CodeType) -> dict[int, int]:
    return {offset: line or 0 for first, last, line in code.co_lines() for offset in range(first, last, 2)}
