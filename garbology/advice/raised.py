"""How an exception came to be kept: caught and stored, or kept and raised (again)."""

from __future__ import annotations

import dis
import itertools
import sys
import types
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from garbology.advice.sampling import is_made_by_the_program
from garbology.cycles.folding import Link
from garbology.interpreter.bytecode import plain_code
from garbology.interpreter.contents import value_of
from garbology.names.attribute_code import Steps, functions_of, instructions
from garbology.names.classes import flags_of, is_class, mro_of
from garbology.names.frames import code_name, code_site

_traceback_of = BaseException.__dict__["__traceback__"].__get__
_IMMUTABLE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE: no class statement makes such a type
_MOST_ENTRIES = 1_000
_YIELDING = ("YIELD_", "RESUME", "SEND")  # where a suspended function stands


def is_exception(obj: object) -> bool:
    """Whether ``obj`` is an exception, whatever it says itself."""
    return any(base is BaseException for base in mro_of(type(obj)))


def was_caught_and_stored(error: object, keepers: Sequence[Link]) -> bool:
    """Whether an exception was raised once and then stored by ``keepers``, the links to it, and not raised since.

    Only then is it of any use to drop its traceback: ``raise`` puts it back. Where code that knows what is stored
    may raise it, the answer is False.
    """
    entries = list(_entries(error))
    if not entries or not keepers or any(map(_may_raise_it, keepers)):
        return False
    *before, last = [(tb.tb_frame, _raising_steps(tb)) for tb in entries]
    if any(steps for _, steps in before):
        return False
    frame, steps = last
    attributes = {link.label[1:] for link in keepers if link.label[1:].isidentifier()}
    if steps and not _makes_what_it_raises(steps, frame.f_globals, set(map(_variable, keepers))):
        return False
    return not any(_stores_one(tb.tb_frame.f_code, attributes) for tb in entries[1:])


def _variable(keeper: Link) -> str:
    """The attribute or variable that a reference begins with: 'errors' of 'local errors[0]'."""
    label = keeper.label.rpartition("closure variable ")[2].removeprefix("local ").removeprefix(".")
    return label.partition("[")[0].partition(" ")[0]


def _entries(error: Any) -> Iterator[types.TracebackType]:
    entry = _traceback_of(error)
    for _ in range(_MOST_ENTRIES):
        if entry is None:
            return
        yield entry
        entry = entry.tb_next


def _stores_one(code: types.CodeType, names: set[str]) -> bool:
    """Whether a function that the exception has left stores it: it was raised again then."""
    return any(step.opname == "STORE_ATTR" and step.argval in names for step in instructions(code))


def _raising_steps(entry: types.TracebackType) -> Steps:
    """The instructions of the `raise` statement that an entry of a traceback is at; empty where it is at another."""
    steps = instructions(entry.tb_frame.f_code)
    at = next((place for place, step in enumerate(steps) if step.offset == entry.tb_lasti), 0)
    return _statement(steps, at) if steps[at].opname == "RAISE_VARARGS" else []


def _statement(steps: Steps, raising: int) -> Steps:
    begin = raising
    while begin and not _ends_a_statement(steps[begin - 1]) and not steps[begin].is_jump_target:
        begin -= 1
    return steps[begin : raising + 1]


def _ends_a_statement(step: dis.Instruction) -> bool:
    ends = ("STORE_", "POP_", "RESUME", "RERAISE", "RAISE_", "PUSH_EXC_INFO", "NOP", "SETUP_", "JUMP")
    return step.opname.startswith(ends)


