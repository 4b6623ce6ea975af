"""Several values of one sample side by side in a figure."""

from __future__ import annotations

from collections.abc import Mapping

from garbology.study import Run, Runs


def side_by_side(runs: Runs, fields: Mapping[str, str], *, by: str, value: str) -> Runs:
    """Each of several values of a sample as a sample of its own, so that a figure can compare them.

    `fields` maps the name that the reader sees to the field. That name becomes the parameter `by`, and the
    field's number the value `value`.
    """
    return Runs(
        Run(run.measure, {**run.case, by: name}, {value: getattr(run, field)}, runtime=run.runtime)
        for run in runs
        for name, field in fields.items()
    )
