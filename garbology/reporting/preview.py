"""The picture that other sites show of a page that is linked to: PNG, for they show no SVG, in their cards' format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import vl_convert

from garbology.reporting import svg
from garbology.reporting.files import write_bytes
from garbology.reporting.palette import PAPER

FILE = "preview.png"
WIDTH, HEIGHT = 800, 420  # pixels: a card is shown smaller, and each page has such a file
_MARGIN = 20
_FONT = "Liberation Sans"  # vl-convert brings it: the same drawing gives the same bytes on every machine


@dataclass(frozen=True)
class Preview:
    """What a page says of its picture; `link` is the picture's address."""

    link: str
    drawing: str
    width: int = WIDTH
    height: int = HEIGHT

    def write(self, directory: Path) -> Path:
        """Draw the picture beside the page."""
        return write_bytes(directory / FILE, png(self.drawing))


def preview(drawings: Sequence[str], address: str = "") -> Preview | None:
    """The first drawing (the text of an SVG file, "" where there is none) as the picture of a page.

    `address` is that of the page's folder, such as "https://example.org/reports/cycles". Without it the picture's
    address is relative, which few sites follow.
    """
    drawing = next(filter(None, drawings), "")
    link = f"{address.rstrip('/')}/{FILE}" if address else FILE
    return Preview(link, drawing) if drawing else None


def png(drawing: str) -> bytes:
    """The drawing as large as it fits on paper of the cards' size."""
    root = svg.parse(drawing)
    size = {"width": str(WIDTH - 2 * _MARGIN), "height": str(HEIGHT - 2 * _MARGIN)}
    root.attrib.update({**size, "x": str(_MARGIN), "y": str(_MARGIN), "font-family": _FONT})
    whole = Element(
        "svg", {"width": str(WIDTH), "height": str(HEIGHT), "xmlns": "http://www.w3.org/2000/svg"}
    )
    whole.append(Element("rect", {"width": "100%", "height": "100%", "fill": PAPER}))
    whole.append(root)
    return bytes(vl_convert.svg_to_png(svg.serialize(whole)))
