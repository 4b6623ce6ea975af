"""Beside other interpreters of the process, which run on meanwhile."""

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="all interpreters have one GIL")

# With `sys._current_frames`, CPython 3.12 and 3.13 die of what another interpreter frees.
OTHER = """
import importlib, sys, threading, time
import garbology

interpreters = importlib.import_module("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
created = interpreters.create()
run = interpreters.exec if sys.version_info >= (3, 13) else interpreters.run_string

def look():
    for _ in range(20):
        found = garbology.find_cycles(lambda: [[] for _ in range(100)])
    ends.append(found.garbage)

ends = []
thread = threading.Thread(target=look)
thread.start()
while not ends:
    run(created, "for _ in range(3000): str(_)")
thread.join()
interpreters.destroy(created)
print(ends)
"""


@pytest.mark.slow
def test_a_program_that_runs_another_interpreter_goes_on(fresh):
    """Frames of its threads are not asked for."""
    ended = fresh.run(OTHER)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "[0]\n", "")