def _makes_what_it_raises(steps: Steps, variables: dict[str, Any], kept_as: Collection[str]) -> bool:
    """Whether a `raise` statement names a class or calls what makes the exception, so that none was kept.

    What is called with an exception that is kept under one of those names may give it back: `raise checked(error)`.
    """
    loaded = [step.argval for step in steps if step.opname.startswith("LOAD_") and "CONST" not in step.opname]
    known = {name for each in loaded for name in (each if type(each) is tuple else (each,))}
    if "with_traceback" in known or not known.isdisjoint(kept_as):
        return False
    if any("CALL" in step.opname for step in steps):
        return True
    names = [step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    if steps[-1].arg == 0:
        return False  # a bare `raise`
    found = [_global(variables, name) for name in names[:1]]
    return bool(found) and is_class(found[0])


def _global(variables: dict[str, Any], name: str) -> object:
    builtins = sys.modules["builtins"].__dict__
    return value_of(variables, name, value_of(builtins, name))


def _may_raise_it(keeper: Link) -> bool:
    """Whether code that knows a stored exception may raise it: the owner's class, the function; C code always may."""
    owner: Any = keeper.steps[0].holder
    if type(owner) is types.FunctionType:
        return _raises_what_was_kept(owner, _variable(keeper))
    if type(owner) is types.FrameType or _is_of_c(type(owner)):
        return type(owner) is not types.FrameType and not _is_plain_container(owner)
    name = _variable(keeper)
    return any(
        name in function.__code__.co_names and _raises_what_was_kept(function, name)
        for _, function in functions_of(type(owner))
    )


def _is_of_c(kind: type) -> bool:
    """Whether a type was made in C, whose code is not to be read."""
    return not is_made_by_the_program(kind) or bool(flags_of(kind) & _IMMUTABLE)


def _is_plain_container(owner: object) -> bool:
    return any(type(owner) is kind for kind in (list, dict, set, tuple))


def _raises_what_was_kept(function: types.FunctionType, name: str) -> bool:
    steps = instructions(function.__code__)
    return any(
        step.opname == "RAISE_VARARGS"
        and step.arg != 0
        and not _makes_what_it_raises(_statement(steps, place), function.__globals__, [name])
        for place, step in enumerate(steps)
    )


def handled_in(error: object) -> str | None:
    """Where an exception was handled: 'function f (app.py:12)', the line that of its except clause."""
    entry = next(_entries(error), None)
    if entry is None:
        return None
    code = entry.tb_frame.f_code
    line = _line_of_handler(code, entry.tb_lasti) or entry.tb_lineno
    return f"{code_name(code)} ({code_site(code, line)})"


def handling_code(error: object) -> types.CodeType | None:
    """The code in which an exception was handled; None where it was never raised."""
    entry = next(_entries(error), None)
    return None if entry is None else entry.tb_frame.f_code


def was_thrown_in(error: object, handled: object) -> bool:
    """Whether an exception came in by `throw()` at a `yield` of the except clause that was handling another."""
    entry = next(_entries(handled), None)
    if entry is None or not _yields_while_handling(entry.tb_frame.f_code, entry.tb_lasti):
        return False
    within = [each for each in _entries(error) if each.tb_frame is entry.tb_frame]
    return all(_opcode_at(each).startswith(_YIELDING) for each in within)


def _yields_while_handling(code: types.CodeType, offset: int) -> bool:
    """Whether the except clause that handles what is raised at an instruction has a `yield`."""
    handler = _handler(code, offset)
    if handler is None:
        return False
    following = (step for step in instructions(code) if step.offset >= handler)
    clause = itertools.takewhile(lambda step: step.opname != "RERAISE", following)
    return any(step.opname.startswith("YIELD_") for step in clause)


def _opcode_at(entry: types.TracebackType) -> str:
    steps = instructions(entry.tb_frame.f_code)
    return next((step.opname for step in steps if step.offset == entry.tb_lasti), "")


def _line_of_handler(code: types.CodeType, offset: int) -> int | None:
    """The first line of the except clause that handles what is raised at an instruction."""
    handler = _handler(code, offset)
    if handler is None:
        return None
    lines = sorted(dis.findlinestarts(code))
    before = [line for start, line in lines if start <= offset and line]
    after = [line for start, line in lines if start >= handler and line]
    later = [line for line in after if line > before[-1]] if before else after
    return later[0] if later else None


def _handler(code: types.CodeType, offset: int) -> int | None:
    listing = dis.Bytecode(plain_code(code))
    if hasattr(listing, "exception_entries"):
        return next(
            (each.target for each in listing.exception_entries if each.start <= offset < each.end), None
        )
    inside = [
        step.argval
        for step in listing
        if step.opname == "SETUP_FINALLY" and step.offset <= offset < step.argval
    ]
    return inside[-1] if inside else None
