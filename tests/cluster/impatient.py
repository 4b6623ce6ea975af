"""A study as a program, whose cluster is waited for less long: python impatient.py STUDY.py ARGUMENTS..."""

import sys
from functools import partial

import garbology.cluster.sweep
from garbology.cluster.dispatch import Patience
from garbology.study.loading import load_study
from garbology.study.program import run_study

GRACE_SECONDS, WORKERS_SECONDS = 3.0, 20.0

if __name__ == "__main__":
    garbology.cluster.sweep.Patience = partial(Patience, GRACE_SECONDS, WORKERS_SECONDS)
    sys.exit(run_study(load_study(sys.argv[1]), sys.argv[2:]))
