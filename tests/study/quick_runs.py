"""A study's quick scale, measured once in fresh interpreters: what its findings are tried on."""

from garbology.study.evaluation import runs_of
from garbology.study.loading import load_study
from garbology.study.runner import Plan, measure_study


def measure_quickly(name, directory):
    """The study and the record of one sample of each of its quick cases."""
    study = load_study(f"experiments.{name}")
    outcome = measure_study(study, Plan(scale="quick", repeats=1, jobs=2), directory)
    bad = [sample for sample in outcome.record.samples if sample.status != "ok"]
    assert bad == []
    return study, outcome.record


def samples_of(study, record):
    """The record's samples, in the order of the grid."""
    return list(runs_of(study, record))
