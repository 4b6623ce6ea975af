"""A run is shown beside the reference set, each figure over the cases that both have."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from garbology.cli.publishing import page_of
from garbology.reporting import write_index, write_page
from garbology.study.comparison import beside
from garbology.study.evaluation import evaluate
from garbology.study.loading import load_study
from garbology.study.records import load_records, write_record

REFERENCE = Path(__file__).parents[2] / "reports" / "reference"
LEFT, PAUSE = "Variables left, strong references", "Longest pause at the defaults"


@pytest.fixture(scope="module")
def cycles():
    return load_study("experiments.cycles")


@pytest.fixture(scope="module")
def reference():
    return load_records(REFERENCE / "cycles", "cycles")[0]


def run_on(reference, version, keep=lambda sample: True, make=lambda sample: sample):
    """A record as another run of that version might have left it."""
    record = next(each for each in reference if each.runtime["version"] == version)
    return replace(record, samples=[make(sample) for sample in record.samples if keep(sample)])


def compared(study, own, reference):
    return beside(study, evaluate(study, [own]), [own], reference, "../reference/cycles")


@pytest.mark.slow
def test_each_figure_is_of_the_cases_that_both_have(cycles, reference):
    """A quick run has smaller graphs than the reference set, which then says what it measured for those."""
    own = run_on(reference, "3.11.7", lambda sample: sample.case.get("operations", 0) <= 10_000)
    tile = compared(cycles, own, reference).reference.tiles[LEFT]
    assert tile.value == 10_001
    whole = run_on(reference, "3.11.7")
    assert compared(cycles, whole, reference).reference.tiles[LEFT].value == 100_001


def test_a_figure_of_cases_that_the_reference_lacks_stands_alone(cycles, reference):
    """What the largest graph of a full run takes is not compared with that of a smaller one; the rest is."""

    def larger(sample):
        if sample.case.get("operations") != 100_000:
            return sample
        return replace(sample, case={**sample.case, "operations": 1_000_000})

    tiles = compared(cycles, run_on(reference, "3.11.7", make=larger), reference).reference.tiles
    assert LEFT not in tiles
    assert PAUSE in tiles


@pytest.mark.parametrize(
    ("version", "nearest"), [("3.12.1", "3.12.1"), ("3.12.9", "3.12.1"), ("3.16.0", "3.15.2")]
)
def test_the_nearest_version_stands_beside(cycles, reference, version, nearest):
    """The same minor version where there is one, else the newest; the page stays that of the run."""
    own = run_on(reference, "3.12.1")
    own = replace(own, slug=own.slug.replace("3.12.1", version), runtime={**own.runtime, "version": version})
    page = compared(cycles, own, reference)
    assert page.lead == own.slug
    assert [each.slug for each in page.runtimes] == [own.slug]
    assert f"-{nearest}-" in page.reference.nearest


@pytest.mark.slow
def test_the_reference_set_is_not_beside_itself(cycles):
    """Its own pages are as they were."""
    assert page_of(cycles, REFERENCE / "cycles", REFERENCE).reference is None


@pytest.mark.slow
def test_times_of_the_reference_set_are_shown_and_not_compared(cycles, reference, tmp_path):
    """They may be another machine's; counts and bytes are compared. The page links to the reference set."""
    (tmp_path / "out" / "cycles").mkdir(parents=True)
    write_record(run_on(reference, "3.10.13"), tmp_path / "out" / "cycles")
    place = tmp_path / "reference"
    (place / "cycles").mkdir(parents=True)
    for record in reference[:2]:
        write_record(record, place / "cycles")
    page = page_of(cycles, tmp_path / "out" / "cycles", place)
    write_page(page, tmp_path / "out" / "cycles")
    write_index([page], tmp_path / "out")
    text = (tmp_path / "out" / "cycles" / "README.md").read_text(encoding="utf-8")
    (pauses,) = [line for line in text.splitlines() if line.startswith(f"| {PAUSE} | ") and "§" in line]
    assert pauses.count("§") == 2
    assert "(../../reference/cycles/README.md)" in text
    assert "reference, 3.10.13: " in text
    front = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "[The reference set](../reference/README.md)" in front
    assert 'href="../reference/index.html"' in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_run_without_a_reference_set_says_nothing_of_one(cycles, reference, tmp_path):
    """Nor does one beside a directory that is not there."""
    (tmp_path / "cycles").mkdir()
    path = write_record(run_on(reference, "3.10.13"), tmp_path / "cycles")
    assert json.loads(path.read_text(encoding="utf-8"))["study"] == "cycles"
    assert page_of(cycles, tmp_path / "cycles", tmp_path / "none").reference is None
