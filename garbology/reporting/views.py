"""What a page says, put into words and order: the templates and the terminal only place it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from garbology.reporting.numbers import NOTHING, format_interval, format_quantity, format_value, quantity
from garbology.reporting.text import paragraphs, visible, words
from garbology.study.page import FindingResult, RuntimeSummary, StudyPage, Tile

Facts = Sequence[tuple[str, str]]
_WORST_FIRST = ("does not hold", "not measured", "holds")


@dataclass(frozen=True)
class TileView:
    """One number of the first screen; `interval` is empty where there is none."""

    label: str
    number: str
    unit: str
    interval: str


@dataclass(frozen=True)
class Judgement:
    """A finding on one runtime; `evidence` is what the samples showed."""

    runtime: str
    status: str
    evidence: str


@dataclass(frozen=True)
class Finding:
    """A claim over all runtimes; `status` is the worst of them."""

    name: str
    claim: str
    status: str
    where: str
    judgements: Sequence[Judgement]


@dataclass(frozen=True)
class RuntimeTable:
    """The environments side by side: one column a runtime, one row a property."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    records: Sequence[tuple[str, str]]  # label, file name


def tile(source: Tile) -> TileView:
    """A tile with its number in the unit that fits."""
    number, unit = quantity(source.value, source.unit)
    interval = format_interval(source.low, source.high, source.unit)
    return TileView(visible(source.label), number, unit, interval)


def sorted_runtimes(page: StudyPage) -> list[RuntimeSummary]:
    """The runtimes by version, then by collector, whatever the order in which their records were read."""
    return sorted(
        page.runtimes, key=lambda runtime: (_version_key(runtime.label), runtime.collector, runtime.slug)
    )


def _version_key(label: str) -> tuple[str, list[int]]:
    return re.sub(r"\d.*", "", label), [int(digits) for digits in re.findall(r"\d+", label)]


def runtime_labels(page: StudyPage) -> dict[str, str]:
    """Slug -> label in the order of versions; build and platform are named where they tell two apart."""
    runtimes = sorted_runtimes(page)
    labels = {runtime.slug: visible(_labelled(runtime)) for runtime in runtimes}
    for detail in ("build", "platform"):
        taken = list(labels.values())
        for runtime in runtimes:
            if taken.count(labels[runtime.slug]) > 1:
                labels[runtime.slug] += f", {visible(runtime.runtime.get(detail, runtime.slug))}"
    return labels


def _labelled(runtime: RuntimeSummary) -> str:
    ordinary = runtime.collector in ("", "generational")
    return runtime.label if ordinary else f"{runtime.label} ({runtime.collector})"


def findings(page: StudyPage) -> list[Finding]:
    """The claims in their order, each judged on every runtime."""
    labels = runtime_labels(page)
    grouped: dict[str, list[FindingResult]] = {}
    for result in page.findings:
        grouped.setdefault(result.name, []).append(result)
    return [_finding(name, results, labels) for name, results in grouped.items()]


def _finding(name: str, results: Sequence[FindingResult], labels: Mapping[str, str]) -> Finding:
    order = list(labels)
    ordered = sorted(
        results, key=lambda result: order.index(result.runtime) if result.runtime in labels else 99
    )
    judgements = [
        Judgement(
            visible(labels.get(result.runtime, result.runtime)), result.status, visible(result.evidence)
        )
        for result in ordered
    ]
    status = next(status for status in _WORST_FIRST if any(one.status == status for one in judgements))
    affected = [one.runtime for one in judgements if one.status == status]
    where = f"on {', '.join(affected)}" if len(affected) < len(judgements) else ""
    return Finding(visible(name), visible(results[0].claim), status, where, judgements)


def tally(page: StudyPage) -> str:
    """How the findings came out: "5 of 6 findings hold, 1 does not hold"."""
    every = findings(page)
    counts = {status: sum(finding.status == status for finding in every) for status in _WORST_FIRST}
    if not every:
        return "no findings"
    noun = "finding holds" if len(every) == 1 else "findings hold"
    parts = [f"{counts['holds']} of {len(every)} {noun}"]
    if counts["does not hold"]:
        parts.append(f"{counts['does not hold']} {'does' if counts['does not hold'] == 1 else 'do'} not hold")
    if counts["not measured"]:
        parts.append(f"{counts['not measured']} not measured")
    return ", ".join(parts)


def overall(page: StudyPage) -> str:
    """The worst status among the findings, "holds" where there is none."""
    statuses = {finding.status for finding in findings(page)}
    return next((status for status in _WORST_FIRST if status in statuses), "holds")


def introduction(page: StudyPage) -> tuple[str, list[str]]:
    """The docstring's first paragraph, which asks the question, and the others."""
    first, *rest = paragraphs(page.docstring) or [""]
    return first, rest


def environments(page: StudyPage) -> RuntimeTable:
    """Every property of every runtime that at least one record states."""
    runtimes = sorted_runtimes(page)
    labels = runtime_labels(page)
    facts = [_facts(runtime) for runtime in runtimes]
    names = dict.fromkeys(name for each in facts for name in each)
    return RuntimeTable(
        columns=[labels[runtime.slug] for runtime in runtimes],
        rows=[(name, [each.get(name, NOTHING) for each in facts]) for name in names],
        records=[(labels[one.slug], one.record_file) for one in runtimes if one.record_file],
    )


def _facts(runtime: RuntimeSummary) -> dict[str, str]:
    facts = {
        "collector": visible(runtime.collector or NOTHING),
        "scale": visible(runtime.scale),
        "samples": format_quantity(runtime.samples) + ("" if runtime.complete else " (incomplete)"),
        "measured": visible(runtime.started).replace("T", " ").replace("+00:00", " UTC"),
    }
    skipped = ("implementation", "version", "collector", "slug", "label")
    details = [*runtime.runtime.items(), *runtime.environment.items()]
    for name, value in details:
        if name not in skipped and value not in (None, "", {}, []):
            facts.setdefault(words(name.removesuffix("_bytes")), _shown(name, value))
    return facts


def _shown(name: str, value: Any) -> str:
    if name == "gil":
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return ", ".join(f"{visible(key)} {_shown(str(key), item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown("", item) for item in value)
    return format_value(value, name)


def values_table(
    page: StudyPage, rows: Sequence[Mapping[str, Any]], fields: Sequence[str]
) -> list[list[str]]:
    """The rows behind a figure as text, the runtime by its label."""
    labels = runtime_labels(page)
    return [[_cell(row, name, labels) for name in fields] for row in rows]


def _cell(row: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> str:
    value = row.get(name)
    return visible(labels.get(str(value), value)) if name == "runtime" else format_value(value, name)
