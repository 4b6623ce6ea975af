"""What this machine is, by what makes its times unlike another's; nothing here names it."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_ASK_SECONDS = 10


def cpu_model() -> str:
    """The processor as its maker calls it, such as ``AMD EPYC 7B13``; empty where the system does not say."""
    if sys.platform == "darwin":
        return _asked(["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"])
    try:
        told = model_in(_CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError:
        told = ""
    return told or " ".join(platform.processor().split())


def kernel() -> str:
    """The system and its kernel's release, such as ``Linux 6.1.0-18-amd64``."""
    return f"{platform.system()} {platform.release()}".strip()


def model_in(lines: Iterable[str]) -> str:
    """The model that /proc/cpuinfo names: on x86 a name, on ARM the numbers of maker and part."""
    told: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and value.strip():
            told.setdefault(name.strip().lower(), " ".join(value.split()))
    if "model name" in told:
        return told["model name"]
    if "cpu part" in told:
        return f"{told.get('cpu implementer', '?')}:{told['cpu part']}:{told.get('cpu variant', '?')}"
    return told.get("cpu model", told.get("cpu", told.get("uarch", "")))


def _asked(command: list[str]) -> str:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=True)
        return " ".join(answer.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
