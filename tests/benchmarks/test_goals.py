"""A goal is reached or missed by what was measured, and by nothing else."""

import json
from dataclasses import replace

import pytest

from benchmarks import finder, publishing, recorders, records, tables
from benchmarks.goals import Goal, Judged
from benchmarks.rows import Estimate, Rows, estimate
from benchmarks.sections import SECTIONS
from benchmarks.settings import QUICK, of_objects


def row(part, case, who, figure, values, size=0):
    return {"part": part, "case": case, "who": who, "figure": figure, "values": values, "size": size}


def judged(value, asked=4.0, **more):
    found = None if value is None else Estimate(value, value, value, 5)
    return Judged(Goal("a goal", asked, lambda rows: found, **more), found)


@pytest.mark.parametrize(
    ("value", "is_least", "verdict"),
    [
        (3.9, False, "reached"),
        (4.0, False, "reached"),
        (4.1, False, "missed"),
        (None, False, "not measured"),
        (4.1, True, "reached"),
        (3.9, True, "missed"),
        (None, True, "not measured"),
    ],
)
def test_the_verdict_comes_from_the_figure(value, is_least, verdict):
    """At most, or at least; what was not measured is neither."""
    assert judged(value, is_least=is_least).verdict == verdict


def test_a_line_has_what_is_asked_and_what_is_measured():
    """In the unit that fits, a part as percent, the interval beside it."""
    goal = Goal("slower", 0.02, lambda rows: None, unit="part")
    line = Judged(goal, Estimate(0.034, 0.031, 0.042, 5, "requests")).row()
    assert line == ["missed", "slower", "at most 2 %", "3.4 % (requests)", "3.1 to 4.2 %"]


def test_few_rounds_have_no_interval():
    """The least and the most of them stand in its place, and how many they were."""
    found = estimate([1.0, 3.0, 2.0])
    assert (found.value, found.low, found.high, found.has_interval) == (2.0, 1.0, 3.0, False)
    assert judged(1.0).goal.text == "a goal"
    assert Judged(Goal("a", 4, lambda rows: None), found).interval == "1 to 3, all 3"
    assert estimate([1.0] * 5).has_interval
    assert estimate([None]) is None


def test_ratios_are_taken_round_by_round():
    """A round that is slow for both leaves the ratio as it is."""
    rows = Rows(
        [row("p", "c", "ours", "s", [2.0, 20.0, 2.0]), row("p", "c", "theirs", "s", [1.0, 10.0, 1.0])]
    )
    found = rows.ratio("p", "c", "ours", "theirs", "s")
    assert (found.value, found.low, found.high) == (2.0, 2.0, 2.0)
    assert rows.ratio("p", "c", "ours", "nobody", "s") is None


def test_an_exponent_is_the_slope_of_logarithms():
    """Time that grows with the square has the exponent 2; one size has none."""
    sizes = (10, 100, 1_000)
    cases = [str(size) for size in sizes]
    rows = Rows([row("p", str(size), "ours", "s", [size**2.0, 3.0 * size**2], size) for size in sizes])
    assert rows.exponent("p", "ours", "s", cases).value == pytest.approx(2)
    assert rows.exponent("p", "ours", "s", cases[:1]) is None


def whole_answers(**seconds):
    """Rows of whole answers of heaps whose collection takes a second."""
    for heap, value in seconds.items():
        yield row(finder.WHOLE, heap, finder.OURS, "whole_seconds", [value] * 5)
        yield row(finder.WHOLE, heap, finder.COLLECT, "whole_seconds", [1.0] * 5)


def test_the_finder_is_judged_by_its_worst_heap():
    """The heterogeneous one is judged by itself."""
    goal, heterogeneous, *_ = finder.GOALS
    rows = Rows(list(whole_answers(tree=3.0, star=4.5, many_shapes=9.0)))
    assert goal.judged(rows).row()[2:4] == ["at most 4", "4.5 (star)"]
    assert goal.judged(rows).verdict == "missed"
    assert heterogeneous.judged(rows).verdict == "reached"


