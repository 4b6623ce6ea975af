"""From records to a page: claims judged, problems named, nothing hidden."""

import pytest

from garbology.study.evaluation import evaluate
from garbology.study.loading import load_study
from garbology.study.page import Table, Tile
from garbology.study.records import Record, Sample

BODY = """
study = Study("Small things", {"kind": ["a", "b"], "n": [1, 2]})

@study.measure
def work(kind: str, n: int) -> Result:
    return Result(2 * n)

@study.finding
def doubles(runs):
    \"\"\"Everything is
    doubled.\"\"\"
    for run in runs.of(work):
        assert run.total == 2 * run.n, run

@study.finding
def silent(runs):
    \"\"\"An assertion without a message.\"\"\"
    for run in runs.where(kind="a"):
        assert run.total < 100

@study.finding
def evident(runs):
    \"\"\"A finding that gives its evidence.\"\"\"
    return f"median {runs.where(kind='a', n=1).only_case().median('total')}"

@study.finding
def mistaken(runs):
    \"\"\"A finding that is wrong itself.\"\"\"
    assert next(iter(runs)).nonsense

@study.figure
def totals(runs):
    \"\"\"Total over n.\"\"\"
    return line(runs, x="n", y="total", color="kind")

@study.tile
def tile(runs):
    case = runs.where(kind="a", n=1).only_case()
    return Tile("total", case.median("total"), "objects", *(case.interval("total") or ()))

@study.verdict
def verdict(runs):
    return f"{len(runs)} samples"

@study.pictures
def pictures(runs):
    return [{"count": 1}]
"""


@pytest.fixture
def study(write_study):
    return load_study(write_study(BODY))


def make_record(slug="cpython-3.11.7", factor=2, kinds=("a", "b"), started="2026-01-01", **changes):
    samples = [
        Sample(
            "work", {"kind": kind, "n": n}, repeat, seconds=0.1, values={"total": factor * n, "held_bytes": 0}
        )
        for repeat in (1, 0)
        for n in (2, 1)
        for kind in kinds
    ]
    runtime = {"implementation": "cpython", "version": slug[8:], "collector": "generational"}
    parameters = {"kind": ["a", "b"], "n": [1, 2]}
    fields = {
        "complete": True,
        "parameters": parameters,
        "runtime": runtime,
        "started": started,
        "samples": samples,
    }
    return Record("small", slug, **{**fields, **changes})


def by_name(page):
    return {finding.name: finding for finding in page.findings}


def test_a_finding_holds_with_its_claim_and_evidence(study):
    """The docstring is the claim on one line; a returned text is the evidence, else the number of samples."""
    found = by_name(evaluate(study, [make_record()]))
    assert (found["doubles"].status, found["doubles"].claim) == ("holds", "Everything is doubled.")
    assert found["doubles"].evidence == "8 samples checked"
    assert found["evident"].evidence == "median 2"


def test_a_finding_that_does_not_hold_shows_the_run_that_broke_it(study):
    """An AssertionError breaks the claim, and its message is the evidence."""
    found = by_name(evaluate(study, [make_record(factor=300)]))
    assert found["doubles"].status == "does not hold"
    assert found["doubles"].evidence == "work(kind='a', n=1) repeat 0: total=300, held_bytes=0"


def test_an_assertion_without_a_message_shows_its_source(study):
    """Evidence is never empty."""
    found = by_name(evaluate(study, [make_record(factor=300)]))
    assert (found["silent"].status, found["silent"].evidence) == ("does not hold", "assert run.total < 100")


def test_a_finding_without_samples_is_not_measured(study):
    """A claim about a case that was not measured neither holds nor fails."""
    found = by_name(evaluate(study, [make_record(kinds=["b"])]))
    assert (found["silent"].status, found["silent"].evidence) == ("not measured", "no sample of kind='a'")
    assert found["doubles"].status == "holds"


def test_a_finding_that_raises_does_not_pass(study):
    """A mistake in a finding is shown as such."""
    found = by_name(evaluate(study, [make_record()]))["mistaken"]
    assert found.status == "not measured"
    assert found.evidence.startswith("the finding itself raised AttributeError: work has no parameter")


