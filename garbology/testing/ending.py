"""What is written when all tests have run, and why the run fails although each test passes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import garbology
from garbology.reporting.files import write_text
from garbology.testing import summary
from garbology.testing.baseline import Baseline, text_of
from garbology.testing.options import Options
from garbology.testing.summary import Results, leaving, own_shapes
from garbology.text.layout import counted, human_bytes

SCHEMA_VERSION = 1


class Ending:
    """The end of a run.

    Attributes
    ----------
    notes : lines for the summary.
    has_failed : whether the run is to fail.
    """

    def __init__(self, options: Options, baseline: Baseline, results: Results) -> None:
        self.notes: list[str] = []
        self.has_failed = False
        self._options = options
        self._baseline = baseline
        self._results = results

    def finish(self, partial: str) -> None:
        """Write the files; ``partial`` says why not every test was judged, empty where each was."""
        if self._options.baseline is not None:
            self._compare(self._options.baseline, partial)
        self._weigh()
        if self._options.json is not None:
            self._write(self._options.json, json.dumps(self.to_dict(), indent=1) + "\n")
        if self._options.html is not None:
            self._draw(self._options.html)

    def to_dict(self) -> dict[str, Any]:
        """What each test left, those that left nothing only counted."""
        results = self._results
        left = sorted(
            test for test, each in results.items() if each["objects"] or each["leaks"] or each["collected"]
        )
        return {
            "schema": "garbology.pytest",
            "schema_version": SCHEMA_VERSION,
            "garbology": garbology.__version__,
            "python": sys.version.split()[0],
            "watched": len(results),
            **{
                what: summary.total(results, what)
                for what in ("objects", "bytes", "own_objects", "own_bytes")
            },
            "tests": [{"test": test, **results[test]} for test in left],
        }

    def _compare(self, path: Path, partial: str) -> None:
        """A listed shape that no longer occurs is told, or leaves the file; but not where it may not have been met."""
        unmarked = [each for each in self._results.values() if not each["is_marked"]]
        found = {shape["paragraph"] for shape in own_shapes(unmarked)}
        kept = {self._baseline.listing(each) or each for each in found}
        gone, new = self._baseline.listed - kept, kept - self._baseline.listed
        if self._options.update:
            self._update(path, kept, gone, new, partial)
        elif partial:
            self.notes.append(f"{path.name}: which listed shapes are gone is not judged: {partial}")
        elif gone:
            self.has_failed = self._options.strict
            head = "FAILED: " if self._options.strict else ""
            first = sorted(gone)[0].splitlines()[0]
            self.notes.append(
                f"{head}{path.name}: {counted(len(gone), 'listed shape')} no longer occurs: {first} ..."
            )
            self.notes.append("    --garbology-update-baseline takes them out")
        else:
            self.notes.append(
                f"{path.name}: no shape but the {len(self._baseline.listed)} that it lists, and all of them"
            )

    def _update(self, path: Path, kept: set[str], gone: frozenset[str], new: set[str], partial: str) -> None:
        listed = kept | gone if partial else kept
        if not self._write(path, text_of(listed)):
            return
        text = f"{path.name}: {counted(len(listed), 'shape')} listed, {len(new)} new"
        if gone:
            text += f", {len(gone)} that did not occur {f'kept ({partial})' if partial else 'taken out'}"
        self.notes[-1] = text

    def _weigh(self) -> None:
        limit, left = self._options.fail_over, summary.total(self._results, "own_bytes")
        if limit is not None and left > limit:
            self.has_failed = True
            tests = counted(len(leaving(self._results)), "test")
            over = f"more than --garbology-fail-over {human_bytes(limit)}"
            self.notes.append(f"FAILED: {tests} left {human_bytes(left)} together, {over}")

    def _draw(self, directory: Path) -> None:
        from garbology.testing.suite import write_page  # what draws is imported when something is drawn

        try:
            page, *_ = write_page(self._results, list(self.notes), directory)
        except OSError as error:
            self.has_failed = True
            self.notes.append(f"FAILED: {directory} could not be written: {error}")
        else:
            self.notes.append(f"{page} written")

    def _write(self, path: Path, text: str) -> bool:
        try:
            write_text(path, text)
        except OSError as error:
            self.has_failed = True
            self.notes.append(f"FAILED: {path} could not be written: {error}")
            return False
        self.notes.append(f"{path} written")
        return True
