"""The computational graph as a picture: `to_dot`, `to_svg`, `save`.

Graphviz draws it: the system's `dot` if there is one, else the one from PyPI's `graphviz-pure`, which needs
no system package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import TypeAlias

from autograd_core.core import Function, Variable

Part: TypeAlias = "Variable | Function"

# In a DOT label a backslash escapes and an ampersand begins an entity.
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "&": "&amp;", "<": "&lt;", ">": "&gt;"})


def to_dot(variable: Variable, verbose: bool = False) -> str:
    """Return everything that `variable` was computed from, in the DOT language.

    Variables are ellipses with their names, Functions boxes with their types; an arrow is what flows forward.
    verbose: add each variable's shape and dtype.
    """
    numbers: dict[Part, int] = {variable: 0}
    nodes: list[str] = []
    arrows: list[str] = []
    undrawn: list[Part] = [variable]
    while undrawn:
        part = undrawn.pop()
        nodes.append(f"n{numbers[part]} {_attributes(part, verbose)}")
        for source in _sources(part):
            if source not in numbers:
                numbers[source] = len(numbers)
                undrawn.append(source)
            arrows.append(f"n{numbers[source]} -> n{numbers[part]}")
    return "\n".join(["digraph {", 'node [fontname="sans-serif" style=filled]', *nodes, *arrows, "}", ""])


def to_svg(variable: Variable, verbose: bool = False) -> str:
    """Return the picture of `to_dot` as SVG.

    Raises FileNotFoundError if there is no Graphviz, RuntimeError with its message if it fails.
    """
    command = [find_graphviz(), "-Tsvg"]
    dot = to_dot(variable, verbose).encode()
    result = subprocess.run(command, input=dot, capture_output=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{command[0]} failed: {result.stderr.decode(errors='replace').strip()}")
    return result.stdout.decode()


def save(variable: Variable, path: str | os.PathLike[str], verbose: bool = False) -> None:
    """Write the picture to `path`: DOT if it ends in .dot, SVG if it ends in .svg, else ValueError."""
    path = Path(path)
    if path.suffix not in (".dot", ".svg"):
        raise ValueError(f"a graph is saved as .dot or .svg, got {path.name!r}")
    draw = to_svg if path.suffix == ".svg" else to_dot
    path.write_text(draw(variable, verbose), encoding="utf-8")


def find_graphviz() -> str:
    """Return the path of `dot`, else of `graphviz-pure`; raise FileNotFoundError if there is neither."""
    scripts = sysconfig.get_path("scripts")
    found = (
        shutil.which("dot") or shutil.which("graphviz-pure") or shutil.which("graphviz-pure", path=scripts)
    )
    if found is None:
        raise FileNotFoundError("no Graphviz: `pip install graphviz-pure`, or put its `dot` on PATH")
    return found


def _sources(part: Part) -> tuple[Part, ...]:
    if isinstance(part, Function):
        return part.inputs
    return () if part.creator is None else (part.creator,)


def _attributes(part: Part, verbose: bool) -> str:
    if isinstance(part, Function):
        return f'[label="{_escaped(type(part).__name__)}" shape=box fillcolor=lightblue]'
    lines = [] if part.name is None else [str(part.name)]
    if verbose and part.data is not None:
        lines.append(f"{part.shape} {part.dtype}")
    return f'[label="{_escaped(chr(10).join(lines))}" fillcolor=orange]'


def _escaped(text: str) -> str:
    """Make text safe inside a quoted DOT label; a character that XML cannot hold becomes a question mark."""
    printable = "".join(c if c == "\n" or c.isprintable() else "?" for c in text)
    return printable.translate(_ESCAPES)
