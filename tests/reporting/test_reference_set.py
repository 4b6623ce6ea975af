"""The committed pages are what the committed records give, to the byte."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from garbology.cli.publishing import has_records, page_of, publish, publish_index
from garbology.reporting.panels import lay_out
from garbology.reporting.tables_page import ENTRY
from garbology.study.loading import load_study, study_names

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "reports" / "reference"
DRAW_AGAIN = "python -m experiments report --output reports/reference"
PINNED = ("graphviz-pure", "vl-convert-python")
RECORDED = sorted({path.parent.name for path in REPORTS.glob("*/*.json") if path.name != ENTRY})
if not RECORDED:
    pytest.skip("no record is committed under reports/reference/", allow_module_level=True)
pytest.importorskip("altair", reason="the drawing libraries are not installed")


def draws_alike():
    """Whether the libraries that draw are of the versions that drew the committed pages."""
    pins = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return all(f'"{name}=={version(name)}"' in pins for name in PINNED)


def compared(path):
    """What must be equal in a file: all of it, or all but the drawings where another version draws."""
    if path.suffix == ".png":
        return path.read_bytes() if draws_alike() else b""
    text = path.read_bytes().decode("utf-8")
    if draws_alike():
        return text
    return "" if path.suffix == ".svg" else re.sub(r"<svg .*?</svg>", "", text, flags=re.DOTALL)


def assert_same(drawn, committed):
    assert sorted(path.name for path in drawn.iterdir() if path.is_file()) == sorted(
        path.name for path in committed.iterdir() if path.is_file() and path.suffix != ".json"
    )
    for path in filter(Path.is_file, drawn.iterdir()):
        same = compared(path) == compared(committed / path.name)
        assert same, f"{committed / path.name} is not what its records give: {DRAW_AGAIN}"


@pytest.fixture(scope="module")
def studies():
    return {name.rpartition(".")[2]: name for name in study_names("experiments")}


@pytest.mark.parametrize("name", RECORDED)
def test_a_page_is_what_its_records_give(name, studies, tmp_path):
    """Page, Markdown and drawings of each committed study can be drawn again from its records."""
    assert name in studies, f"reports/reference/{name} has records of no study"
    said = []
    for record in (REPORTS / name).glob("*.json"):
        (tmp_path / record.name).write_bytes(record.read_bytes())
    publish(load_study(studies[name]), tmp_path, say=said.append)
    for record in tmp_path.glob("*.json"):
        record.unlink()
    assert said == []
    assert_same(tmp_path, REPORTS / name)


def test_the_front_page_is_what_the_records_give(studies, tmp_path):
    """The index and the atlas can be drawn again from the records of all studies."""
    for name in RECORDED:
        (tmp_path / name).mkdir()
        for record in (REPORTS / name).glob("*.json"):
            (tmp_path / name / record.name).write_bytes(record.read_bytes())
    for entry in REPORTS.glob(f"*/{ENTRY}"):
        (tmp_path / entry.parent.name).mkdir()
        (tmp_path / entry.parent.name / ENTRY).write_bytes(entry.read_bytes())
    every = [load_study(name) for name in studies.values()]
    assert sorted(study.name for study in every if has_records(study, tmp_path)) == RECORDED
    said = []
    publish_index(every, tmp_path, say=said.append)
    assert said == []
    assert_same(tmp_path, REPORTS)


def test_the_front_page_begins_with_what_the_records_say(studies):
    """The chart's highest value is the tile of the same runtime, and the study's own figure of the others."""
    page = page_of(load_study(studies["floating_garbage"]), REPORTS / "floating_garbage")
    (tiles,) = [row.tiles for row in page.atlas if row.label == "Pairs that wait at once, at most"]
    peaks = {}
    for row in page.front_chart.spec.rows:
        peaks[row["runtime"]] = max(peaks.get(row["runtime"], 0), row["waiting"])
    assert peaks == {slug: tile.value for slug, tile in tiles.items()}
    highest, *others = sorted(peaks.values(), reverse=True)
    front = (REPORTS / "README.md").read_text(encoding="utf-8")
    assert f"let {highest:,} dropped pairs" in front
    assert f"more than {others[0]:,}." in front


def test_a_value_has_one_colour_in_every_figure_of_every_study(studies):
    """Whatever else a figure shows: who learned a colour on one page need not learn another on the next."""
    colors = {}
    for name in RECORDED:
        page = page_of(load_study(studies[name]), REPORTS / name)
        for figure in filter(lambda each: each.color, page.figures):
            layout = lay_out(figure, {runtime.slug: runtime.label for runtime in page.runtimes})
            for one in layout.series if layout else ():
                colors.setdefault((figure.color, one.value), {}).setdefault(one.variable, figure.name)
    assert {value: used for value, used in colors.items() if len(used) > 1} == {}


@pytest.mark.parametrize("name", RECORDED)
def test_a_committed_page_is_light_and_complete(name):
    """Each committed page stays under 400 kB, and none is of a run that was not complete."""
    assert (REPORTS / name / "index.html").stat().st_size < 400_000
    assert not list((REPORTS / name).glob("*.partial.json"))
