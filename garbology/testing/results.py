"""What one test left, as plain data: it goes through pytest-xdist to the process that writes the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from garbology.find.text import collected_text
from garbology.testing.baseline import paragraph_of
from garbology.testing.rules import Rule
from garbology.testing.scope import Scope, core_of

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
_MOST_SHAPES = 100


def result_of(found: Found, rule: Rule, module: str, *, tried: bool) -> Result:
    """What was found in a test of ``module``, and whose it is; ``tried`` tries the advice, which takes a while."""
    scope = rule.scope
    shapes = [_shape(shape, scope, module, tried=tried) for shape in found.shapes[:_MOST_SHAPES]]
    leaks = [leak.to_dict() for leak in found.leaks if scope.counts(_types(leak))]
    own = [shape for shape in shapes if shape["whose"] == "own"]
    everything = len(own) == len(found.shapes)
    return {
        "is_marked": rule.is_marked,
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


def _shape(shape: CycleShape, scope: Scope, module: str, *, tried: bool) -> dict[str, Any]:
    edges = [
        {"source_type": each.source, "label": each.label, "target_type": each.target} for each in shape.edges
    ]
    bare = {"edges": edges, "members": shape.members, "types": shape.types}
    whose = scope.whose(bare, module)
    if shape.advice is not None and not (tried and whose == "own"):
        shape.advice.prove = None
    return {
        **shape.to_dict(),
        "members": shape.members,
        "whose": whose,
        "paragraph": paragraph_of({**bare, "edges": core_of(edges)}),
    }


def _collected(found: Found) -> str:
    if found.collected_new == 0:
        return ""
    return collected_text(found.collected_inside, found.collected_new, found.collected_generations)


def _types(leak: Leak) -> list[str]:
    return [name for name in leak.types if "." in name]


def _objects(shape: dict[str, Any]) -> int:
    """Objects in all occurrences; where they differ, between the least and the most."""
    return int(shape["count"] * (shape["objects_low"] + shape["objects_high"]) / 2)
