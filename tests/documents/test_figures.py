"""Figures in the documents are those of the committed records, or of the code: none is left as it was typed once."""

import inspect
import json
import re
from functools import cache
from pathlib import Path
from statistics import median

import pytest

import garbology
from garbology.cli.publishing import page_of
from garbology.growth import recording, slices
from garbology.growth.figures import Precision
from garbology.interpreter import allocators
from garbology.monitoring.budget import Budget
from garbology.monitoring.sinks import JsonLines
from garbology.study.loading import load_study
from garbology.testing import message, rules

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "docs"
REPORTS = ROOT / "reports" / "reference"
WASM = "emscripten"
# Links to what was measured.
MEASURED = re.compile(r"\[([^\]]*\d[^\]]*)\]\((?:\.\./)+reports/reference/\w+/README\.md\)")


def rounded(number):
    """To one significant digit."""
    return int(float(f"{number:.0e}"))


@cache
def figure(study, label):
    """A row of a study's figures: version to value, and whether it is WebAssembly's."""
    page = page_of(load_study(f"experiments.{study}"), REPORTS / study)
    (row,) = [row for row in page.atlas if row.label == label]
    return [(slug.split("-")[1], WASM in slug, tile.value) for slug, tile in row.tiles.items()]


def of_version(rows, minor):
    return [value for version, _, value in rows if version.startswith(f"{minor}.")]


def full_collections():
    seconds = [
        value
        for _, is_wasm, value in figure("pauses", "Full collection over 1,000,000 objects")
        if not is_wasm
    ]
    least, most = (rounded(each * 1e3) for each in (min(seconds), max(seconds)))
    return f"about {least} to {most} ms for a million objects, by the version of CPython"


def waiting_pairs():
    rows = figure("floating_garbage", "Pairs that wait at once, at most")
    (others,) = {rounded(value) for minor in ("3.13", "3.15") for value in of_version(rows, minor)}
    return f"up to {max(value for *_, value in rows):,} dropped pairs at once, where 3.13 and 3.15 have some {others:,}"


def thresholds():
    """By the table of versions, which is what each of them answered."""
    lines = (DOCUMENTS / "versions.md").read_text(encoding="utf-8").splitlines()
    versions, cells = (
        [
            cell.strip()
            for cell in next(line for line in lines if line.startswith(begin)).strip("|").split(" | ")
        ][1:]
        for begin in ("| |", "| default thresholds")
    )
    first = {
        tuple(map(int, v.split()[0].split("."))): int(c.split(",")[0])
        for v, c in zip(versions, cells, strict=True)
    }
    (old,) = {value for version, value in first.items() if version < (3, 13)}
    (new,) = {value for version, value in first.items() if version >= (3, 13)}
    return f"(the *threshold*: {old} up to 3.12, {new:,} from 3.13 on)"


@cache
def benchmark(section, figure_name):
    """Medians of a figure, by case and by who was measured."""
    rows = [
        row
        for path in sorted((ROOT / "benchmarks" / "measured").glob(f"{section}-*.json"))
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]
        if row["figure"] == figure_name
    ]
    return {(row["case"], row["who"]): median(row["values"]) for row in rows}


def what_a_run_adds():
    seconds = benchmark("recorders", "process_seconds")
    added = [seconds[case, who] - seconds[case, "nothing"] for case, who in seconds if who == "garbology run"]
    return f"takes [{min(added):.1f} to {max(added):.1f} seconds longer]"


def what_the_import_takes():
    seconds = benchmark("weight", "import_seconds")["over an empty interpreter", "garbology"]
    return f"[about {seconds:.1f} seconds](../reports/reference/benchmarks/README.md) of processor time"


def kilobytes(count):
    return f"{count / 1024:g} kB"


def noise_of_a_program():
    """128 kB over a minute and over an hour; one MB while the counts are few."""
    least = slices._PRECISION.total_bytes
    assert slices._PRECISION.sure_total_bytes == least
    return (
        f"Less than {kilobytes(least)} in all are not called growth, so the longer a recording, the less it can tell: "
        f"{rounded(least / 60 / 1000)} kB a second in a minute, {rounded(least / 3600)} B in an hour."
    )


