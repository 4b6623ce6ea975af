"""A shape as a picture: DOT, and SVG by whichever ``dot`` there is.

Works on the plain form of a shape (:meth:`garbology.cycles.shapes.CycleShape.to_dict`), so that a picture can be
drawn from a record on any machine.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from garbology.text.escaping import escaped

_WEAKEN = "#c2410c"
_NOT_IN_XML = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_TIMEOUT_SECONDS = 30
_PAD_INCHES = 0.055  # Graphviz's own
_MARGIN_INCHES = (0.15, 0.08)
_FITS_CHARACTERS = 16  # of a name, within that margin
_NAME_SHORTFALL_INCHES = 0.009  # likewise, of a letter of a longer name
_SHORTFALL_INCHES = 0.014  # of a letter, on each side: the drawing program takes them for narrower


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
        name = count + node["type"]
        lines.append(f"  n{int(node['id'])} [label={_quoted(name)}{_margin(name)}];")
    for edge in _loops_together(shape["edges"]):
        style = (
            f', color="{_WEAKEN}", fontcolor="{_WEAKEN}", style="dashed", penwidth="2"'
            if edge["weaken"]
            else ""
        )
        ends = f"n{int(edge['source'])} -> n{int(edge['target'])}"
        below = ', tailport="s", headport="s"' if edge.get("below") else ""
        lines.append(f"  {ends} [label={_quoted(' ' + edge['label'] + ' ')}{style}{below}];")
    return "\n".join([*lines, "}", ""])


def _margin(name: str) -> str:
    """Room at the sides of a long name, of which the drawing program takes each letter for narrower than it is."""
    more = _NAME_SHORTFALL_INCHES * (len(name) - _FITS_CHARACTERS)
    return f', margin="{_MARGIN_INCHES[0] + more:.3f},{_MARGIN_INCHES[1]}"' if more > 0 else ""


def _loops_together(edges: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The edges; those from a node to itself as one that names them all, and those to be weakened as another.

    Each would lie on the names of the others: so there is one above the node, and one below.
    """
    drawn: list[dict[str, Any]] = []
    loops: dict[tuple[int, bool], dict[str, Any]] = {}
    for edge in edges:
        node = edge["source"]
        if node == edge["target"] and (known := loops.get((node, edge["weaken"]))):
            known["label"] += f", {edge['label']}"
            continue
        drawn.append(dict(edge))
        if node == edge["target"]:
            drawn[-1]["below"] = (node, not edge["weaken"]) in loops
            loops[node, edge["weaken"]] = drawn[-1]
    return drawn


def _pad(shape: Mapping[str, Any]) -> str:
    """Room at the sides for the label of an edge from a node to itself, which reaches beyond the node."""
    edges = _loops_together(shape["edges"])
    loops = [len(edge["label"]) for edge in edges if edge["source"] == edge["target"]]
    return f"{_PAD_INCHES + _SHORTFALL_INCHES * max(loops, default=0):.3f},{_PAD_INCHES}"


def _quoted(text: str) -> str:
    """A DOT string that shows ``text`` as it is: no escape sequence, no entity, nothing that XML forbids."""
    shown = _NOT_IN_XML.sub(lambda match: escaped(match.group()), text)
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
    import subprocess  # it and shutil bring a dozen modules along, which who draws nothing may do without

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
    import shutil

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
