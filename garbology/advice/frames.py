"""Local variables of functions that have ended, and of what is suspended."""

from __future__ import annotations

import contextlib
import inspect
import opcode
import sys
import types
from collections.abc import Sequence
from typing import Any

from garbology.advice.exceptions import keeps_an_exception
from garbology.advice.raised import is_exception
from garbology.advice.remedy import Remedy
from garbology.advice.side_effects import SUSPENDABLE
from garbology.cycles.folding import Link, Step
from garbology.names.attribute_code import argument_count
from garbology.names.frames import made_by

_SUSPENDABLE_FLAGS = (
    (types.GeneratorType, inspect.CO_GENERATOR),
    (types.CoroutineType, inspect.CO_COROUTINE),
    (types.AsyncGeneratorType, inspect.CO_ASYNC_GENERATOR),
)


def in_frame(link: Link) -> Remedy | None:
    """A local variable of a frame that has ended, or of what is suspended."""
    if is_in_a_copy_of_variables(link):
        return Remedy("clear", lambda edge, target: _copy_sentence(link.steps[0].holder))
    if keeps_its_frame(link):
        return Remedy("clear", lambda edge, target: frames_sentence([link]))
    if is_left_in_frame(link):
        return Remedy("clear", lambda edge, target: left_sentence([link], target))
    step = variable_step(link)
    running = next((each for each in link.steps if each.label == "running function"), step)
    holder = running.holder
    if not _is_code_that_runs(holder):
        return None
    where = made_by(holder)
    suspended = _suspended_kind(holder)
    if suspended is not None:
        close = "aclose()" if suspended is types.AsyncGeneratorType else "close()"
        kind = suspended.__name__
        return Remedy(
            "close",
            lambda edge, target: (
                f"{edge} holds {target}: {close} the suspended {kind} of {where} when it is done with"
            ),
        )
    return Remedy(
        "clear",
        lambda edge, target: f"{edge} holds {target}: clear the variable when it is done with",
    )


def is_in_a_copy_of_variables(link: Link) -> bool:
    """Whether it is held by the copy of a function's variables that a frame keeps up to 3.12, once it was asked for."""
    frame: Any = link.steps[0].holder
    if type(frame) is not types.FrameType or link.steps[0].label != ".f_locals":
        return False
    return bool(frame.f_code.co_flags & inspect.CO_OPTIMIZED)


def is_of_an_ended_call(link: Link) -> bool:
    """Whether a variable of a function that has ended holds it: nobody can ask for that any more."""
    frame = link.steps[0].holder
    return type(frame) is types.FrameType and _suspended_kind(frame) is None


def is_a_variable(link: Link) -> bool:
    """Whether a frame's variable, or the copy of one, holds an exception."""
    return keeps_its_frame(link) or is_in_a_copy_of_variables(link)


def _copy_sentence(frame: object) -> str:
    return (
        f"the frame of {made_by(frame)} keeps a copy of its variables since something asked for them "
        "(`locals()` in it, or `frame.f_locals`), until Python 3.13: do not ask there, "
        "or ask once more when the variables were cleared"
    )


def is_left_in_frame(link: Link) -> bool:
    """Whether a variable or an argument of a function that has ended holds it, by itself or in a container."""
    first = link.steps[0]
    is_variable = type(first.holder) is types.FrameType and first.label.startswith("local ")
    if not is_variable or _suspended_kind(first.holder) is not None or keeps_an_exception(link):
        return False
    return not any(type(step.holder) is types.FunctionType for step in link.steps)


