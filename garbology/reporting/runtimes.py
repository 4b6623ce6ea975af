"""The runtimes of a report: their order, what they are called, and which stand for the others in a figure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from garbology.study.page import RuntimeSummary
from garbology.text.visible import visible

_VERSION = re.compile(r"(\d+(?:\.\d+)*)([a-z]+\d*)?")
_ORDINARY = "generational"


@dataclass(frozen=True)
class RuntimeName:
    """How a page names a runtime.

    `label` is "CPython 3.14.2 (incremental)", `short` "3.14.2", `kind` its collector and what else sets it
    apart; `narrow` says that its bytes are not those of a 64-bit build, `reference` that it is of the reference set.
    """

    slug: str
    label: str
    short: str
    kind: str
    narrow: bool
    reference: bool = False

    @property
    def marked(self) -> str:
        """`short` with what sets it apart most: "3.14.2 incremental", "3.14.2 WebAssembly"."""
        unusual = self.kind.removeprefix(_ORDINARY).rpartition(", ")[2]
        return f"{self.short} {unusual}".strip()

    @property
    def title(self) -> str:
        """A label that fits above a panel: "CPython 3.14.2 WebAssembly"."""
        return self.label.partition(self.short)[0] + self.marked


def sorted_runtimes(runtimes: Iterable[RuntimeSummary]) -> list[RuntimeSummary]:
    """The runtimes by version (3.9 before 3.10, 3.14.2 before 3.14.10), then by collector; the reference set last."""
    return sorted(
        runtimes,
        key=lambda runtime: (
            runtime.reference,
            _version_key(runtime.label),
            is_narrow(runtime),
            runtime.collector,
            runtime.slug,
        ),
    )


def _version_key(label: str) -> tuple[str, list[int], bool, str]:
    """Implementation, numbers of the version, and a pre-release (3.15.0b1) before the release."""
    found = _VERSION.search(label)
    if found is None:
        return label, [], True, ""
    numbers = [int(number) for number in found[1].split(".")]
    return label[: found.start()], numbers, found[2] is None, found[2] or ""


def runtime_names(runtimes: Iterable[RuntimeSummary]) -> dict[str, RuntimeName]:
    """Slug -> name in the order of versions; build, platform, hardware or record is named where it tells two apart."""
    ordered = sorted_runtimes(runtimes)
    labels = {runtime.slug: visible(_labelled(runtime)) for runtime in ordered}
    shorts = {runtime.slug: visible(_short(runtime)) for runtime in ordered}
    kinds = {runtime.slug: visible(_kind(runtime)) for runtime in ordered}
    for detail in ("build", "platform", "hardware", "slug"):
        for label in dict.fromkeys(labels.values()):
            details = {one.slug: _detail(one, detail) for one in ordered if labels[one.slug] == label}
            details = _apart(details) if detail == "hardware" else details
            if len(set(details.values())) > 1:
                for slug, more in details.items():
                    labels[slug] += f", {more}"
                    kinds[slug] += f", {more}"
    return {
        one.slug: RuntimeName(
            one.slug, labels[one.slug], shorts[one.slug], kinds[one.slug], is_narrow(one), one.reference
        )
        for one in ordered
    }


def _apart(details: Mapping[str, str]) -> dict[str, str]:
    """Of each hardware what the others do not have: "AMD EPYC / 4 processors"."""
    parts = {slug: text.split(", ") for slug, text in details.items()}
    shared = set.intersection(*map(set, parts.values()))
    return {slug: " / ".join(part for part in each if part not in shared) for slug, each in parts.items()}


def _detail(runtime: RuntimeSummary, name: str) -> str:
    if name == "hardware":
        return visible(runtime.hardware or "unknown hardware")
    return visible(runtime.runtime.get(name, runtime.slug))


def is_narrow(runtime: RuntimeSummary) -> bool:
    """Whether its pointers have 32 bits, as in WebAssembly: its bytes do not compare with a 64-bit build's."""
    platform = str(runtime.runtime.get("platform", ""))
    return runtime.runtime.get("pointer_bits") == 32 or _is_webassembly(platform)


def _is_webassembly(platform: str) -> bool:
    return platform.startswith(("emscripten", "wasi"))


def _labelled(runtime: RuntimeSummary) -> str:
    unusual = [part for part in _kind(runtime).split(", ") if part not in ("", _ORDINARY)]
    return f"{runtime.label} ({', '.join(unusual)})" if unusual else runtime.label


def _short(runtime: RuntimeSummary) -> str:
    return runtime.label.removeprefix("CPython ")


def _kind(runtime: RuntimeSummary) -> str:
    details: Mapping[str, Any] = runtime.runtime
    parts = [runtime.collector]
    if runtime.collector == "free-threaded" and details.get("gil"):
        parts.append("GIL on")
    if _is_webassembly(str(details.get("platform", ""))):
        parts.append("WebAssembly")
    elif is_narrow(runtime):
        parts.append("32-bit")
    if runtime.reference:
        parts.append("reference")
    return ", ".join(filter(None, parts))


def representatives(names: Mapping[str, RuntimeName], present: Sequence[str], limit: int) -> list[str]:
    """At most `limit` of the slugs `present` to draw, in their order.

    First the newest of each kind of collector, then the oldest runtime, then WebAssembly, another collector before
    the usual one, and the newer ones: what is left out is like what is drawn.
    """
    ordered = [slug for slug in names if slug in set(present)]
    ordered += [slug for slug in dict.fromkeys(present) if slug not in names]
    newest = {_kind_of(names, slug): slug for slug in ordered}
    native = [slug for slug in newest.values() if slug not in names or not names[slug].narrow]
    usual_first = sorted(native, key=lambda slug: _kind_of(names, slug) != _ORDINARY)
    unusual_first = sorted(newest.values(), key=lambda slug: _kind_of(names, slug).startswith(_ORDINARY))
    wanted = dict.fromkeys([*usual_first, *ordered[:1], *unusual_first, *ordered[::-1]])
    chosen = set(list(wanted)[:limit])
    return [slug for slug in ordered if slug in chosen]


def _kind_of(names: Mapping[str, RuntimeName], slug: str) -> str:
    return names[slug].kind if slug in names else ""
