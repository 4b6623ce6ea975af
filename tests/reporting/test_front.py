"""The front page: one chart first, the studies by their question, marks where something does not hold."""

import itertools
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from garbology.reporting import write_index
from garbology.reporting.atlas import exception
from garbology.reporting.front_chart import front_view
from garbology.reporting.marks import CHARACTER_PIXELS
from garbology.reporting.panels import lay_out, suited
from garbology.study.page import AtlasRow, FigureSpec, FrontChart, Part, Tile
from tests.reporting import pages_for_tests as pages
from tests.reporting.pagereader import Page

SLUGS = [runtime.slug for runtime in pages.RUNTIMES]
WORST = next(slug for slug in SLUGS if "incremental" in slug and "emscripten" not in slug)
CHART = FrontChart(
    "{worst} let {most} wait, no other more than {rest}.",
    "{whole} are made.",
    FigureSpec("", "", "line", "dropped", "waiting"),
)


def charted(values):
    """A page whose chart has these highest values by runtime."""
    rows = [
        {"dropped": dropped, "waiting": highest * share, "runtime": slug}
        for slug, highest in values.items()
        for dropped, share in ((100, 0.5), (200, 1), (300, 0.25))
    ]
    spec = replace(CHART.spec, rows=rows, x_title="pairs dropped", y_title="pairs that wait")
    return replace(pages.several_runtimes(), front_chart=replace(CHART, spec=spec))


def texts(drawing):
    return [
        element.text for element in ElementTree.fromstring(drawing).iter() if (element.text or "").strip()
    ]


@pytest.fixture
def view():
    return front_view([charted({slug: 87_000 if slug == WORST else 1_000 for slug in SLUGS})])


def test_the_chart_s_words_have_the_numbers_of_the_records(view):
    """The highest runtime, its value, the highest of the others, and how far the work went."""
    name = WORST.split("-")[1]
    assert view.headline == f"{name} let 87,000 wait, no other more than 1,000."
    assert view.explanation == "300 are made."
    assert view.tiles[0].number == "87,000"


def shifted(element):
    """How far down an element is put within its group."""
    found = re.search(r"translate\([-\d.]+,([-\d.]+)\)", element.get("transform", ""))
    return float(found[1]) if found else 0.0


def test_the_chart_is_linear_and_its_highest_point_is_named(view):
    """Ticks at equal steps from zero; a line a runtime; what the others reached is told below."""
    shown = texts(view.file_text)
    drawn = list(ElementTree.fromstring(view.file_text).iter())
    labels = ["0", "25k", "50k", "75k", "100k"]
    heights = [shifted(e) for e in drawn if e.text in labels and e.get("text-anchor") == "end"]
    assert len(heights) == len(labels)
    assert len({round(before - after, 1) for before, after in itertools.pairwise(heights)}) == 1
    assert len([e for e in drawn if e.tag.endswith("path") and e.get("stroke")]) == len(SLUGS)
    assert any(text.endswith(", incremental: 87,000") for text in shown)
    assert sum(text.count(": 1,000") for text in shown) == len(SLUGS) - 1
    assert {"pairs dropped", "pairs that wait"} <= set(shown)


def test_the_chart_can_be_read_on_a_phone(view):
    """Where it is 320 pixels wide its smallest text has 8.5; what it says below stays within it."""
    root = ElementTree.fromstring(view.file_text)
    width = float(root.get("width"))
    sizes = [float(e.get("font-size").removesuffix("px")) for e in root.iter() if e.get("font-size")]
    assert min(sizes) * 320 / width > 8.5
    assert max(map(len, texts(view.file_text))) * CHARACTER_PIXELS < width


@pytest.mark.parametrize(("at", "anchor"), [(0.0, "start"), (0.5, "middle"), (1.0, "end")])
def test_the_name_of_the_highest_point_stays_within_the_chart(at, anchor):
    """It begins, has its middle or ends there, by where the point is."""
    page = charted(dict.fromkeys(SLUGS, 1_000))
    rows = [{"dropped": x, "waiting": 9_000 if x == at else 1, "runtime": WORST} for x in (0.0, 0.5, 1.0)]
    kept = [row for row in page.front_chart.spec.rows if row["runtime"] != WORST]
    spec = replace(page.front_chart.spec, rows=[*rows, *({**row, "dropped": 1.0} for row in kept)])
    view = front_view([replace(page, front_chart=replace(page.front_chart, spec=spec))])
    (name,) = [e for e in ElementTree.fromstring(view.file_text).iter() if (e.text or "").endswith(": 9,000")]
    assert name.get("text-anchor") == anchor


