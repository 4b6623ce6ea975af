"""A test's body under the instrument: run, judged, and run once more where it fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from garbology.find.window import watch
from garbology.testing import message
from garbology.testing.freed import run_body
from garbology.testing.results import Reader, Result
from garbology.testing.rules import Rule

if TYPE_CHECKING:
    from garbology.cycles.result import CycleShape
    from garbology.find.found import Found
    from garbology.testing.session import Session

_ENDS_THE_SESSION = (KeyboardInterrupt, SystemExit, pytest.exit.Exception)


def install(item: pytest.Item, rule: Rule, session: Session) -> None:
    """Run this test watched; no hook is needed, and no other test is touched."""
    item.runtest = functools.partial(_run, item, rule, session)  # type: ignore[method-assign]


def watched(
    run: Callable[[], object], *, looks: bool, wants_advice: Callable[[CycleShape], bool] | None = None
) -> Found:
    """Run the body of a test and say what it left: the one place where a test is watched.

    ``looks`` asks for advice that has seen the work; without, the advice says that it was not watched, and only shapes
    have it for which ``wants_advice`` asks.
    """
    __tracebackhide__ = True
    with _Watch(looks=looks, wants_advice=wants_advice) as found:
        run()
    return found


class _Watch(watch):
    """What a test watches itself is its own to judge."""

    _gives_way = True


def _run(item: pytest.Item, rule: Rule, session: Session) -> None:
    """What pytest calls instead of ``item.runtest``."""
    __tracebackhide__ = True
    text = ""
    body = Body(item)
    result = _judged(body, rule, session, looks=bool(rule.kind) and not rule.warmup)
    for _ in range(rule.warmup):
        text = session.complaint(result, rule)
        if not text:
            break
        again = _judged_again(body, rule, session)
        if isinstance(again, str):
            text += f"\n\n{again}"
            break
        result, text = again, ""
    text = text or session.complaint(result, rule)
    session.add(item.nodeid, result)
    del result, body
    if text:
        message.fail_with(message.cut_to(text, session.options.verbose))


def _judged(body: Body, rule: Rule, session: Session, *, looks: bool) -> Result:
    __tracebackhide__ = True
    reader = Reader(rule, body.module, session.advice, tried=looks)
    found = watched(body.run, looks=looks, wants_advice=None if looks else reader.wants_advice)
    return reader.result_of(found)


def _judged_again(body: Body, rule: Rule, session: Session) -> Result | str:
    """What a further run leaves, now that the first has cached what it caches; or why there is none."""
    body.prepare_again()
    try:
        return _judged(body, rule, session, looks=True)
    except _ENDS_THE_SESSION:
        raise
    except BaseException as error:  # a failure of pytest's is no Exception
        return message.not_again(type(error).__name__)


class Body:
    """The body of a test, which may be run more than once."""

    def __init__(self, item: Any) -> None:
        self._item = item
        self.module = getattr(getattr(item, "module", None), "__name__", "")
        self._obj = getattr(item, "obj", None)  # pytest-asyncio puts another in its place
        doctest = getattr(item, "dtest", None)
        self._names = None if doctest is None else dict(doctest.globs)  # cleared when it has run

    def run(self) -> None:
        """Run it as pytest would."""
        __tracebackhide__ = True
        run_body(self._item)

    def prepare_again(self) -> None:
        """Put back what a run has changed in the item."""
        if self._obj is not None and self._item.obj is not self._obj:
            self._item.obj = self._obj
        if self._names is not None:
            self._item.dtest.globs.update(self._names)