def test_a_record_that_does_not_say_what_it_ran_on_is_called_as_its_file(study):
    """Its page is drawn like any other."""
    assert evaluate(study, [Record("small", "somewhere")]).runtimes[0].label == "somewhere"


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("verdict", "str"),
        ("table", "Table"),
        ("figure", "FigureSpec"),
        ("tile", "Tile"),
        ("pictures", "dict"),
    ],
)
def test_a_part_of_another_type_is_named_and_the_rest_of_the_page_remains(write_study, kind, wanted):
    """Nobody has to draw what a function returned by mistake."""
    body = f"""
    study = Study("T", {{"n": [1]}})
    @study.measure
    def work(n: int) -> Result: return Result(n)
    @study.{kind}
    def part(runs): return 5
    """
    record = Record("small", "here", samples=[Sample("work", {"n": 1}, values={"total": 1})])
    page = evaluate(load_study(write_study(body)), [record])
    assert f"{kind} part is missing: it returned 5, not a {wanted}" in page.problems
    assert page.table.rows or kind == "table"


def test_a_finding_that_needs_what_is_not_installed_is_nobody_s_fault(write_study):
    """It is not measured, and the page names it among what is unavailable."""
    body = """
    from garbology.study import Unavailable
    study = Study("T", {"n": [1]})
    @study.measure
    def work(n: int) -> Result: return Result(n)
    @study.finding
    def claim(runs):
        "It is seen."
        raise Unavailable("it needs NumPy")
    """
    record = Record("small", "here", samples=[Sample("work", {"n": 1}, values={"total": 1})])
    page = evaluate(load_study(write_study(body)), [record])
    assert [(each.status, each.evidence) for each in page.findings] == [("not measured", "it needs NumPy")]
    assert list(page.unavailable) == ["here: It is seen. it needs NumPy"]


def test_a_function_of_a_study_that_exits_ends_nothing_but_itself(write_study):
    """sys.exit() in a finding or a tile is a mistake of its own, and no exit status of the report's."""
    body = """
    study = Study("T", {"n": [1]})
    @study.measure
    def work(n: int) -> Result: return Result(n)
    @study.finding
    def claim(runs):
        "It leaves."
        raise SystemExit(0)
    @study.tile
    def tile(runs): raise SystemExit("gone")
    """
    record = Record("small", "here", samples=[Sample("work", {"n": 1}, values={"total": 1})])
    page = evaluate(load_study(write_study(body)), [record])
    assert [(each.status, each.evidence) for each in page.findings] == [
        ("not measured", "the finding itself raised SystemExit: 0")
    ]
    assert "tile is missing: it raised SystemExit: gone" in page.problems


@pytest.mark.parametrize("returned", ["False", "True", "[]", "(run.total == 0 for run in runs)"])
def test_a_finding_that_returns_its_verdict_is_not_taken_for_one_that_holds(write_study, returned):
    """A claim that asserts nothing can never fail, so one that returns a bool is named as wrong itself."""
    body = f"""
    study = Study("T", {{"n": [1]}})
    @study.measure
    def work(n: int) -> Result: return Result(n)
    @study.finding
    def claim(runs):
        "It asserts nothing."
        return {returned}
    """
    record = Record("small", "here", samples=[Sample("work", {"n": 1}, values={"total": 1})])
    page = evaluate(load_study(write_study(body)), [record])
    assert page.findings[0].status == "not measured"
    assert any("it must assert" in problem for problem in page.problems)


def test_findings_are_judged_on_each_runtime_alone(study):
    """One runtime on which a claim breaks does not hide one on which it holds."""
    page = evaluate(study, [make_record("cpython-3.11.7"), make_record("cpython-3.14.2", factor=3)])
    status = {finding.runtime: finding.status for finding in page.findings if finding.name == "doubles"}
    assert status == {"cpython-3.11.7": "holds", "cpython-3.14.2": "does not hold"}
    assert [runtime.label for runtime in page.runtimes] == ["CPython 3.11.7", "CPython 3.14.2"]


