"""What looks cannot see: a function that lets go of something and uses something else before the next look.

From 3.12 each line that begins is a moment to look at, before only calls are. Between `del a` and `b.a` on one line
nothing is told, so what `b.a` needs is not known. In `make().parent.children` nothing but the parent is held once it
was read; from 3.12 such places within a line are moments, too.
"""

from __future__ import annotations

import dis
import opcode
import re
import sys
import types
from collections.abc import Iterator

from garbology.names.attribute_code import instructions

_DROPS = ("DELETE_FAST", "DELETE_DEREF", "DELETE_NAME", "DELETE_GLOBAL")
_OPCODES = frozenset(opcode.opmap[name] for name in _DROPS)
_USES = ("LOAD_ATTR", "LOAD_METHOD", "BINARY_SUBSCR", "STORE_ATTR")
_USES_UP = ("LOAD_ATTR", "BINARY_SUBSCR", "GET_ITER", "UNPACK_SEQUENCE")  # before anything is called
_AT_ONCE = ("STORE_", "RETURN_", "POP_TOP")  # after which the next moment is the same
TELLS_OF_LINES = sys.version_info >= (3, 12)
_CODES = {
    kind: "".join(re.escape(chr(opcode.opmap[name])) for name in names if name in opcode.opmap)
    for kind, names in {
        "calls": ("CALL", "CALL_KW", "CALL_FUNCTION", "CALL_FUNCTION_KW", "CALL_FUNCTION_EX", "CALL_METHOD"),
        "subscripts": ("BINARY_SUBSCR",) if "BINARY_SUBSCR" in opcode.opmap else ("BINARY_OP",),
        "attribute": ("LOAD_ATTR",),
        "extended": ("EXTENDED_ARG",),
    }.items()
}
_READS_A_RESULT = re.compile(
    "[{calls}][{extended}]*([{attribute}]|.[{extended}]*[{subscripts}])".format_map(_CODES).encode("latin-1"),
    re.DOTALL,
)
_MOST_CODE = 2_000  # bytes of a function that is taken apart
_BETWEEN = ("CACHE", "EXTENDED_ARG", "PRECALL", "NOP")


def uses_after_a_drop(code: types.CodeType) -> bool:
    """Whether a function drops a variable and reads or sets an attribute or an element before anything is told."""
    if not TELLS_OF_LINES and any(step.opname in _USES_UP for step in _after_temporaries(code)):
        return True
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


def moments_within_lines(code: types.CodeType) -> frozenset[int]:
    """Offsets of the instructions before which a line has let go of what it made, and uses what that held."""
    return frozenset(step.offset for step in _after_temporaries(code))


def _after_temporaries(code: types.CodeType) -> Iterator[dis.Instruction]:
    """The instructions that follow an attribute, or an element, of what a call has returned and nothing else holds."""
    without_caches = code.co_code[:_MOST_CODE:2].translate(None, b"\0")
    if len(code.co_code) > _MOST_CODE or not _READS_A_RESULT.search(without_caches):
        return  # most functions, which are not taken apart
    above: int | None = None  # what lies on the result of a call, or on what was read of it
    real = [each for each in instructions(code) if each.opname not in _BETWEEN]
    for step, following, then in zip(real, real[1:], real[2:], strict=False):
        is_attribute = step.opname == "LOAD_ATTR" and not _is_of_a_method(step)
        lets_go = (is_attribute and above == 0) or (_is_subscript(step) and above == 1)
        if (
            lets_go
            and not following.opname.startswith(_AT_ONCE)
            and not _is_compared_with_none(following, then)
        ):
            yield following
        if lets_go or step.opname.startswith("CALL"):
            above = 0
        else:
            above = 1 if above == 0 and step.opname.startswith("LOAD_") and not is_attribute else None


def _is_compared_with_none(step: dis.Instruction, following: dis.Instruction) -> bool:
    """Whether it is only asked for None, which uses nothing of what it holds."""
    return step.opname.endswith("NONE") or (step.argval is None and following.opname == "IS_OP")


def _is_of_a_method(step: dis.Instruction) -> bool:
    """Whether the object stays where it was, to be the method's."""
    return TELLS_OF_LINES and bool((step.arg or 0) & 1)


def _is_subscript(step: dis.Instruction) -> bool:
    return step.opname == "BINARY_SUBSCR" or (step.opname == "BINARY_OP" and step.argrepr == "[]")


def _ends_a_handler(*steps: dis.Instruction) -> bool:
    """Whether it is the end of `except ... as name`: the name is set to None, and deleted."""
    constant, store, delete = steps
    return constant.opname == "LOAD_CONST" and constant.argval is None and store.argval == delete.argval


def _lines_of(code: types.CodeType) -> dict[int, int]:
    return {offset: line or 0 for first, last, line in code.co_lines() for offset in range(first, last, 2)}
