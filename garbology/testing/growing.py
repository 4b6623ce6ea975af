"""`no_growth`: the body of a test is run again and again, and memory must not grow by it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from garbology.growth.diagnosis import diagnose
from garbology.testing import message
from garbology.testing.rules import Growth
from garbology.testing.watching import Body
from garbology.text.layout import counted, human_bytes, wrap

if TYPE_CHECKING:
    from garbology.growth.report import Report
    from garbology.testing.session import Session


def install(item: pytest.Item, growth: Growth, session: Session, *, is_watched: bool) -> None:
    """Measure this test after it has been run; ``is_watched`` is whether another marker judges that run."""
    first = item.runtest if is_watched else None
    item.runtest = functools.partial(_run, item, growth, session, first)  # type: ignore[method-assign]


def _run(item: pytest.Item, growth: Growth, session: Session, first: Callable[[], None] | None) -> None:
    """What pytest calls instead of ``item.runtest``."""
    __tracebackhide__ = True
    body = Body(item)
    if first is not None:
        first()
        body.prepare_again()
    report = _measured(body, growth)
    text = complaint(report, growth)
    del report, body
    if text:
        message.fail_with(message.cut_to(text, session.options.verbose))


def _measured(body: Body, growth: Growth) -> Report:
    __tracebackhide__ = True

    def run() -> None:
        __tracebackhide__ = True
        body.run()
        body.prepare_again()

    return diagnose(run, calls=growth.calls, warmup=growth.warmup)


def complaint(report: Report, growth: Growth) -> str:
    """Why the test fails; empty where it does not. What waits for the collector is no growth: it frees that."""
    stays = report.grows - report.waiting
    if report.low - report.waiting <= growth.bytes:
        return ""
    allowed = f", more than {human_bytes(growth.bytes)}" if growth.is_given else ""
    verdict = (
        f"memory grows by {human_bytes(stays)} with each run of this test{allowed}, "
        f"in {counted(growth.calls, 'run')} after {growth.warmup:,}"
    )
    return "\n".join([*wrap(verdict), "", str(report)])
