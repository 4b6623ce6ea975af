"""What a page says, put into words and order: the templates and the terminal only place it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from garbology.reporting.runtimes import runtime_names, sorted_runtimes
from garbology.study.page import RuntimeSummary, StudyPage, Tile
from garbology.text.numbers import NOTHING, format_interval, format_quantity, format_value, is_number
from garbology.text.numbers import quantity as number_and_unit
from garbology.text.visible import visible, words

_PROBLEMS = 40  # listed on a page
_IMPRECISE = 12  # cases of one runtime, named below the table
_LIST = " · "  # a comma is in a number of four digits, and may be in a name
# Said elsewhere on the page, or by the runtime's name.
_UNREACHED = "imprecise_cases"
_SKIPPED = ("implementation", "version", "collector", "slug", "label", _UNREACHED)


@dataclass(frozen=True)
class TileView:
    """One number of the first screen; `interval` is empty where there is none.

    `reference` is the same number of the reference set, "reference, 3.10.13: 462 µs", empty where there is none.
    """

    label: str
    number: str
    unit: str
    interval: str
    reference: str = ""


@dataclass(frozen=True)
class Fact:
    """A property of the runtimes: one cell where all have the same, else one a runtime."""

    name: str
    cells: Sequence[str]

    @property
    def shared(self) -> bool:
        """Whether one cell stands for all runtimes."""
        return len(self.cells) == 1


@dataclass(frozen=True)
class Imprecise:
    """The cases of one runtime whose times are known less well than was aimed at."""

    label: str
    cases: Sequence[str]
    left_out: int


@dataclass(frozen=True)
class RuntimeTable:
    """How it was measured, side by side: one column a runtime, one row a property."""

    columns: Sequence[str]
    rows: Sequence[Fact]
    records: Sequence[tuple[str, str]]  # label, file name
    stopping: str = ""  # what ended the repeats of a case, "" where nothing but a fixed number did
    imprecise: Sequence[Imprecise] = ()

    @property
    def shared(self) -> Sequence[Fact]:
        """What all runtimes have in common."""
        return [row for row in self.rows if row.shared]

    @property
    def different(self) -> Sequence[Fact]:
        """What tells them apart."""
        return [row for row in self.rows if not row.shared]


def tiles(page: StudyPage) -> list[TileView]:
    """The page's tiles, beside each what the reference set has for it."""
    beside = page.reference
    return [tile(one, beside.tiles.get(one.label) if beside else None, _nearest(page)) for one in page.tiles]


def tile(source: Tile, other: Tile | None = None, version: str = "") -> TileView:
    """A tile with its number in the unit that fits, and that of the reference set where there is `other`."""
    number, unit = number_and_unit(source.value, source.unit)
    interval = format_interval(source.low, source.high, source.unit)
    reference = (
        f"reference, {version}: {' '.join(number_and_unit(other.value, other.unit)).strip()}" if other else ""
    )
    return TileView(visible(source.label), number, unit, interval, reference)


def _nearest(page: StudyPage) -> str:
    """Such as "3.10.13"."""
    found = page.reference
    return runtime_names(found.runtimes)[found.nearest].short if found else ""


@dataclass(frozen=True)
class ReferenceView:
    """The reference set beside a run: what it is of, and the folder of its page."""

    versions: str
    nearest: str
    place: str


def reference(page: StudyPage) -> ReferenceView | None:
    """What a page says about the reference set beside it; None where there is none."""
    found = page.reference
    if found is None:
        return None
    names = list(dict.fromkeys(name.short for name in runtime_names(found.runtimes).values()))
    versions = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    return ReferenceView(f"CPython {versions}", _nearest(page), visible(found.place))


def runtime_labels(page: StudyPage) -> dict[str, str]:
    """Slug -> label, in the order of versions."""
    return {slug: name.label for slug, name in runtime_names(page.runtimes).items()}


def lead_label(page: StudyPage) -> str:
    """The runtime that verdict, tiles, pictures and medians are of, "" where there is only one."""
    return runtime_labels(page).get(page.lead, "") if len(page.runtimes) > 1 else ""


@dataclass(frozen=True)
class Problems:
    """What was not measured; `harmless` where it is only that something is not installed."""

    lines: Sequence[str]
    harmless: bool = False