def test_a_chart_of_one_runtime_is_none():
    """There is nothing to compare, as after a run of one's own."""
    assert front_view([charted({WORST: 5})]) is None
    assert front_view([pages.study_page()]) is None


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    place = tmp_path_factory.mktemp("front")
    first, second = Part("Who frees it?", 1), Part("What does it cost?", 2)
    chart = charted({slug: 87_000 if slug == WORST else 1_000 for slug in SLUGS})
    write_index(
        [
            replace(chart, name="a", title="The cost", part=second),
            replace(pages.study_page(), name="b", title="The one", part=first, problems=()),
            replace(
                pages.study_page(), name="c", title="A score", is_score=True, verdict="28 of 32 are right."
            ),
        ],
        place,
    )
    return place


def test_studies_stand_under_their_questions(front):
    """In the order of the parts; what has no part comes last; a score stands above all."""
    page = Page((front / "index.html").read_text(encoding="utf-8"))
    order = [
        "28 of 32 are right.",
        "Who frees it?",
        "The one",
        "What does it cost?",
        "The cost",
        "More studies",
        "A score",
    ]
    places = []
    for text in order:
        places.append(page.text.index(text, places[-1] + 1 if places else 0))
    assert places == sorted(places)


def test_a_card_has_its_figure_and_marks_only_what_differs(front):
    """A drawing in each card; a badge where a claim fails somewhere, and none that says that all is well."""
    page = Page((front / "index.html").read_text(encoding="utf-8"))
    assert len(page.with_class("thumbnail")) == 3
    badges = [one["class"] for one in page.with_class("badge")]
    assert badges
    assert not [badge for badge in badges if badge.endswith(" holds")]
    assert "1 of 4 claims: not on every version" in page.text


def test_the_chart_is_a_file_for_other_pages(front):
    """README.md shows it."""
    assert "](front.svg)" in (front / "README.md").read_text(encoding="utf-8")
    assert (front / "front.svg").is_file()


def row(values):
    tiles = {slug: Tile("Pairs that wait", value, "pairs") for slug, value in values.items()}
    return AtlasRow("Pairs that wait", "pairs", "less", tiles)


def test_a_headline_has_its_exception():
    """A runtime more than three times worse than the one that the headline is of; else nothing."""
    page = replace(pages.several_runtimes(), lead=SLUGS[-1])
    values = dict.fromkeys(SLUGS, 1_026)
    assert exception(replace(page, atlas=[row(values)])) == ""
    found = exception(replace(page, atlas=[row({**values, WORST: 87_027})]))
    assert found == f"But 87,027 on {WORST.split('-')[1]} (incremental): pairs that wait."


def test_the_most_telling_rows_come_first():
    """A study whose runtimes differ most stands above those where they are alike."""
    from garbology.reporting.atlas import atlas

    values = dict.fromkeys(SLUGS, 1_026)
    alike = replace(pages.several_runtimes(), name="a", title="Alike", atlas=[row(values)])
    telling = replace(
        pages.several_runtimes(), name="b", title="Telling", atlas=[row({**values, WORST: 87_027})]
    )
    assert [section.title for section in atlas([alike, telling]).sections] == ["Telling", "Alike"]


def lines(values):
    rows = [
        {"x": x, "y": value * x, "runtime": slug, "low": None, "high": None}
        for slug, value in values.items()
        for x in (1, 2, 3)
    ]
    return FigureSpec("f", "f", "line", "x", "y", rows=rows)


def test_panels_that_say_the_same_are_alike():
    """Within a few hundredths of the axis everywhere: the later one can be folded; what differs stays."""
    layout = lay_out(lines({"a": 100, "b": 102, "c": 40}), {"a": "A", "b": "B", "c": "C"})
    assert [panel.title for panel in layout.alike] == ["B"]
    assert lay_out(lines({"a": 100}), {"a": "A"}).alike == []


@pytest.mark.parametrize("scale", ["log", "symlog"])
def test_there_are_no_bars_on_a_logarithmic_axis(scale):
    """It has no zero from which a bar could begin: a dot stands there."""
    spec = FigureSpec(
        "f", "f", "bars", "x", "y", y_scale=scale, rows=[{"x": "a", "y": 5}, {"x": "b", "y": 5_000}]
    )
    assert suited(spec).kind == "dots"
    assert suited(replace(spec, y_scale="linear")).kind == "bars"
