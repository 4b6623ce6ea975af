"""What several studies share: a deep model of one array a layer, one tile, and rows as samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_core import Variable, sin
from garbology.study import Run, Runs


def deep_model(inputs: Variable, depth: int) -> Variable:
    """`depth` layers in a row, each as wide as the inputs; a layer is one sine, one array of results."""
    hidden = inputs
    for _ in range(depth):
        hidden = sin(hidden)
    return hidden


def unfolded(runs: Runs, rows: str, by: Sequence[str]) -> Runs:
    """Each row of a list that a measure returned, as a sample of its own.

    `rows` names the list of dicts, `by` the keys that tell one row from another: they become parameters, so
    that figures and medians group by them.
    """
    return Runs(_sample(run, row, by) for run in runs for row in getattr(run, rows))


def _sample(run: Run, row: dict[str, Any], by: Sequence[str]) -> Run:
    case = {**run.case, **{name: row[name] for name in by}}
    values = {name: value for name, value in row.items() if name not in by}
    return Run(run.measure, case, values, repeat=run.repeat, runtime=run.runtime)
