"""What the tests left, gathered in one process and written at the end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from garbology.testing import message, summary
from garbology.testing.baseline import Baseline, read_baseline
from garbology.testing.ending import Ending
from garbology.testing.options import Options
from garbology.testing.results import Advised, Result
from garbology.testing.rules import Rule


class Session:
    """Registered with pytest where something is watched: in each worker of pytest-xdist's, and where the summary is
    written.

    Attributes
    ----------
    results : what each test left, by its node id.
    advice : for each shape that has been explained, by its paragraph in a baseline, what is advised.
    """

    NAME = "garbology session"

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self.options = options
        self.results: dict[str, Result] = {}
        self.advice: dict[str, Advised] = {}
        self._config = config
        self._pending: dict[str, Result] = {}
        self._partial = ""
        self._workers: list[object] = []
        self._ending: Ending | None = None
        listed = options.baseline is not None and options.baseline.exists()
        self.baseline = read_baseline(options.baseline) if listed and options.baseline else Baseline()

    def add(self, nodeid: str, result: Result) -> None:
        """What a test left: it goes with its report, which pytest-xdist sends on."""
        self._pending[nodeid] = result

    def complaint(self, result: Result, rule: Rule) -> str:
        """Why a test fails; empty where it does not."""
        own = [shape for shape in result["shapes"] if shape["whose"] == "own"]
        verdict = message.verdict(result, rule)
        if self.options.baseline is not None and not rule.is_marked:
            new = (
                []
                if self.options.update
                else [each for each in own if self.baseline.listing(each["paragraph"]) is None]
            )
            if not new:
                return ""
            own, verdict = new, message.verdict_on_new(new, str(self.options.baseline.name))
        elif not rule.kind:
            return ""
        return message.complaint(result, own, verdict, self.options.verbose) if verdict else ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send a result with the report of the test, or take it from there."""
        if report.when != "call":
            return
        if report.nodeid in self._pending:
            report.garbology = self._pending.pop(report.nodeid)  # type: ignore[attr-defined]
        result = getattr(report, "garbology", None)
        if result is not None and not self.options.is_worker:
            self.results[report.nodeid] = result

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """A worker of pytest-xdist's begins."""
        self._workers.append(node.gateway.id)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker of pytest-xdist's has ended: because of a wrong marker, or by a crash (``error``), it may be.

        Raises
        ------
        pytest.UsageError : what the worker said of it.
        """
        wrong = getattr(node, "workeroutput", {}).get("garbology_error")
        if wrong:
            raise pytest.UsageError(wrong)
        if error:
            self._partial = "a worker crashed, and what its last test left is not known"

    def pytest_deselected(self, items: Iterable[Any]) -> None:
        """Where tests are left out, a listed shape that did not occur may occur in those."""
        if items and not self._partial:
            self._partial = "tests were deselected"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write what was asked for, and fail the run where it is over a limit."""
        if self.options.is_worker:
            return
        self._ending = Ending(self.options, self.baseline, self.results)
        if self._workers and self.options.watch_all:
            self._ending.notes.append(summary.in_workers(len(self._workers), self._partial))
        if exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            self._ending.finish(self._partial or _why_partial(self._config, int(exitstatus)))
        if self._ending.has_failed and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table, unless there is nothing to say."""
        ending = self._ending
        if ending is None or self.options.verbose < -1:
            return
        some = any(each["shapes"] or each["leaks"] for each in self.results.values())
        if self.options.watch_all or some or ending.notes:
            width = max(80, terminalreporter._tw.fullwidth)
            terminalreporter.ensure_newline()
            terminalreporter.section(summary.TITLE, sep="=")
            for line in summary.lines(self.results, ending.notes, width):
                terminalreporter.write_line(line, red=line.startswith("FAILED"))


def _why_partial(config: pytest.Config, exitstatus: int) -> str:
    """Why not every test was judged, as far as can be seen; empty where each was."""
    given = config.option
    if any(getattr(given, name, None) for name in ("keyword", "markexpr", "lf", "deselect", "stepwise")):
        return "tests were deselected"
    if any("::" in each or each.endswith(".py") for each in config.args):
        return "some files were asked for"
    return "tests failed" if exitstatus else ""
