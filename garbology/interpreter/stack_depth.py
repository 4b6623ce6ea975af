"""How many values a function has on its value stack at an instruction, from 3.11 to 3.13.

While a function calls one in C, these versions do not write down where its value stack ends, and what lies beyond
the end is what was there before: the address of an object that has been freed, where another may be now. From the
bytecode the depth is known, as the compiler knew it (`stackdepth` in Python/flowgraph.c).
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator
from typing import Any

from garbology.interpreter.bytecode import plain_code

_ENDS = {
    "RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD",
    "JUMP_BACKWARD_NO_INTERRUPT", "INTERPRETER_EXIT",
}  # fmt: skip


def slots_in_use(code: types.CodeType, offset: int) -> int | None:
    """The most values on the stack while the instruction at ``offset`` (bytes, as `f_lasti`) is carried out.

    None where that cannot be told.
    """
    try:
        instruction, before = _reached(code, offset)
    except Exception:  # what `dis` makes of code that a program has rewritten
        return None
    most = max(before, before + _effect(instruction, jumps=False))
    return most if 0 <= most <= code.co_stacksize else None


def _reached(code: types.CodeType, offset: int) -> tuple[dis.Instruction, int]:
    """The instruction at an offset, and the depth before it; LookupError where no way leads there."""
    instructions = {each.offset: each for each in dis.get_instructions(plain_code(code))}
    following = dict(zip(instructions, [*instructions][1:], strict=False))
    handlers = list(_handlers(code))
    depths: dict[int, int] = {}
    ways = [(0, 0)]
    while ways:
        at, depth = ways.pop()
        if at in depths:
            continue
        depths[at] = depth
        instruction = instructions[at]
        if at == offset:
            return instruction, depth
        ways += [(target, handled) for begin, end, target, handled in handlers if begin <= at < end]
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            ways.append((instruction.argval, depth + _effect(instruction, jumps=True)))
        if instruction.opname not in _ENDS:
            ways.append((following[at], depth + _effect(instruction, jumps=False)))
    raise LookupError(f"no way leads to the instruction at {offset} of {code.co_name}")


def _handlers(code: types.CodeType) -> Iterator[tuple[int, int, int, int]]:
    """Begin, end, target and the depth at the target of each handler: the exception is pushed, and where it was."""
    parse: Any = dis._parse_exception_table  # type: ignore[attr-defined]
    for entry in parse(code):
        yield entry.start, entry.end, entry.target, entry.depth + bool(entry.lasti) + 1


def _effect(instruction: dis.Instruction, jumps: bool) -> int:
    """As `dis.stack_effect` has it, but where values leave the stack, and for what a generator is sent first."""
    name, arg = instruction.opname, instruction.arg
    if name == "PRECALL":  # 3.11: it is only CALL that takes the arguments away
        return 0
    if name == "CALL":
        return -1 - (arg or 0)
    if name == "RETURN_GENERATOR":
        return 1
    return dis.stack_effect(instruction.opcode, arg, jump=jumps)
