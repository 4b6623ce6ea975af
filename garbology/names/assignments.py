"""Which lines of source make an edge: assignments to an attribute or a variable, what fills a container, a default."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from garbology.interpreter import collector
from garbology.interpreter.executed import Ran
from garbology.names.settings import WITH_CALLBACK, Setting, Statements, with_keyword
from garbology.names.sources import is_own_code, line_at, short_path
from garbology.names.statements import ANY_NAME, statements_of

_MOST_LINES = 5
_Line = tuple[str, int]  # a file and a line of it
_Lines = list[_Line]  # of which one does it, as far as is known


@dataclass(frozen=True)
class Origin:
    """What to look for in the source: strings and numbers, no object of the program.

    Attributes
    ----------
    kind : 'attribute'; 'local' (a variable of the function at ``code``) or 'closure' (of one around it); 'default' (of
        that function); 'handler' (the except clause around one of ``raised``); 'callback' (of a weak reference).
    name : of the attribute or variable.
    in_container : whether the edge leads through what a container holds.
    key : of the dict that holds the target, where that is a string.
    classes : file, qualified name and first line (0 where it is not known) of the class that has the attribute, and of
        its bases.
    files : where else it may be set.
    code : file, first line and name of a function.
    raised : file and line of each call that an exception went through, the innermost first.
    of_itself : whether the target is what has the attribute, which whoever makes it cannot give it.
    ran : of some files what ran while the objects were made: the first lines of functions (0 for the module), those of
        them whose lines are not known, and the lines of the others; empty where that is not known.
    """

    kind: str
    name: str = ""
    in_container: bool = False
    key: str = ""
    classes: tuple[tuple[str, str, int], ...] = ()
    files: tuple[str, ...] = ()
    code: tuple[str, int, str] = ("", 0, "")
    raised: tuple[_Line, ...] = ()
    of_itself: bool = False
    ran: tuple[tuple[str, tuple[tuple[int, ...], ...]], ...] = ()

    def lines(self) -> list[str]:
        """The lines, as 'shapes.py:17: self.parent = parent'; empty where there is no source that tells."""
        found = self._found()
        return list(dict.fromkeys(text for texts in found for text in texts))[:_MOST_LINES]

    def is_one_of(self) -> bool:
        """Whether one of several lines makes the edge: of which one it was, what ran does not tell."""
        return any(len(set(texts)) > 1 for texts in self._found())

    def _found(self) -> list[list[str]]:
        with collector.paused():  # a tree of a file is much, and would make the collector free what was found
            return [[text for text in map(_text_of, lines) if text] for lines in _FINDERS[self.kind](self)]


def _text_of(place: _Line) -> str:
    text = line_at(*place)
    return f"{short_path(place[0])}:{place[1]}: {text}" if text else ""


def _attribute_lines(origin: Origin) -> Iterator[_Lines]:
    """What sets it on an instance of the class first, then what sets one of that name from outside; of what is seen to
    have run while the objects were made.
    """
    found = list(filter(None, _lines_naming_it(origin)))
    yield from found or (_lines_that_may_set_any(origin) if origin.ran else ())


def _lines_naming_it(origin: Origin) -> Iterator[_Lines]:
    own = list(_own_settings(origin, origin.name))
    outside = list(_settings_from_outside(origin, origin.name))
    if origin.in_container:
        yield _places([*own, *outside], adds=True)
    assigned = [each for each in own + outside if not each[1].trivial and not each[1].adds]
    telling = sorted((each for each in assigned if not each[1].is_field), key=_is_library_line)
    has_source = any(file for file, *_ in origin.classes)
    is_given = not origin.in_container and not origin.of_itself
    if is_given and all(map(_is_library_line, telling)) and (telling or not has_source):
        yield list(_constructor_lines(origin))
    yield _places(telling)
    yield _places([each for each in own if each[1].is_field and not telling])
    if origin.in_container:
        yield _places([each for each in own if each[1].is_field or not each[1].constant])
        yield list(_key_lines(origin))


def _lines_that_may_set_any(origin: Origin) -> Iterator[_Lines]:
    """`setattr(self, name, value)` and the like: in the class, or else in the program's own code."""
    own = list(_own_settings(origin, ANY_NAME))
    outside = [each for each in _settings_from_outside(origin, ANY_NAME) if is_own_code(each[0])]
    yield _places(own or outside)


def _that_ran(origin: Origin, settings: list[tuple[str, Setting]]) -> list[tuple[str, Setting]]:
    """Those in functions that ran; all of them where that is not known. An annotation stands for a generated method."""
    if not origin.ran:
        return settings
    found = []
    for file, its_own in itertools.groupby(settings, key=operator.itemgetter(0)):
        each = [setting for _, setting in its_own]
        ran = set(_in_what_ran(origin, file, [setting.line for setting in each]))
        found += [(file, setting) for setting in each if setting.is_field or setting.line in ran]
    return found


def _is_library_line(setting: tuple[str, Setting]) -> bool:
    return not is_own_code(setting[0])


