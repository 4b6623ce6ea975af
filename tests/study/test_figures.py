"""What figures hold before they are drawn."""

import pytest

from garbology.study.figures import bars, line, points
from garbology.study.runs import NotMeasured, Run, Runs
from garbology.study.tables import scalar_values, table


def make_runs(runtime="cpython-3.11", kinds=("a", "b")):
    return [
        Run(
            "work",
            {"kind": kind, "n": n},
            {"total": n * 10 + repeat, "held_bytes": 2_000_000},
            repeat=repeat,
            runtime=runtime,
        )
        for kind in kinds
        for n in (1, 2)
        for repeat in range(5)
    ]


def test_a_line_has_a_row_for_each_case_with_median_and_interval():
    """Rows bear the keys of x, y and color, the interval, the runtime and the number of samples."""
    spec = line(Runs(make_runs()), x="n", y="total", color="kind", x_scale="log", y_title="all of it")
    expected = {
        "n": 1,
        "kind": "a",
        "total": 12,
        "low": 10.0,
        "high": 14.0,
        "runtime": "cpython-3.11",
        "samples": 5,
    }
    assert spec.rows[0] == expected
    assert len(spec.rows) == 4
    assert (spec.kind, spec.x_scale, spec.y_scale, spec.y_title) == ("line", "log", "linear", "all of it")


def test_runtimes_are_not_pooled():
    """The same case on two runtimes gives two rows."""
    spec = bars(Runs(make_runs() + make_runs("cpython-3.14")), x="n", y="total", color="kind")
    assert [row["runtime"] for row in spec.rows].count("cpython-3.14") == 4
    assert spec.kind == "bars"


def test_a_figure_that_mixes_cases_is_refused():
    """A parameter that is neither x nor color nor facet must have one value."""
    with pytest.raises(ValueError, match=r"a figure of total over n mixes .*kind='a'.* and .*kind='b'"):
        line(Runs(make_runs()), x="n", y="total")
    assert line(Runs(make_runs(kinds=["a"])), x="n", y="total").rows


def test_points_are_the_raw_samples():
    """Every sample is a point, and x may be a measured value."""
    spec = points(Runs(make_runs()), x="held_bytes", y="total", color="kind")
    assert len(spec.rows) == 20
    assert spec.rows[0] == {
        "held_bytes": 2_000_000,
        "total": 10,
        "kind": "a",
        "runtime": "cpython-3.11",
        "low": None,
        "high": None,
        "samples": 1,
    }


def test_points_of_medians():
    """One for each case, both values its medians."""
    every_sample = points(Runs(make_runs()), x="held_bytes", y="total", color="kind")
    medians = points(Runs(make_runs()), x="held_bytes", y="total", color="kind", medians=True)
    assert len(medians.rows) == len(Runs(make_runs()).cases())
    assert sum(row["samples"] for row in medians.rows) == len(every_sample.rows)
    assert {row["held_bytes"] for row in medians.rows} <= {row["held_bytes"] for row in every_sample.rows}


def test_a_figure_of_nothing_is_not_measured():
    """There is no empty figure."""
    with pytest.raises(NotMeasured):
        line(Runs([]), x="n", y="total")


def test_a_value_that_was_never_measured_has_no_row():
    """A median of nothing is not drawn as zero."""
    runs = Runs([Run("work", {"n": 1}, {"t": None}), Run("work", {"n": 2}, {"t": 4})])
    assert [row["n"] for row in line(runs, x="n", y="t").rows] == [2]


def test_a_table_has_a_row_for_each_case_with_units_and_intervals():
    """Cells are text: the parameters, then each median with its interval where the samples differ."""
    shown = table(Runs(make_runs()), ["total", "held_bytes"], caption="All of it.")
    assert list(shown.columns) == ["kind", "n", "total", "held"]
    assert list(shown.rows[0]) == ["a", "1", "12 (10 to 14)", "2 MB"]
    assert len(shown.rows) == 4


def test_a_table_of_several_runtimes_says_which():
    """The runtime is the first column as soon as there are two."""
    shown = table(Runs(make_runs() + make_runs("cpython-3.14")), ["total"])
    assert shown.columns[0] == "runtime"
    assert [row[0] for row in shown.rows] == ["cpython-3.11"] * 4 + ["cpython-3.14"] * 4


def test_two_columns_never_have_one_name():
    """What was waiting as a count and as bytes is told apart by the unit, which is left out elsewhere."""
    runs = Runs([Run("work", {"size_bytes": 1}, {"waiting": 1, "waiting_bytes": 2})])
    assert list(table(runs, ["waiting", "waiting_bytes"]).columns) == ["size", "waiting", "waiting bytes"]


def test_only_numbers_are_columns():
    """Texts, lists and flags do not belong in a table of medians."""
    runs = Runs(
        [Run("work", {}, {"total": 1, "name": "x", "shapes": [], "on": True, "later": None, "share": 0.5})]
    )
    assert scalar_values(runs) == ["total", "share"]
