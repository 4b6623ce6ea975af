"""Selecting and grouping samples."""

import pytest

from garbology.study.runs import NotMeasured, Run, Runs


@pytest.fixture
def runs():
    return Runs(
        Run("work", {"kind": kind, "n": n}, {"total": n * 10 + repeat}, repeat=repeat, runtime="cpython-3.11")
        for kind in ("a", "b")
        for n in (1, 2)
        for repeat in range(3)
    )


def test_parameters_and_values_are_attributes(runs):
    """A finding reads run.n and run.total alike."""
    first = next(iter(runs))
    assert (first.kind, first.n, first.total, first.repeat, first.measure) == ("a", 1, 10, 0, "work")


def test_a_missing_name_is_an_error_that_lists_the_names(runs):
    """A misspelt attribute says what there is."""
    with pytest.raises(AttributeError, match="work has no parameter or value 'totl', it has kind, n, total"):
        next(iter(runs)).totl


def test_where_selects_by_value_or_by_several(runs):
    """Keywords narrow the selection; a list means any of its members."""
    assert len(runs.where(kind="a")) == 6
    assert len(runs.where(kind="a", n=2)) == 3
    assert len(runs.where(n=[1, 2])) == 12


def test_a_misspelt_parameter_does_not_select_nothing_in_silence(runs):
    """Selecting by a name that no run has raises."""
    with pytest.raises(AttributeError, match="no parameter or value 'kinds'"):
        runs.where(kinds="a")


def test_iterating_over_an_empty_selection_is_not_measured(runs):
    """A loop of assertions over nothing must not pass."""
    empty = runs.where(kind="a", n=7)
    assert not empty
    with pytest.raises(NotMeasured, match="no sample of kind='a', n=7"):
        list(empty)
    with pytest.raises(NotMeasured):
        empty.cases()


def test_of_takes_the_measure_as_a_function_or_by_name(runs):
    """Both spellings select the same."""

    def work():
        """Named like the measure."""

    assert len(runs.of(work)) == len(runs.of("work")) == 12
    assert not runs.of("other")


def test_cases_group_repeats_and_keep_runtimes_apart(runs):
    """The same case on two runtimes is two cases."""
    other = [Run("work", {"kind": "a", "n": 1}, {"total": 99}, runtime="cpython-3.14")]
    cases = Runs([*runs, *other]).cases()
    assert len(cases) == 5
    assert [case.median("total") for case in cases] == [11, 21, 11, 21, 99]
    assert (cases[0].kind, cases[0].n, len(cases[0].samples)) == ("a", 1, 3)


def test_a_case_of_five_samples_has_an_interval(runs):
    """And one of three has none."""
    five = Runs(Run("work", {"n": 1}, {"total": repeat}) for repeat in range(5)).only_case()
    assert five.interval("total") == (0.0, 4.0)
    assert runs.cases()[0].interval("total") is None


def test_cases_tell_true_from_one():
    """Parameters that compare equal but differ in type stay apart."""
    runs = Runs([Run("work", {"on": True}, {"t": 1}), Run("work", {"on": 1}, {"t": 2})])
    assert len(runs.cases()) == 2


def test_only_case_refuses_several(runs):
    """A number quoted in a verdict comes from one case."""
    assert runs.where(kind="a", n=1).only_case().median("total") == 11
    with pytest.raises(ValueError, match="kind='a' selects 2 cases, expected one"):
        runs.where(kind="a").only_case()


def test_a_run_reads_like_the_call_that_made_it(runs):
    """The text of a run is the evidence of a broken claim; long values are left out."""
    assert repr(next(iter(runs))) == "work(kind='a', n=1) repeat 0: total=10"
    assert "shapes" not in repr(Run("work", {}, {"total": 1, "shapes": [1] * 1000}))
