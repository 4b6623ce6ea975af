import itertools
import json
import re
import shutil
import sysconfig
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import garbology.find.drawing
from garbology.reporting import pictures, write_index, write_page
from garbology.reporting.runtimes import runtime_names
from garbology.reporting.values import value_table
from garbology.text.visible import escape_markdown, visible
from tests.reporting import pages_for_tests as pages
from tests.reporting.pagereader import Page


@pytest.fixture(params=["cycles", "several", "hostile"])
def page(request, written):
    return Page((written / request.param / "index.html").read_text(encoding="utf-8"))


@pytest.fixture
def cycles(written):
    return Page((written / "cycles" / "index.html").read_text(encoding="utf-8"))


def test_the_page_needs_no_other_file_and_no_network(page):
    """No attribute loads anything: no source, no stylesheet, no import; the policy forbids the rest."""
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "data", "background", "action", "style"} & set(attributes), (
            tag,
            attributes,
        )
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
    policy = page.attributes("meta")[-1]["content"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_every_link_stays_in_the_folder(page):
    """The only links are those to the record files beside the page, and the references of the findings."""
    links = [attributes["href"] for attributes in page.attributes("a") if "rel" not in attributes]
    assert links
    outside = {attributes["href"] for attributes in page.attributes("a") if "rel" in attributes}
    assert outside <= {
        "https://github.com/python/cpython/issues/142516",
        "https://peps.python.org/pep-0848/",
    }
    assert not [link for link in links if re.match(r"(?i)\s*([a-z]+:|//|/)", link)]


def test_the_page_is_well_formed_and_light(written, page):
    """Every element is closed, and a page with three figures or twelve panels stays under 400 kB."""
    assert page.open == []
    assert all(path.stat().st_size < 400_000 for path in written.glob("*/index.html"))


def test_names_are_shown_and_never_obeyed(written):
    """A name with markup and control characters is text: the page has the one script that is its own."""
    page = Page((written / "hostile" / "index.html").read_text(encoding="utf-8"))
    assert len(page.attributes("script")) == 1
    assert page.text.count(visible(pages.HOSTILE)) >= 15
    assert not [name for _tag, attributes in page.elements for name in attributes if name.startswith("on")]
    texts = [path for path in (written / "hostile").iterdir() if path.suffix != ".png"]
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text), path
        outside_code = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text) if path.suffix == ".md" else text
        assert "<script>alert" not in outside_code, path


def test_the_page_says_it_all_without_a_script(cycles):
    """Verdict, tiles, claims, evidence, problems, values, environment and command are in the text itself."""
    for said in (
        pages.VERDICT,
        "2 of 4 findings hold, 1 does not hold, 1 not measured",
        "61.2 MB",
        "95 %: 61.1 to 61.4 MB",
        "One collection frees all of it.",
        "3 Variables left",
        "crashed with SIGSEGV (1 of 5)",
        "Who frees a dropped graph",
        "700 · 10 · 10",
        "python -m experiments.cycles",
    ):
        assert said in cycles.text


def test_each_card_shows_its_cycle(cycles):
    """A card has the picture or its edges, the count, the bytes, where it was made, and the remedy."""
    assert len(cycles.with_class("cycle")) == 2
    assert len(cycles.with_class("weaken")) == 1
    for said in (
        "100,000 times",
        "61.2 MB",
        "chain.py:12",
        "Remedy: weakref:",
        "verified",
        "verified tried on one of them: all of it was freed",
        "(weaken this one)",
    ):
        assert said in cycles.text


def test_marks_are_reachable_by_keyboard_and_screen_reader(cycles):
    """Each drawing is a stop of the Tab key with a name, each mark an image with its values."""
    drawings = cycles.with_class("drawing")
    assert all(drawing["tabindex"] == "0" and drawing["aria-label"] for drawing in drawings)
    marks = cycles.with_class("mark")
    assert len(marks) == sum(len(figure.rows) for figure in pages.figures())
    assert all(mark["role"] == "img" and mark["aria-label"] for mark in marks)


def test_several_runtimes_stand_in_the_order_of_versions(written):
    """3.9 comes before 3.10, 3.14.2 before 3.14.10, a candidate before its release, in all tables alike."""
    page = Page((written / "several" / "index.html").read_text(encoding="utf-8"))
    method = page.text[page.text.rindex("How it was measured") :]
    places = [method.index(f" {label} ") for label in pages.LABELS_IN_ORDER]
    assert places == sorted(places)
    assert "verdict and tiles: CPython 3.15.0" in page.text