def _places(settings: Iterable[tuple[str, Setting]], *, adds: bool = False) -> _Lines:
    return [(file, setting.line) for file, setting in settings if setting.adds is adds]


def _in_what_ran(origin: Origin, file: str, lines: list[int]) -> list[int]:
    """Those of the lines that ran, or are in functions that ran where no more is known; else all of them."""
    if not origin.ran:
        return lines
    ran = Ran(*next((parts for each, parts in origin.ran if each == file), ()))
    statements = statements_of(file)
    begun = set(map(statements.begins, ran.lines))
    functions, unread = set(ran.functions), set(ran.unread)
    return [
        line
        for line, start in zip(lines, statements.scope_starts(lines), strict=True)
        if start in functions and (start in unread or statements.begins(line) in begun)
    ]


def _own_settings(origin: Origin, name: str) -> list[tuple[str, Setting]]:
    return _that_ran(
        origin,
        [
            (file, setting)
            for file, qualified, line in dict.fromkeys(origin.classes)
            for setting in statements_of(file).settings(name)
            if setting.owner == qualified and (line == 0 or setting.owner_line in (0, line))
        ],
    )


def _settings_from_outside(origin: Origin, name: str) -> list[tuple[str, Setting]]:
    """Of a variable that may be an instance: one that is made of another class is left out."""
    names = {qualified.rpartition(".")[2] for _, qualified, _ in origin.classes}
    files = dict.fromkeys((*(file for file, *_ in origin.classes[:1]), *origin.files))
    settings = ((file, setting) for file in files for setting in statements_of(file).settings(name))
    return _that_ran(
        origin,
        [
            (file, setting)
            for file, setting in settings
            if not setting.owner and not (setting.made_as[:1].isupper() and setting.made_as not in names)
        ],
    )


def _constructor_lines(origin: Origin) -> Iterator[_Line]:
    """Where the program makes what has the attribute, an object of a library's class: `Thread(target=self.run)`."""
    if any(is_own_code(file) for file, *_ in origin.classes if file):
        return
    names = {qualified.rpartition(".")[2] for _, qualified, _ in origin.classes[:1]}
    for file in filter(is_own_code, origin.files):
        for name in names:
            lines = _calls_that_may_set(statements_of(file), name, origin.name)
            yield from ((file, line) for line in _in_what_ran(origin, file, lines))


def _calls_that_may_set(statements: Statements, called: str, attribute: str) -> list[int]:
    """Where a class is called with a keyword of the attribute's name; where none is, all its calls with arguments.

    A namespace takes keywords alone.
    """
    named = statements.calls(with_keyword(called, attribute))
    return named if named or called == "SimpleNamespace" else statements.calls(called)


def _key_lines(origin: Origin) -> Iterator[_Line]:
    """Where a key of that name is given a value."""
    if origin.key:
        for file in dict.fromkeys((*(file for file, *_ in origin.classes[:1]), *origin.files)):
            lines = statements_of(file).keys(origin.key)
            yield from ((file, line) for line in _in_what_ran(origin, file, lines))


def _variable_lines(origin: Origin) -> Iterator[_Lines]:
    """Where the nearest function that has the variable binds it, and what puts something into it."""
    file, line, name = origin.code
    scopes = statements_of(file).scopes(name, line)
    if origin.name == "__class__" and scopes and scopes[0].class_line:
        yield [(file, scopes[0].class_line)]
        return
    if origin.kind == "closure" and scopes and (scopes[0].name, scopes[0].first_line) == (name, line):
        scopes = scopes[1:]
    for scope in scopes:
        if origin.name in scope.bound:
            added = scope.added.get(origin.name, []) if origin.in_container else []
            bound = scope.bound[origin.name]
            telling = [each for each in bound if each > 0] or [-each for each in bound]
            for lines in (added, telling):
                yield [(file, each) for each in _in_what_ran(origin, file, lines) or lines]
            return


def _default_lines(origin: Origin) -> Iterator[_Lines]:
    file, line, name = origin.code
    for scope in statements_of(file).scopes(name, line)[:1]:
        if (scope.name, scope.first_line) == (name, line):
            yield [(file, scope.line)]


def _handler_lines(origin: Origin) -> Iterator[_Lines]:
    """The innermost except clause that the exception left: what is raised there has what was handled as its context."""
    for file, line in origin.raised:
        first = statements_of(file).handler_around(line)
        if first is not None:
            yield [(file, first)]
            return


def _callback_lines(origin: Origin) -> Iterator[_Lines]:
    """Where a weak reference is made with a callback."""
    found = []
    for file in filter(is_own_code, origin.files):
        for name in ("ref", "WeakMethod", "proxy", "finalize"):
            lines = statements_of(file).calls(name + WITH_CALLBACK)
            found += [(file, line) for line in _in_what_ran(origin, file, lines)]
    yield found


_FINDERS = {
    "callback": _callback_lines,
    "attribute": _attribute_lines,
    "closure": _variable_lines,
    "local": _variable_lines,
    "default": _default_lines,
    "handler": _handler_lines,
}
