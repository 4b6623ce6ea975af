"""A cell as code that can be run under the instrument: with its source, in the user's namespace, its value dropped."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from types import CodeType
from typing import Any

from IPython.core.error import UsageError

_AWAITS = (
    "a cell that awaits cannot be watched from outside: write `async with garbology.watch() as found:` in it"
)


def compiled(shell: Any, cell: str) -> CodeType:
    """The code of a cell below a magic's line, as IPython would run it; its source is kept as that of any cell.

    The value of a last expression is dropped: displayed, it would be kept in `Out` and `_`.

    Raises
    ------
    UsageError : the cell awaits at its top level.
    SyntaxError : it is no Python.
    """
    text = "\n" + shell.transform_cell(cell)  # its first line is the magic's
    name = shell.compile.cache(text, _number(shell), raw_code=text)
    tree = shell.transform_ast(shell.compile.ast_parse(text, filename=name))
    flags = shell.compile.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(tree, name, "exec", flags, dont_inherit=True)
    if code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise UsageError(_AWAITS)
    return code


def _number(shell: Any) -> int:
    """The number of the cell that runs: IPython has kept its text by it, and may have begun to count the next."""
    return max(known_cells(shell).values(), default=shell.execution_count)


def known_cells(shell: Any) -> Mapping[str, int]:
    """The file that IPython calls a cell's text by, and the cell's number."""
    cells: Mapping[str, int] = getattr(shell.compile, "_filename_map", {})
    return cells