def test_a_claim_is_one_row_over_all_versions(written):
    """A row a claim with a sign a version; what holds everywhere is folded, broken and excepted ones are open."""
    page = Page((written / "several" / "index.html").read_text(encoding="utf-8"))
    claims = {result.claim for result in pages.findings()}
    assert all(page.text.count(claim) == 1 for claim in claims)
    rows = [one for tag, one in page.elements if tag == "tr" and one.get("id", "").startswith("finding-")]
    assert len(rows) == len(claims)
    assert len([one for one in page.with_class("not-on-this-version") if "badge" not in one["class"]]) == 2
    assert "✗ does not hold" in " ".join(page.text.split())
    assert "Does not hold: CPython 3.9.18. 3 Variables left on 3.9" in page.text
    assert "looks at a slice of the heap at a time. (python/cpython#142516, PEP 848)" in page.text
    assert "3 of 4 findings hold, 1 of them not on every version, 1 does not hold" in page.text


def test_no_badge_says_what_is_so_everywhere(written):
    """Of the claims only those that do not hold are marked."""
    page = Page((written / "several" / "index.html").read_text(encoding="utf-8"))
    badges = [one["class"] for one in page.with_class("badge")]
    assert "badge does-not-hold" in badges
    assert "badge holds" not in badges


def test_a_page_leads_back_and_says_what_it_is_about(tmp_path):
    """A link to the front page where there is one, links to its own parts, a description and a picture for others."""
    write_page(replace(pages.study_page(), front="../index.html"), tmp_path)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    links = [one["href"] for one in page.attributes("a")]
    assert links[0] == "../index.html"
    places = {one["id"] for _, one in page.elements if "id" in one}
    assert {link[1:] for link in links if link.startswith("#")} <= places
    said = {one.get("name", one.get("property")): one.get("content") for one in page.attributes("meta")}
    assert said["description"] == said["og:description"] == pages.VERDICT
    assert said["og:title"] == pages.study_page().title


def test_figures_of_many_runtimes_draw_one_of_each_kind(written):
    """Of eight runtimes in three facets two are drawn, one of each collector; the table has all of them."""
    text = (written / "several" / "README.md").read_text(encoding="utf-8")
    assert "Drawn for CPython 3.14.2 (incremental), CPython 3.15.0; the table has all 8 runtimes." in text
    page = Page((written / "several" / "index.html").read_text(encoding="utf-8"))
    assert "workload outputs operations 3.9.18 3.10.13 3.13.0 3.14.2 incremental" in page.text


def test_the_remedy_stands_by_itself(cycles):
    """The docstring's last part, "What to do about it", is a box of its own, its code as it was written."""
    assert len(cycles.with_class("remedy")) == 1
    assert "What to do about it Hold the output weakly. Instead of self.output = output write" in cycles.text
    assert "self.output = weakref.ref(output)" in cycles.text
    assert "output → creator → output" in cycles.text


def test_parameters_and_repeats_are_told(cycles):
    """How it was measured names the grid, the repeats, the environment, the raw records and the command."""
    for said in ("parameter operations 100 · 1,000 · 10,000 · 100,000", "repeats 5", "seed 1234567890"):
        assert said in cycles.text


@pytest.mark.slow
def test_the_same_page_gives_the_same_bytes(written, tmp_path):
    """Written again, elsewhere, every file is the same."""
    for path in write_page(pages.study_page(), tmp_path):
        assert path.read_bytes() == (written / "cycles" / path.name).read_bytes(), path.name
    assert {path.name for path in tmp_path.iterdir()} == {
        path.name for path in (written / "cycles").iterdir()
    }


@pytest.mark.slow
def test_a_page_too_large_is_cut_where_it_says_so(tmp_path):
    """Sixteen figures stay under 400 kB: the later ones are tables, and their files are named."""
    figure = pages.figures()[0]
    many = [replace(figure, name=f"figure_{index}") for index in range(16)]
    written = write_page(replace(pages.study_page(), figures=many), tmp_path)
    assert written[0].stat().st_size < 400_000
    assert "to keep this page small: the drawing is in figure_15.svg" in written[0].read_text(
        encoding="utf-8"
    )
    assert (tmp_path / "figure_15.svg").exists()


@pytest.mark.slow
def test_a_thousand_problems_leave_room_for_the_rest(tmp_path):
    """The first problems are listed and the others counted: the page stays one that is read."""
    many = [f"case {index} crashed with SIGSEGV" for index in range(1_000)]
    text = Page(
        write_page(replace(pages.study_page(), problems=many), tmp_path)[0].read_text(encoding="utf-8")
    ).text
    assert "case 39 crashed" in text
    assert "case 40 crashed" not in text
    assert "and 960 more, which the records name" in text


