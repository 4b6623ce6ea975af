"""Where a claim is expected not to hold, why, and where that can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from garbology.interpreter.collector import CollectorKind

_COLLECTORS = get_args(CollectorKind)
_VERSION = r"\d+(?:\.\d+)*"
_VERSIONS = re.compile(rf"({_VERSION})(?:-({_VERSION}))?")


@dataclass(frozen=True)
class ExpectedException:
    """On a runtime that matches every condition that is given, the finding is expected not to hold.

    `versions` is one version ("3.13", any patch level) or an inclusive range ("3.14.0-3.14.4"), `platform`
    the first part of the runtime's platform ("emscripten") or all of it. ValueError where it says nothing.
    """

    finding: str
    reason: str
    reference: str
    collector: str | None = None
    versions: str | None = None
    gil: bool | None = None
    platform: str | None = None

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise ValueError(f"exception to {self.finding!r}: {problem}")

    def _problem(self) -> str:
        if (self.collector, self.versions, self.gil, self.platform) == (None,) * 4:
            return "it says nowhere: give collector, versions, gil or platform"
        for name in ("reason", "reference"):
            if not str(getattr(self, name) or "").strip():
                return f"it has no {name}"
        if self.versions is not None and not _is_range(self.versions):
            return f"versions is one like '3.13' or a range like '3.14.0-3.14.4', got {self.versions!r}"
        if self.collector not in (None, *_COLLECTORS):
            return f"collector is one of {', '.join(_COLLECTORS)}, got {self.collector!r}"
        if self.gil not in (None, True, False):
            return f"gil is True or False, got {self.gil!r}"
        return ""

    def applies(self, runtime: Mapping[str, Any]) -> bool:
        """Whether a runtime, as a record describes it, matches all conditions."""
        platform = str(runtime.get("platform", ""))
        return (
            self.collector in (None, runtime.get("collector"))
            and self.gil in (None, runtime.get("gil"))
            and self.platform in (None, platform, platform.partition("-")[0])
            and self._has_version(str(runtime.get("version", "")))
        )

    def _has_version(self, version: str) -> bool:
        if self.versions is None:
            return True
        first, _, last = self.versions.partition("-")
        low, high, here = _numbers(first), _numbers(last or first), _numbers(version)
        return low <= here[: len(low)] and here[: len(high)] <= high


def _is_range(versions: Any) -> bool:
    match = _VERSIONS.fullmatch(versions) if isinstance(versions, str) else None
    if match is None:
        return False
    low, high = _numbers(match[1]), _numbers(match[2] or match[1])
    return low[: len(high)] <= high[: len(low)]


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers: (3, 15, 0) of '3.15.0a2'."""
    leading = re.match(_VERSION, version)
    return tuple(map(int, leading[0].split("."))) if leading else ()
