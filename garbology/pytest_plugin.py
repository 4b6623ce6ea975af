"""Keep it fixed: the pytest plugin, an entry point of pytest's.

It is imported in every session, so it imports little itself: the parts in :mod:`garbology.testing`, and with them
NumPy, come with the first test that is to be watched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from garbology.testing.options import Options
    from garbology.testing.rules import Growth
    from garbology.testing.session import Session

_MARKERS = (
    "no_cycles(only=None, ignore=None, warmup=1): the test leaves nothing that only the cyclic collector can free",
    "max_garbage(objects=None, bytes=None, only=None, ignore=None, warmup=1): the test leaves no more than "
    "that for the cyclic collector",
    "no_growth(calls=20, bytes=64, warmup=5): memory does not grow by more than that with each run of the test",
)
_INI = {
    "garbology_only": "whose cycles count, one a line: a module, a type, or a pattern of either",
    "garbology_ignore": "whose cycles do not count, one a line: as garbology_only, or a pattern of an edge",
    "garbology_no_cycles": "directories and files, one a line, of which every test is as if marked with no_cycles",
}
_NAMES = ("garbology", "garbology.pytest_plugin")
_OPTIONS = pytest.StashKey["Options"]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Options on the command line, and those of the ini file."""
    _take_both_names(pluginmanager)
    group = parser.getgroup("garbology", "what only the cyclic collector can free")
    add = group.addoption
    add("--garbology", action="store_true", help="watch every test, and say at the end which left most")
    add(
        "--garbology-baseline",
        type=Path,
        metavar="FILE",
        help="let the shapes of cycles pass that FILE lists, and fail tests that leave others",
    )
    add("--garbology-update-baseline", action="store_true", help="write what is found to that file")
    add(
        "--garbology-strict-baseline",
        action="store_true",
        help="fail, too, where a listed shape no longer occurs",
    )
    add(
        "--garbology-fail-over",
        metavar="SIZE",
        help="fail where the tests leave more than that together: 10MB, 200kB",
    )
    add("--garbology-json", type=Path, metavar="FILE", help="write what each test left as JSON")
    add("--garbology-html", type=Path, metavar="DIR", help="write it as a page, with pictures")
    for name, text in _INI.items():
        parser.addini(name, text, type="linelist")


def _take_both_names(manager: pytest.PytestPluginManager) -> None:
    """Let the plugin be named once more: pytest passes over a name that is taken, and pluggy refuses a module twice.

    The entry point and ``-p garbology`` have one name, ``-p garbology.pytest_plugin`` and ``pytest_plugins`` the other.
    """
    for name in _NAMES:
        if not manager.has_plugin(name):
            manager.register(object(), name)


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, and refuse wrong options before anything runs."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    if _is_asked_for(config):
        from garbology.testing.options import read_options

        config.stash[_OPTIONS] = read_options(config)


def _is_asked_for(config: pytest.Config) -> bool:
    options = config.option.__dict__.items()
    return any(value for name, value in options if name.startswith("garbology")) or any(
        map(config.getini, _INI)
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """The process that writes the summary: alone, or beside pytest-xdist's workers, whose results come with reports."""
    options = session.config.stash.get(_OPTIONS, None)
    has_workers = session.config.pluginmanager.hasplugin("dsession")
    if has_workers or (options is not None and options.watch_all):
        _start(session.config)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist's worker tells its tests then
def pytest_collection_finish(session: pytest.Session) -> None:
    """Choose what is watched: no hook runs for any other test."""
    _import_where_used(session.items)
    config = session.config
    options = config.stash.get(_OPTIONS, None)
    if options is None and not any(map(_is_marked, session.items)):
        return
    from garbology.testing.rules import growths_for, rules_for

    try:
        rules = rules_for(session.items, _options(config))
        growths = growths_for(session.items)
    except pytest.UsageError as error:
        _refuse(session, error)
        return
    if (rules or growths) and not config.option.collectonly:
        own = _start(config)
        from garbology.testing import watching

        for item, rule in rules:
            watching.install(item, rule, own)
        _measure(growths, {id(item) for item, _ in rules}, own)


def _measure(growths: list[tuple[pytest.Item, Growth]], watched: set[int], session: Session) -> None:
    if growths:
        from garbology.testing import growing

        for item, growth in growths:
            growing.install(item, growth, session, is_watched=id(item) in watched)


def _import_where_used(items: list[pytest.Item]) -> None:
    """Test modules that use garbology get all of it before the tests, as they would without the plugin."""
    own = sys.modules["garbology"]
    modules = {id(module): module for module in (getattr(item, "module", None) for item in items)}
    if any(
        value is own for module in modules.values() if module is not None for value in vars(module).values()
    ):
        own.import_all()


def _refuse(session: pytest.Session, error: pytest.UsageError) -> None:
    """A worker of pytest-xdist's cannot end the session: it runs no test, and the session ends when that is known."""
    output = getattr(session.config, "workeroutput", None)
    if output is None:
        raise error
    session.items[:] = []
    output["garbology_error"] = str(error)


def _is_marked(item: pytest.Item) -> bool:
    return any(mark.name in ("no_cycles", "max_garbage", "no_growth") for mark in item.iter_markers())


def _options(config: pytest.Config) -> Options:
    if _OPTIONS not in config.stash:
        from garbology.testing.options import read_options

        config.stash[_OPTIONS] = read_options(config)
    return config.stash[_OPTIONS]


def _start(config: pytest.Config) -> Session:
    from garbology.testing.session import Session

    registered = config.pluginmanager.get_plugin(Session.NAME)
    if not isinstance(registered, Session):
        registered = Session(config, _options(config))
        config.pluginmanager.register(registered, Session.NAME)
    return registered


@pytest.fixture
def assert_freed(request: pytest.FixtureRequest) -> Iterator[Callable[..., None]]:
    """A function that is given objects which must be freed, by reference counting alone, when the test has ended.

    Give it an object while the test holds it: the test's own frame and variables are gone when it is judged, with the
    collector off. What is still alive fails the test, with the chain of references that holds it.
    """
    from garbology.testing.freed import freed_by

    yield from freed_by(request.node)
