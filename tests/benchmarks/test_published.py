"""The committed tables and the page of the benchmarks are what the committed records give."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import publishing, records, serving, tables
from garbology.reporting.tables_page import pages_beside

RECORDS = records.read_all()
PAGE = publishing.REPORTS / publishing.NAME
measured = pytest.mark.skipif(not RECORDS, reason="no record is committed under benchmarks/measured/")


@measured
def test_records_are_of_whole_sections():
    """All parts were asked for; where sizes were smaller than the goals', the verdicts say so."""
    assert {each["section"] for each in RECORDS} <= set(records.SECTIONS)
    assert not any(each["only"] for each in RECORDS)
    text = (records.MEASURED / "README.md").read_text(encoding="utf-8")
    assert any(map(tables.is_smaller, RECORDS)) == ("(smaller sizes)" in text)


@measured
def test_the_tables_are_those_of_the_records():
    """Draw them again: `python -m benchmarks draw`."""
    assert (records.MEASURED / "README.md").read_text(encoding="utf-8") == publishing.markdown(RECORDS)


@measured
@pytest.mark.slow
def test_the_page_is_what_the_records_give(tmp_path):
    """All but the drawings, which libraries of other versions draw otherwise; every figure has its drawing."""
    pytest.importorskip("vl_convert", reason="the drawing libraries are not installed")
    paths = publishing.publish(RECORDS, tmp_path / "measured", tmp_path / "reports", with_front=False)
    drawn = tmp_path / "reports" / publishing.NAME
    assert {path.name for path in drawn.iterdir()} == {path.name for path in PAGE.iterdir()}
    assert [path for path in paths if path.suffix == ".svg"]
    for name in ("index.html", "README.md", "page.json"):
        same = [
            re.sub(r"<svg .*?</svg>", "", (place / name).read_text(encoding="utf-8"), flags=re.DOTALL)
            for place in (drawn, PAGE)
        ]
        assert same[0] == same[1], f"{name} is not what its records give: python -m benchmarks draw"


@measured
def test_the_front_page_links_to_it():
    """In the browser and on GitHub, with what came of the goals."""
    verdict = publishing.verdict(RECORDS)
    assert [(each.folder, each.verdict) for each in pages_beside(publishing.REPORTS)] == [
        ("benchmarks", verdict)
    ]
    front = (publishing.REPORTS / "README.md").read_text(encoding="utf-8")
    assert f"- [{publishing.TITLE}](benchmarks/README.md): {verdict}" in front
    html = (publishing.REPORTS / "index.html").read_text(encoding="utf-8")
    assert '<a href="benchmarks/index.html">' in html


def test_the_tables_of_servers_are_those_of_their_record():
    """`serving.py --table` prints them."""
    directory = Path(serving.__file__).parent
    found = serving.table(json.loads((directory / "measured/serving.json").read_text()))
    assert "\n".join(found) in (directory / "README.md").read_text(encoding="utf-8")


def test_a_percentile_and_its_interval():
    """Of equal blocks the ratio is 1 and known."""
    pairs = [([float(n) for n in range(100)],) * 2] * 5
    assert serving.percentile(pairs[0][0], 99) == 99
    assert serving.interval(pairs, 50) == (1, 1)
