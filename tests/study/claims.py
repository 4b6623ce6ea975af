"""What a study's claims are tried on: its quick run, samples taken here, and samples with made-up values."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from garbology.measuring.runner import Plan, measure_study
from garbology.study.declaration import Study
from garbology.study.evaluation import evaluate, judge, runs_of
from garbology.study.loading import load_study
from garbology.study.page import FindingResult, StudyPage
from garbology.study.records import Record
from garbology.study.runs import Run, Runs

Change = Callable[[Iterable[Run]], Runs]


@dataclass(frozen=True)
class QuickRun:
    """A study's quick scale, one sample of each case in a fresh interpreter."""

    study: Study
    record: Record

    @cached_property
    def samples(self) -> Runs:
        """The samples in the order of the grid."""
        return runs_of(self.study, self.record)

    @cached_property
    def page(self) -> StudyPage:
        """What the report says of them."""
        return evaluate(self.study, [self.record])

    def finding(self, name: str) -> FindingResult:
        """A finding's verdict and evidence."""
        return next(each for each in self.page.findings if each.name == name)

    def status(self, finding: str) -> str:
        """What became of a finding."""
        return self.finding(finding).status

    @cached_property
    def excepted(self) -> set[str]:
        """The findings that are declared not to hold here, and do not."""
        return {each.name for each in self.page.findings if each.status == "not on this version"}

    @cached_property
    def unavailable(self) -> list[str]:
        """Why cases could not be measured here: no fork, a package that is not installed."""
        return sorted({each.message or "" for each in self.record.samples if each.status == "unavailable"})


def measure_quickly(name: str, directory: Path) -> QuickRun:
    """Measure the study experiments/NAME.py, writing its record to the directory."""
    study = load_study(f"experiments.{name}")
    directory.mkdir(parents=True, exist_ok=True)
    return QuickRun(study, measure_study(study, Plan(scale="quick", repeats=1, jobs=2), directory).record)


def take(measure: Callable[..., Any], **case: Any) -> Run:
    """One sample of a case, measured in this process."""
    return Run(measure.__name__, case, asdict(measure(**case)))


#: Takes samples of one study's measures, in turn: the study's module, names and cases come as JSON, and go as JSON.
TAKE_EACH = """
import json, sys
from dataclasses import asdict
from importlib import import_module
module, wanted = json.load(sys.stdin)
study = import_module(module)
json.dump([asdict(getattr(study, name)(**case)) for name, case in wanted], sys.stdout)
"""


def take_each(cases: Iterable[tuple[Callable[..., Any], dict[str, Any]]]) -> list[Run]:
    """One sample of each case, all measured in one fresh interpreter: each collection and search goes through its heap,
    which is small, and not through that of a session of tests.
    """
    wanted = [(measure, case) for measure, case in cases]
    (module,) = {measure.__module__ for measure, _ in wanted}
    done = subprocess.run(
        [sys.executable, "-c", TAKE_EACH],
        input=json.dumps([module, [(measure.__name__, case) for measure, case in wanted]]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    return [
        Run(measure.__name__, case, values) for (measure, case), values in zip(wanted, results, strict=True)
    ]


def one_of(samples: Iterable[Run], **case: Any) -> Run:
    """The first of the samples whose case has these parameters."""
    return next(run for run in samples if _matches(run.case, case))


def doctored(measure: Callable[..., Any], cases: Mapping[str, Any] | None = None, /, **values: Any) -> Change:
    """A change of samples that replaces some values of a measure's cases, of all cases unless some are given.

    A function makes the new value from a copy of the old one.
    """

    def doctor(run: Run) -> Run:
        if run.measure != measure.__name__ or not _matches(run.case, cases or {}):
            return run
        new = {name: _replaced(run.values[name], value) for name, value in values.items()}
        return Run(run.measure, run.case, {**run.values, **new}, runtime=run.runtime)

    return lambda samples: Runs(map(doctor, samples))


def in_rows(
    rows: Mapping[str, Any], /, **values: Any
) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """For `doctored`: a list of rows with some values of the chosen rows replaced."""
    return lambda old: [{**row, **values} if _matches(row, rows) else row for row in old]


def broken_claims(study: Study, samples: Iterable[Run]) -> dict[str, str]:
    """The findings that do not hold of the samples, all taken for those of one runtime, each with its evidence."""
    taken = Runs(Run(each.measure, each.case, each.values, runtime="here") for each in samples)
    results = [judge(finding, taken, "here") for finding in study.findings.values()]
    return {each.name: f"{each.status}: {each.evidence}" for each in results if each.status != "holds"}


def _matches(values: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in values and values[name] == wanted[name] for name in wanted)


def _replaced(old: Any, new: Any) -> Any:
    return new(copy.deepcopy(old)) if callable(new) else new
