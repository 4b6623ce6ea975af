"""Where a variable of a module is set: the first assignment at module level."""

from __future__ import annotations

import re
import sys
import types
from typing import Any

from garbology.interpreter.contents import items_of, value_of
from garbology.names.classes import is_module, namespace_of_module
from garbology.names.sources import lines_of, short_path

_SETS = re.compile(r"(?:async )?def (\w+)|class (\w+)|(?=\S)([\w\s,*()]+?)(?::[^=]*)?=(?!=)")
_NAME = re.compile(r"\w+")


def set_at(module: str, label: str) -> str:
    """'cache.py:12' for module 'app.cache' and label '.SESSIONS'; empty where the source does not tell."""
    name = label.removeprefix(".")
    filename = _file_of(sys.modules.get(module)) if _NAME.fullmatch(name) else ""
    numbered = enumerate(lines_of(filename) if filename else (), 1)
    line = next((number for number, text in numbered if name in text and name in _names_set(text)), 0)
    return f"{short_path(filename)}:{line}" if line else ""


def _names_set(line: str) -> list[str]:
    """The names that a line at module level sets: no pattern is made of each name, for `re` would keep it."""
    match = _SETS.match(line)
    return _NAME.findall(match[match.lastindex or 0]) if match else []


def _file_of(module: types.ModuleType | None) -> str:
    if not is_module(module):
        return ""
    namespace = namespace_of_module(module)
    file = value_of(namespace, "__file__")
    return file if type(file) is str else _file_of_functions(namespace)


def _file_of_functions(namespace: dict[str, Any]) -> str:
    """When a script has ended, the interpreter takes `__file__` away; the functions of the module have it still."""
    functions = (value for _, value in items_of(namespace) if type(value) is types.FunctionType)
    own = (each for each in functions if each.__globals__ is namespace)
    return next((each.__code__.co_filename for each in own), "")
