"""The clock of the studies. Of several rounds the fastest counts: what slows the others down is not the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Result = TypeVar("Result")
Way = TypeVar("Way")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What the work returned, and the seconds it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def seconds_of(work: Callable[[], object], times: int = 1) -> float:
    """The seconds that the work takes, the average of so many times in a row."""
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


def fastest(work: Callable[[], object], rounds: int, times: int = 1) -> float:
    """The least of that in several rounds."""
    return min(seconds_of(work, times) for _ in range(rounds))


def fastest_by_turns(ways: Mapping[Way, Callable[[], float]], rounds: int) -> dict[Way, float]:
    """The least seconds that each way says it took; they take turns, so that what disturbs one disturbs all."""
    taken = [{way: seconds() for way, seconds in ways.items()} for _ in range(rounds)]
    return {way: min(each[way] for each in taken) for way in ways}
