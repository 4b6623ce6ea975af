"""A shape as a picture: DOT, and SVG by whichever ``dot`` there is.

Works on the plain form of a shape (:meth:`garbology.cycles.shapes.CycleShape.to_dict`), so that a picture can be
drawn from a record on any machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WEAKEN = "#c2410c"
_VERBS = {"property": "replace", "capture": "replace", "slots": "rewrite", "none": "cut", "": "weaken"}
_NOT_IN_XML = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_TIMEOUT_SECONDS = 30
_PAD_INCHES = 0.055  # Graphviz's own
_SHORTFALL_INCHES = 0.014  # of a letter, on each side: the drawing program takes them for narrower


def verb_of(remedy: str) -> str:
    """What to do about an advised edge, by the name of the remedy: 'weaken', 'clear', 'close'."""
    return "weaken" if remedy.lower().startswith("weak") else _VERBS.get(remedy, remedy)


class GraphvizMissing(RuntimeError):
    """There is no ``dot`` on this machine; the message names the remedy."""


def shape_dot(shape: Mapping[str, Any]) -> str:
    """The shape's drawing in DOT: nodes with type and count, edges with names, the edge to weaken in colour."""
    lines = [
        "digraph shape {",
        f'  graph [bgcolor="transparent", rankdir="LR", nodesep="0.4", ranksep="0.9", pad="{_pad(shape)}"];',
        '  node [shape="box", style="rounded", fontname="sans-serif", fontsize="12", margin="0.15,0.08"];',
        '  edge [fontname="monospace", fontsize="11", arrowsize="0.7"];',
    ]
    for node in shape["nodes"]:
        count = f"{node['objects']:,} × " if node["objects"] > 1 else ""
        lines.append(f"  n{int(node['id'])} [label={_quoted(count + node['type'])}];")
    for edge in shape["edges"]:
        style = (
            f', color="{_WEAKEN}", fontcolor="{_WEAKEN}", style="dashed", penwidth="2"'
            if edge["weaken"]
            else ""
        )
        ends = f"n{int(edge['source'])} -> n{int(edge['target'])}"
        lines.append(f"  {ends} [label={_quoted(' ' + edge['label'] + ' ')}{style}];")
    return "\n".join([*lines, "}", ""])


def _pad(shape: Mapping[str, Any]) -> str:
    """Room at the sides for the label of an edge from a node to itself, which reaches beyond the node."""
    loops = [len(edge["label"]) for edge in shape["edges"] if edge["source"] == edge["target"]]
    return f"{_PAD_INCHES + _SHORTFALL_INCHES * max(loops, default=0):.3f},{_PAD_INCHES}"


def _quoted(text: str) -> str:
    """A DOT string that shows ``text`` as it is: no escape sequence, no entity, nothing that XML forbids."""
    shown = _NOT_IN_XML.sub(lambda match: match.group().encode("unicode_escape").decode(), text)
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") + '"'


def dot_to_svg(dot: str) -> str:
    """The SVG text of a DOT graph.

    The ``graphviz-pure`` of the extra ``garbology[draw]`` draws it, so that the same graph gives the same bytes
    whatever Graphviz a machine has; without it the system's ``dot`` does.

    Raises
    ------
    GraphvizMissing : there is neither.
    RuntimeError : the program failed; the message is its last line.
    """
    done = subprocess.run(
        [_dot_program(), "-Tsvg"],
        input=dot.encode(),
        capture_output=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"dot failed with exit code {done.returncode}: {last[0]}")
    return done.stdout.decode()


def _dot_program() -> str:
    scripts = Path(sysconfig.get_path("scripts"))
    program = (
        shutil.which("graphviz-pure", path=str(scripts))
        or shutil.which("graphviz-pure")
        or shutil.which("dot")
    )
    if program is None:
        raise GraphvizMissing(
            "no dot program to draw with: install the extra, pip install 'garbology[draw]', or Graphviz"
        )
    return program
