"""Samples of a study taken in this process, and the same with some values replaced."""

from dataclasses import asdict

from garbology.study.runs import Run, Runs


def take(measure, **case):
    """One sample of a case, measured here."""
    return Run(measure.__name__, case, asdict(measure(**case)))


def doctored(samples, measure, chosen, **values):
    """The samples with some values of some cases of a measure replaced."""

    def doctor(run):
        if run.measure != measure.__name__ or any(run.case.get(key) != chosen[key] for key in chosen):
            return run
        return Run(run.measure, run.case, {**run.values, **values})

    return Runs(map(doctor, samples))
