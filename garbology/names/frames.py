"""Names of what frames, generators, coroutines and async generators hold.

`f_locals` and `gi_frame` are not used: up to 3.12 the former leaves a dictionary with references to every
local behind in the frame, and from 3.11 the latter makes a frame object that was not there. Locals are read
in place instead.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from garbology.interpreter.frame_layout import local_ids
from garbology.names.attributes import Candidate
from garbology.names.sources import site
from garbology.text.escaping import safe_text


def _reader(cls: type, name: str) -> Callable[[Any], Any]:
    descriptor = cls.__dict__[name]
    return lambda obj: descriptor.__get__(obj, cls)


CODE_OF: dict[str, Callable[[Any], types.CodeType]] = {
    "frame": _reader(types.FrameType, "f_code"),
    "generator": _reader(types.GeneratorType, "gi_code"),
    "coroutine": _reader(types.CoroutineType, "cr_code"),
    "async_generator": _reader(types.AsyncGeneratorType, "ag_code"),
}
_MODULE_LEVEL = "module-level code"
_OWN_NAMES: dict[int, Callable[[Any], str]] = {
    id(kind): _reader(kind, "__qualname__")
    for kind in (types.FunctionType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
}
_AWAITED_BY: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "generator": (".gi_yieldfrom", _reader(types.GeneratorType, "gi_yieldfrom")),
    "coroutine": (".cr_await", _reader(types.CoroutineType, "cr_await")),
    "async_generator": (".ag_await", _reader(types.AsyncGeneratorType, "ag_await")),
}


def code_name(code: types.CodeType) -> str:
    """'function outer.<locals>.f', or what else a piece of code is."""
    name = qualified_name(None, code)
    return name if name == _MODULE_LEVEL else f"function {name}"


def own_name_id(obj: object) -> int:
    """The id of the name that a function, generator or coroutine has beside that of its code; 0 for a frame."""
    get_own = _OWN_NAMES.get(id(type(obj)))
    return id(get_own(obj)) if get_own else 0


def qualified_name(obj: object, code: types.CodeType) -> str:
    """'outer.<locals>.f' of what runs a piece of code.

    A function, generator or coroutine may be renamed (`functools.wraps`): its own name counts as long as that is one
    of the code's. Up to 3.10 code itself knows no more than its last part. Where code was renamed
    (`code.replace(co_name=...)`), that is the name which tracebacks show.
    """
    name = str.__str__(code.co_name)
    get_own = _OWN_NAMES.get(id(type(obj)))
    own = str.__str__(get_own(obj)) if get_own else ""
    if own.rpartition(".")[2] != name:
        own = str.__str__(getattr(code, "co_qualname", name))
    if own.rpartition(".")[2] != name:
        own = name
    return _MODULE_LEVEL if own == "<module>" else safe_text(own, limit=80)


def code_site(code: types.CodeType, line: int | None) -> str:
    """'app.py:12'."""
    return site(code.co_filename, line)


def made_by(obj: Any) -> str:
    """What a frame, generator or coroutine is a call of, and where that begins: 'function f (app.py:12)'."""
    code = CODE_OF[type(obj).__name__](obj)
    name = qualified_name(obj, code)
    return f"{name if name == _MODULE_LEVEL else f'function {name}'} ({code_site(code, code.co_firstlineno)})"


def frame_contents(kind: str) -> Callable[[Any], Iterator[Candidate]]:
    """Make the namer of one kind of code that runs: its locals, then what it waits for."""

    def contents(obj: Any) -> Iterator[Candidate]:
        for name, value_id in local_ids(obj, CODE_OF[kind](obj)) or ():
            yield f"local {safe_text(name, limit=80)}", value_id
        if kind in _AWAITED_BY:
            label, awaited = _AWAITED_BY[kind]
            yield label, id(awaited(obj))

    return contents


FRAMES: dict[str, Callable[[Any], Iterator[Candidate]]] = {kind: frame_contents(kind) for kind in CODE_OF}