def test_an_empty_page_is_still_a_page(tmp_path):
    """A run that ended before its first case leaves a page that says so."""
    bare = replace(
        pages.study_page(), verdict="", tiles=(), findings=(), figures=(), pictures=(), runtimes=()
    )
    empty = replace(pages.figures()[0], rows=[])
    write_page(replace(bare, figures=[empty]), tmp_path)
    text = Page((tmp_path / "index.html").read_text(encoding="utf-8")).text
    assert "No verdict: what it needs was not measured." in text
    assert "Nothing was measured for this figure." in text
    assert "Nothing was measured for this figure." in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_another_dot_on_the_machine_changes_nothing(monkeypatch, tmp_path):
    """The wheel's program draws the cycles, whatever `dot` stands first on PATH: same records, same bytes."""
    if not shutil.which("graphviz-pure", path=sysconfig.get_path("scripts")):
        pytest.skip("graphviz-pure is not installed")
    before = pictures.card(pages.shape()).file_text
    (tmp_path / "dot").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pictures.card(pages.shape()).file_text == before


def test_without_graphviz_the_edges_are_a_list(monkeypatch):
    """Where no `dot` is found the card says why and lists the edges."""

    def missing(dot):
        raise garbology.find.drawing.GraphvizMissing("no dot program to draw with")

    monkeypatch.setattr(pictures, "dot_to_svg", missing)
    card = pictures.card(pages.shape())
    assert card.markup == card.file_text == ""
    assert card.why_not_drawn == "no dot program to draw with"
    assert [edge.label for edge in card.edges] == [".outputs[0]", ".creator"]


def test_headings_skip_no_level(page):
    """A screen reader's list of headings is an outline."""
    levels = [int(tag[1]) for tag, _attributes in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_name_of_an_edge_does_not_lie_on_its_line():
    """Its underscores would vanish in the line, so that the name would read as another."""
    node = {"id": 0, "type": "frame", "objects": 1}, {"id": 1, "type": "Error", "objects": 1}
    ends = {"source_type": "Error", "target_type": "frame", "label": ".__traceback__", "weaken": False}
    shape = {**pages.shape(), "nodes": node, "edges": [{"source": 1, "target": 0, **ends}]}
    drawing = ElementTree.fromstring(pictures.card(shape).file_text)
    (name,) = (one for one in drawing.findall(".//{*}text") if "__traceback__" in (one.text or ""))
    line = [one.get("d") for one in drawing.findall(".//{*}path")][-1]
    assert float(name.get("y")) <= float(re.match(r"M[-\d.]+,([-\d.]+)", line)[1]) - 6


@pytest.mark.slow
def test_a_record_with_any_name_is_linked(tmp_path):
    """Bytes that are no UTF-8, as a file system allows, are in the link as they are, and shown as escapes."""
    summary = replace(pages.runtime(), record_file="\udcff:?#%.json")
    write_page(replace(pages.study_page(), runtimes=[summary]), tmp_path)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "%FF%3A%3F%23%25.json" in [link["href"] for link in page.attributes("a")]
    assert "(%FF%3A%3F%23%25.json)" in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    "damaged",
    [
        7,
        {},
        {**pages.shape(), "nodes": None},
        {**pages.shape(), "nodes": [{"id": "x", "type": "Mul", "objects": 1}]},
        {**pages.shape(), "edges": [True]},
        {**pages.shape(), "types": 3},
        {**pages.shape(), "advice": "weaken"},
    ],
)
def test_a_shape_that_is_damaged_is_named_and_the_rest_is_drawn(damaged, tmp_path):
    """Its card says so; the page and the other shape are there."""
    page = replace(pages.study_page(), pictures=[damaged, pages.shape()])
    write_page(page, tmp_path)
    shown = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "The record of this shape is damaged" in shown.text
    assert (tmp_path / "cycle-2.svg").exists()


def test_a_program_that_fails_to_draw_a_cycle_leaves_the_list(monkeypatch):
    """One picture less is no reason for no page."""

    def failing(dot):
        raise RuntimeError("dot failed with exit code 1: out of memory")

    monkeypatch.setattr(pictures, "dot_to_svg", failing)
    assert pictures.card(pages.shape()).why_not_drawn == "dot failed with exit code 1: out of memory"


def test_markdown_has_the_values_of_each_figure(written):
    """A picture on GitHub has no tips: its values are in a table below it, which the notes speak of."""
    text = (written / "several" / "README.md").read_text(encoding="utf-8")
    page = pages.several_runtimes()
    for figure in page.figures:
        for row in value_table(figure, runtime_names(page.runtimes)).rows:
            assert f"| {' | '.join(map(escape_markdown, row))} |" in text
    assert "the table has all" in text
    assert text.count("<details><summary>The values as a table</summary>\n\n|") == len(page.figures)