def lists_of_freed():
    """What they take when NumPy has each small size, and glibc each that it keeps for a thread."""
    filled = slices._KEPT_OF_EACH * (sum(range(1, slices._SMALL_BYTES)) + sum(allocators.CACHED_BYTES))
    return f"lists of freed memory are filled, which takes up to {rounded(filled / 1e6)} MB"


def parts_of_a_budget():
    """Words for what is spent of it."""
    spent = {share: Budget(share, 0, 0.0)._aim / share for share in (0.02, 0.01, 0.005, 0.05)}
    assert spent[0.02] == pytest.approx(1 / 3, abs=0.02)
    assert spent[0.01] == spent[0.005] == pytest.approx(0.1)
    assert spent[0.05] == pytest.approx(1)
    return "of a budget below 0.05 only a part is spent: of 0.02 a third, of 0.01 and less a tenth."


def growth_marker():
    settings = inspect.signature(rules.Growth).parameters
    return (
        f"`calls={settings['calls'].default}` runs are measured after `warmup={settings['warmup'].default}`; "
        f'`bytes="10kB"` is what each may leave, {rules._LEAST_GROWTH_BYTES} bytes by itself.'
    )


def versions_of_wasm():
    found = {path.name.split("-")[1] for path in REPORTS.glob(f"*/*{WASM}*.json")}
    return f"WebAssembly (Pyodide: {' and '.join(sorted(found))})"


SENTENCES = [
    ("concepts", thresholds),
    ("concepts", lambda: f"two thousand cycles with an array of 64 KiB each are {2_000 * 64 * 1024 / 1e6:.0f} MB"),
    ("concepts", full_collections),
    ("concepts", waiting_pairs),
    ("growth", noise_of_a_program),
    ("growth", lambda: f"in a large heap, it takes {slices._BYTES_OF_FEW / 2**20:g} MB, unless a holder is seen"),
    ("growth", lists_of_freed),
    ("growth", lambda: f"so many free blocks that the sum takes {allocators._LONG_SECONDS * 1e3:g} ms, it does not"),
    ("growth", lambda: f"50 calls after 5 of warm-up can tell {Precision.total_bytes / 50:.0f} B a call"),
    ("growth", lambda: f"is told from {kilobytes(Precision.sure_total_bytes)} in all calls on, and any other from "
        f"{kilobytes(Precision.total_bytes)} on"),
    ("monitor", what_a_run_adds),
    ("monitor", what_the_import_takes),
    ("monitor", parts_of_a_budget),
    ("monitor", lambda: f"rotated at {inspect.signature(JsonLines).parameters['most_bytes'].default / 1e6:g} MB"),
    ("keep-it-fixed", lambda: f"A message has at most {message._MOST_BYTES / 1000:g} kB"),
    ("keep-it-fixed", growth_marker),
    ("platforms", versions_of_wasm),
]  # fmt: skip


def text_of(page):
    return " ".join((DOCUMENTS / f"{page}.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(("page", "sentence"), SENTENCES)
def test_a_page_says_what_the_records_and_the_code_say(page, sentence):
    """Word for word, as it is made of them here."""
    assert sentence() in text_of(page)


def test_a_figure_with_a_link_to_where_it_was_measured_is_checked():
    """Whoever adds one adds its sentence here."""
    made = {page: " ".join(sentence() for of, sentence in SENTENCES if of == page) for page, _ in SENTENCES}
    found = [
        (page, words)
        for page in sorted(path.stem for path in DOCUMENTS.glob("*.md"))
        for words in MEASURED.findall(text_of(page))
    ]
    assert len(found) == 4
    assert [(page, words) for page, words in found if words not in made.get(page, "")] == []


@pytest.mark.slow
@pytest.mark.skipif(allocators.read_allocated() is None, reason="no glibc 2.33 here")
def test_a_census_is_taken_as_often_as_the_page_says(monkeypatch):
    """Five times in ten calls, eight times in fifty."""
    taken = []
    real = recording.take_census
    monkeypatch.setattr(recording, "take_census", lambda *arguments: taken.append(0) or real(*arguments))
    counts = []
    for calls in (10, 50):
        taken.clear()
        garbology.diagnose(lambda: None, calls=calls)
        counts.append(len(taken))
    assert counts == [5, 8]
    assert "a census is taken five times in ten calls, eight times in fifty." in text_of("growth")
