"""Claims as values: what a study says of its samples, without code that says how to look.

    short = study.claim("A young collection is short.", young.pause_seconds < full.pause_seconds / 5)

The evidence comes from the comparison: the measured values, their cases, and what was made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from string import Formatter
from typing import Any

from garbology.study.conditions import Agreement, Condition, Every, Evidence, Proportional, Same, Some
from garbology.study.exceptions import ExpectedException
from garbology.study.naming import Named
from garbology.study.quantities import Quantity
from garbology.study.runs import NotMeasured, Run, Runs
from garbology.study.selections import Selection
from garbology.study.wording import counted

_SAMPLES = "samples"


def every(
    selection: Selection, predicate: Callable[[Run], object] | None = None, text: str = "", /, **values: Any
) -> Condition:
    """Whether a predicate is true of every sample of a selection; `text` says what is wrong with one that breaks it.

    The sample itself, with its case and its numbers, is always part of that evidence; other values, say of a list,
    are named in braces: "called {events}". In place of a predicate, the values that every sample has:
    `every(weak, left=0)`.
    """
    if (predicate is None) is not bool(values):
        raise TypeError("every() takes a predicate, or the values that every sample has")
    return Same(selection, values) if predicate is None else Every(selection, predicate, text)


def some(selection: Selection, predicate: Callable[[Run], object], text: str = "") -> Condition:
    """Whether a predicate is true of at least one sample; `text` says what is wanted."""
    return Some(selection, predicate, text)


def growth(selection: Selection, name: str, *, over: str) -> Quantity:
    """How a measured value grows from the smallest to the largest value of a parameter: 1 is in proportion.

    Ten times the value over ten times the parameter is 1, over a hundred times it is 0.1. Not measured where the
    parameter has one value only.
    """
    small, large = selection.smallest(over, among=2), selection.largest(over, among=2)
    leaves = [*small.median(name).leaves, *large.median(name).leaves]
    sizes = [*small.median(over).leaves, *large.median(over).leaves]
    return Quantity([*leaves, *sizes], _growth, note=f"{{:.2f}} times the growth of {over.replace('_', ' ')}")


def proportional(selection: Selection, name: str, *, over: str, within: float = 0.1) -> Condition:
    """Whether a measured value grows in proportion to a parameter, step by step, `within` so much of the whole.

    The whole is the value at the largest size divided by that size. Not measured where there is one size only.
    """
    return Proportional(selection, name, over, within)


def agree(selection: Selection, name: str, *, by: Sequence[str], across: str) -> Condition:
    """Whether samples that have the same values of the parameters `by` agree in a measured value to the last bit.

    Not measured where none of them has two values of the parameter `across`, so that nothing is compared.
    """
    return Agreement(selection, name, by, across)


def _growth(first: Any, last: Any, least: Any, most: Any) -> Any:
    return (last / first) / (most / least)


class Claim(Named):
    """A sentence and the conditions that samples must satisfy for it to hold; called with samples it judges."""

    def __init__(
        self, text: str, conditions: Sequence[Condition], evidence: Sentence | None, module: Mapping[str, Any]
    ) -> None:
        super().__init__(text, module)
        self.expected_failures: list[ExpectedException] = []
        self._conditions = tuple(conditions)
        self._evidence = evidence

    def expected_failure(
        self,
        *,
        reason: str,
        reference: str,
        collector: str | None = None,
        versions: str | None = None,
        gil: bool | None = None,
        platform: str | None = None,
    ) -> Claim:
        """Say where the claim is expected not to hold, why, and a reference; see `ExpectedException`.

        There it is shown as "not on this version", and fails the study should it hold after all.
        """
        self.expected_failures.append(
            ExpectedException(self.text, reason, reference, collector, versions, gil, platform)
        )
        return self

    def __call__(self, runs: Runs) -> str:
        """The evidence, AssertionError where a condition does not hold, NotMeasured without samples."""
        found = [condition.check(runs) for condition in self._conditions]
        samples = counted(len(frozenset().union(*(each.samples for each in found))), "sample")
        if self._evidence is not None:
            with suppress(NotMeasured):  # what is shown beside the conditions decides nothing
                return self._evidence.fill(runs, {_SAMPLES: samples})
        figures = [each.text for each in found if each.is_figure]
        return "; ".join(dict.fromkeys(figures)) or f"so in {samples}"


class Sentence:
    """A text with names in braces: quantities of the module that declares it, with their units.

    `{full.pause_seconds}` is that quantity of the module's selection `full`, `{share:.0%}` a quantity in the format
    that is given, `{samples}` how many samples a claim looked at. Any other constant of the module is shown as it is.
    A name that the module does not have is a quantity of the selection `of`, where there is one.
    """

    def __init__(self, text: str, module: Mapping[str, Any], of: Selection | None = None) -> None:
        self.text = text
        self._parts = [
            (literal, name, spec or "", _found(name, module, of) if name else None)
            for literal, name, spec, _ in Formatter().parse(text)
        ]

    def fill(self, runs: Runs, more: Mapping[str, str] | None = None) -> str:
        """The text with the numbers of these samples."""
        filled = []
        for literal, name, spec, value in self._parts:
            filled.append(literal)
            if name:
                filled.append((more or {}).get(name) or _shown(value, runs, spec))
        return "".join(filled)


def _found(name: str, module: Mapping[str, Any], of: Selection | None) -> Any:
    """What a name in braces stands for; ValueError where that is nothing."""
    first, *rest = name.split(".")
    if first not in module:
        if name == _SAMPLES:
            return ""
        if of is not None:
            return of.median(name)
        raise ValueError(f"{{{name}}} in a text, and the module has no {first!r} above it")
    value = module[first]
    for attribute in rest:
        value = getattr(value, attribute)
    if callable(value) or isinstance(value, Selection):
        raise ValueError(f"{{{name}}} in a text is no quantity: it is {value!r:.80}")
    return value


def _shown(value: Any, runs: Runs, spec: str) -> str:
    if isinstance(value, Quantity):
        return value.text(runs, spec)
    return format(value, spec)


__all__ = ["Claim", "Condition", "Evidence", "Sentence", "agree", "every", "growth", "proportional", "some"]