def test_figures_show_all_runtimes_and_the_verdict_is_of_one(study):
    """Rows of both runtimes; tiles, verdict and table of the leading one, which is the newest version."""
    records = [make_record("cpython-3.14.2", factor=3), make_record("cpython-3.11.7", started="2026-02-01")]
    page = evaluate(study, records)
    assert {row["runtime"] for row in page.figures[0].rows} == {"cpython-3.14.2", "cpython-3.11.7"}
    assert page.tiles == [Tile("total", 3, "objects")]
    assert page.verdict == "8 samples"


def test_a_figure_gets_its_name_and_caption_and_rows_in_the_order_of_the_grid(study):
    """Measuring was in a random order; showing is not."""
    figure = evaluate(study, [make_record()]).figures[0]
    assert (figure.name, figure.caption) == ("totals", "Total over n.")
    assert [(row["kind"], row["n"]) for row in figure.rows] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_every_case_that_went_wrong_is_a_problem(study):
    """Crashed, hung and failed samples are named with their case and how many of how many."""
    bad = [
        Sample("work", {"kind": "a", "n": 1}, 0, "crashed", exit_code=-11, message="Fatal"),
        Sample("work", {"kind": "a", "n": 1}, 1, "crashed", exit_code=-11, message="Fatal"),
        Sample("work", {"kind": "a", "n": 2}, 0, "timeout", limit_seconds=60.0),
        Sample("work", {"kind": "a", "n": 2}, 1, "failed", message="ValueError: no"),
    ]
    page = evaluate(study, [make_record(kinds=["b"], samples=bad)])
    assert (
        "cpython-3.11.7: work(kind='a', n=1) crashed with SIGSEGV (signal 11): Fatal (2 of 2)"
        in page.problems
    )
    assert "cpython-3.11.7: work(kind='a', n=2) was killed after 60 seconds (1 of 2)" in page.problems
    assert "cpython-3.11.7: work(kind='a', n=2) failed: ValueError: no (1 of 2)" in page.problems


def test_an_incomplete_run_is_a_problem(study):
    """A page drawn after Ctrl-C says so."""
    page = evaluate(study, [make_record(complete=False)], problems=["x.json is damaged"])
    assert page.problems[:2] == ["x.json is damaged", "cpython-3.11.7: the run is not complete, 8 samples"]
    assert page.runtimes[0].record_file == "cpython-3.11.7.partial.json"


def test_a_part_of_the_page_that_cannot_be_made_is_named_and_the_rest_remains(study):
    """Without a sample of kind a, the tile is missing and the figure is there."""
    page = evaluate(study, [make_record(kinds=["b"])])
    assert "tile is missing: no sample of kind='a', n=1" in page.problems
    assert page.tiles == []
    assert len(page.figures) == 1


def test_without_records_the_page_says_that_nothing_was_measured(study):
    """No record gives an empty page, not an error."""
    page = evaluate(study, [])
    assert (page.findings, page.runtimes, page.figures) == ([], [], [])
    assert any("no sample" in problem for problem in page.problems)


def test_a_study_without_a_table_of_its_own_gets_one(study):
    """The default table shows the first measure's numbers."""
    shown = evaluate(study, [make_record()]).table
    assert list(shown.columns) == ["kind", "n", "total", "held"]
    assert list(shown.rows[0]) == ["a", "1", "2", "0 B"]


def test_every_cell_of_a_table_is_text(study):
    """Whatever a record has in the place of a name: pages and terminal need no check of their own."""
    study.summaries["table"] = lambda runs: Table(["held by"], [[None], [10**30], ["a"]])
    page = evaluate(study, [make_record()])
    assert page.table.rows == [["None"], [f"{10**30}"], ["a"]]


def test_a_figure_without_a_docstring_is_captioned_by_its_name(write_study):
    """A caption is never empty."""
    study = load_study(write_study(BODY.replace('    """Total over n."""\n', "")))
    assert evaluate(study, [make_record()]).figures[0].caption == "Totals."


EXCEPTION = """
study.exception(doubles, versions="3.14", reason="It triples.", reference="python/cpython#1")
"""


