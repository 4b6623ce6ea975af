"""``python -m experiments list``, ``run NAME... | all`` and ``report``."""

from garbology.study.command import run_package

if __name__ == "__main__":
    raise SystemExit(run_package("experiments"))
