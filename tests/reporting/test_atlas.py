from dataclasses import replace

import pytest

from garbology.reporting.atlas import STEPS, atlas, compare, ratio_to_best
from garbology.reporting.runtimes import runtime_names
from garbology.study.page import AtlasRow, Tile
from tests.reporting import pages_for_tests as pages

NAMES = runtime_names(pages.RUNTIMES)
NATIVE = [name.slug for name in NAMES.values() if not name.narrow]
WASM = next(name.slug for name in NAMES.values() if name.narrow)


def row(values, unit="objects", better="less", spread=0.0):
    tiles = {
        slug: Tile("figure", value, unit, value * (1 - spread), value * (1 + spread), True, better)
        for slug, value in values.items()
    }
    return AtlasRow("figure", unit, better, tiles)


def cells(source):
    return dict(zip(NAMES, compare(source, NAMES), strict=True))


def test_the_columns_stand_in_the_order_of_versions():
    """3.9 before 3.10, 3.14.2 before 3.14.10, and WebAssembly beside the version that it is."""
    table = atlas([pages.several_runtimes()])
    assert [column.label for column in table.columns] == pages.LABELS_IN_ORDER
    assert [column.marked for column in table.columns][3:6] == [
        "3.14.2 incremental",
        "3.14.2 WebAssembly",
        "3.14.10",
    ]
    assert [note[0] for note in table.notes] == ["†"]


def test_a_shade_is_a_step_of_the_ratio_to_the_best():
    """Within 10 %, 1.5, 3, 10 times and more are five shades, whatever the size of the numbers."""
    ratios = [1, 1.05, 1.4, 2.9, 9, 2_000]
    values = {slug: 70.0 * ratio for slug, ratio in zip(NATIVE, ratios, strict=False)}
    found = [cells(row(values))[slug] for slug in values]
    assert [cell.shade for cell in found] == [0, 0, 1, 2, 3, 4]
    assert [cell.ratio for cell in found] == ["best", "1.05×", "1.4×", "2.9×", "9.0×", "2,000×"]
    assert found[3].note == "2.9× the best, 70 objects"


def test_more_can_be_better():
    """Of operations a second the most is the best, and half of it is twice as bad."""
    slow, fast = NATIVE[:2]
    found = cells(row({slow: 200, fast: 400}, better="more"))
    assert (found[fast].ratio, found[slow].ratio) == ("best", "2.0×")
    assert found[slow].note == "the best, 400 objects, is 2.0× this"


def test_overlapping_intervals_claim_no_difference():
    """Where the intervals overlap the cell is not shaded, and says so."""
    one, other = NATIVE[:2]
    noisy = cells(row({one: 100, other: 130}, spread=0.2))[other]
    assert (noisy.shade, noisy.ratio) == (0, "≈")
    assert "the intervals overlap" in noisy.tip
    assert cells(row({one: 100, other: 130}, spread=0.05))[other].ratio == "1.3×"


def test_bytes_of_webassembly_are_shown_and_not_compared():
    """Its objects are smaller: its bytes bear a mark, are no best, and change no other cell; counts do."""
    native = NATIVE[0]
    values = {native: 100, WASM: 50}
    size = cells(row(values, unit="bytes"))
    assert (size[WASM].value, size[WASM].shade, size[WASM].mark) == ("50 B", None, "†")
    assert size[native].shade is None, "there is nothing to compare it with"
    count = cells(row(values))
    assert (count[WASM].ratio, count[native].ratio) == ("best", "2.0×")


def test_nothing_is_better_where_the_study_says_so():
    """A figure without a better side is not shaded."""
    assert {cell.shade for cell in cells(row(dict.fromkeys(NATIVE, 3), better="")).values()} == {None}


def test_zero_is_the_best_without_a_ratio():
    """Nothing is not divided by nothing: zero is the best, anything else the darkest."""
    none, some = NATIVE[:2]
    found = cells(row({none: 0, some: 7}))
    assert (found[none].ratio, found[some].shade, found[some].ratio) == ("best", len(STEPS), "")
    assert "the best of this row is 0 objects" in found[some].tip