@pytest.fixture
def excepting(write_study):
    return load_study(write_study(BODY + EXCEPTION))


def status_of(study, *records):
    return {each.runtime[8:]: each for each in evaluate(study, records).findings if each.name == "doubles"}


def test_a_claim_is_broken_as_foretold_where_an_exception_is_declared(excepting):
    """There it is not on this version, with reason and reference; elsewhere it is judged as ever."""
    found = status_of(excepting, make_record("cpython-3.11.7"), make_record("cpython-3.14.2", factor=3))
    assert {version: each.status for version, each in found.items()} == {
        "3.11.7": "holds",
        "3.14.2": "not on this version",
    }
    assert (found["3.14.2"].reason, found["3.14.2"].reference) == ("It triples.", "python/cpython#1")
    assert "total=3" in found["3.14.2"].evidence
    assert found["3.11.7"].reason == ""


def test_an_exception_that_stopped_happening_fails(excepting):
    """A claim that holds where it is declared not to is one that does not hold."""
    found = status_of(excepting, make_record("cpython-3.14.2"))["3.14.2"]
    assert found.status == "does not hold"
    assert found.evidence == "it holds, although it is declared not to hold here: 8 samples checked"
    assert found.reference == "python/cpython#1"


def test_an_exception_says_nothing_about_what_was_not_measured(excepting):
    """Without samples the claim is not measured, there as elsewhere."""
    samples = [Sample("work", {"kind": "a", "n": 1}, 0, "unavailable", message="nothing here")]
    found = status_of(excepting, make_record("cpython-3.14.2", samples=samples))["3.14.2"]
    assert (found.status, found.reason) == ("not measured", "")


def test_what_is_unavailable_is_named_with_what_it_takes_from_the_page(study):
    """Its cases by reason, and the parts without a sample; that a finding is wrong itself is another matter."""
    missing = [
        Sample("work", {"kind": "a", "n": n}, 0, "unavailable", message="x is not installed: pip install x")
        for n in (1, 2)
    ]
    record = make_record(kinds=["b"])
    page = evaluate(study, [make_record(samples=[*record.samples, *missing])])
    (line,) = [problem for problem in page.unavailable if "x is not installed" in problem]
    assert line == (
        "cpython-3.11.7: not measured: x is not installed: pip install x (work(kind='a', n=1), work(kind='a', n=2))"
    )
    assert "tile is missing: no sample of kind='a', n=1" in page.unavailable
    assert [problem for problem in page.problems if problem not in page.unavailable] == [
        "cpython-3.11.7: mistaken: the finding itself raised AttributeError: work has no parameter or value "
        "'nonsense', it has kind, n, total, held_bytes"
    ]


def test_nothing_is_excused_where_nothing_is_unavailable(study):
    """A tile without a sample is a problem like any other."""
    page = evaluate(study, [make_record(kinds=["b"])])
    assert page.unavailable == []


ATLAS = """
@study.tile
def compared(runs):
    case = runs.where(kind="b", n=2).only_case()
    return [Tile("peak", case.median("total"), "bytes", atlas=True), Tile("other", 1)]

@study.tile
def slower(runs):
    return Tile("speed", 5, "objects", atlas=True, better="more")
"""


def test_the_atlas_has_the_chosen_tiles_of_every_runtime(write_study):
    """A row for each figure, a tile in it for each runtime that has the figure."""
    study = load_study(write_study(BODY + ATLAS))
    records = [make_record("cpython-3.11.7"), make_record("cpython-3.14.2", factor=3)]
    page = evaluate(study, [*records, make_record("cpython-3.9.1", kinds=["a"])])
    peak, speed = page.atlas
    assert (peak.label, peak.unit, peak.better) == ("peak", "bytes", "less")
    assert {slug: tile.value for slug, tile in peak.tiles.items()} == {
        "cpython-3.11.7": 4,
        "cpython-3.14.2": 6,
    }
    assert (speed.better, len(speed.tiles)) == ("more", 3)
    assert [tile.label for tile in page.tiles] == ["total", "peak", "other", "speed"]
    assert "cpython-3.9.1: tile compared is missing: no sample of kind='b', n=2" in page.problems
