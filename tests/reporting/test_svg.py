from xml.etree import ElementTree

import pytest

from garbology.reporting import svg

DIRTY = """<svg xmlns="http://www.w3.org/2000/svg"
 xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">
<script>alert(1)</script><style>*{fill:url(http://x)}</style><foreignObject><p>x</p></foreignObject>
<image xlink:href="http://x/y.png"/>
<a xlink:href="javascript:alert(1)"><text onclick="alert(1)">kept</text></a>
<path d="M1.23456,2.0001L3,4" style="fill:red" fill="url(http://x)" stroke="#D55E00"/></svg>"""


@pytest.fixture
def cleaned():
    return svg.serialize(svg.clean(svg.parse(DIRTY)))


@pytest.mark.parametrize(
    "dangerous", ["script", "style", "foreignObject", "image", "href", "onclick", "url("]
)
def test_nothing_that_acts_or_loads_passes(cleaned, dangerous):
    """Scripts, styles, links, images and handlers are dropped, whoever wrote them."""
    assert dangerous not in cleaned


def test_shapes_and_text_pass(cleaned):
    """What is drawn is kept, with numbers as exact as a screen shows."""
    assert ">kept<" in cleaned
    assert "M1.2,2L3,4" in cleaned


def test_a_colour_becomes_a_themes_variable():
    """A page with two themes colours the drawing by its own variables."""
    root = svg.clean(svg.parse(DIRTY))
    svg.recolor(root, {"#d55e00": "var(--vermillion)"})
    assert 'stroke="var(--vermillion)"' in svg.serialize(root)


def test_a_standalone_drawing_is_a_document():
    """The file beside the page is well-formed XML in SVG's namespace."""
    root = ElementTree.fromstring(svg.standalone(svg.clean(svg.parse(DIRTY))).encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