def left_sentence(links: Sequence[Link], target: str) -> str:
    """Which functions that have ended still have a target in which variables: the traceback keeps their frames."""
    variables: dict[str, dict[str, None]] = {}
    for link in links:
        first = link.steps[0]
        variables.setdefault(made_by(first.holder), {})[first.label.removeprefix("local ")] = None
    names = {where: ", ".join(own) for where, own in variables.items()}
    if len(names) == 1:
        ((where, own),) = names.items()
        cleared = " = ".join(own.split(", "))
        said = f"the frame of {where} keeps {target} that keeps the frame: "
        if "<lambda>" in where:
            return f"{said}make it a function that ends with `{cleared} = None`"
        return f"{said}end with `{cleared} = None` (or `del {own}`) in a finally"
    each = " and ".join(
        f"`{own.replace(', ', ' = ')} = None` in a function instead of {where}"
        if "<lambda>" in where
        else f"`del {own}` in {where}"
        for where, own in names.items()
    )
    return f"{len(names)} frames keep {target} that keeps the frames: {each}, each in a finally"


def variable_step(link: Link) -> Step:
    """The step that a frame's local is; through its cell, where an inner function shares it. Else the last step."""
    *before, last = link.steps
    shared = last.label == ".cell_contents" and before and before[-1].label.startswith("local ")
    return before[-1] if shared else last


def _is_code_that_runs(obj: object) -> bool:
    return type(obj) is types.FrameType or any(type(obj) is kind for kind in SUSPENDABLE)


def keeps_its_frame(link: Link) -> bool:
    """Whether it is a frame's local that holds an exception."""
    return type(variable_step(link).holder) is types.FrameType and is_exception(link.steps[-1].referent)


def frames_sentence(links: Sequence[Link]) -> str:
    """Which functions keep an exception in which variables: `del` them in each."""
    variables: dict[str, dict[str, None]] = {}
    for step in map(variable_step, links):
        variables.setdefault(made_by(step.holder), {})[step.label.removeprefix("local ")] = None
    names = {where: ", ".join(own) for where, own in variables.items()}
    if len(names) == 1:
        ((where, own),) = names.items()
        if _is_left_by_a_context_manager(variable_step(links[0]).holder):
            return (
                f"the frame of {where}, which is the standard library's, keeps the exception that keeps the frame: "
                "catch the exception inside the with block, or raise it after that"
            )
        cleared = " = ".join(own.split(", "))
        return (
            f"the frame of {where} keeps the exception that keeps the frame: "
            f"end with `{cleared} = None` (or `del {own}`) in a finally"
        )
    each = " and ".join(f"`del {own}` in {where}" for where, own in names.items())
    return f"{len(names)} frames keep the exception that keeps the frames: {each}, each in a finally"


def _is_left_by_a_context_manager(frame: Any) -> bool:
    """Whether an exception has left a `with` block whose context manager is a generator function."""
    code: types.CodeType = frame.f_code
    name, file = str.__str__(code.co_name), str.__str__(code.co_filename)
    return name in ("__exit__", "__aexit__") and file == contextlib.__file__


def own_variable(link: Link) -> str | None:
    """The name of the variable that it is, where a function that has ended made it itself: no argument."""
    step = variable_step(link)
    frame: Any = step.holder
    if type(frame) is not types.FrameType or _suspended_kind(frame) is not None:
        return None
    code = frame.f_code
    name = step.label.removeprefix("local ")
    return None if name in code.co_varnames[: argument_count(code)] or name == step.label else name


def _suspended_kind(holder: Any) -> type | None:
    """What is suspended, if ``holder`` is such or its frame: up to 3.10 the frame holds the variables."""
    if type(holder) is types.FrameType:
        return _suspended_frame_kind(holder) if sys.version_info < (3, 11) else None
    return next((kind for kind in SUSPENDABLE if type(holder) is kind), None)


def _suspended_frame_kind(frame: types.FrameType) -> type | None:
    """What a frame was suspended as, by its latest instruction; None if it has ended."""
    code, latest = frame.f_code, frame.f_lasti
    kind = next((kind for kind, flag in _SUSPENDABLE_FLAGS if code.co_flags & flag), None)
    if kind is None or latest < 0 or code.co_code[latest] == opcode.opmap["YIELD_VALUE"]:
        return kind
    following = code.co_code[latest + 2 : latest + 3]  # YIELD_FROM is done again when it goes on
    return kind if following == bytes([opcode.opmap.get("YIELD_FROM", 0)]) else None
