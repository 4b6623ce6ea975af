import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from vl_convert import vegalite_to_svg as to_svg

from garbology.reporting import figures, svg
from garbology.reporting import marks as marks_module
from garbology.reporting.panels import lay_out, suited
from garbology.study.page import FigureSpec
from tests.reporting import pages_for_tests as pages

LABELS = {pages.SLUG: "CPython 3.11.7"}


def marks(markup):
    return [one for one in ElementTree.fromstring(markup).iter() if one.get("class") == "mark"]


@pytest.fixture(scope="module")
def left():
    return figures.draw(pages.figures()[0], LABELS)


@pytest.mark.slow
def test_each_facet_is_a_panel(left):
    """Small multiples stand in the order of the study's values."""
    assert [panel.title for panel in left.panels] == ["chain", "perceptron", "wide"]


def test_every_value_is_read_out(left):
    """A mark bears the value, its parameters, its interval and its number of samples."""
    labels = [mark.get("aria-label") for mark in marks(left.panels[0].markup)]
    assert len(labels) == 12
    expected = (
        "outputs strong, operations 100,000: variables 200,000 (95 % interval: no spread), 5 samples, chain"
    )
    assert expected in labels


@pytest.mark.slow
@pytest.mark.parametrize("spec", pages.figures(), ids=lambda spec: spec.name)
def test_text_stays_text_and_the_file_is_whole(spec):
    """The drawing's labels can be searched and copied, and the file has a mark for every row."""
    drawn = figures.draw(spec, LABELS)
    root = ElementTree.fromstring(drawn.file_text.encode())
    texts = {one.text for one in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"strong", "weak", "none"} <= texts
    drawn_marks = [one for one in root.iter() if one.get("class") == "mark"]
    assert len(drawn_marks) == len(spec.rows)


@pytest.mark.slow
def test_intervals_are_drawn():
    """An interval is a line from its low end to its high end, longer where the interval is wider."""
    spec = pages.figures()[1]
    wide = replace(spec, rows=[{**row, "low": row["collect_seconds"] / 3} for row in spec.rows])
    lengths = []
    for one in (spec, wide):
        root = ElementTree.fromstring(figures.draw(one, LABELS).panels[0].markup)
        lines = [line for line in root.iter("line") if line.get("stroke") == "var(--vermillion)"]
        assert len(lines) == 4
        lengths.append(max(abs(float(line.get("y2", "0"))) for line in lines))
    assert lengths[1] > lengths[0] > 0


@pytest.mark.slow
def test_equal_values_are_both_seen():
    """Two series with one value stand side by side: a hidden one would look like a missing one."""
    found = {
        mark.get("transform") for mark in marks(figures.draw(pages.figures()[0], LABELS).panels[0].markup)
    }
    assert len(found) == 12


def test_a_figure_without_values_is_no_drawing():
    """There is no empty frame where nothing was measured, and a missing value is counted."""
    spec = pages.figures()[1]
    nothing = replace(spec, rows=[{**row, "collect_seconds": None} for row in spec.rows])
    assert figures.draw(nothing, LABELS) is None
    assert figures.draw(replace(spec, rows=[]), LABELS) is None
    partly = replace(spec, rows=[*spec.rows, {**spec.rows[0], "collect_seconds": float("nan")}])
    assert figures.draw(partly, LABELS).missing == 1


def test_lines_of_one_point_are_bars():
    """A quick run has one size of each: its values are written beside bars that begin at zero."""
    spec = replace(pages.figures()[0], kind="line", y_scale="log")
    assert suited(spec) is spec
    alone = suited(replace(spec, rows=[row for row in spec.rows if row[spec.x] == spec.rows[0][spec.x]]))
    assert (alone.kind, alone.y_scale) == ("bars", "linear")


@pytest.mark.slow
def test_a_row_without_a_place_is_left_out_and_counted():
    """A list where a name should be, as in a damaged record, costs that row only."""
    spec = pages.figures()[0]
    damaged = {**spec.rows[0], spec.color: ["strong"]}
    assert figures.draw(replace(spec, rows=[*spec.rows, damaged]), LABELS).missing == 1


def test_several_runtimes_are_panels_in_the_order_of_versions():
    """Unlike runtimes are never drawn as one line."""
    page = pages.several_runtimes()
    labels = {
        "cpython-3.9.18-generational": "CPython 3.9.18",
        "cpython-3.13.0-generational": "CPython 3.13.0",
    }
    layout = lay_out(replace(page.figures[1], rows=pages.rows(list(reversed(labels)))), labels)
    assert [panel.title for panel in layout.panels] == ["CPython 3.9.18", "CPython 3.13.0"]


@pytest.mark.parametrize("kind", ["line", "bars", "points"])
@pytest.mark.parametrize("values", [["a", "b", None, True], [1, 2.5, 1e9], [0, 0, 0], ["x" * 60] * 2])
def test_any_values_can_be_drawn(kind, values):
    """Names, flags, nothing, zeros and huge numbers all find a place, in every kind of figure."""
    rows = [{"x": value, "y": index, "runtime": pages.SLUG} for index, value in enumerate(values)]
    for scale in ("linear", "log", "symlog"):
        spec = FigureSpec("f", "c", kind, "x", "y", x_scale=scale, y_scale=scale, rows=rows)
        assert len(marks(figures.draw(spec, LABELS).panels[0].markup)) == len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("spec", pages.figures(), ids=lambda spec: spec.name)
def test_no_length_hangs_on_a_font(spec):
    """Drawn with letters of another width every mark stays in its place: other machines, same bytes."""
    layout = lay_out(spec, LABELS)
    drawings = set()
    for font in ("serif", "monospace"):
        chart = marks_module.chart(spec, layout, layout.panels[0]).to_dict()
        chart["config"]["font"] = font
        drawings.add(re.sub(r' font-family="[^"]*"', "", svg.serialize(svg.clean(svg.parse(to_svg(chart))))))
    assert len(drawings) == 1
