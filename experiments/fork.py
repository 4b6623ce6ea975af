"""What does a forked child copy of its parent's memory, and does gc.freeze() keep it from that?

fork() makes a child process that shares all pages of its parent's memory (a page is 4096 bytes) until one of them
writes to a page: the kernel then gives it a copy of its own. Servers load what they need, fork workers, and hope that
they share it. But CPython writes where a program only reads. Taking an object from a list adds one to its reference
count, on the object's page, and the cyclic collector marks every object that it looks at. gc.freeze() moves all objects
of the parent out of the collector's sight. It cannot keep reference counts from being written; only those of immortal
objects (None, True, small integers and the like, from CPython 3.12) never are.

We fill a heap with objects, freeze it or not, and fork a child that does nothing, reads every object, runs one
collection, or reads None as often as there are objects. The child measures how many bytes of its pages became its own
alone while it did that ("Private_Dirty" in /proc/self/smaps_rollup). The collector is otherwise off.

What to do about it: call gc.disable() in the parent before anything is loaded, gc.freeze() just before the fork and
gc.enable() in the child. What children only read belongs into few large objects (an array, bytes, a memory-mapped
file), whose contents have no reference counts. From CPython 3.14 multiprocessing does not fork unless you ask it to.
"""

import gc
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from experiments import _parts
from experiments._child import SMAPS, in_a_child, memory_of_this_process
from experiments._garbage import live_heap
from garbology import collector, is_immortal
from garbology.study import Condition, Selection, Study, Unavailable, every, run_study

MORE_REFERENCES = 1_000


def read(objects: list[Any]) -> None:
    """Take every object from the list once: its reference count goes up and down again."""
    for _each in objects:
        pass


# What a child does; it is given the parent's objects.
CHILDREN: dict[str, Callable[[list[Any]], object]] = {
    "does nothing": lambda objects: None,
    "reads the objects": read,
    "collects": lambda objects: gc.collect(),
    "reads None": lambda objects: read([None] * len(objects)),
}

study = Study(
    title="What a forked child copies: reference counts, collections, gc.freeze()",
    part=_parts.WHAT_COST,
    parameters={"child": list(CHILDREN), "parent": ["not frozen", "frozen"], "live_objects": [500_000]},
    quick={"live_objects": [100_000], "repeats": 2},
    full={"live_objects": [100_000, 1_000_000, 5_000_000]},
    most_repeats=10,
    timeout_seconds=180,
)


@dataclass(frozen=True)
class Copied:
    """What of the child's memory was its own before its work, and what became its own in it."""

    heap_bytes: int  # of the parent's objects, all of which the child could share
    dirtied_bytes: int
    dirtied_share: float  # of the heap
    private_before_bytes: int
    none_is_immortal: bool
    counted_references: int  # by how much None's reference count rose when a thousand were added


@study.measure
def fork_a_child(child: str, parent: str, live_objects: int) -> Copied:
    """Fork a child of a process with many objects; the child works and measures its own pages."""
    if not hasattr(os, "fork") or not SMAPS.exists():
        raise Unavailable(f"fork and {SMAPS} are needed: run this study on Linux")
    with collector.paused():
        heap = live_heap(live_objects)
        with collector.frozen() if parent == "frozen" else nullcontext():
            found = in_a_child(lambda: measured(CHILDREN[child], heap))
    heap_bytes = sum(map(sys.getsizeof, heap))
    dirtied_bytes = found["after"] - found["before"]
    return Copied(
        heap_bytes=heap_bytes,
        dirtied_bytes=dirtied_bytes,
        dirtied_share=dirtied_bytes / heap_bytes,
        private_before_bytes=found["before"],
        none_is_immortal=is_immortal(None),
        counted_references=counted_references(),
    )


def measured(work: Callable[[list[Any]], object], heap: list[Any]) -> dict[str, int]:
    """The bytes of pages that were this process's own before the work, and after it."""
    memory_of_this_process()  # the first reading itself makes pages its own
    before = memory_of_this_process()
    work(heap)
    after = memory_of_this_process()
    return {"before": before["Private_Dirty"], "after": after["Private_Dirty"]}


