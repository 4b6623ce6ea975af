"""A case is measured by the Python of its release's environment, which has to be there already."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from experiments._elsewhere import measured_elsewhere
from experiments._upstream import environments
from experiments._upstream.bugs import BROKEN, Bug
from garbology.study import Unavailable

INSIDE = "GARBOLOGY_UPSTREAM_INSIDE"  # set where the release is installed
PROGRAM = "python -m experiments.upstream"


def measured(
    bug: Bug, release: str, measure: Callable[..., Any], case: Mapping[str, Any], target: str
) -> dict[str, Any] | None:
    """What the environment of a release measured; None where this is it."""
    if os.environ.get(INSIDE):
        return None
    python = require(bug, release)
    if python is None:
        return None
    return measured_elsewhere(python, target, measure.__name__, case, {INSIDE: "1", **_caches()})


def require(bug: Bug, release: str) -> Path | None:
    """The Python of a release's environment, None for the standard library: this one.

    Unavailable, with the command that makes it, where it is not there.
    """
    if not bug.runs_on(sys.version_info[:2]):
        raise Unavailable("the broken release is asked on other versions of CPython")
    requirement = bug.requirement(release)
    if not requirement and release != BROKEN:
        raise Unavailable("no release has a mend that could be installed beside")
    if not requirement:
        return None
    python = environments.python_of(requirement)
    if python is None:
        name = requirement.partition(" ")[0]
        raise Unavailable(f"{name} has no environment here: {PROGRAM} --only {bug.name!r} makes it")
    return python


def _caches() -> dict[str, str]:
    """What libraries write to at their first import goes where it went before, whatever the home directory is."""
    return {"MPLCONFIGDIR": str(environments.directory() / "matplotlib")}


def requirements(bug: Bug) -> list[str]:
    """What a case needs to be asked and compared."""
    return [each for each in (bug.requirement(BROKEN), bug.mended) if each]