def test_markdown_shows_the_drawings_beside_it(written):
    """README.md names every claim and embeds each drawing by a file that exists."""
    text = (written / "cycles" / "README.md").read_text(encoding="utf-8")
    images = re.findall(r"!\[[^\n]*?\]\(([^)]+)\)", text)
    assert images == [
        "variables_left.svg",
        "collect_time.svg",
        "garbage_bytes.svg",
        "cycle-1.svg",
        "cycle-2.svg",
    ]
    assert all((written / "cycles" / image).exists() for image in images)
    assert "| **does not hold** | One collection frees all of it." in text


def test_every_row_of_a_markdown_table_is_as_wide_as_its_head(written):
    """A name with a bar in it does not break the table it stands in."""
    for name in ("cycles", "several", "hostile"):
        text = (written / name / "README.md").read_text(encoding="utf-8")
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1, block


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    """A page is replaced whole: what stops the writing leaves the page that was there, and no litter."""
    from garbology.reporting import files

    target = files.write_text(tmp_path / "index.html", "old")
    monkeypatch.setattr(
        files.Path, "replace", lambda self, target: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        files.write_text(target, "new")
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_index_lists_every_study(tmp_path):
    """The index has each study's verdict and links its page, in Markdown and in HTML."""
    other = replace(pages.several_runtimes(), name="another", title="Another <study>")
    html, markdown = write_index([pages.study_page(), other], tmp_path)
    page = Page(html.read_text(encoding="utf-8"))
    links = dict.fromkeys(one["href"] for one in page.attributes("a") if not one["href"].startswith("#"))
    assert list(links) == ["another/index.html", "cycles/index.html"]
    assert "Another <study>" in page.text
    assert pages.study_page().verdict in page.text
    assert "(cycles/README.md)" in markdown.read_text(encoding="utf-8")


def test_drawing_needs_only_plain_data(tmp_path):
    """A page's shapes are what JSON gives back: nothing of a measured process is needed to draw them."""
    shape = json.loads(json.dumps(pages.shape()))
    assert pictures.card(shape) == pictures.card(pages.shape())


@pytest.mark.slow
def test_code_in_markdown_is_code_without_stray_backslashes(tmp_path):
    """A claim's code is code in a table too, a pipe in it stays in its cell, a full stop after it is bare."""
    source = pages.study_page()
    claim = replace(source.findings[0], claim="Read `a | b` of `__slots__`. Then stop.")
    write_page(replace(source, findings=[claim], docstring="Why `__slots__`. Because."), tmp_path)
    markdown = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| Read `a \\| b` of `__slots__`. Then stop. |" in markdown
    assert "Why `__slots__`. Because." in markdown


@pytest.mark.slow
def test_a_card_says_what_came_of_the_trial(tmp_path):
    """Beside the badge stands why the advice was or was not tried; an older record, which has no reason, says none."""
    shape = pages.shape()
    older = {**shape, "advice": {key: value for key, value in shape["advice"].items() if key != "trial"}}
    untried = {
        **shape,
        "advice": {**shape["advice"], "verified": False, "trial": "not tried: `f` is suspended"},
    }
    for name, one in {"tried": shape, "older": older, "untried": untried}.items():
        write_page(replace(pages.study_page(), pictures=[one]), tmp_path / name)
    text = {
        name: Page((tmp_path / name / "index.html").read_text(encoding="utf-8")).text
        for name in ("tried", "older", "untried")
    }
    assert "verified tried on one of them: all of it was freed Remedy: weakref:" in text["tried"]
    assert "verified Remedy: weakref:" in text["older"]
    assert "not verified not tried: f is suspended Remedy: weakref:" in text["untried"]
    markdown = (tmp_path / "untried" / "README.md").read_text(encoding="utf-8")
    assert "Remedy (not verified: not tried: `f` is suspended): **weakref**:" in markdown
    assert "Remedy (verified): **weakref**:" in (tmp_path / "older" / "README.md").read_text(encoding="utf-8")


def test_a_wide_picture_has_a_row_of_its_own():
    """A chain of eight kinds would shrink to unreadable in half a page; a cycle of two fits there."""
    small = pages.shape()
    nodes = [{"id": index, "type": f"SomeLongTypeName{index}", "objects": 1} for index in range(8)]
    edges = [
        {
            "source": index,
            "target": (index + 1) % 8,
            "source_type": nodes[index]["type"],
            "target_type": nodes[(index + 1) % 8]["type"],
            "label": ".next",
            "weaken": False,
        }
        for index in range(8)
    ]
    assert not pictures.card(small).wide
    assert pictures.card({**small, "nodes": nodes, "edges": edges}).wide