def page_problems(page: StudyPage) -> Problems:
    """The problems of a study's page, runtimes by their labels, what several of them share once."""
    labels = runtime_labels(page)
    shared: dict[str, list[str]] = {}
    for problem in page.problems:
        slug, colon, rest = problem.partition(": ")
        known = colon and slug in labels
        shared.setdefault(rest if known else problem, []).extend([labels[slug]] if known else [])
    lines = [": ".join(filter(None, [", ".join(runtimes), what])) for what, runtimes in shared.items()]
    return Problems(problem_lines(lines), harmless=set(page.problems) <= set(page.unavailable))


def problem_lines(problems: Sequence[str]) -> list[str]:
    """The problems as a list that a reader gets to the end of; the records have all of them."""
    left_out = len(problems) - _PROBLEMS
    shown = [visible(problem) for problem in problems[:_PROBLEMS]]
    return [*shown, f"and {left_out} more, which the records name"] if left_out > 0 else shown


def environments(page: StudyPage) -> RuntimeTable:
    """Every property of every runtime that at least one record states: parameters, repeats, environment."""
    runtimes = sorted_runtimes(page.runtimes)
    labels = runtime_labels(page)
    facts = [_facts(runtime) for runtime in runtimes]
    names = dict.fromkeys(name for each in facts for name in each)
    return RuntimeTable(
        columns=[labels[runtime.slug] for runtime in runtimes],
        rows=[_fact(name, [each.get(name, NOTHING) for each in facts]) for name in names],
        records=[(labels[one.slug], one.record_file) for one in runtimes if one.record_file],
        stopping=_stopping(runtimes),
        imprecise=[_imprecise(one, labels[one.slug]) for one in runtimes if one.repetition.get(_UNREACHED)],
    )


def _stopping(runtimes: Sequence[RuntimeSummary]) -> str:
    """What ended the repeats, where the records tell in how many cases it was the precision."""
    aims = {str(one.repetition.get("precision_reached", "")) for one in runtimes}
    if not any(" of " in aim for aim in aims):
        return ""
    return (
        "A case is repeated until the 95 % interval of each of its median times is as narrow as the precision "
        "says, or until it has the most repeats: precision reached counts the cases of the first kind."
    )


def _imprecise(runtime: RuntimeSummary, label: str) -> Imprecise:
    cases = [visible(case) for case in runtime.repetition[_UNREACHED]]
    return Imprecise(label, cases[:_IMPRECISE], len(cases[_IMPRECISE:]))


def _fact(name: str, cells: Sequence[str]) -> Fact:
    return Fact(name, cells[:1] if len(set(cells)) == 1 else cells)


def _facts(runtime: RuntimeSummary) -> dict[str, str]:
    facts = {
        "collector": visible(runtime.collector or NOTHING),
        "scale": visible(runtime.scale),
        "samples": format_quantity(runtime.samples) + ("" if runtime.complete else " (incomplete)"),
        "measured": visible(runtime.started).replace("T", " ").replace("+00:00", " UTC"),
    }
    for name, values in runtime.parameters.items():
        facts[f"parameter {words(name)}"] = _shown(name, values)
    environment = {**runtime.environment}
    named = [_named(kind, environment.pop(f"{kind}s", {})) for kind in ("variable", "package")]
    for name, value in [*runtime.repetition.items(), *runtime.runtime.items(), *environment.items()]:
        if name == "precision" and not value:
            continue  # a record of before the precision was aimed at
        if name not in _SKIPPED and value not in (None, "", {}, []):
            stem = name.removesuffix("_bytes").removesuffix("_seconds")
            facts.setdefault(words(stem), _shown(name, value))
    return facts | named[0] | named[1]


def _named(kind: str, values: Any) -> dict[str, str]:
    """A fact for each variable or package, an unset one left out; their names are no words to be taken apart."""
    items = values.items() if isinstance(values, Mapping) else ()
    return {f"{kind} {visible(name)}": _shown("", value) for name, value in items if value not in ("", None)}


def _shown(name: str, value: Any) -> str:
    if name == "gil":
        return "on" if value else "off"
    if name == "seed":
        return str(value)
    if name.startswith("precision") and is_number(value):
        return f"±{100 * value:.0f} %"
    if isinstance(value, Mapping):
        return _LIST.join(f"{visible(key)} {_shown(str(key), item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return _LIST.join(_shown(name, item) for item in value)
    return format_value(value, name)
