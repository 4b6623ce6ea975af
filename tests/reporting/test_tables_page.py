"""A page of tables beside the studies, and the front page that links to it."""

from garbology.reporting import write_index
from garbology.reporting.tables_page import ENTRY, TablePart, TablesPage, pages_beside, write_tables
from garbology.study.page import Table, Tile

TABLE = Table(("goal", "measured"), (("at most 4 <b>", "3.8 | tree"),), "What is asked for")


def page(**changes):
    plain = {
        "name": "speed", "title": "Speed", "docstring": "How fast is it?\n\nIt is measured.\n",
        "verdict": "1 of 1 goal reached.", "first": TABLE, "tiles": [Tile("time", 0.5, "seconds")],
        "parts": [TablePart("Finder", "One round.", ["refcycle is not installed"], [("Heaps", TABLE)])],
        "command": "python -m it", "front": "../index.html",
    }  # fmt: skip
    return TablesPage(**{**plain, **changes})


def test_the_page_has_its_tables_and_what_is_missing(tmp_path):
    """In the browser and in Markdown; what a cell has in it is shown, never interpreted; the same bytes each time."""
    paths = write_tables(page(), tmp_path)
    assert [path.name for path in paths] == ["index.html", "README.md", ENTRY]
    html, markdown, _ = before = [path.read_bytes().decode() for path in paths]
    for text in (html, markdown):
        assert "How fast is it?" in text
        assert "refcycle is not installed" in text
        assert "1 of 1 goal reached." in text
        assert "<b>" not in text.partition("What is asked for")[2].partition("Finder")[0]
    assert "3.8 \\| tree" in markdown
    assert '<a href="../index.html">' in html
    write_tables(page(), tmp_path)
    assert [path.read_bytes().decode() for path in paths] == before


def test_the_front_page_links_to_it(tmp_path):
    """By its title, with its verdict; where there is no such page nothing is said of any."""
    write_index([], tmp_path)
    assert "Beside the studies" not in (tmp_path / "README.md").read_text()
    write_tables(page(), tmp_path / "speed")
    write_index([], tmp_path)
    assert "- [Speed](speed/README.md): 1 of 1 goal reached." in (tmp_path / "README.md").read_text()
    html = (tmp_path / "index.html").read_text()
    assert '<h3><a href="speed/index.html">Speed</a></h3>' in html
    assert [(each.folder, each.title) for each in pages_beside(tmp_path)] == [("speed", "Speed")]
