"""``python -m experiments list``, ``run NAME... | all``, ``matrix`` and ``report``."""

from garbology.study.program import run_package

if __name__ == "__main__":
    raise SystemExit(run_package("experiments"))