def test_slowdowns_are_judged_by_the_worst_program():
    """Of what was measured under the tool, against nothing in the same round."""
    units = {"arrays": 1.005, "requests": 1.03}
    rows = [
        row(recorders.WATCHED, name, recorders.PAUSES, "unit_seconds", [value])
        for name, value in units.items()
    ]
    rows += [row(recorders.WATCHED, name, recorders.NOTHING, "unit_seconds", [1.0]) for name in units]
    one = recorders.GOALS[0].judged(Rows(rows))
    assert one.found.of == "requests"
    assert one.found.value == pytest.approx(0.03)
    assert one.verdict == "missed"


@pytest.mark.parametrize("section", SECTIONS)
def test_what_was_not_measured_is_judged_as_that(section):
    """No rows, no verdict: every goal of every section can do without its figures."""
    goals = SECTIONS[section].goals
    assert {goal.judged(Rows([])).verdict for goal in goals} == {"not measured"}


def record(**changes):
    plain = {
        "format": records.FORMAT, "section": "finder", "only": [], "started": "2026-01-02T03:04:05+00:00",
        "settings": {**records.Settings().to_dict(), "rounds": 5},
        "runtime": {"version": "3.13.0", "label": "CPython 3.13.0", "slug": "cpython-3.13.0",
                    "collector": "generational"},
        "environment": {"cpu_model": "a processor", "cpu_count": 2, "load_average": 1.5,
                        "load_average_at_the_end": 2.5, "commit": "abc"},
        "peers": {"refcycle": None, "objgraph": "3.7.0"},
        "rows": list(whole_answers(tree=3.0)), "missing": {"refcycle": ["a job"]}, "problems": ["a job: it crashed"],
    }  # fmt: skip
    return {**plain, **changes}


def test_the_tables_say_what_is_missing_and_where_it_was_measured():
    """The peer, the failure, interpreter, processor, load, commit and date."""
    text = tables.text([record()])
    assert "- refcycle is not installed: not measured" in text
    assert "- a job: it crashed" in text
    assert "CPython 3.13.0, a processor, 2 cores, load 1.5 to 2.5, 2026-01-02 03:04 UTC, commit abc" in text
    assert "| tree | garbology | 3 s | 3 | no spread |" in text


def test_a_smaller_run_says_that_it_is_one():
    """Its verdicts are of other sizes than the goals', in the table and above it."""
    quick = tables.text([record(settings={**QUICK.to_dict(), "rounds": 5})])
    assert "Sizes are smaller than those of the goals." in quick
    assert "| reached (smaller sizes) |" in quick
    assert "smaller" not in tables.text([record()])
    smaller = of_objects(records.Settings(), 100_000)
    assert tables.is_smaller(record(settings=smaller.to_dict()))
    assert not tables.is_smaller(record(section="engine", settings=smaller.to_dict()))


def test_records_are_read_as_they_were_written(tmp_path):
    """One file a section and minor version; a file of another format is left alone."""
    both = [record(), record(section="engine", rows=[])]
    paths = records.write(both, tmp_path)
    assert [path.name for path in paths] == ["finder-3.13.json", "engine-3.13.json"]
    (tmp_path / "serving-3.json").write_text(json.dumps({"rows": []}))
    assert records.read_all(tmp_path) == both


def test_settings_take_what_the_command_line_says():
    """And nothing where it says nothing."""
    settings = records.smaller(records.Settings(), rounds=7, objects=None)
    assert settings == replace(records.Settings(), rounds=7)


def test_the_verdict_counts_the_goals_of_every_section():
    """Reached, missed, and not measured: those of a section without a record are, and stand in the table."""
    goals = sum(len(section.goals) for section in SECTIONS.values())
    assert publishing.verdict([record()]) == f"1 of {goals} goals reached, {goals - 1} not measured."
    assert len(tables.goal_table([record()]).rows) == goals
