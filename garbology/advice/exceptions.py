"""What keeps an exception, and what an exception keeps: never a weak reference, for nothing else keeps it."""

from __future__ import annotations

import functools
import types
from collections.abc import Sequence

from garbology.advice.raised import handled_in, handling_code, is_exception, was_thrown_in
from garbology.advice.remedy import (
    Remedy,
    attribute_of,
    clearing_call,
    is_plain_attribute,
)
from garbology.advice.sampling import is_standard
from garbology.advice.setting import assignment
from garbology.cycles.folding import Link, Step
from garbology.names.classes import mro_of
from garbology.names.edges import short_type_name

_get_traceback = BaseException.__dict__["__traceback__"].__get__
_get_cause = BaseException.__dict__["__cause__"].__get__
_get_suppression = BaseException.__dict__["__suppress_context__"].__get__


def of_exception(link: Link) -> Remedy | None:
    """An exception's own references, and what keeps one: never a weak reference, for nothing else keeps it."""
    last = link.steps[-1]
    if last.label == ".__traceback__":
        return Remedy(
            "clear",
            lambda edge, target: (
                f"{edge} keeps the frames it went through: it was caught and stored, "
                "so store `error.with_traceback(None)`; where it is raised again, let go of it at the end"
            ),
        )
    if not keeps_an_exception(link):
        return None
    if last.label in (".__context__", ".__cause__"):
        return _chained(link)
    let_go, method = _letting_go(link), clearing_call(link)
    if is_exception(last.referent) and _get_traceback(last.referent) is None:  # made, not raised
        return Remedy(
            "clear",
            lambda edge, target: (
                f"{edge} keeps an exception, which nothing else may keep: "
                f"{let_go} once it was reported for the last time{method}"
            ),
        )
    return Remedy(
        "clear",
        lambda edge, target: (
            f"{edge} keeps an exception and the frames it went through (`raise` puts its traceback back): "
            f"{let_go} once it was raised or reported for the last time{method}"
        ),
    )


def keeps_an_exception(link: Link) -> bool:
    """Whether it is a reference to an exception, or to the traceback of one."""
    referent = link.steps[-1].referent
    return is_exception(referent) or type(referent) is types.TracebackType


def _letting_go(link: Link) -> str:
    """The statement that lets go of what an attribute, or a variable, keeps."""
    name = attribute_of(link)
    owner, held_in = link.steps[0].holder, type(link.steps[-1].holder)
    if type(owner) is functools.partial and any(held_in is each for each in (list, dict, set)):
        return f"empty that {held_in.__name__} (`clear()`)"
    if any(base is tuple or base is functools.partial for base in mro_of(type(owner))):  # cannot be set
        return f"keep its text (`str(error)`), or let go of the {short_type_name(owner)}"
    local = link.steps[0].label.removeprefix("local ")
    if local != link.steps[0].label and local.isidentifier():
        return f"let go of it (`del {local}` in a finally)"
    if name is None:
        variable = link.label.rpartition("closure variable ")[2]
        return f"let go of it (`{variable} = None`)" if variable.isidentifier() else "let go of it"
    elements = [step for step in link.steps if step.label.startswith("[") and type(step.holder) is not dict]
    if is_plain_attribute(link) or any(type(step.holder) is tuple for step in elements):
        return assignment(owner, name)
    return f"let go of it (`self.{name}.clear()`)" if elements else f"let go of it, in `{name}`,"


def _chained(link: Link) -> Remedy:
    last = link.steps[-1]
    where = handled_in(last.referent)
    clause = f"the except clause in {where}" if where else "an except clause"
    name, move = last.label[1:], _raise_or_yield(last)
    return Remedy(
        "clear",
        lambda edge, target: (
            f"{edge} was set in {clause}: {move} after that clause, or set `error.{name} = None`"
        ),
    )


def _raise_or_yield(step: Step) -> str:
    """What to move out of an except clause: the `yield` at which another exception came in, where it was that."""
    return "yield" if was_thrown_in(step.holder, step.referent) else "raise"


def raised_in_a_handler(links: Sequence[Link], advised: Sequence[Link]) -> list[str]:
    """A sentence where an exception on the cycle keeps the one that was handled when it was raised."""
    for link in links:
        last = link.steps[-1]
        if last.label == ".__context__" and link not in advised and _is_kept_by_chance(last):
            where = handled_in(last.referent)
            source, target = short_type_name(last.holder), short_type_name(last.referent)
            if where is not None:
                move = _raise_or_yield(last)
                return [
                    f"{source} also keeps {target}, which was being handled in {where}: {move} after that clause"
                ]
    return []


def is_kept_by_a_handler(link: Link) -> bool:
    """Whether an exception keeps another only because that was being handled, outside the standard library."""
    last = link.steps[-1]
    if last.label != ".__context__" or not _is_kept_by_chance(last):
        return False
    code = handling_code(last.referent)
    return code is not None and not is_standard(code)


def _is_kept_by_chance(step: Step) -> bool:
    """Whether an exception is kept only because it was being handled, and not as the cause (`raise ... from error`)."""
    if not is_exception(step.referent):
        return False
    return not _get_suppression(step.holder) and _get_cause(step.holder) is not step.referent
