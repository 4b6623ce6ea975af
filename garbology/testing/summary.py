"""The end of a run: which tests left most, in at most 15 lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from garbology.testing.results import Result
from garbology.text.escaping import edge_text
from garbology.text.layout import counted, cut, human_bytes

TITLE = "garbology: what waited for the cyclic collector"
_MOST_LINES = 15  # with the title
_MOST_ROWS = 8

Results = Mapping[str, Result]


def leaving(results: Results) -> list[tuple[str, Result]]:
    """The tests that left something of their own, most bytes first."""
    left = [(test, each) for test, each in results.items() if each["own_objects"]]
    return sorted(left, key=lambda pair: (-pair[1]["own_bytes"], -pair[1]["own_objects"], pair[0]))


def own_shapes(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Every own shape of every test."""
    return [shape for each in results for shape in each["shapes"] if shape["whose"] == "own"]


def total(results: Results, what: str) -> int:
    """A number of all tests together: 'own_objects', 'own_bytes' ..."""
    return int(sum(each[what] for each in results.values()))


def verdict(results: Results) -> str:
    """How much is left of how many tests."""
    left = leaving(results)
    watched = f"{counted(len(results), 'test')} watched"
    if not left:
        return f"{watched}: reference counting freed every tracked object that they dropped"
    shapes = {shape["paragraph"] for shape in own_shapes(results.values())}
    size = human_bytes(total(results, "own_bytes"))
    return (
        f"{watched}: {len(left):,} left {counted(total(results, 'own_objects'), 'object')} ({size}), "
        f"in {counted(len(shapes), 'shape')} of cycles"
    )


def lines(results: Results, notes: Sequence[str], width: int) -> list[str]:
    """All that is said, the title left out."""
    left = leaving(results)
    notes = [*_others(results), *notes]
    room = max(1, min(_MOST_ROWS, _MOST_LINES - 4 - len(notes)))
    told = [verdict(results)]
    if left:
        told.append(f"{'bytes':>9} {'objects':>9}  test: its largest cycle")
        told += [_row(test, result) for test, result in left[:room]]
    if left[room:]:
        told.append(f"{'':>21}... and {counted(len(left) - room, 'more test')}")
    return [*(cut(line, width) for line in told), *notes][: _MOST_LINES - 1]


def _row(test: str, result: Result) -> str:
    own = own_shapes([result])
    edge = f": {_first_edge(own[0])}" if own and own[0]["edges"] else ""
    return f"{human_bytes(result['own_bytes']):>9} {result['own_objects']:>9,}  {test}{edge}"


def _first_edge(shape: Mapping[str, Any]) -> str:
    advised = [edge for edge in shape["edges"] if edge["weaken"]]
    edge = (advised or shape["edges"])[0]
    return edge_text(edge["source_type"], edge["label"], edge["target_type"])


def _others(results: Results) -> Iterable[str]:
    """What is left and is not the tests' own, and what could not be judged."""
    for whose, text in (
        ("ignored", "by only and ignore"),
        ("the test runner", "cycles of the test runner's"),
    ):
        count = _cycles(results, whose)
        if count:
            yield f"not counted, {text}: {counted(count, 'cycle')} in {counted(len(_with(results, whose)), 'test')}"
    raising = _with(results, "pytest.raises")
    if raising:
        yield (
            f"not counted: {counted(len(raising), 'test')} whose frame is kept by the `info` of pytest.raises "
            "(`del info` frees it at once)"
        )
    classes = _with(results, "a class of the test")
    if classes:
        yield f"not counted: classes defined in {counted(len(classes), 'test')} (each class is a cycle by itself)"
    collected = [test for test, each in results.items() if each["collected"]]
    if collected:
        yield f"not counted: what collections freed that ran inside {counted(len(collected), 'test')}"
    leaks = sum(len(each["leaks"]) for each in results.values())
    if leaks:
        yield f"{counted(leaks, 'leak')} that not even the collector frees (--garbology-json has them)"
    if any(each["method"] != "reference counts" for each in results.values()):
        yield "counts are not exact on this build: the collector was asked what it would free"
    reasons = Counter(each["unjudged"] for each in results.values() if each["unjudged"])
    if reasons:
        (first, _), *more = reasons.most_common()
        others = f" (or {counted(len(more), 'other reason')})" if more else ""
        yield f"leaks not judged in {counted(sum(reasons.values()), 'test')}: {first}{others}"


def in_workers(workers: int, partial: str) -> str:
    """What cannot be judged where the tests ran in processes of pytest-xdist's, one line."""
    if partial.startswith("a worker crashed"):
        return f"pytest-xdist: {partial}"
    return (
        f"pytest-xdist, {counted(workers, 'worker')}: what a first call caches is left once in each, by whichever test "
        "came first there"
    )


def _with(results: Results, whose: str) -> list[str]:
    return [
        test for test, each in results.items() if any(shape["whose"] == whose for shape in each["shapes"])
    ]


def _cycles(results: Results, whose: str) -> int:
    shapes = [shape for each in results.values() for shape in each["shapes"]]
    return sum(shape["count"] for shape in shapes if shape["whose"] == whose)
