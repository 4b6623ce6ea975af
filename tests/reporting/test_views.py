from dataclasses import replace

import pytest

from garbology.reporting import write_page
from garbology.reporting.views import environments, page_problems
from tests.reporting import pages_for_tests as pages
from tests.reporting.pagereader import Page


def repeated(**repetition):
    runtime = pages.runtime()
    return replace(pages.study_page(), runtimes=[replace(runtime, repetition=repetition)])


def facts(table):
    return {row.name: row.cells[0] for row in table.rows}


def test_how_well_the_times_are_known_is_told():
    """The precision aimed at, in how many cases it was reached, and what ended the repeats of the others."""
    cases = [f"time_it(size={size})" for size in range(14)]
    table = environments(
        repeated(precision=0.05, precision_reached="3 of 17 cases", most_repeats=30, imprecise_cases=cases)
    )
    assert facts(table)["precision"] == "±5 %"
    assert facts(table)["precision reached"] == "3 of 17 cases"
    assert "until the 95 % interval" in table.stopping
    (imprecise,) = table.imprecise
    assert (imprecise.label, imprecise.cases[0]) == ("CPython 3.11.7", "time_it(size=0)")
    assert len(imprecise.cases) + imprecise.left_out == 14


def test_what_is_listed_can_be_told_apart():
    """A name or a number with a comma in it is one value, a variable's name is whole, an unset one is left out."""
    runtime = pages.runtime()
    variables = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": ""}
    changed = replace(
        runtime,
        parameters={"setting": ["every 1k", "every 1k, frozen"]},
        environment={"gc_thresholds": [2000, 10, 10], "variables": variables, "packages": {"a_b": "1.0"}},
    )
    told = facts(environments(replace(pages.study_page(), runtimes=[changed])))
    assert told["parameter setting"] == "every 1k · every 1k, frozen"
    assert told["gc thresholds"] == "2,000 · 10 · 10"
    assert (told["variable OMP_NUM_THREADS"], told["package a_b"]) == ("1", "1.0")
    assert "variable PYTHONHASHSEED" not in told


@pytest.mark.slow
def test_the_page_marks_the_cases_that_missed_the_precision(tmp_path):
    """Page and Markdown name each of them, as text."""
    page = repeated(precision_reached="2 of 3 cases", imprecise_cases=["time_it(kind='<b>noisy</b>')"])
    write_page(page, tmp_path)
    shown = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "The cases that did not reach the precision" in shown.text
    assert "CPython 3.11.7 time_it(kind='<b>noisy</b>')" in shown.text
    markdown = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "Not reached on CPython 3.11.7: `time_it(kind='<b>noisy</b>')`." in markdown


def test_nothing_is_said_of_a_precision_that_nobody_aimed_at():
    """An older record, or a run of a fixed number of samples, has no cases that missed anything."""
    old = environments(repeated(repeats=3, precision=0.0, precision_reached=""))
    assert (old.stopping, old.imprecise) == ("", [])
    assert "precision" not in facts(old)
    fixed = environments(repeated(precision_reached="not aimed at with 2 samples a case"))
    assert (fixed.stopping, fixed.imprecise) == ("", [])
    assert facts(fixed)["precision reached"] == "not aimed at with 2 samples a case"


def test_what_several_runtimes_lack_is_told_once():
    """A problem of two runtimes is one line with their names; what is only not installed raises no alarm."""
    page = pages.several_runtimes()
    slugs = [runtime.slug for runtime in page.runtimes[:2]]
    lines = [f"{slug}: torch is not installed" for slug in slugs]
    found = page_problems(replace(page, problems=lines, unavailable=lines))
    assert found.lines == ["CPython 3.14.10, CPython 3.14.2 (incremental): torch is not installed"]
    assert found.harmless
    crashed = page_problems(replace(page, problems=[*lines, "a.json is damaged: x"], unavailable=lines))
    assert crashed.lines[1] == "a.json is damaged: x"
    assert not crashed.harmless