def counted_references() -> int:
    """By how much the reference count of None rises when a list holds it a thousand times more."""
    before = sys.getrefcount(None)
    more = [None] * MORE_REFERENCES
    after = sys.getrefcount(None)
    return (after - before) * len(more) // MORE_REFERENCES


def copies_at_least(children: Selection, share: float) -> Condition:
    """Every child makes such a share of the heap its own."""
    return children.least("dirtied_share").called("{:.1%} of the heap") >= share


def copies_less_than(children: Selection, share: float) -> list[Condition]:
    """No child makes such a share of a heap its own that it stands out from the interpreter's own pages."""
    large = every(children, lambda run: run.heap_bytes > 4_000_000, "too small a heap to tell")
    return [large, children.most("dirtied_share").called("{:.1%} of the heap") < share]


idle, reading, collecting = fork_a_child.each(child=["does nothing", "reads the objects", "collects"])
reads, reads_frozen = reading.each(parent=["not frozen", "frozen"])
collects, collects_frozen = collecting.each(parent=["not frozen", "frozen"])

an_idle_child_copies_nothing = study.claim(
    "A child that does nothing makes less than a tenth of the heap its own.",
    *copies_less_than(idle, 0.1),
)
reading_copies_the_heap = study.claim(
    "A child that only reads the objects makes at least half of the heap its own, by writing reference counts.",
    copies_at_least(reads, 0.5),
)
freezing_does_not_keep_reading_from_it = study.claim(
    "After gc.freeze() reading still makes at least half of the heap the child's own: reference counts are written.",
    copies_at_least(reads_frozen, 0.5),
)
a_collection_copies_the_heap = study.claim(
    "One collection in the child makes at least half of the heap its own, though there is no garbage.",
    copies_at_least(collects, 0.5),
)
freezing_keeps_a_collection_from_it = study.claim(
    "After gc.freeze() a collection in the child makes less than a tenth of the heap its own.",
    *copies_less_than(collects_frozen, 0.1),
)
the_count_of_an_immortal_is_not_written = study.claim(
    "None is immortal: a thousand more references leave its count as it is.",
    every(fork_a_child, none_is_immortal=True, counted_references=0),
    evidence="its count rises by 0 with {MORE_REFERENCES:,} more references, in {samples}",
)
the_count_of_an_immortal_is_not_written.expected_failure(
    versions="3.10-3.11", reason="objects are immortal from CPython 3.12", reference="PEP 683"
)

dirtied_bytes = study.bars(
    """Bytes of pages that became the child's own while it worked, with the parent's objects frozen and not.
    A collection writes to all objects of the interpreter, not only to those of our heap.""",
    fork_a_child, x="child", y="dirtied_bytes", color="parent", facet="live_objects", facet_alone=False,
    x_title="what the child does", y_title="bytes copied")  # fmt: skip

read_of_most, read_frozen_of_most, collected_of_most, collected_frozen_of_most, idle_of_most = (
    children.largest("live_objects")
    for children in (reads, reads_frozen, collects, collects_frozen, idle.where(parent="not frozen"))
)
study.tile("Copied by one collection in the child", collected_of_most.dirtied_bytes, atlas=True)
study.tile("The same after gc.freeze()", collected_frozen_of_most.dirtied_bytes, atlas=True)
study.tile("Copied by reading, frozen", read_frozen_of_most.dirtied_bytes)
study.tile("Copied by doing nothing", idle_of_most.dirtied_bytes)
study.verdict("""A forked child that reads {read_of_most.heap_bytes} of objects copies {read_of_most.dirtied_bytes}
    (frozen {read_frozen_of_most.dirtied_bytes}); a collection copies {collected_of_most.dirtied_bytes},
    {collected_frozen_of_most.dirtied_bytes} after gc.freeze().""")
columns = ["heap_bytes", "dirtied_bytes", "private_before_bytes"]
study.table("Pages that became the child's own while it worked, and before.", fork_a_child, columns)


if __name__ == "__main__":
    raise SystemExit(run_study(study))