@pytest.mark.parametrize(("value", "best"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 2.0)])
def test_a_ratio_needs_two_positive_numbers(value, best):
    """Where a ratio means nothing there is none."""
    assert ratio_to_best(value, best, more=False) is None


def test_a_missing_figure_is_a_dash():
    """A runtime on which a figure was not measured has a cell that says so."""
    found = cells(row({NATIVE[0]: 3, NATIVE[1]: 4}))
    assert (found[NATIVE[2]].value, found[NATIVE[2]].note) == ("–", "not measured")


def test_a_runtime_with_other_cases_is_not_compared():
    """A quick run beside default runs looks better than it is: it is shown, marked, and shades nothing."""
    quick, *others = NATIVE[:3]
    found = dict(
        zip(
            NAMES,
            compare(row({quick: 1, others[0]: 70, others[1]: 140}), NAMES, {quick: "quick"}),
            strict=True,
        )
    )
    assert (found[quick].shade, found[quick].mark) == (None, "†")
    assert "the scale 'quick'" in found[quick].note
    assert (found[others[0]].ratio, found[others[1]].ratio) == ("best", "2.0×")


def test_the_cases_of_most_runtimes_are_the_ones_to_compare():
    """What the page's runtimes were measured at is read from their records."""
    page = pages.several_runtimes()
    odd = page.runtimes[0]
    page = replace(page, runtimes=[replace(odd, scale="full"), *page.runtimes[1:]])
    table = atlas([page])
    column = [name.slug for name in table.columns].index(odd.slug)
    marked = [[cell.mark for cell in one.cells] for one in table.sections[0].rows]
    assert all("†" in marks[column] or marks[column] == "" for marks in marked)
    assert any(marks[column] == "†" for marks in marked)


def lone(values, unit, better="less"):
    tiles = {slug: Tile("figure", value, unit, atlas=True, better=better) for slug, value in values.items()}
    return AtlasRow("figure", unit, better, tiles)


@pytest.mark.parametrize("unit", ["seconds", "bytes", "times", "times as fast", "percent"])
def test_a_lone_figure_that_varies_claims_nothing(unit):
    """A time, a size or a ratio without an interval is shown, neither best nor worse, and says why."""
    one, other = NATIVE[:2]
    found = cells(lone({one: 1.0, other: 40.0}, unit))
    assert {(found[slug].shade, found[slug].ratio, found[slug].mark) for slug in (one, other)} == {
        (None, "", "‡")
    }
    assert "has no interval" in found[other].tip


def test_counts_are_compared_without_an_interval():
    """A count that is a whole number is the same every time: twice as many are twice as many."""
    one, other = NATIVE[:2]
    found = cells(lone({one: 500, other: 1_000}, "objects"))
    assert (found[one].ratio, found[other].ratio) == ("best", "2.0×")
    assert cells(lone({one: 1.5, other: 3}, "objects"))[other].ratio == ""


def test_a_lone_figure_is_no_best_of_the_others():
    """Where some runtimes have intervals these are compared, and what has none changes no other cell."""
    vague, one, other = NATIVE[:3]
    source = row({one: 2.0, other: 4.0}, unit="seconds", spread=0.01)
    found = cells(replace(source, tiles={**source.tiles, vague: Tile("figure", 0.1, "seconds")}))
    assert (found[vague].ratio, found[vague].mark) == ("", "‡")
    assert (found[one].ratio, found[other].ratio) == ("best", "2.0×")


def test_a_mark_of_a_whole_row_is_told_once():
    """A row in which nothing is compared bears the mark at its label, and one note explains it."""
    page = pages.several_runtimes()
    table = atlas([replace(page, atlas=[lone({NATIVE[0]: 1.0, NATIVE[1]: 2.0}, "seconds")])])
    (only,) = table.sections[0].rows
    assert (only.mark, {cell.mark for cell in only.cells}) == ("‡", {""})
    assert len(table.notes) == 1
    assert "too few samples" in table.notes[0]
    assert not table.has_shades


def test_equal_figures_have_no_best():
    """Where all that are compared are equal none is the best: they are the same."""
    found = cells(row(dict.fromkeys(NATIVE[:3], 4)))
    assert [found[slug].ratio for slug in NATIVE[:3]] == ["same"] * 3
    assert found[NATIVE[3]].ratio == ""
