"""What one test left, as plain data: it goes through pytest-xdist to the process that writes the summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from garbology.find.text import collected_text
from garbology.names.labels import pattern
from garbology.testing.baseline import paragraph_of
from garbology.testing.rules import Rule
from garbology.testing.scope import Whose, core_of, whose_of

if TYPE_CHECKING:
    from garbology.cycles.result import CycleShape
    from garbology.find.found import Found
    from garbology.leaks.leak import Leak

#: A dictionary of JSON values:
#: objects, bytes : all that was found; own_objects, own_bytes : what is the test's.
#: shapes : as in `found.to_dict()`, each with its `members`, `whose` it is, and its `paragraph` in a baseline.
#: leaks, method : as in `found.to_dict()`.
#: unjudged : why leaks were not judged; collected : what collections in the body freed of what was new, in words.
#: is_marked : whether the test's own code says what it may leave.
Result = dict[str, Any]
#: An advice as plain data, and what it says of each edge, by the names of its ends and its label.
Advised = tuple[dict[str, Any], dict[tuple[str, str, str], dict[str, Any]]]
_MOST_SHAPES = 100
_SAID_OF_AN_EDGE = ("weaken", "remedy", "set_at")


class Reader:
    """Reads what was found in one test.

    A shape is explained once in a session: ``advice`` has what was said, by the shape's paragraph in a baseline.
    ``tried`` says that the test was run for its advice, which is tried then.
    """

    def __init__(self, rule: Rule, module: str, advice: dict[str, Advised], *, tried: bool) -> None:
        self._rule = rule
        self._module = module
        self._advice = advice
        self._tried = tried

    def wants_advice(self, shape: CycleShape) -> bool:
        """Whether a shape is the test's own and was not explained before."""
        bare = _bare(shape)
        return self._whose(bare) == "own" and _paragraph(bare) not in self._advice

    def result_of(self, found: Found) -> Result:
        """What was found, and whose it is."""
        shapes = [self._shape(shape) for shape in found.shapes[:_MOST_SHAPES]]
        leaks = [leak.to_dict() for leak in found.leaks if self._rule.scope.counts(_types(leak))]
        own = [shape for shape in shapes if shape["whose"] == "own"]
        everything = len(own) == len(found.shapes)
        return {
            "is_marked": self._rule.is_marked,
            "objects": found.garbage,
            "bytes": found.garbage_bytes,
            "own_objects": found.garbage if everything else sum(map(_objects, own)),
            "own_bytes": found.garbage_bytes if everything else sum(shape["bytes"] for shape in own),
            "shapes": shapes,
            "leaks": leaks,
            "method": found.method,
            "unjudged": found.leaks_unjudged_reason,
            "collected": _collected(found),
        }

    def _shape(self, shape: CycleShape) -> dict[str, Any]:
        bare = _bare(shape)
        whose, paragraph = self._whose(bare), _paragraph(bare)
        if shape.advice is not None and not (self._tried and whose == "own"):
            shape.advice.prove = None
        told = {**shape.to_dict(), "members": shape.members, "whose": whose, "paragraph": paragraph}
        if shape.advice is not None:
            if self._tried or paragraph not in self._advice:
                self._advice[paragraph] = _advised(told)
        elif whose == "own" and paragraph in self._advice:
            _add_advice(told, self._advice[paragraph])
        return told

    def _whose(self, bare: Mapping[str, Any]) -> Whose:
        return whose_of(self._rule.scope, bare, self._module)


def _bare(shape: CycleShape) -> dict[str, Any]:
    """A shape as plain data, without what takes long to find out."""
    edges = [
        {"source_type": each.source, "label": each.label, "target_type": each.target} for each in shape.edges
    ]
    return {"edges": edges, "members": shape.members, "types": shape.types}


def _paragraph(bare: Mapping[str, Any]) -> str:
    return paragraph_of({**bare, "edges": core_of(bare["edges"])})


def _advised(shape: Mapping[str, Any]) -> Advised:
    """The advice of a shape, and what it says of its edges."""
    return shape["advice"], {
        _key_of(edge): {said: edge[said] for said in _SAID_OF_AN_EDGE} for edge in shape["edges"]
    }


def _add_advice(shape: dict[str, Any], advised: Advised) -> None:
    shape["advice"], edges = advised
    for edge in shape["edges"]:
        edge.update(edges.get(_key_of(edge), {}))


def _key_of(edge: Mapping[str, Any]) -> tuple[str, str, str]:
    return edge["source_type"], pattern(edge["label"]), edge["target_type"]


def _collected(found: Found) -> str:
    if found.collected_new == 0:
        return ""
    return collected_text(found.collected_inside, found.collected_new, found.collected_generations)


def _types(leak: Leak) -> list[str]:
    return [name for name in leak.types if "." in name]


def _objects(shape: dict[str, Any]) -> int:
    """Objects in all occurrences; where they differ, between the least and the most."""
    return int(shape["count"] * (shape["objects_low"] + shape["objects_high"]) / 2)
