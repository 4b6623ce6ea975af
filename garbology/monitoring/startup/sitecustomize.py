"""Begins a recording in an interpreter that `garbology run` starts, before anything of the program runs.

Its directory is on PYTHONPATH for that. It takes itself off the path again, so that the program finds what it would
find without: `sys.path`, the environment, and a `sitecustomize` of the installation's own.
"""

import importlib
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _take_off() -> None:
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != _HERE]
    sys.path_importer_cache.pop(_HERE, None)


def _run_that_of_the_installation() -> None:
    """This module has its name."""
    own = sys.modules.pop("sitecustomize", None)
    try:
        importlib.import_module("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        if own is not None:
            sys.modules.setdefault("sitecustomize", own)


_take_off()
try:
    from garbology.monitoring.inside import begin

    begin()
except Exception as error:  # the program runs all the same
    sys.stderr.write(f"garbology run: nothing is recorded: {error!r}\n")
_run_that_of_the_installation()
