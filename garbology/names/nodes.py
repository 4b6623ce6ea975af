"""What an object is called: its type, or what it is called in the source and where that is."""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Iterable, Iterator
from typing import Any

from garbology.names.classes import (
    is_class,
    namespace_of,
    short_type_name,
    source_file_of,
)
from garbology.names.frames import CODE_OF, own_name_id, qualified_name
from garbology.names.sources import lines_of, site, stamp_of
from garbology.names.statements import statements_of
from garbology.text.escaping import safe_text

_get_class_name = type.__dict__["__qualname__"].__get__
_CODE_KINDS: dict[int, tuple[str, Any]] = {
    id(types.FunctionType): ("function ", types.FunctionType.__dict__["__code__"].__get__),
    id(types.FrameType): ("frame of ", CODE_OF["frame"]),
    id(types.GeneratorType): ("generator ", CODE_OF["generator"]),
    id(types.CoroutineType): ("coroutine ", CODE_OF["coroutine"]),
    id(types.AsyncGeneratorType): ("async generator ", CODE_OF["async_generator"]),
}


def node_name(obj: object) -> str:
    """'Child' for an instance; 'function outer.<locals>.walk (app.py:8)', 'generator steps (app.py:9)', 'frame of f
    (app.py:3)' for what is made by a piece of code; 'class make.<locals>.Local (app.py:5)' for a class.
    """
    if has_code(type(obj)):
        return code_node_name(obj)
    return class_name(obj) if is_class(obj) else short_type_name(type(obj))


def has_code(kind: type) -> bool:
    """Whether instances of a type are told apart by the code that they run."""
    return id(kind) in _CODE_KINDS


def code_of(obj: object) -> types.CodeType:
    """The code of a function, frame, generator or coroutine (see :func:`has_code`)."""
    code: types.CodeType = _CODE_KINDS[id(type(obj))][1](obj)
    return code


def code_node_name(obj: object) -> str:
    """What it is, its qualified name, and where its code begins."""
    code = code_of(obj)
    kind = _CODE_KINDS[id(type(obj))][0]
    return f"{kind}{qualified_name(obj, code)} ({site(code.co_filename, code.co_firstlineno)})"


def code_names(objects: Iterable[object]) -> Iterator[str]:
    """What :func:`code_node_name` says of each, asked once of what has one code and one name."""
    known: dict[tuple[int, int], str] = {}
    for obj in objects:
        key = id(code_of(obj)), own_name_id(obj)
        if key not in known:
            known[key] = code_node_name(obj)
        yield known[key]


def qualified_class_name(cls: object) -> str:
    """A class by its qualified name alone."""
    return str.__str__(_get_class_name(cls))


def class_name(cls: object) -> str:
    """A class by its qualified name, with file and line where the source is there."""
    name = safe_text(str.__str__(_get_class_name(cls)), limit=80)
    place = class_site(cls)  # type: ignore[arg-type]
    return f"class {name} ({site(*place)})" if place else f"class {name}"


def is_made_in_a_call(cls: object) -> bool:
    """Whether a class statement stands inside a function."""
    return "<locals>" in str.__str__(_get_class_name(cls))


def statement_of(cls: type) -> str:
    """File and line of the class statement, if that stands in a function: others there may make a class of its name.

    Calls of one function make many classes of one statement, which are alike to a reader. '' for any other.
    """
    place = class_site(cls) if is_class(cls) and is_made_in_a_call(cls) else None
    return f" ({site(*place)})" if place else ""


def class_site(cls: type) -> tuple[str, int] | None:
    """File and first line of a class statement; None where the source is not there."""
    own = dict(namespace_of(cls))
    filename = source_file_of(cls)
    if filename is None:
        return None
    line = own.get("__firstlineno__")  # from 3.13
    if type(line) is int:
        return filename, line
    methods = [code.co_firstlineno for code in _codes_in(own, filename)]
    qualified = str.__str__(_get_class_name(cls))
    name = qualified.rpartition(".")[2]
    found = _class_line(filename, stamp_of(filename), name, min(methods, default=0))
    several = statements_of(filename).class_lines(qualified) if found is None else []
    if len(several) == 1:
        found = several[0]
    return (filename, found) if found else None


def _codes_in(namespace: dict[str, Any], filename: str) -> Iterator[types.CodeType]:
    for name, value in namespace.items():
        if type(value) is types.FunctionType:
            code = code_of(value)
            if str.__str__(code.co_filename) == filename and str.__str__(code.co_name) == name:
                yield code


@functools.lru_cache(maxsize=64)
def _class_line(filename: str, stamp: tuple[int, int], name: str, before: int) -> int | None:
    """Where 'class NAME' stands last before a line, its decorators included; the only one without such a line."""
    statement = re.compile(rf"\s*class\s+{re.escape(name)}\b")
    lines = lines_of(filename)
    found = [number for number, line in enumerate(lines, 1) if statement.match(line)]
    if before:
        found = [number for number in found if number <= before][-1:]
    if len(found) != 1:
        return None
    first = found[0]
    while first > 1 and lines[first - 2].lstrip().startswith("@"):
        first -= 1
    return first
