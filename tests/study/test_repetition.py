"""When a case is known precisely enough, and which sample is taken next."""

import pytest

from garbology.measuring.schedule import Schedule
from garbology.study.records import Sample
from garbology.study.repetition import Repetition

REPETITION = Repetition(fewest=5, most=15, precision=0.1)


def times(*values):
    return [{"wait_seconds": value, "objects": index} for index, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "precise"),
    [
        (times(1.0, 1.01, 0.99, 1.02, 0.98), True),
        (times(1.0, 2.0, 0.5, 1.0, 1.0), False),
        (times(1.0, 1.01, 0.99, 1.02), False),  # four samples have no interval
        (times(0.0, 0.0), True),
        (times(1.0), False),
        (times(None, None), True),
        ([{"objects": index} for index in range(5)], True),
        ([], True),
    ],
)
def test_a_case_is_precise_when_the_interval_of_every_time_is_narrow(values, precise):
    """Counts do not matter, and one sample alone is never precise."""
    assert REPETITION.is_precise(values) is precise


def test_every_time_of_a_case_must_be_precise():
    """One that is not keeps the case going."""
    steady = [{"a_seconds": 1.0, "b_seconds": value} for value in (1.0, 5.0, 2.0, 1.0, 9.0)]
    assert not REPETITION.is_precise(steady)


CASES = [("work", {"n": n}) for n in range(4)]


def taken(schedule, count, seconds=1.0, value=1.0):
    """Take some samples from a schedule, one after the other."""
    jobs = []
    for _ in range(count):
        job = schedule.next()
        jobs.append(job)
        schedule.add(sample_of(job, value), seconds)
    return jobs


def sample_of(job, value=1.0, status="ok"):
    return Sample(job.measure, job.case, job.repeat, status, values={"wait_seconds": value})


def test_a_round_has_every_case_once_before_any_is_measured_again():
    """What drifts must not look like a parameter."""
    jobs = taken(Schedule(CASES, Repetition(3, 3, 0.1), seed=1), 12)
    rounds = [jobs[:4], jobs[4:8], jobs[8:]]
    for repeat, each in enumerate(rounds):
        assert sorted(job.case["n"] for job in each) == [0, 1, 2, 3]
        assert {job.repeat for job in each} == {repeat}
    assert len({tuple(job.case["n"] for job in each) for each in rounds}) > 1


def test_a_schedule_ends_when_every_case_is_precise():
    """The fewest repeats, no more, and then there is nothing to take."""
    schedule = Schedule(CASES, Repetition(2, 9, 0.1), seed=1)
    taken(schedule, 8)
    assert schedule.is_done
    assert schedule.next() is None
    assert (schedule.done_count, schedule.expected_count, schedule.is_exact) == (8, 8, True)


def test_the_expected_total_never_rises():
    """It counts every repeat that a case may still need, and falls as the cases are known precisely."""
    schedule = Schedule(CASES, Repetition(5, 15, 0.1), seed=1)
    expected = [schedule.expected_count]
    assert not schedule.is_exact
    while job := schedule.next():
        noise = schedule.done_count if job.case["n"] == 0 else 0
        schedule.add(sample_of(job, value=1.0 + noise), 1.0)
        expected.append(schedule.expected_count)
    assert expected[:2] == [60, 60]
    assert expected[-1] == schedule.done_count == 3 * 5 + 15
    assert expected == sorted(expected, reverse=True)
    assert schedule.is_exact


def test_cases_without_times_are_expected_no_more_often_than_needed():
    """One sample shows that there is no time to be known precisely, or that the case fails."""
    schedule = Schedule(CASES[:2], Repetition(5, 15, 0.1), seed=1)
    job = schedule.next()
    schedule.add(Sample(job.measure, job.case, job.repeat, values={"objects": 3}), 1.0)
    assert schedule.expected_count == 5 + 15
    schedule.add(sample_of(schedule.next(), status="failed"), 1.0)
    assert schedule.expected_count == 5 + 5


def test_time_left_is_told_by_the_cases_own_times():
    """A slow case counts as often as it is still to be measured, one not measured yet like a typical one."""
    schedule = Schedule([("work", {"n": n}) for n in range(2)], Repetition(3, 3, 0.1), seed=1)
    assert schedule.expected_seconds(7.0) == 6 * 7
    for seconds in (100.0, 1.0):
        schedule.add(sample_of(schedule.next()), seconds)
    assert schedule.seconds in ([100.0, 1.0], [1.0, 100.0])
    assert schedule.expected_seconds(7.0) == pytest.approx(2 * 100 + 2 * 1)
    taken(schedule, 4)
    assert schedule.expected_seconds(7.0) == 0


def test_an_imprecise_case_is_not_under_way_twice():
    """Whether it needs another sample is known when the one under way is in."""
    schedule = Schedule([("work", {})], Repetition(1, 3, 0.1), seed=1)
    first = schedule.next()
    assert schedule.next() is None
    assert not schedule.is_done
    schedule.add(sample_of(first), 1.0)
    assert schedule.next().repeat == 1


def test_a_schedule_goes_on_where_samples_are_lacking():
    """Also where an interruption left a gap, as it does when several samples are under way."""
    samples = [Sample("work", {"n": n}, repeat, values={}) for n in (0, 1) for repeat in (0, 2)]
    schedule = Schedule([("work", {"n": n}) for n in (0, 1)], Repetition(3, 3, 0.1), 1, samples)
    jobs = taken(schedule, 2)
    assert sorted((job.case["n"], job.repeat) for job in jobs) == [(0, 1), (1, 1)]
    assert schedule.is_done


def test_cases_tell_true_from_one():
    """Parameters that compare equal but differ in type are cases of their own."""
    schedule = Schedule([("work", {"on": True}), ("work", {"on": 1})], Repetition(1, 1, 0.1), seed=1)
    assert {repr(job.case) for job in taken(schedule, 2)} == {"{'on': True}", "{'on': 1}"}
