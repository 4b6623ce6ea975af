"""The command line of the benchmarks.

    python -m benchmarks all --keep          # all that is asked for; records, tables and page are written again
    python -m benchmarks finder --quick      # shows that everything runs, at sizes that say nothing

Measures this project and what a user would take instead on the same work, in turns, an interpreter each. Prints tables
in Markdown, with the goals and whether they are reached. `draw` measures nothing: it writes tables and page from the
records under benchmarks/measured/.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import records, tables
from benchmarks.rounds import INTERRUPTED
from benchmarks.sections import SECTIONS
from benchmarks.settings import QUICK, Settings, of_objects, up_to

DRAW, ALL = "draw", "all"


def main(words: Sequence[str] | None = None, say: Callable[[str], None] = print) -> int:
    """Measure, print, write what is asked for; 1 where something failed while it was measured."""
    parser = _parser()
    options = parser.parse_args(words)
    settings = _settings(options, parser)
    if options.section == DRAW:
        _draw(say)
        return 0
    names = list(SECTIONS) if options.section == ALL else [options.section]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was measured until then is kept
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would not hear it
    measured: list[dict[str, Any]] = []
    for name in names:
        measured.append(records.measure(name, settings, options.only, _aside))
        if options.json:
            options.json.write_text(records.text({"records": measured}), encoding="utf-8")
        if options.keep:
            records.write(measured[-1:], records.MEASURED)
        if INTERRUPTED in measured[-1]["problems"]:
            break
    say(tables.text(measured))
    if options.keep:
        _draw(say)
    return int(any(record["problems"] for record in measured))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("section", choices=[*SECTIONS, ALL, DRAW], nargs="?", default=ALL)
    parser.add_argument("--quick", action="store_true", help="at sizes that show that everything runs")
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT",
        help="only what has this in `part / case / who`; repeatable",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, help=f"of each measurement (default: {Settings.rounds})")
    parser.add_argument("--objects", type=int, help=f"of each heap (default: {Settings.objects})")
    parser.add_argument(
        "--largest", type=int, help="growth of time and memory up to so many objects, say 10000000"
    )
    parser.add_argument(
        "--default-scale", action="store_true", help="the default scale of the study, too: minutes"
    )
    parser.add_argument(
        "--no-installs", action="store_true", help="without `pip install` into fresh environments"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records to this file")
    parser.add_argument(
        "--keep", action="store_true", help="write records, tables and page that are committed, again"
    )
    return parser


def _settings(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Settings:
    numbers = {name: getattr(options, name) for name in ("rounds", "objects", "largest")}
    for name, value in numbers.items():
        if value is not None and value < 1:
            parser.error(f"--{name} is at least 1, and was {value}")
    if options.keep and (options.quick or options.only):
        parser.error("--keep is for whole runs: leave out --quick and --only")
    settings = records.smaller(QUICK if options.quick else Settings(), rounds=options.rounds)
    if options.objects:
        settings = of_objects(settings, options.objects)
    settings = records.smaller(
        settings, default_scale=options.default_scale, installs=settings.installs and not options.no_installs
    )
    return up_to(settings, options.largest) if options.largest else settings


def _draw(say: Callable[[str], None]) -> None:
    from benchmarks.publishing import publish

    for path in publish(records.read_all()):
        say(str(path))


def _aside(line: str) -> None:
    """What goes on, on standard error."""
    print(line, file=sys.stderr, flush=True)
