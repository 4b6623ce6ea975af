"""From what a user writes to an interpreter: a path, a name on PATH, a directory of Pyodide."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from garbology.measuring.interpreters import Interpreter, InterpreterError, Native
from garbology.measuring.pyodide import PREFIX, Pyodide


def find_interpreter(text: str) -> Interpreter:
    """The interpreter at a path, of a name on PATH ("python3.12" or "3.12"), or in "pyodide:DIRECTORY"."""
    if text.startswith(PREFIX):
        return Pyodide(Path(text.removeprefix(PREFIX)).expanduser(), text)
    for name in (text, f"python{text}") if text.strip() else ():  # "python" is not what was asked for
        path = shutil.which(name)
        if path:
            return Native(os.path.abspath(path), text)
    raise InterpreterError(
        f"no interpreter {text!r}: give its path, or a name that is on PATH, such as 3.12 or python3.12"
    )
