"""Whose a cycle is: the qualified names of its types and of the functions whose code is in it."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from garbology.interpreter.contents import items_of, value_of
from garbology.names.classes import is_class, namespace_of_module, safe_type_name
from garbology.names.frames import qualified_name
from garbology.names.nodes import code_of, has_code
from garbology.text.escaping import safe_text

_MOST_READ = 10_000
_GLOBALS: dict[int, Callable[[Any], Any]] = {
    id(types.FunctionType): types.FunctionType.__dict__["__globals__"].__get__,
    id(types.FrameType): types.FrameType.__dict__["f_globals"].__get__,
}


def members_of(objects: Sequence[object], kinds: Sequence[type]) -> list[str]:
    """'mypkg.family.Child' for a type of ``kinds`` or a class, 'mypkg.cache.load' for a function, frame or generator.

    Built-in types are left out, for they belong to nobody.
    """
    names = {safe_type_name(kind) for kind in kinds}
    names |= {safe_type_name(obj) for obj in islice(objects, _MOST_READ) if is_class(obj)}
    return sorted({name for name in names if "." in name.partition("<")[0]} | set(_functions(objects)))


def _functions(objects: Sequence[object]) -> Iterator[str]:
    seen: set[int] = set()
    for obj in islice(objects, _MOST_READ):
        if has_code(type(obj)):
            code = code_of(obj)
            if id(code) not in seen:
                seen.add(id(code))
                yield f"{_module_of(obj, code)}.{qualified_name(obj, code)}"


def _module_of(obj: Any, code: types.CodeType) -> str:
    """The module that a piece of code was made in: by its globals where it has them, else by its file."""
    get_globals = _GLOBALS.get(id(type(obj)))
    if get_globals is not None:
        name = value_of(get_globals(obj), "__name__")
        if type(name) is str:
            return safe_text(name, limit=80)
    return _module_with(str.__str__(code.co_filename), len(sys.modules))


@functools.lru_cache(maxsize=512)
def _module_with(filename: str, modules: int) -> str:
    """The name of the imported module of a file, while so many are imported; the file's own name where none is."""
    for name, module in items_of(sys.modules):
        if type(name) is str and type(module) is types.ModuleType:
            file = value_of(namespace_of_module(module), "__file__")
            if type(file) is str and file == filename:
                return safe_text(name, limit=80)
    stem = filename.replace("\\", "/").rpartition("/")[2]
    return safe_text(stem.removesuffix(".py").strip("<>"), limit=80)
