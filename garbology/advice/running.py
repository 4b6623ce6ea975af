"""What runs, or is called once: whatever holds it lets go of it when it is done."""

from __future__ import annotations

from garbology.advice import callbacks, tables
from garbology.advice.remedy import (
    Remedy,
    attribute_of,
    cleared_because,
    clearing_call,
    is_of_the_standard_library,
    of_the_method,
)
from garbology.advice.sampling import is_made_by_the_program
from garbology.advice.setting import assignment
from garbology.cycles.folding import Link
from garbology.names.classes import mro_of, safe_type_name
from garbology.names.edges import short_type_name

_CALLBACK_STEPS = 3  # from a future to what one of its callbacks holds
# What runs, or will: a weak reference to it would be dead before it has run.
_TASKS = (
    *("_asyncio.Task", "_asyncio.Future", "asyncio.futures.Future", "asyncio.tasks.Task"),
    "concurrent.futures._base.Future",
)
_RUNNERS = ("asyncio", "concurrent")
_RUNNING = (*_TASKS, "asyncio.events.Handle", "threading.Thread", "sched.Event")


def is_fired(link: Link) -> bool:
    """Whether an attribute holds something that is called once, such as a canceller, for an object of another kind."""
    name, last = attribute_of(link), link.steps[-1]
    if not callbacks.is_called_once(name) or link.source == link.target:
        return False
    if is_of_the_standard_library(link.steps[0].holder):
        return False
    if not link.label.startswith((f".{name}.__self__", f".{name} → closure variable")):
        return link.label == f".{name}" and callbacks.is_called(last.referent)
    return is_made_by_the_program(type(link.steps[0].holder))


def fired(link: Link, otherwise: str = "") -> Remedy:
    """Let go of what is called once when it was called; ``otherwise`` is what else may be done."""
    let_go = assignment(link.steps[0].holder, attribute_of(link) or "")
    can_be_weak = tables.takes_weak_references(link.steps[-1].referent)
    wrapper = f", or {callbacks.WRAPPER}" if otherwise and can_be_weak else ""
    return Remedy(
        "clear",
        lambda edge, target: (
            f"{of_the_method(edge)} is called once: let go of it ({let_go}) "
            f"when it was called or can no longer be{wrapper}{clearing_call(link)}"
        ),
    )


def passed_by_itself(link: Link) -> Remedy | None:
    """What a future calls when it is done gets that future as its argument."""
    if (
        link.source != link.target
        or not is_task(link.steps[-1].referent)
        or len(link.steps) < _CALLBACK_STEPS
    ):
        return None
    variable = link.label.rpartition("closure variable ")[2]
    name = variable if variable.isidentifier() else "it"
    kind = short_type_name(type(link.steps[-1].referent))
    return Remedy(
        "capture",
        lambda edge, target: (
            f"{edge} need not be captured: a {kind} passes itself to what it calls when it is done, "
            f"so use that argument instead of {name}"
        ),
    )


def running(link: Link) -> Remedy | None:
    """A task, a thread, a timer: whatever holds it lets go of it when it is done."""
    if not is_running_kind(link.steps[-1].referent):
        return None
    referent = link.steps[-1].referent
    if is_task(referent):
        return cleared_because(
            link,
            lambda edge, target: f"{edge} keeps a {target}",
            "cancel it, and let go of it when it is done",
        )
    return cleared_because(
        link, lambda edge, target: f"{edge} keeps a {target}, which must be held while it runs"
    )


def keeps_a_task(link: Link) -> bool:
    """Whether an attribute of the program's own keeps a task or a future."""
    owner = type(link.steps[0].holder)
    own = attribute_of(link) is not None and is_made_by_the_program(owner)
    return own and callbacks.package_of(owner) not in _RUNNERS and is_task(link.steps[-1].referent)


def is_task(obj: object) -> bool:
    """Whether it is a task or a future: it is let go of when it is done."""
    return any(safe_type_name(base) in _TASKS for base in mro_of(type(obj)))


def is_running_kind(obj: object) -> bool:
    """Whether it is something that runs: a task, a future, a thread, a timer."""
    return any(safe_type_name(base) in _RUNNING for base in mro_of(type(obj)))
