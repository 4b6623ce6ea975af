"""Do what is advised to a copy of the library, and see whether the cycle is gone and the library still works.

``python -m experiments._upstream.applying BUG RESULT`` counts and asks again, where the copy comes first.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments._upstream.asking import WARM_UP, waiting_objects
from experiments._upstream.bugs import BUGS, SMOKES, Bug
from experiments._upstream.judging import compared, concerned
from experiments._upstream.patching import Change, changes_of, patched_copy
from garbology.measuring.scratch import scratch_directory

TOO_MUCH = "needs more than one change at one place"
NO_SMOKE = "no use of it is known here"


def apply(bug: Bug) -> dict[str, Any]:
    """What was changed, and what came of it; without changes where the advice is left to people."""
    before, shapes = _asked(bug)
    told = compared(bug.cut, concerned(bug.cut, shapes))
    roots = [Path(sysconfig.get_path(kind)) for kind in ("purelib", "stdlib")]
    found = ((root, changes_of(concerned(bug.cut, shapes), root)) for root in roots)
    root, changes = next(((root, each) for root, each in found if each), (roots[0], None))
    same: dict[str, Any] = {"waiting_before": before, "waiting_after": before, "verdict_after": told}
    if not changes:
        return {**same, "changes": [], "works": "", "outcome": TOO_MUCH}
    after = _again(bug, changes, root)
    if (works := _works(bug.name)) not in ("yes", NO_SMOKE):
        raise RuntimeError(f"{bug.name}: what it is used for fails without any change: {works}")
    told_changes = [f"{change.file.name}:{change.line}: {change.name}, {change.how}" for change in changes]
    return {**same, "changes": told_changes, "outcome": "applied", **after}


def _asked(bug: Bug) -> tuple[int, list[dict[str, Any]]]:
    import garbology

    garbology.find_cycles(lambda: None)
    work = bug.prepare()
    for _ in range(WARM_UP):
        work()
    before = waiting_objects(work)
    work()
    gc.collect()
    return before, garbology.find_cycles(work).to_dict()["shapes"]


def _again(bug: Bug, changes: Sequence[Change], root: Path) -> dict[str, Any]:
    """The answer of another process, which imports the copy."""
    with scratch_directory() as place:
        patched_copy(changes, root, place)
        result = place / "result.json"
        command = [sys.executable, "-m", "experiments._upstream.applying", bug.name, str(result)]
        paths = os.pathsep.join(filter(None, [str(place), os.environ.get("PYTHONPATH", "")]))
        subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=True)
        answer: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return answer


def _works(name: str) -> str:
    """'yes', or what the library's own use of the case raised."""
    if name not in SMOKES:
        return NO_SMOKE
    try:
        SMOKES[name]()
    except Exception as error:  # whatever a broken library raises is the answer
        return f"{type(error).__name__}: {error}"[:200]
    return "yes"


def main(arguments: Sequence[str]) -> int:
    """Count and ask here, and see whether the library works; the answer goes to a file."""
    from experiments._upstream import cases  # noqa: F401 - registers them

    name, result = arguments
    works = _works(name)
    answer: dict[str, Any] = {"works": works}
    if works in ("yes", NO_SMOKE):
        waiting, shapes = _asked(BUGS[name])
        told = compared(BUGS[name].cut, concerned(BUGS[name].cut, shapes))
        answer |= {"waiting_after": waiting, "verdict_after": told}
    Path(result).write_text(json.dumps(answer), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
