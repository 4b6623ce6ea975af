"""Names of what frames, generators, coroutines and async generators hold.

`f_locals` and `gi_frame` are not used: up to 3.12 the former leaves a dictionary with references to every
local behind in the frame, and from 3.11 the latter makes a frame object that was not there. Locals are read
in place instead.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from garbology.graph.naming.attributes import Candidate
from garbology.graph.naming.text import safe_text
from garbology.interpreter.frame_layout import local_ids


def _reader(cls: type, name: str) -> Callable[[Any], Any]:
    descriptor = cls.__dict__[name]
    return lambda obj: descriptor.__get__(obj, cls)


CODE_OF: dict[str, Callable[[Any], types.CodeType]] = {
    "frame": _reader(types.FrameType, "f_code"),
    "generator": _reader(types.GeneratorType, "gi_code"),
    "coroutine": _reader(types.CoroutineType, "cr_code"),
    "async_generator": _reader(types.AsyncGeneratorType, "ag_code"),
}
_AWAITED_BY: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "generator": (".gi_yieldfrom", _reader(types.GeneratorType, "gi_yieldfrom")),
    "coroutine": (".cr_await", _reader(types.CoroutineType, "cr_await")),
    "async_generator": (".ag_await", _reader(types.AsyncGeneratorType, "ag_await")),
}


def code_name(code: types.CodeType) -> str:
    """'function f', or what else a piece of code is."""
    name = str.__str__(getattr(code, "co_qualname", code.co_name)).rpartition("<locals>.")[2]
    return "module-level code" if name == "<module>" else f"function {safe_text(name, limit=80)}"


def code_site(code: types.CodeType, line: int | None) -> str:
    """'app.py:12'."""
    path = str.__str__(code.co_filename).replace("\\", "/")
    return f"{safe_text(path.rpartition('/')[2], limit=60)}:{line or '?'}"


def made_by(obj: Any) -> str:
    """What a frame, generator or coroutine is a call of, and where that begins: 'function f (app.py:12)'."""
    code = CODE_OF[type(obj).__name__](obj)
    return f"{code_name(code)} ({code_site(code, code.co_firstlineno)})"


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
