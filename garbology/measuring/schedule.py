"""Which case is measured next, and how many samples are still to come."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from garbology.study.records import Sample
from garbology.study.repetition import Repetition, time_names


@dataclass(frozen=True)
class Job:
    """One sample to be taken."""

    measure: str
    case: dict[str, Any]
    repeat: int


@dataclass
class _Case:
    """What is known of one case so far."""

    measure: str
    case: dict[str, Any]
    samples: list[Sample] = field(default_factory=list)
    under_way: int = 0
    seconds: list[float] = field(default_factory=list)  # of whole samples, start-up included
    precise: bool = False

    @property
    def started(self) -> int:
        return len(self.samples) + self.under_way

    @property
    def is_unavailable(self) -> bool:
        return any(sample.status == "unavailable" for sample in self.samples)

    @property
    def is_timeless(self) -> bool:
        """Whether its samples have no times, or failed: it will not be repeated beyond the fewest."""
        if any(each.status != "ok" for each in self.samples):
            return True
        return bool(self.samples) and not time_names([each.values or {} for each in self.samples])

    def add(self, sample: Sample, seconds: float, repetition: Repetition) -> None:
        self.samples.append(sample)
        self.seconds.append(seconds)
        good = [each.values or {} for each in self.samples if each.status == "ok"]
        enough = len(self.samples) >= repetition.fewest
        # What failed or hung once does not become precise by being repeated.
        self.precise = enough and (len(good) < len(self.samples) or repetition.is_precise(good))

    def is_open(self, repetition: Repetition) -> bool:
        if self.is_unavailable or self.started >= repetition.most:
            return False
        return self.started < repetition.fewest or not self.precise


class Schedule:
    """The samples of one run, in rounds: each takes one of every case that needs more, in a random order.

    What drifts (a warming processor, a neighbour) must not look like a parameter: so all cases are measured
    once before any is measured again, and the order of each round is shuffled with `seed`. `samples` are
    those that an interrupted run took already.
    """

    def __init__(
        self,
        cases: Iterable[tuple[str, dict[str, Any]]],
        repetition: Repetition,
        seed: int,
        samples: Sequence[Sample] = (),
    ) -> None:
        self._repetition = repetition
        self._seed = seed
        self._cases = [_Case(measure, case) for measure, case in cases]
        self._named = {_key(each.measure, each.case): each for each in self._cases}
        for sample in samples:
            seconds = sample.seconds or sample.limit_seconds or 0.0
            self._named[_key(sample.measure, sample.case)].add(sample, seconds, repetition)
        self._queue = deque(self._first_rounds())
        self._closed_cases = 0
        self._closed_seconds: list[float] = []

    def close(self) -> None:
        """Let go of the samples: nothing more is measured. How many there were, and how long they took, stays known."""
        self._closed_seconds = self.seconds
        self._closed_cases = self.case_count
        self._cases, self._named = [], {}
        self._queue.clear()

    @property
    def case_count(self) -> int:
        """How many cases there are."""
        return len(self._cases) + self._closed_cases

    @property
    def done_count(self) -> int:
        """How many samples were taken."""
        return sum(len(each.samples) for each in self._cases) + len(self._closed_seconds)

    @property
    def is_done(self) -> bool:
        """Whether no sample is under way or to be taken."""
        return not any(each.under_way or each.is_open(self._repetition) for each in self._cases)

    @property
    def is_exact(self) -> bool:
        """Whether `expected_count` is known rather than estimated."""
        most, fewest = self._repetition.most, self._repetition.fewest
        return most == fewest or not any(each.is_open(self._repetition) for each in self._cases)

    @property
    def expected_count(self) -> int:
        """How many samples there will have been in the end, at most: it only ever falls.

        A case whose times are not known to be precise counts every repeat that it may still need.
        """
        return sum(self._expected(each) for each in self._cases) + len(self._closed_seconds)

    @property
    def seconds(self) -> list[float]:
        """How long each sample took; start-up is included, except in those of an interrupted run."""
        return self._closed_seconds + [second for each in self._cases for second in each.seconds]

    def expected_seconds(self, typical: float) -> float:
        """How long the samples to come take one after the other, one of a case not yet measured `typical`."""
        return sum(
            (self._expected(each) - len(each.samples))
            * (sum(each.seconds) / len(each.seconds) if each.seconds else typical)
            for each in self._cases
        )

    def next(self) -> Job | None:
        """The next sample to take; None where there is none, or none before those under way are in."""
        if not self._queue:
            self._queue.extend(self._next_round())
        while self._queue:
            job = self._queue.popleft()
            case = self._named[_key(job.measure, job.case)]
            if not case.is_unavailable:
                case.under_way += 1
                return job
        return None

    def add(self, sample: Sample, seconds: float) -> None:
        """A sample that `next` gave is taken; `seconds` is all that it took, start-up included."""
        case = self._named[_key(sample.measure, sample.case)]
        case.under_way -= 1
        case.add(sample, seconds, self._repetition)

    def judge_precision(self) -> tuple[int, list[tuple[str, dict[str, Any]]]]:
        """How many of the cases that measured a time know it precisely, and which do not."""
        precise, imprecise = 0, []
        for each in self._cases:
            good = [sample.values or {} for sample in each.samples if sample.status == "ok"]
            if time_names(good) and self._repetition.is_precise(good):
                precise += 1
            elif time_names(good):
                imprecise.append((each.measure, each.case))
        return precise, imprecise

    def _round(self, number: int) -> list[_Case]:
        """All cases in the order of a round, which depends on the seed and the round's number alone."""
        order = list(self._cases)
        random.Random(f"{self._seed}/{number}").shuffle(order)  # noqa: S311  # an order, not a secret
        return order

    def _first_rounds(self) -> Iterator[Job]:
        for repeat in range(self._repetition.fewest):
            for each in self._round(repeat):
                if not any(sample.repeat == repeat for sample in each.samples):
                    yield Job(each.measure, each.case, repeat)

    def _next_round(self) -> Iterator[Job]:
        waiting = [each for each in self._cases if not each.under_way and each.is_open(self._repetition)]
        number = min((len(each.samples) for each in waiting), default=0)
        for each in self._round(number):
            if len(each.samples) == number and any(each is other for other in waiting):
                yield Job(each.measure, each.case, 1 + max(sample.repeat for sample in each.samples))

    def _expected(self, case: _Case) -> int:
        if not case.is_open(self._repetition):
            return case.started
        return max(case.started, self._repetition.fewest) if case.is_timeless else self._repetition.most


def _key(measure: str, case: dict[str, Any]) -> str:
    return f"{measure}{case!r}"  # repr tells True from 1
