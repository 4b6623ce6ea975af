"""Where a variable of a module is set: the first assignment at module level."""

from __future__ import annotations

import re
import sys
import types

from garbology.interpreter.contents import value_of
from garbology.names.classes import is_module, namespace_of_module
from garbology.names.sources import lines_of, short_path


def set_at(module: str, label: str) -> str:
    """'cache.py:12' for module 'app.cache' and label '.SESSIONS'; empty where the source does not tell."""
    if not re.fullmatch(r"\.\w+", label):
        return ""
    filename = _file_of(sys.modules.get(module))
    name = label[1:]
    assignment = re.compile(
        rf"(?:[\w,*(][\w\s,*()]*[\s,*(])?{name}\b[\w\s,*)]*(:[^=]*)?=(?!=)|(?:async )?def {name}\b|class {name}\b"
    )
    numbered = enumerate(lines_of(filename) if filename else (), 1)
    line = next((number for number, text in numbered if assignment.match(text)), 0)
    return f"{short_path(filename)}:{line}" if line else ""


def _file_of(module: types.ModuleType | None) -> str:
    if not is_module(module):
        return ""
    file = value_of(namespace_of_module(module), "__file__")
    return file if type(file) is str else ""
