"""Cases measured in Pyodide, CPython for WebAssembly, under Node: the same worker, and no NumPy.

`npm pack pyodide@VERSION` and `tar` make its directory; nothing else of npm is needed. The heap is one of 32-bit
pointers, so that counts compare with a native interpreter's and bytes do not. There are no threads, no processes and no
/proc in it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from garbology.measuring.interpreters import InterpreterError, Native

PREFIX = "pyodide:"
_WORKER = Path(__file__).with_name("pyodide.mjs")


class Pyodide(Native):
    """The Pyodide in a directory, started anew for each case by the `node` on PATH."""

    def __init__(self, directory: Path, name: str = "") -> None:
        if not (directory / "pyodide.mjs").is_file():
            raise InterpreterError(
                f"{directory} has no pyodide.mjs: unpack there what `npm pack pyodide` downloads"
            )
        node = shutil.which("node")
        if node is None:
            raise InterpreterError(f"{PREFIX}{directory} needs Node: put `node` on PATH")
        super().__init__(str(directory.resolve()), name or f"{PREFIX}{directory}")
        self._node = node

    def _command(self, target: str, measure: str) -> list[str]:
        return [self._node, str(_WORKER), self.python, target, measure]
