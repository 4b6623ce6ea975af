"""A small study to start from: what `python -m experiments new NAME` writes, and docs/adding-a-study.md explains."""

from __future__ import annotations

import keyword
from pathlib import Path

TEMPLATE = '''"""Does a weak link back to the parent keep a dropped pair from the collector?

A parent holds its child, and the child its parent: a cycle. When the last reference from outside goes, both still have
a reference count above zero, and wait for the cyclic collector. A weak reference does not count.

We drop many pairs with the collector paused and everything older frozen, so that one gc.collect() has only them to
look at, and count what it finds.

What to do about it: let the child refer to its parent by weakref.ref.
"""

import gc
import time
import weakref
from dataclasses import dataclass
from typing import Any

from garbology import collector
from garbology.study import Study, every, growth, run_study

study = Study(
    title="A parent, its child, and the link back",
    parameters={"link": ["strong", "weak"], "pairs": [1_000, 10_000, 100_000]},
    quick={"pairs": [1_000, 10_000], "repeats": 2},
)


class Node:
    """A parent or a child."""

    other: Any


@dataclass(frozen=True)
class Left:
    """What one gc.collect() found when all pairs had been dropped, and how long it took."""

    collected_objects: int
    collect_seconds: float


@study.measure
def drop_pairs(link: str, pairs: int) -> Left:
    """Drop so many pairs, then collect once."""
    with collector.paused(), collector.frozen():
        for _ in range(pairs):
            parent, child = Node(), Node()
            parent.other, child.other = child, parent if link == "strong" else weakref.ref(parent)
        del parent, child
        started = time.perf_counter()
        collected_objects = gc.collect()
        return Left(collected_objects, time.perf_counter() - started)


strong, weak = drop_pairs.each(link=["strong", "weak"])
most_strong, most_weak = (pairs.largest("pairs") for pairs in (strong, weak))

weak_links_leave_nothing = study.claim(
    "With a weak link back, nothing is left for the collector.",
    every(weak, collected_objects=0),
)
strong_links_leave_every_pair = study.claim(
    "With a strong link back, both objects of every pair are left, however many pairs.",
    every(strong, lambda run: run.collected_objects >= 2 * run.pairs, "some were freed"),
    growth(strong, "collected_objects", over="pairs").between(0.99, 1.01),
)
collecting_them_takes_time = study.claim(
    "Collecting the most pairs with a strong link takes at least ten times as long as with a weak one.",
    most_strong.collect_seconds >= most_weak.collect_seconds * 10,
)

collected = study.line("Objects that one gc.collect() freed.", drop_pairs,
                       x="pairs", y="collected_objects", color="link", log="x", symlog="y")  # fmt: skip

study.tile(
    "Left of {most_strong.pairs} pairs, strong link",
    most_strong.collected_objects,
    unit="objects",
    atlas=True,
)
study.tile("One collection of them", most_strong.collect_seconds, atlas=True)
study.tile("The same, weak link", most_weak.collect_seconds)
study.verdict("""Of {most_strong.pairs} dropped pairs {most_strong.collected_objects} objects wait for the collector
    if the child holds its parent strongly, and {most_weak.collected_objects} if weakly.""")
study.table("What one gc.collect() found.", drop_pairs, ["collected_objects", "collect_seconds"])


if __name__ == "__main__":
    raise SystemExit(run_study(study))
'''


def write_study(directory: Path, name: str) -> Path:
    """Write the template as a study of this name and return its path; ValueError says what is wrong with the name.

    Never over a file that is there: FileExistsError.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower():
        raise ValueError(f"{name!r} cannot be a study's name: use small letters, digits and _, say my_study")
    if name.startswith("_"):
        raise ValueError(f"{name!r} cannot be a study's name: one that begins with _ is no study")
    path = directory / f"{name}.py"
    with path.open("x", encoding="utf-8") as file:
        file.write(TEMPLATE)
    return path
