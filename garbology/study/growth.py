"""How a measured value grows from one case to the next."""

from __future__ import annotations

from itertools import pairwise

from garbology.study.runs import Case, NotMeasured, Run, Runs


def slopes_of(runs: Runs, name: str, over: str) -> Runs:
    """The slope of each step from one value of the parameter `over` to the next; see `Selection.slopes`."""
    groups: dict[str, list[Case]] = {}
    for case in runs.cases():
        others = {key: value for key, value in case.case.items() if key != over}
        groups.setdefault(repr((case.runtime, others)), []).append(case)
    return Runs(slope for cases in groups.values() for slope in _slopes(cases, name, over))


def _slopes(cases: list[Case], name: str, over: str) -> list[Run]:
    if len(cases) < 2:
        raise NotMeasured(f"{cases[0]}: one {over} shows no growth")
    ordered = sorted(cases, key=lambda case: float(getattr(case, over)))
    return [_slope(small, large, name, over) for small, large in pairwise(ordered)]


def _slope(small: Case, large: Case, name: str, over: str) -> Run:
    before, after = small.median(name), large.median(name)
    if before is None or after is None:
        raise NotMeasured(f"{name} is not known of {small if before is None else large}")
    slope = (after - before) / (getattr(large, over) - getattr(small, over))
    return Run(large.measure, large.case, {**large.samples[0].values, "slope": slope}, runtime=large.runtime)
