"""What is asked of a test: by its markers, by its directory, or by `--garbology` of every test."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from garbology.find.scope import Scope
from garbology.names.classes import safe_type_name
from garbology.testing.options import Options, bytes_of

Item = pytest.Item
_LEAST_GROWTH_BYTES = 64  # a run, which rounding may be
_FEWEST_CALLS = 5
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Rule:
    """What a test may leave.

    Attributes
    ----------
    kind : 'no_cycles', 'max_garbage', or '' where the test is watched and nothing is asked of it.
    scope : whose cycles count.
    warmup : how often the test may be run before it is judged, to keep out what a first call caches.
    objects, bytes : how much max_garbage allows; None where it does not say.
    is_marked : whether it is said in the test's own code: no baseline excuses it then.
    """

    kind: str = ""
    scope: Scope = field(default_factory=Scope)
    warmup: int = 0
    objects: int | None = None
    bytes: int | None = None
    is_marked: bool = False


@dataclass(frozen=True)
class Growth:
    """By how much memory may grow with each run of a test.

    Attributes
    ----------
    calls, warmup : runs that are measured, and runs before these.
    bytes : what a run may leave alive; ``is_given`` is whether the marker says so.
    """

    calls: int = 20
    warmup: int = 5
    bytes: int = _LEAST_GROWTH_BYTES
    is_given: bool = False


def growths_for(items: Iterable[Item]) -> list[tuple[Item, Growth]]:
    """The tests that are marked with no_growth, each with what that says.

    Raises
    ------
    pytest.UsageError : a marker has a wrong argument.
    """
    found = []
    for item in items:
        mark = item.get_closest_marker("no_growth")
        if mark is not None and hasattr(item, "runtest"):
            try:
                found.append((item, _no_growth(mark)))
            except (TypeError, ValueError) as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}") from None
    return found


def _no_growth(mark: pytest.Mark) -> Growth:
    def no_growth(*, calls: Any = 20, bytes: Any = None, warmup: Any = 5) -> Growth:
        size = _number("no_growth", "bytes", bytes_of(bytes) if type(bytes) is str else bytes)
        if (_number("no_growth", "calls", calls) or 0) < _FEWEST_CALLS:
            raise ValueError(
                f"@pytest.mark.no_growth: calls= takes a number from {_FEWEST_CALLS} up, got {_shown(calls)}"
            )
        least = _LEAST_GROWTH_BYTES if size is None else size
        return Growth(calls, _number("no_growth", "warmup", warmup) or 0, least, size is not None)

    return _called(no_growth, mark)


def rules_for(items: Iterable[Item], options: Options) -> list[tuple[Item, Rule]]:
    """The tests that are to be watched, each with its rule.

    Raises
    ------
    pytest.UsageError : a marker has a wrong argument; all such are told, one a line.
    """
    by_default = Scope(options.only, options.ignore)
    found, wrong = [], dict[str, None]()
    for item in items:
        try:
            rule = _rule_of(item, options, by_default)
        except (TypeError, ValueError) as error:
            wrong[f"{item.nodeid}: {error}"] = None
            continue
        if rule is not None and hasattr(item, "runtest"):
            found.append((item, rule))
    if wrong:
        first, *more = wrong
        raise pytest.UsageError(first + (f" (and {len(more)} more tests with wrong markers)" if more else ""))
    return found


def _rule_of(item: Item, options: Options, by_default: Scope) -> Rule | None:
    """The nearest marker says it, then the directory, then `--garbology`."""
    marked = [(node, mark) for node, mark in item.iter_markers_with_node() if mark.name in _READERS]
    if marked:
        nearest = [mark for node, mark in marked if node is marked[0][0]]
        mark = next((each for each in nearest if each.name == "no_cycles"), nearest[0])
        return _READERS[mark.name](mark, by_default)
    if any(item.path.is_relative_to(directory) for directory in options.directories):
        return Rule("no_cycles", by_default, warmup=1)
    return Rule(scope=by_default) if options.watch_all else None


def _no_cycles(mark: pytest.Mark, by_default: Scope) -> Rule:
    def no_cycles(*, only: Any = None, ignore: Any = None, warmup: Any = 1) -> Rule:
        return _marked("no_cycles", by_default, only, ignore, warmup)

    return _called(no_cycles, mark)


def _max_garbage(mark: pytest.Mark, by_default: Scope) -> Rule:
    def max_garbage(
        *, objects: Any = None, bytes: Any = None, only: Any = None, ignore: Any = None, warmup: Any = 1
    ) -> Rule:
        if objects is None and bytes is None:
            raise ValueError("@pytest.mark.max_garbage needs objects= or bytes=, or both")
        return replace(
            _marked("max_garbage", by_default, only, ignore, warmup),
            objects=_number("max_garbage", "objects", objects),
            bytes=_number("max_garbage", "bytes", bytes_of(bytes) if type(bytes) is str else bytes),
        )

    return _called(max_garbage, mark)


_READERS: dict[str, Callable[[pytest.Mark, Scope], Rule]] = {
    "no_cycles": _no_cycles,
    "max_garbage": _max_garbage,
}


def _called(reader: Callable[..., _Read], mark: pytest.Mark) -> _Read:
    """What a marker's arguments mean; TypeError names those that it takes."""
    known = [f"{name}=" for name in inspect.signature(reader).parameters]
    if mark.args:
        raise TypeError(
            f"@pytest.mark.{mark.name} takes {', '.join(known)} by name, got {_shown(mark.args[0])}"
        )
    for name in mark.kwargs:
        if f"{name}=" not in known:
            raise TypeError(f"@pytest.mark.{mark.name} takes {', '.join(known)}, got {name!r}")
    return reader(**mark.kwargs)


def _marked(kind: str, by_default: Scope, only: Any, ignore: Any, warmup: Any) -> Rule:
    """The marker's own ``only`` stands for that of the ini file, its ``ignore`` comes in addition."""
    scope = Scope(
        by_default.only if only is None else _patterns(kind, "only", only),
        by_default.ignore + _patterns(kind, "ignore", ignore),
    )
    return Rule(kind, scope, _number(kind, "warmup", warmup) or 0, is_marked=True)


def _patterns(kind: str, name: str, given: Any) -> tuple[str, ...]:
    patterns = [given] if isinstance(given, str) else [] if given is None else given
    if not isinstance(patterns, list | tuple) or not all(isinstance(each, str) and each for each in patterns):
        raise TypeError(f"@pytest.mark.{kind}: {name}= takes a name or a list of names, got {_shown(given)}")
    return tuple(patterns)


def _number(kind: str, name: str, given: Any) -> int | None:
    if given is not None and (type(given) is not int or given < 0):
        raise TypeError(f"@pytest.mark.{kind}: {name}= takes a number from 0 up, got {_shown(given)}")
    return given


def _shown(given: object) -> str:
    """An argument, also where its `repr` fails."""
    try:
        return f"{given!r:.80}"
    except Exception:
        return f"{safe_type_name(type(given))} object"
