"""How many values a function has on its value stack at an instruction, from 3.11 to 3.13.

While a function calls one in C, these versions do not write down where its value stack ends, and what lies beyond
the end is what was there before: the address of an object that has been freed, where another may be now. From the
bytecode the depth is known, as the compiler knew it (`stackdepth` in Python/flowgraph.c).
"""

from __future__ import annotations

import contextlib
import dis
import types
from array import array
from collections.abc import Iterator
from typing import Any

from garbology.interpreter.bytecode import plain_code

_ENDS = {
    "RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD",
    "JUMP_BACKWARD_NO_INTERRUPT", "INTERPRETER_EXIT",
}  # fmt: skip
_UNKNOWN = -1
_MOST_KNOWN = 2_000
_known: dict[bytes, bytes] = {}  # bytecode: the most values on the stack at each instruction, as integers


def slots_in_use(code: types.CodeType, offset: int) -> int | None:
    """The most values on the stack while the instruction at ``offset`` (bytes, as `f_lasti`) is carried out.

    None where that cannot be told.
    """
    handlers = getattr(code, "co_exceptiontable", None)
    if type(handlers) is not bytes:
        return None  # there is none up to 3.10; one of a program's own class would be asked how to add it to others
    depths = memoryview(_depths_of(code, handlers)).cast("i")
    place = offset // 2
    return depths[place] if 0 <= place < len(depths) and depths[place] != _UNKNOWN else None


def _depths_of(code: types.CodeType, handlers: bytes) -> bytes:
    """What was worked out before of the same bytecode, known by its bytes: no code object is kept or compared.

    A program's stack has the same functions at every look, and to disassemble one takes milliseconds. Neither the
    key nor what it stands for is tracked by the collector, so that nothing is new in a window that is open.
    """
    bytecode = code.co_code
    key = b"%d %d " % (code.co_stacksize, len(bytecode)) + bytecode + handlers
    depths = _known.get(key)
    if depths is None:
        most = array("i", [_UNKNOWN]) * (len(bytecode) // 2)
        with contextlib.suppress(Exception):  # what `dis` makes of code that a program has rewritten
            _walk(code, most)
        depths = most.tobytes()
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = depths
    return depths


def _walk(code: types.CodeType, most: array[int]) -> None:
    """Fill in the depth at each instruction that can be reached, on every way from the first."""
    instructions = {each.offset: each for each in dis.get_instructions(plain_code(code))}
    following = dict(zip(instructions, [*instructions][1:], strict=False))
    handlers = list(_handlers(code))
    reached: set[int] = set()
    ways = [(0, 0)]
    while ways:
        at, depth = ways.pop()
        if at in reached:
            continue
        reached.add(at)
        instruction = instructions[at]
        after = depth + _effect(instruction, jumps=False)
        if 0 <= max(depth, after) <= code.co_stacksize:
            most[at // 2] = max(depth, after)
        ways += [(target, handled) for begin, end, target, handled in handlers if begin <= at < end]
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            ways.append((instruction.argval, depth + _effect(instruction, jumps=True)))
        if instruction.opname not in _ENDS:
            ways.append((following[at], after))


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
