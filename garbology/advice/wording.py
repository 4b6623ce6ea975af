"""An advice in words: one sentence for what belongs together."""

from __future__ import annotations

import re
import types
from collections import defaultdict
from collections.abc import Sequence

from garbology.advice.candidates import Candidate
from garbology.advice.captures import maker_of, names_of, used_of_itself
from garbology.advice.remedy import (
    Remedy,
)
from garbology.cycles.folding import Link
from garbology.cycles.result import Edge
from garbology.names.labels import pattern
from garbology.text.escaping import enumerated, joined, safe_text

_VARIABLE = "closure variable "
_SUBJECT = "\0"  # stands for the edges in a sentence
_MANY_FUNCTIONS = 3  # that are named one by one
_MANY_ATTRIBUTES = 4
_ATTRIBUTE = re.compile(r"(\w+\.)\w+(\W.*)$")


def advised_edge(candidate: Candidate) -> Edge:
    """The edge of a candidate as it is shown."""
    labels = {link.label for link in candidate.links}
    source, pattern, target = candidate.key
    return Edge(source, labels.pop() if len(labels) == 1 else pattern, target)


def remedy_name(candidate: Candidate, remedy: Remedy) -> str:
    """What edges share that are told in one sentence: their label, the variable of closures, the hoisting."""
    if remedy.name == "hoist":
        return remedy.say("", "")
    return (
        _VARIABLE + candidate.key[1].rpartition(_VARIABLE)[2] if _is_variable(candidate) else candidate.key[1]
    )


def _is_variable(candidate: Candidate) -> bool:
    return type(candidate.links[0].steps[-1].holder) is types.CellType and _VARIABLE in candidate.key[1]


def sentences_of(told: Sequence[tuple[list[Candidate], Remedy]]) -> list[str]:
    """A sentence for edges of each name; where those of one holder would differ by their names alone, one for all."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for candidates, remedy in told:
        targets = enumerated(list(dict.fromkeys(candidate.key[2] for candidate in candidates)))
        sources = tuple(dict.fromkeys(candidate.key[0] for candidate in candidates))
        name = () if len(sources) == 1 else (candidates[0].key[1],)
        key = (remedy.say(_SUBJECT, targets), *sources, *name)
        alike[key].append(remedy.say(_subject(candidates), targets))
    return [each for key, sentences in alike.items() for each in _with_one_subject(key[0], sentences)]


def _with_one_subject(rest: str, sentences: list[str]) -> list[str]:
    """Sentences that only begin differently, as one: 'each of A.left and A.right is the way back'."""
    end = rest.removeprefix(_SUBJECT)
    if len(sentences) == 1 or not end.startswith(" ") or not all(each.endswith(end) for each in sentences):
        return sentences
    subjects = [each.removesuffix(end) for each in sentences]
    return [f"each of {_like_the_first(subjects) or enumerated(subjects)}{end}"]


def _like_the_first(subjects: list[str]) -> str:
    """Many attributes of one holder that differ by their names alone, by the first; '' for what differs otherwise."""
    parts = [_ATTRIBUTE.match(pattern(each)) for each in subjects]
    if (
        len(subjects) <= _MANY_ATTRIBUTES
        or len({each and (each[1], each[2]) for each in parts}) > 1
        or not parts[0]
    ):
        return ""
    return f"{subjects[0]} and {len(subjects) - 1} more attributes like it"


def _subject(candidates: list[Candidate]) -> str:
    if len(candidates) == 1:
        edge = advised_edge(candidates[0])
        return joined(edge.source, edge.label)
    label = candidates[0].key[1]
    sources = list(dict.fromkeys(candidate.key[0] for candidate in candidates))
    if _is_variable(candidates[0]):
        label = label[label.rindex(_VARIABLE) :]
        paths = (joined(*candidate.key[:2]) for candidate in candidates)
        sources = list(dict.fromkeys(path[: path.rindex(_VARIABLE)].removesuffix(" → ") for path in paths))
        makers = list(dict.fromkeys(maker_of(link) for candidate in candidates for link in candidate.links))
        if len(sources) > _MANY_FUNCTIONS and len(makers) == 1:
            return f"{label} of {len(sources)} functions made in {makers[0]}"
    elif len(sources) == 1:
        return joined(sources[0], label)
    return f"{label} of {enumerated(sources)}"


def hoisted(group: Sequence[Link]) -> Remedy:
    """The remedy for inner functions that capture each other."""
    names = names_of(group)
    attributes = used_of_itself(group)
    if len(names) == 1 and attributes:
        used = enumerated([f".{safe_text(name, limit=80)}" for name in attributes])
        weak = (
            f"captures itself for its attributes alone ({used}): capture weakref.ref({names[0]}) and call that inside, "
            "for a function is alive while it runs"
        )
        return Remedy("weakref", lambda edge, target: f"{names[0]} {weak}")
    if len(names) == 1:
        itself = f"{names[0]} captures itself: define it at module level, or pass it to itself"
        return Remedy("hoist", lambda edge, target: itself)
    together = (
        f"{enumerated(names)} capture each other: define them at module level, "
        f"or clear the variables (`del {', '.join(names)}`) when they are done with"
    )
    return Remedy("hoist", lambda edge, target: together)
