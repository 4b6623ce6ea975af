import random
from dataclasses import replace
from xml.etree import ElementTree

import pytest

pytest.importorskip("altair")

from garbology.reporting import timeline, write_run
from tests.reporting import pages_for_tests as pages
from tests.reporting.pagereader import Page


@pytest.fixture(scope="module")
def drawn():
    page = pages.run_page()
    return timeline.draw(page.moments, page.collections)


def marks(markup):
    return [one for one in ElementTree.fromstring(markup).iter() if one.get("class") == "mark"]


@pytest.mark.slow
def test_the_timeline_has_memory_garbage_and_collections(drawn):
    """Three bands on one time axis: resident memory, waiting garbage, and a mark for each collection."""
    titles = ["Resident memory (RSS)", "Garbage that waits for the collector", "Collections"]
    assert [strip.title for strip in drawn.strips] == titles
    widths = {ElementTree.fromstring(strip.markup).get("viewBox").split()[2] for strip in drawn.strips}
    assert len(widths) == 1
    labels = [mark.get("aria-label") for mark in marks(drawn.strips[2].markup)]
    assert "generation 2, time 1.5 s: pause 35 ms, 0 objects freed" in labels


def test_no_peak_is_lost(drawn):
    """Of many samples the highest of each stretch is drawn, of many collections the longest, and it is said."""
    page = pages.run_page()
    peak = max(row["waiting_bytes"] for row in page.moments)
    labels = [mark.get("aria-label") for mark in marks(drawn.strips[1].markup)]
    assert len(labels) <= 200
    assert any(f"waiting {peak / 1e6:.2f} MB" in label for label in labels)
    pauses = [mark.get("aria-label") for mark in marks(drawn.strips[2].markup)]
    assert sum("pause 35 ms" in label for label in pauses) == 7
    assert drawn.notes == [
        "1,200 samples: the highest of each 200th of the time is drawn.",
        "239 collections: the 200 longest are drawn.",
    ]


def test_what_was_not_recorded_is_no_band():
    """Without bytes the waiting objects are shown; without anything there is no timeline."""
    moments = [{"seconds": index, "waiting_objects": index} for index in range(5)]
    few = timeline.draw(moments, [])
    assert [strip.title for strip in few.strips] == ["Garbage that waits for the collector"]
    assert timeline.draw([], []) is None
    assert timeline.draw([{"seconds": 1.0, "rss_bytes": None}], [{"seconds": 1.0}]) is None
    assert len(timeline.draw([{"seconds": 0, "rss_bytes": 5}], []).strips) == 1


@pytest.mark.slow
def test_a_run_s_page_has_the_parts_of_a_study_s(tmp_path):
    """Timeline, verdict, tiles, cycles with remedy, environment and command, as HTML and as Markdown."""
    written = write_run(pages.run_page(), tmp_path)
    assert {path.name for path in written} == {"index.html", "README.md", "cycle-1.svg", "timeline.svg"}
    text = Page(written[0].read_text(encoding="utf-8")).text
    for said in ("8.94 MB waited", "What happened, over time", "Where cycles were found", "Remedy: weakref"):
        assert said in text
    assert "garbology run train.py" in text
    assert "(timeline.svg)" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert written[0].stat().st_size < 400_000


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(tmp_path):
    """Written twice every file is the same; a run without anything recorded still is a page."""
    one, other = (write_run(pages.run_page(), tmp_path / name) for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
    bare = replace(
        pages.run_page(), moments=(), collections=(), shapes=(), runtime=None, tiles=(), problems=()
    )
    text = Page(write_run(bare, tmp_path / "bare")[0].read_text(encoding="utf-8")).text
    assert "Nothing was recorded over time." in text


@pytest.mark.slow
def test_a_long_run_stays_light(tmp_path):
    """An hour of samples and a hundred thousand collections are a page under 400 kB."""
    dice = random.Random(7)
    moments = [{"seconds": index / 10, "rss_bytes": dice.randrange(10**9)} for index in range(36_000)]
    collections = [
        {"seconds": index / 30, "pause_seconds": dice.random() / 100, "generation": dice.randrange(3)}
        for index in range(100_000)
    ]
    page = replace(pages.run_page(), moments=moments, collections=collections)
    assert write_run(page, tmp_path)[0].stat().st_size < 400_000
