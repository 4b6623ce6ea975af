"""SVG from the drawing libraries, cleaned: only shapes and text pass, few bytes, in a theme's colours.

What is drawn bears names from watched programs. The drawing libraries escape them, and this module does not
rely on that: it parses their output and keeps the elements and attributes it knows, so that a script, a link,
a style or an event handler has no way onto a page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_ELEMENTS = frozenset(
    ("svg", "g", "path", "text", "tspan", "polygon", "polyline", "line", "rect", "circle", "ellipse")
)
_GEOMETRY = frozenset(
    ("transform", "d", "points", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry")
)
_PAINT = frozenset(
    (
        "fill",
        "stroke",
        "fill-opacity",
        "stroke-opacity",
        "opacity",
        "stroke-width",
        "stroke-dasharray",
        "paint-order",
    )
)
_OTHER = frozenset(
    (
        "viewBox",
        "width",
        "height",
        "text-anchor",
        "font-size",
        "font-weight",
        "font-style",
        "role",
        "aria-label",
    )
)
_ATTRIBUTES = _GEOMETRY | _PAINT | _OTHER
_DEFAULTS = {
    "opacity": "1",
    "fill-opacity": "1",
    "stroke-opacity": "1",
    "font-weight": "normal",
    "stroke-dasharray": "1,0",
    "transform": "translate(0,0)",
}
_NUMBER = re.compile(r"-?\d+\.\d+")
_MONOSPACE_FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_SYSTEM_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"


def parse(source: str) -> Element:
    """The root of the SVG document `source`, its namespaces dropped."""
    root = ElementTree.fromstring(source.encode())  # noqa: S314 - parses what our own drawing libraries wrote
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return root


def clean(root: Element) -> Element:
    """A copy of `root` with the known elements and attributes only, without what cannot be seen."""
    copied = _clean_element(root)
    return copied if copied is not None else Element("svg")


def _clean_element(element: Element) -> Element | None:
    if element.tag == "a":
        element.tag = "g"
    if element.tag not in _ELEMENTS or _unseen(element):
        return None
    copied = Element(element.tag, _clean_attributes(element))
    if element.tag in ("text", "tspan"):
        copied.text = element.text
    for child in element:
        kept = _clean_element(child)
        if kept is not None:
            copied.extend(_flatten(kept))
    if element.tag == "g" and not len(copied):
        return None
    return copied


def _unseen(element: Element) -> bool:
    if element.get("display") == "none" or (element.tag == "path" and not element.get("d")):
        return True
    return element.tag == "path" and "background" in element.get("class", "") and not element.get("stroke")


def _clean_attributes(element: Element) -> dict[str, str]:
    kept = {}
    for name, value in element.attrib.items():
        if name not in _ATTRIBUTES or _DEFAULTS.get(name) == value or "url(" in value.lower():
            continue
        kept[name] = _NUMBER.sub(_rounded, value) if name in _GEOMETRY else value
    if "mono" in element.get("font-family", ""):
        kept["font-family"] = _MONOSPACE_FONT
    described = element.get("aria-roledescription", "")
    if described in ("point", "bar") and "aria-label" in kept:
        kept.update({"class": "mark", "role": "img"})
    elif described != "axis":
        kept.pop("aria-label", None)
        kept.pop("role", None)
    else:
        kept["role"] = "img"
    return kept


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _flatten(element: Element) -> list[Element]:
    """A group without attributes says nothing: its children stand for it."""
    return list(element) if element.tag == "g" and not element.attrib else [element]


def recolor(root: Element, colors: Mapping[str, str]) -> None:
    """Replace every fill and stroke named in `colors` (lower case), in place."""
    for element in root.iter():
        for name in ("fill", "stroke"):
            color = element.get(name, "").lower()
            if color in colors:
                element.set(name, colors[color])


def inline(root: Element, label: str) -> str:
    """`root` as markup for a page: sized by its container, one stop of the Tab key, named by `label`."""
    width, height = size(root)
    root.attrib.pop("fill", None)
    root.attrib.update({"viewBox": _view_box(root), "width": f"{width:g}", "height": f"{height:g}"})
    root.attrib.update({"class": "drawing", "role": "group", "aria-label": label, "tabindex": "0"})
    return serialize(root)


def standalone(root: Element) -> str:
    """`root` as the text of an SVG file that any viewer draws."""
    root.attrib.update({"xmlns": "http://www.w3.org/2000/svg", "font-family": _SYSTEM_FONT})
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + serialize(root) + "\n"


def serialize(root: Element) -> str:
    """The markup of `root`, every text and attribute escaped."""
    return ElementTree.tostring(root, encoding="unicode")


def size(root: Element) -> tuple[float, float]:
    """Width and height of a drawing in pixels, from its view box or its own size."""
    numbers = _view_box(root).split()
    return float(numbers[2]), float(numbers[3])


def _view_box(root: Element) -> str:
    box = root.get("viewBox", "").replace(",", " ")
    return box if len(box.split()) == 4 else f"0 0 {root.get('width', '100')} {root.get('height', '100')}"
