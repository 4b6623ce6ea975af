"""What every study promises: a question, claims that hold here and can fail, and a whole page.

A study's own test file, tests/study/test_NAME.py, says in its table DOCTORED which made-up values break which
finding, and tests what is special to that study. Where not every case can be measured everywhere, its function
`made_up` returns the samples that the values of DOCTORED are put into; else those of the quick run are taken.
"""

import ast
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from garbology.reporting import write_page
from garbology.study.evaluation import evaluate, judge
from garbology.study.loading import load_study, study_names
from garbology.study.records import load_records
from garbology.study.runs import Runs
from tests.study.claims import measure_quickly

REPORTS = Path(__file__).parents[2] / "reports" / "reference"
MOST_TILES = 6
MOST_WORDS = 25
FEWEST_FINDINGS = 3
STUDIES = {name.rpartition(".")[2]: load_study(name) for name in study_names("experiments")}
TESTS = {
    name: import_module(f"tests.study.test_{name}")
    for name in STUDIES
    if find_spec(f"tests.study.test_{name}")
}
DOCTORED = {name: getattr(TESTS.get(name), "DOCTORED", {}) for name in STUDIES}
FINDINGS = [(name, finding) for name, study in STUDIES.items() for finding in study.findings]
CHANGES = {
    f"{name}: {what}": (name, finding, change)
    for name, findings in DOCTORED.items()
    for finding, changes in findings.items()
    for what, change in changes.items()
}

every_study = pytest.mark.parametrize("name", STUDIES)
every_finding = pytest.mark.parametrize(("name", "finding"), FINDINGS)


@every_study
def test_it_asks_and_advises(name):
    """The docstring opens with a question and has a paragraph that tells the reader what to do."""
    question, *paragraphs = STUDIES[name].docstring.split("\n\n")
    assert question.endswith("?")
    assert [each for each in paragraphs if each.startswith("What to do about it: ")]


@every_study
def test_it_claims_and_shows(name):
    """A study has several findings, a figure and a verdict."""
    study = STUDIES[name]
    assert len(study.findings) >= FEWEST_FINDINGS
    assert study.figures
    assert "verdict" in study.summaries


@pytest.mark.slow
@every_study
def test_its_verdict_is_one_short_sentence(name):
    """At most 25 words, numbers and units among them, on every committed record: what a reader takes away."""
    study, records = STUDIES[name], load_records(REPORTS / name, name)[0]
    assert records
    for record in records:
        verdict = evaluate(study, [record]).verdict
        assert 5 <= len(verdict.split()) <= MOST_WORDS, verdict
        assert verdict.endswith(".")
        assert ". " not in verdict


@every_study
def test_no_name_means_two_things(name):
    """A claim or selection does not take the name of a function that a measure calls."""
    module = ast.parse(Path(STUDIES[name].file).read_text(encoding="utf-8"))
    defined = [each.name for each in module.body if isinstance(each, (ast.FunctionDef, ast.ClassDef))]
    targets = [target for node in module.body if isinstance(node, ast.Assign) for target in node.targets]
    stored = [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
    names = [*defined, *stored]
    assert len(names) == len(set(names)), sorted(each for each in set(names) if names.count(each) > 1)


@every_study
def test_a_quick_run_makes_a_whole_page(quick_run, name):
    """Every figure has rows, the tiles fit the first screen, some are compared across versions; nothing failed."""
    quick = quick_run(name)
    page = quick.page
    assert page.problems == page.unavailable
    if quick.unavailable:
        pytest.skip("; ".join(quick.unavailable))
    assert [figure.name for figure in page.figures] == list(STUDIES[name].figures)
    assert all(figure.rows for figure in page.figures)
    assert 3 <= len(page.tiles) <= MOST_TILES
    assert any(tile.atlas for tile in page.tiles)
    assert page.verdict
    assert page.table.rows


@pytest.mark.slow
@every_study
def test_no_claim_is_broken_by_what_was_not_measured(name):
    """A run of some cases, as --case and --measure choose them, refutes nothing and lacks nothing but those."""
    study, records = STUDIES[name], load_records(REPORTS / name, name)[0]
    record = max(records, key=lambda each: [int(part) for part in each.runtime["version"].split(".")])
    held = {each.name for each in evaluate(study, [record]).findings if each.status != "does not hold"}
    for what, chosen in _choices(record):
        page = evaluate(study, [replace(record, samples=chosen)])
        refuted = {each.name for each in page.findings if each.status == "does not hold"}
        assert not held & refuted, f"{what}: {held & refuted}"
        assert not [each for each in page.problems if "raised" in each], what


def _choices(record):
    """The samples of each measure alone, and of each value of each parameter."""
    for measure in {each.measure for each in record.samples}:
        yield measure, [each for each in record.samples if each.measure == measure]
    for name, values in record.parameters.items():
        for value in values:
            yield f"{name}={value}", [each for each in record.samples if each.case.get(name, value) == value]


@every_study
def test_its_page_can_be_drawn(quick_run, name, tmp_path):
    """The report is written, with the claims in it and a picture of every figure."""
    page = quick_run(name).page
    paths = write_page(page, tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert all(_plain(finding.claim) in _plain(text) for finding in page.findings)
    assert {f"{figure.name}.svg" for figure in page.figures} <= {path.name for path in paths}


def _plain(text):
    return text.replace("\\", "").replace("`", "")


@every_finding
def test_every_claim_holds_here(quick_run, name, finding, tmp_path):
    """In a quick run each finding holds and says on what evidence, unless it is declared not to on this version.

    Pauses are milliseconds, and another process may take the processor meanwhile: what does not hold is measured again.
    """
    quick = quick_run(name)
    result = quick.finding(finding)
    if result.status == "does not hold":
        result = measure_quickly(name, tmp_path).finding(finding)
    if quick.unavailable and result.status == "not measured":
        pytest.skip("; ".join(quick.unavailable))
    assert result.status in ("holds", "not on this version"), result.evidence
    assert result.evidence


@every_finding
def test_no_claim_holds_where_nothing_was_measured(name, finding):
    """Without samples a finding is not measured."""
    assert judge(STUDIES[name].findings[finding], Runs([]), "here").status == "not measured"


@every_study
def test_every_claim_is_doctored(name):
    """No finding goes without made-up values that break it."""
    assert set(DOCTORED[name]) == set(STUDIES[name].findings)
    assert all(DOCTORED[name].values())


@pytest.mark.parametrize(("name", "finding", "change"), CHANGES.values(), ids=CHANGES)
def test_every_claim_can_fail(quick_run, name, finding, change):
    """With doctored samples the finding does not hold, and shows the figure that broke it."""
    claim = STUDIES[name].findings[finding]
    samples = _samples_to_doctor(quick_run, name, finding)
    if judge(claim, Runs(samples), "here").status == "does not hold":
        pytest.skip("an exception on this version: the values measured here break it already")
    changed = change(samples)
    assert [run.values for run in changed] != [run.values for run in samples], "nothing was changed"
    result = judge(claim, changed, "here")
    assert result.status == "does not hold", result.evidence
    assert result.evidence


def _samples_to_doctor(quick_run, name, finding):
    made_up = getattr(TESTS[name], "made_up", None)
    if made_up:
        return made_up()
    quick = quick_run(name)
    if quick.unavailable and quick.status(finding) == "not measured":
        pytest.skip("; ".join(quick.unavailable))
    return list(quick.samples)
