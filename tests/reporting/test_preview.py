"""The picture that other sites show of a page."""

import struct
from dataclasses import replace

from garbology.reporting import write_index, write_page
from garbology.reporting.pages import figure_views
from tests.reporting import pages_for_tests as pages
from tests.reporting.pagereader import Page
from tests.reporting.test_front import WORST, charted

ADDRESS = "https://example.org/reports"


def said_of_picture(place):
    """What the page says of its picture, by the last part of each property."""
    page = Page((place / "index.html").read_text(encoding="utf-8"))
    said = {one["property"]: one["content"] for one in page.attributes("meta") if "property" in one}
    return {name.rpartition(":")[2]: value for name, value in said.items() if name.startswith("og:image")}


def size_of(content):
    assert content.startswith(b"\x89PNG\r\n")
    return struct.unpack(">II", content[16:24])


def test_the_picture_is_a_png_of_the_size_that_is_said(tmp_path):
    """Other sites show no SVG: beside the page there is a PNG in the format of their cards, drawn alike each time."""
    contents = []
    for place in (tmp_path / "one", tmp_path / "other"):
        paths = write_page(pages.study_page(), place)
        said = said_of_picture(place)
        assert place / said["image"] in paths
        contents.append((place / said["image"]).read_bytes())
    assert said["type"] == "image/png"
    assert size_of(contents[0]) == (int(said["width"]), int(said["height"])) == (800, 420)
    assert contents[0] == contents[1]


def test_the_picture_has_a_whole_address_where_the_page_has_one(tmp_path):
    """Else its address is relative."""
    write_page(replace(pages.study_page(), address=f"{ADDRESS}/cycles"), tmp_path)
    assert said_of_picture(tmp_path)["image"] == f"{ADDRESS}/cycles/preview.png"
    assert (tmp_path / "preview.png").is_file()


def test_the_front_page_has_the_picture_of_its_chart(tmp_path):
    """By the address of all reports, where there is one."""
    chart = charted({runtime.slug: 9 if runtime.slug == WORST else 1 for runtime in pages.RUNTIMES})
    write_index([chart], tmp_path, f"{ADDRESS}/")
    assert said_of_picture(tmp_path)["image"] == f"{ADDRESS}/preview.png"
    assert size_of((tmp_path / "preview.png").read_bytes()) == (800, 420)


def test_a_figure_of_many_panels_lends_its_first_row():
    """All of them would be too small to read on a card."""
    view = next(
        view for view in figure_views(pages.several_runtimes(), 300_000) if len(view.panels) > view.columns
    )
    begins_row = "translate(8,"
    assert view.first_row.count(begins_row) == 1
    assert view.file_text.count(begins_row) > 1


def test_a_page_without_a_figure_has_no_picture(tmp_path):
    """Nothing is said of one."""
    write_page(replace(pages.study_page(), figures=[]), tmp_path)
    assert said_of_picture(tmp_path) == {}
    assert not (tmp_path / "preview.png").exists()
