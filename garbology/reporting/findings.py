"""The claims of a study over all its runtimes: one row a claim, one chip a runtime, equal evidence once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from garbology.reporting.runtimes import RuntimeName, runtime_names
from garbology.study.page import FindingResult, StudyPage
from garbology.text.visible import visible

STATUSES = ("does not hold", "holds", "not on this version", "not measured")
SIGNS: Mapping[str, str] = {
    "holds": "✓",
    "does not hold": "✗",
    "not on this version": "≠",
    "not measured": "–",
}
# The status of a claim over several runtimes is the first of these that one of them has.
_DECISIVE = ("does not hold", "holds", "not on this version", "not measured")
_REFERENCE = re.compile(
    r"(?P<url>https://[^\s<>\"'`]+[^\s<>\"'`.,;:)])"
    r"|(?P<repository>[A-Za-z0-9][\w.-]*/[\w.-]+)?#(?P<issue>\d+)"
    r"|\bgh-(?P<cpython>\d+)"
    r"|\bPEP (?P<pep>\d+)"
)


@dataclass(frozen=True)
class Chip:
    """One runtime in the row of a claim."""

    short: str
    label: str
    status: str

    @property
    def sign(self) -> str:
        """The status as one character, so that it does not hang on colour."""
        return SIGNS[self.status]


@dataclass(frozen=True)
class Judgement:
    """What the samples of some runtimes showed alike; `references` are pieces of text with their links."""

    runtimes: Sequence[str]
    status: str
    evidence: str
    reason: str
    references: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Finding:
    """A claim over all runtimes; `where` names those that do not have its status."""

    name: str
    claim: str
    status: str
    where: str
    chips: Sequence[Chip]
    judgements: Sequence[Judgement]

    @property
    def notable(self) -> Sequence[Judgement]:
        """The judgements that a reader must not miss: broken ones, and excepted ones, each reason once.

        Where figures differ between runtimes that are excepted for one reason, they are left to `others`.
        """
        groups: dict[tuple[str, str], list[Judgement]] = {}
        for one in self.judgements:
            if one.status == "does not hold":
                groups[one.status, str(one.runtimes)] = [one]
            elif one.status == "not on this version":
                groups.setdefault((one.reason, str(one.references)), []).append(one)
        return [members[0] if len(members) == 1 else _merged(members) for members in groups.values()]

    @property
    def others(self) -> Sequence[Judgement]:
        """The judgements that can wait behind a click."""
        notable = self.notable
        return [one for one in self.judgements if one not in notable]


def _merged(members: Sequence[Judgement]) -> Judgement:
    """One judgement for all the runtimes of `members`, without their figures."""
    return replace(members[0], runtimes=[name for one in members for name in one.runtimes], evidence="")


def findings(page: StudyPage) -> list[Finding]:
    """The claims in their order, each judged on every runtime."""
    names = runtime_names(page.runtimes)
    grouped: dict[str, list[FindingResult]] = {}
    for result in page.findings:
        grouped.setdefault(result.name, []).append(result)
    return [_finding(name, results, names) for name, results in grouped.items()]


def _finding(name: str, results: Sequence[FindingResult], names: Mapping[str, RuntimeName]) -> Finding:
    order = list(names)
    ordered = sorted(
        results,
        key=lambda result: order.index(result.runtime) if result.runtime in names else len(order),
    )
    statuses = {result.status for result in ordered}
    status = next(status for status in _DECISIVE if status in statuses)
    return Finding(
        name=visible(name),
        claim=visible(results[0].claim),
        status=status,
        where=_where(ordered, status, names),
        chips=[_chip(result, names) for result in ordered],
        judgements=list(_judgements(ordered, names)),
    )


def _where(results: Sequence[FindingResult], status: str, names: Mapping[str, RuntimeName]) -> str:
    """Such as "not measured on 3.10.13"; empty where all runtimes agree."""
    parts = []
    for other in STATUSES:
        affected = [_label(one, names) for one in results if one.status == other]
        if affected and len(affected) < len(results) and other != "holds":
            on = other.replace("not on this version", "not")
            parts.append(f"{on} on {', '.join(affected)}")
    return "; ".join(parts)


def _label(result: FindingResult, names: Mapping[str, RuntimeName]) -> str:
    return names[result.runtime].label if result.runtime in names else visible(result.runtime)


def _chip(result: FindingResult, names: Mapping[str, RuntimeName]) -> Chip:
    name = names.get(result.runtime)
    label = _label(result, names)
    return Chip(name.marked if name else label, label, result.status)


def _judgements(results: Sequence[FindingResult], names: Mapping[str, RuntimeName]) -> Iterator[Judgement]:
    groups: dict[tuple[str, str, str, str], list[FindingResult]] = {}
    for result in results:
        key = (result.status, result.evidence, result.reason, result.reference)
        groups.setdefault(key, []).append(result)
    for (status, evidence, reason, reference), members in groups.items():
        yield Judgement(
            runtimes=[_label(member, names) for member in members],
            status=status,
            evidence=visible(evidence),
            reason=visible(reason[:1].upper() + reason[1:]),
            references=linked(reference),
        )


def linked(reference: str) -> list[tuple[str, str]]:
    """A reference cut into (text, link): "python/cpython#142516", "gh-130327", "PEP 848" and https addresses.

    Whatever is none of these has the link "": nothing else of a record becomes an address.
    """
    shown = visible(reference)
    pieces, end = [], 0
    for found in _REFERENCE.finditer(shown):
        if found.start() > end:
            pieces.append((shown[end : found.start()], ""))
        pieces.append((found[0], _address(found)))
        end = found.end()
    if shown[end:]:
        pieces.append((shown[end:], ""))
    return pieces


def _address(found: re.Match[str]) -> str:
    if found["url"]:
        return found["url"]
    if found["pep"]:
        return f"https://peps.python.org/pep-{int(found['pep']):04d}/"
    repository = found["repository"] or "python/cpython"
    return f"https://github.com/{repository}/issues/{found['issue'] or found['cpython']}"


def tally(page: StudyPage) -> str:
    """How the findings came out: "5 of 6 findings hold, 1 does not hold"."""
    return tally_of(findings(page))


def tally_of(every: Sequence[Finding]) -> str:
    """How some findings came out, each counted once: those that hold, that do not, and so on add up to all.

    Such as "5 of 7 findings hold, 1 does not hold, 1 not on this version"; over several runtimes "7 of 7
    findings hold, 1 of them not on every version".
    """
    if not every:
        return "no findings"
    counts = {status: sum(finding.status == status for finding in every) for status in STATUSES}
    several = any(len(finding.chips) > 1 for finding in every)
    excepted = sum(finding.status == "holds" and bool(finding.notable) for finding in every)
    parts = [f"{counts['holds']} of {len(every)} {'finding holds' if len(every) == 1 else 'findings hold'}"]
    parts += [f"{excepted} of them not on every version"] if excepted else []
    said = {
        "does not hold": "does not hold" if counts["does not hold"] == 1 else "do not hold",
        "not on this version": f"not on {'any version here' if several else 'this version'}",
        "not measured": "not measured",
    }
    parts += [f"{counts[status]} {text}" for status, text in said.items() if counts[status]]
    return ", ".join(parts)


def overall(page: StudyPage) -> str:
    """The study in one status: broken where a finding is, open where one was measured nowhere."""
    statuses = {finding.status for finding in findings(page)}
    worst = ("does not hold", "not measured", "holds", "not on this version")
    return next((status for status in worst if status in statuses), "holds")
