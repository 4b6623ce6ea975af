import re
from dataclasses import replace

import pytest

from garbology.reporting.findings import findings, linked, overall, tally
from garbology.study.page import FindingResult
from tests.reporting import pages_for_tests as pages


def judged(**statuses):
    """A page with one claim on a few runtimes, each given as `v3_10_13="holds"`."""
    page = pages.several_runtimes()
    results = [
        FindingResult("claim", "A claim.", f"cpython-{name[1:].replace('_', '.')}-generational", status, "x")
        for name, status in statuses.items()
    ]
    return replace(page, findings=results)


@pytest.mark.parametrize(
    ("statuses", "status", "where"),
    [
        (["holds", "holds"], "holds", ""),
        (["holds", "does not hold"], "does not hold", "does not hold on CPython 3.13.0"),
        (["holds", "not on this version"], "holds", "not on CPython 3.13.0"),
        (["holds", "not measured"], "holds", "not measured on CPython 3.13.0"),
        (["not measured", "not measured"], "not measured", ""),
        (["not on this version", "not measured"], "not on this version", None),
    ],
)
def test_a_claim_s_status_over_versions(statuses, status, where):
    """One broken runtime breaks a claim; one exception or one gap does not, and is named."""
    found = findings(judged(v3_10_13=statuses[0], v3_13_0=statuses[1]))[0]
    assert found.status == status
    if where is not None:
        assert found.where == where


def test_equal_evidence_is_told_once():
    """Six runtimes that show the same are one judgement, in the order of versions."""
    found = findings(judged(v3_15_0="holds", v3_9_18="holds", v3_14_10="holds"))[0]
    assert [one.runtimes for one in found.judgements] == [
        ["CPython 3.9.18", "CPython 3.14.10", "CPython 3.15.0"]
    ]
    assert [chip.sign for chip in found.chips] == ["✓", "✓", "✓"]


def test_a_reason_is_told_once_however_the_figures_differ():
    """Three runtimes excepted for one reason are one line; the figures of each can wait, a broken claim's cannot."""
    page = judged(v3_9_18="not on this version", v3_10_13="not on this version", v3_13_0="does not hold")
    results = [replace(one, evidence=f"figures of {one.runtime}", reason="Frames.") for one in page.findings]
    found = findings(replace(page, findings=results))[0]
    excepted, broken = found.notable
    assert (excepted.runtimes, excepted.evidence) == (["CPython 3.9.18", "CPython 3.10.13"], "")
    assert excepted.reason == "Frames."
    assert broken.evidence == "figures of cpython-3.13.0-generational"
    assert [one.runtimes for one in found.others] == [["CPython 3.9.18"], ["CPython 3.10.13"]]
    alone = findings(replace(page, findings=results[1:]))[0]
    assert alone.notable[0].evidence == "figures of cpython-3.10.13-generational"
    assert alone.others == []


def test_the_four_statuses_differ_without_colour():
    """Each status has a sign of its own."""
    statuses = ["holds", "does not hold", "not on this version", "not measured"]
    chips = findings(
        judged(**dict(zip(["v3_9_18", "v3_10_13", "v3_13_0", "v3_15_0"], statuses, strict=True)))
    )
    assert len({chip.sign for chip in chips[0].chips}) == 4


def test_references_become_links_to_known_places_only():
    """Issues, PEPs and https addresses are links; nothing else of a record becomes an address."""
    assert linked("python/cpython#142516, gh-130327 and PEP 848") == [
        ("python/cpython#142516", "https://github.com/python/cpython/issues/142516"),
        (", ", ""),
        ("gh-130327", "https://github.com/python/cpython/issues/130327"),
        (" and ", ""),
        ("PEP 848", "https://peps.python.org/pep-0848/"),
    ]
    assert linked("see https://docs.python.org/3/c-api.html.")[1][1] == "https://docs.python.org/3/c-api.html"
    for hostile in ("javascript:alert(1)", "//evil", 'https://x"onclick="y', pages.HOSTILE):
        for _text, href in linked(hostile):
            assert href == "" or re.fullmatch(r"https://[^\s<>\"'`]+", href)


def test_the_tally_counts_exceptions():
    """A claim with an exception holds, and of those that hold it is the one that does not everywhere."""
    page = judged(v3_10_13="holds", v3_13_0="not on this version")
    assert tally(page) == "1 of 1 finding holds, 1 of them not on every version"
    assert overall(page) == "holds"


def on_one_version(*statuses):
    """A page of one runtime with a claim for each status."""
    results = [
        FindingResult(f"claim_{index}", "A claim.", pages.SLUG, status, "x")
        for index, status in enumerate(statuses)
    ]
    return replace(pages.study_page(), findings=results)


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["holds", "holds", "not on this version"], "2 of 3 findings hold, 1 not on this version"),
        (
            ["holds", "does not hold", "does not hold", "not on this version", "not measured"],
            "1 of 5 findings hold, 2 do not hold, 1 not on this version, 1 not measured",
        ),
        ([], "no findings"),
    ],
)
def test_the_tally_of_one_version_adds_up(statuses, said):
    """With one version nothing is said of every version, and the parts make the whole."""
    assert tally(on_one_version(*statuses)) == said


def test_what_holds_nowhere_here_is_told_so():
    """An exception on every version that was measured is no claim that holds."""
    page = judged(v3_10_13="not on this version", v3_13_0="not on this version")
    assert tally(page) == "0 of 1 finding holds, 1 not on any version here"
