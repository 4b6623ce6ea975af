"""The study that the documentation shows: it is what `new` writes, and it runs."""

from pathlib import Path

import pytest

from garbology.cli.command import run_package
from garbology.cli.template import TEMPLATE, write_study
from garbology.measuring.runner import Plan, measure_study
from garbology.study.evaluation import evaluate, judge, runs_of
from garbology.study.loading import load_study
from tests.study.claims import doctored

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).parents[2] / "docs" / "adding-a-study.md"
PAUSES = DOCUMENT.parents[1] / "experiments" / "pauses.py"
LONGEST_CODE = 75  # lines that are neither empty nor of the docstring


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The template as a study of its own."""
    return load_study(str(write_study(tmp_path_factory.mktemp("new"), "my_study")))


@pytest.fixture(scope="module")
def record(study, tmp_path_factory):
    """Its quick run."""
    return measure_study(study, Plan(scale="quick", repeats=1, jobs=2), tmp_path_factory.mktemp("run")).record


def test_the_documentation_shows_what_new_writes():
    """Word for word."""
    assert f"```python\n{TEMPLATE}```\n" in DOCUMENT.read_text(encoding="utf-8")


def test_it_is_short():
    """A study of one measure is about sixty lines beside its docstring."""
    code = TEMPLATE.split('"""', 2)[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= LONGEST_CODE


def test_its_claims_hold_here_and_its_page_is_whole(study, record):
    """Measured, judged and laid out as every study is."""
    page = evaluate(study, [record])
    assert {finding.status for finding in page.findings} == {"holds"}, page.findings
    assert page.problems == []
    assert (len(page.findings), len(page.tiles), len(page.figures[0].rows)) == (3, 3, 4)
    assert page.verdict.startswith("Of 10,000 dropped pairs ")


@pytest.mark.parametrize(
    ("finding", "case", "values"),
    [
        ("weak_links_leave_nothing", {"link": "weak"}, {"collected_objects": 1}),
        ("strong_links_leave_every_pair", {"link": "strong", "pairs": 10_000}, {"collected_objects": 19_999}),
        ("collecting_them_takes_time", {"link": "weak"}, {"collect_seconds": 1.0}),
    ],
)
def test_its_claims_can_fail(study, record, finding, case, values):
    """Made-up values break each."""
    changed = doctored(study.measures["drop_pairs"].function, case, **values)(runs_of(study, record))
    assert judge(study.findings[finding], changed, "here").status == "does not hold"


def test_new_writes_a_study_that_is_listed(tmp_path, monkeypatch, capsys):
    """Beside the others of the package; its path is said."""
    (tmp_path / "fresh_package").mkdir()
    (tmp_path / "fresh_package" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert run_package("fresh_package", ["new", "my_study"]) == 0
    assert capsys.readouterr().out.strip().endswith("my_study.py")
    assert (tmp_path / "fresh_package" / "my_study.py").read_text(encoding="utf-8") == TEMPLATE
    assert run_package("fresh_package", ["list"]) == 0
    assert "A parent, its child, and the link back" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["pauses", "My_Study", "my-study", "_mine", "class", "../up", ""])
def test_new_writes_over_nothing_and_refuses_a_wrong_name(name, capsys):
    """In one line, with status 2; a study that is there stays as it is."""
    before = PAUSES.read_bytes()
    assert run_package("experiments", ["new", name]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert PAUSES.read_bytes() == before
