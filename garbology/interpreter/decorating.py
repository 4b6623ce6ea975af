"""Whether a call is a decorator at work: `@check` above a `def` or a `class` and `check(function)` are the same call.

The bytecode of the caller tells them apart. What follows the making of a function at once is the call of its
innermost decorator, then that of the next one; an argument of an ordinary call is loaded. A lambda may be made in the
argument of an ordinary call. From 3.11 that call has an argument count of one, and a decorator's of none. A class is
made in the same statement as its decorators are called, and by no expression.
"""

from __future__ import annotations

import opcode
import types

_CACHE = opcode.opmap.get("CACHE", -1)
_EXTENDED = opcode.EXTENDED_ARG
_PAST_CALL = opcode.opmap.get("PRECALL", -1)  # 3.11 has it before each call
_CALL, _COUNT = (opcode.opmap["CALL"], 0) if "CALL" in opcode.opmap else (opcode.opmap["CALL_FUNCTION"], 1)
_MADE = (opcode.opmap["MAKE_FUNCTION"], opcode.opmap.get("SET_FUNCTION_ATTRIBUTE", -1))
_MAKES_CLASS = opcode.opmap["LOAD_BUILD_CLASS"]
_ENDS = frozenset(
    number
    for name, number in opcode.opmap.items()
    if name.startswith(("STORE_", "POP_TOP", "RETURN_", "RESUME"))
)


def is_decorating(caller: types.FrameType) -> bool:
    """Whether the call that ``caller`` is making is that of a decorator above a `def`."""
    code = caller.f_code.co_code
    place = _before(code, caller.f_lasti + 2)
    while place >= 0 and code[place] == _CALL and code[place + 1] == _COUNT:
        place = _before(code, place)
        if place >= 0 and code[place] == _PAST_CALL:
            place = _before(code, place)
        if place >= 0 and code[place] in _MADE:
            return _COUNT == 0 or not _makes_lambda(caller.f_code, code, place)
    return False


def is_decorating_a_class(caller: types.FrameType) -> bool:
    """Whether the call that ``caller`` is making is that of a decorator above a `class`."""
    code = caller.f_code.co_code
    place = _before(code, caller.f_lasti)
    while place >= 0 and code[place] not in _ENDS:
        if code[place] == _MAKES_CLASS:
            return True
        place = _before(code, place)
    return False


def _before(code: bytes, place: int) -> int:
    """Where the instruction before ``place`` is."""
    place -= 2
    while place >= 0 and code[place] == _CACHE:
        place -= 2
    return place


def _makes_lambda(code: types.CodeType, instructions: bytes, place: int) -> bool:
    """Up to 3.10 the name of what is made is the constant that was loaded just before."""
    number = instructions[place - 1]
    if place >= 4 and instructions[place - 4] == _EXTENDED:
        number += instructions[place - 3] << 8
    name = code.co_consts[number]
    return type(name) is str and name.endswith("<lambda>")
