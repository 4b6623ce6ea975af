"""Where and when it was measured: what a figure is worth depends on it."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from typing import Any

from benchmarks.peers import release, releases
from benchmarks.worker import ROOT
from garbology.interpreter import hardware, runtime

LIBRARIES = ("numpy", "psutil", "pyperf", "pytest")


def described() -> dict[str, Any]:
    """The interpreter, the machine, the commit, and the versions of peers and libraries."""
    here = runtime.current()
    return {
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "runtime": {**here.to_dict(), "slug": here.slug, "label": here.label},
        "environment": {
            "cpu_model": hardware.cpu_model(),
            "cpu_count": os.cpu_count(),
            "load_average": load_average(),
            "system": platform.platform(),
            "commit": commit(),
            "packages": {name: release(name) for name in LIBRARIES},
        },
        "peers": releases(),
    }


def load_average() -> float | None:
    """Of the last minute: how many others want the cores."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def commit() -> str:
    """Of the checkout that is measured, with what is not committed said; empty where it is none."""
    try:
        found = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "garbology", "autograd_core")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{found} and changes" if changed else found


def _git(*words: str) -> str:
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
