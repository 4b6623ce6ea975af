"""One card a shape of cycle: its picture, how often it occurs, what it holds, and which edge to weaken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from subprocess import TimeoutExpired
from typing import Any
from xml.etree.ElementTree import Element

from garbology.cycles.cycle_text import verb_of
from garbology.find.drawing import dot_to_svg, shape_dot
from garbology.reporting import svg
from garbology.reporting.folding import folded
from garbology.reporting.palette import INK, PAPER, WEAKEN
from garbology.text.numbers import format_quantity
from garbology.text.visible import shorten, visible

_MARGIN_PIXELS = 8
_NAME_CHARACTERS = 40  # of a type or an edge in a picture; the text beside it has them whole
_TEXT_PIXELS = 11  # the drawing program reckons with narrower letters than a reader's system may have
_LIFT_PIXELS = 3  # of an edge's name: it would touch the line, and underscores would vanish in it
_WIDE_PIXELS = 480  # of a picture: what half a page has room for
_NODES_DRAWN = 40  # a picture of more of them is a hairball; the edges are listed instead


@dataclass(frozen=True)
class Edge:
    """One named edge of a cycle, as text."""

    source: str
    label: str
    target: str
    weaken: bool
    set_at: Sequence[str] = ()


@dataclass(frozen=True)
class Card:
    """What a page shows of one shape; `markup` and `file_text` are empty where it could not be drawn."""

    title: str
    facts: Sequence[tuple[str, str]]
    types: Sequence[tuple[str, str]]
    edges: Sequence[Edge]
    sites: Sequence[str]
    remedy: str
    reason: str
    verified: bool | None  # None: there is no advice
    trial: str
    markup: str
    file_text: str
    why_not_drawn: str
    left_by: Sequence[str] = ()  # the tests that left it

    @property
    def verb(self) -> str:
        """What to do about an advised edge: 'weaken', 'clear', 'close'."""
        return verb_of(self.remedy)

    @property
    def wide(self) -> bool:
        """Whether the picture needs a row of its own, and on a phone a box that scrolls, to stay readable."""
        return bool(self.markup) and svg.size(svg.parse(self.markup))[0] > _WIDE_PIXELS


def card(shape: Mapping[str, Any]) -> Card:
    """The card of one shape dict, an entry of `found.to_dict()["shapes"]`; of a damaged one, a card that says so."""
    try:
        return _card(folded(shape))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        why = f"The record of this shape is damaged: {type(error).__name__}: {visible(error)}"
        return Card("A shape that cannot be read", (), (), (), (), "", "", None, "", "", "", why)


def _card(shape: Mapping[str, Any]) -> Card:
    edges = [_edge(edge) for edge in shape["edges"]]
    advice = shape.get("advice") or {}
    markup, file_text, why = _draw(shape, edges)
    return Card(
        title=_title(shape),
        facts=_facts(shape),
        types=[(visible(name), format_quantity(count)) for name, count in shape["types"].items()],
        edges=edges,
        sites=[visible(site) for site in shape.get("sites", ())],
        remedy=visible(advice.get("remedy", "")),
        reason=visible(advice.get("reason", "")),
        verified=bool(advice["verified"]) if "verified" in advice else None,
        trial=visible(advice.get("trial", "")),
        markup=markup,
        file_text=file_text,
        why_not_drawn=why,
        left_by=[visible(test) for test in shape.get("left_by", ())],
    )


def _title(shape: Mapping[str, Any]) -> str:
    if shape.get("distinct", 1) > 1:
        return f"{format_quantity(shape['distinct'])} more shapes"
    return " → ".join(visible(node["type"]) for node in shape["nodes"][:4]) + (
        " …" if shape["nodes"][4:] else ""
    )


def _edge(edge: Mapping[str, Any]) -> Edge:
    return Edge(
        visible(edge["source_type"]),
        visible(edge["label"]),
        visible(edge["target_type"]),
        bool(edge["weaken"]),
        [visible(line) for line in edge.get("set_at", ())],
    )


def _facts(shape: Mapping[str, Any]) -> list[tuple[str, str]]:
    about = "about " if shape.get("estimated") else ""
    times = "once" if shape["count"] == 1 and not about else f"{about}{format_quantity(shape['count'])} times"
    return [
        *((visible(name), visible(text)) for name, text in shape.get("about", ())),  # what a study says of it
        ("occurs", times),
        ("objects in each", _objects(shape)),
        (
            "holds in all" if "estimated" not in shape else "freed in all",
            about + format_quantity(shape["bytes"], "bytes"),
        ),
    ]


def _objects(shape: Mapping[str, Any]) -> str:
    ends = sorted({shape.get(key, shape["objects"]) for key in ("objects_low", "objects_high")})
    return " to ".join(map(format_quantity, ends))


def _draw(shape: Mapping[str, Any], edges: Sequence[Edge]) -> tuple[str, str, str]:
    """Markup for a page, text of a file, and the reason where both are empty."""
    if len(shape["nodes"]) > _NODES_DRAWN:
        return "", "", f"{len(shape['nodes'])} kinds of objects are too many for a picture."
    try:
        source = dot_to_svg(shape_dot(_drawable(shape)))
    except (RuntimeError, TimeoutExpired) as error:  # there is no such program, or it failed
        return "", "", visible(error)
    root = svg.clean(svg.parse(source))
    _normalize(root)
    file_text = svg.standalone(_on_paper(svg.clean(root)))
    svg.recolor(root, {INK: "var(--ink)", WEAKEN: "var(--weaken)", PAPER: "var(--card)"})
    sentence = "; ".join(f"{edge.source} {edge.label} {edge.target}" for edge in edges)
    return svg.inline(root, f"Cycle: {sentence}"), file_text, ""


def _drawable(shape: Mapping[str, Any]) -> dict[str, Any]:
    """The shape with nothing in its names that a drawing program could stumble over."""
    nodes = [{**node, "type": shorten(node["type"], _NAME_CHARACTERS)} for node in shape["nodes"]]
    edges = [{**edge, "label": shorten(edge["label"], _NAME_CHARACTERS)} for edge in shape["edges"]]
    return {**shape, "nodes": nodes, "edges": edges}


def _normalize(root: Element) -> None:
    """This project's ink, whatever black the drawing program wrote, and one colour for the edge to weaken."""
    for element in root.iter():
        if element.tag == "text":
            element.attrib.update({"fill": element.get("fill", "black"), "font-size": str(_TEXT_PIXELS)})
        for name in ("fill", "stroke"):
            color = element.get(name, "none").lower()
            if color in ("black", "#000", "#000000"):
                element.set(name, INK)
            elif color in ("white", "#ffffff", "transparent"):
                element.set(name, "none")
            elif color.startswith("#") and color != INK:
                element.set(name, WEAKEN)
        if element.tag == "text" and element.get("font-family"):
            _lift(element)


def _lift(name: Element) -> None:
    """An edge's name above its line, and legible where it crosses another."""
    name.set("y", f"{float(name.get('y', '0')) - _LIFT_PIXELS:g}")
    name.attrib.update({"stroke": PAPER, "stroke-width": "3", "paint-order": "stroke"})


def _on_paper(root: Element) -> Element:
    """The drawing with a margin, on paper of its own."""
    width, height = svg.size(root)
    whole_width, whole_height = width + 2 * _MARGIN_PIXELS, height + 2 * _MARGIN_PIXELS
    paper = Element("svg", {"viewBox": f"0 0 {whole_width:g} {whole_height:g}"})
    paper.attrib.update({"width": f"{whole_width:g}", "height": f"{whole_height:g}"})
    paper.append(Element("rect", {"width": "100%", "height": "100%", "rx": "6", "fill": PAPER}))
    group = Element("g", {"transform": f"translate({_MARGIN_PIXELS},{_MARGIN_PIXELS})"})
    group.extend(root)
    paper.append(group)
    return paper
