"""What a source file sets: attributes, variables, entries, by name, with their lines."""

from __future__ import annotations

import marshal
from collections.abc import Collection
from typing import NamedTuple

WITH_CALLBACK = " with a callback"


def with_keyword(called: str, name: str) -> str:
    """What a call with a keyword argument of that name is kept under."""
    return f"{called}({name}=)"


class Setting(NamedTuple):
    """A statement that sets an attribute, or puts something into the container that it holds.

    Attributes
    ----------
    name : of the attribute, as code outside its class writes it (``_Owner__private``); ANY_NAME where it is computed.
    line : where the statement begins.
    owner : the qualified name of the class whose ``self`` it is set on; empty where that is another variable.
    made_as : what that other variable was made by a call of, where that is seen; empty otherwise.
    adds : whether it puts something into a container.
    trivial : whether it sets a constant or an empty container.
    constant : whether it sets a constant, which nothing leads on from.
    is_field : whether it is an annotation or a call in a class body, which stands for a method that is generated.
    owner_line : the first line of that class, decorators included; 0 without one.
    """

    name: str
    line: int
    owner: str = ""
    made_as: str = ""
    adds: bool = False
    trivial: bool = False
    is_field: bool = False
    owner_line: int = 0
    constant: bool = False


class Scope(NamedTuple):
    """A function, a lambda or the module: where its variables are bound.

    ``qualified`` stands before the name of what is defined inside: ``outer.<locals>.inner.<locals>.``. ``bound`` has
    the lines that bind each variable (below 0 where it is to a constant or an empty container), ``added`` those that
    put something into what it refers to, ``elsewhere`` the names of `nonlocal` and `global`, and ``made_as`` what a
    variable is made by a call of.
    """

    name: str
    qualified: str
    first_line: int
    line: int
    last_line: int
    parent: int
    class_line: int
    bound: dict[str, list[int]]
    added: dict[str, list[int]]
    elsewhere: list[str]
    made_as: dict[str, str]


class Statements:
    """What a file sets, and where.

    It is kept as a few dictionaries and lists of strings: thousands of small objects would make the collector run.
    """

    def __init__(self) -> None:
        self._settings: dict[str, str] = {}  # by the attribute's name
        self._scopes: list[bytes] = []
        self._calls: dict[str, str] = {}  # by what is called, with arguments
        self._keys: dict[str, str] = {}  # of dict displays and keyword arguments
        self._classes: dict[str, str] = {}  # by their qualified names
        self._begins: dict[int, int] = {}  # where the statement begins that goes on on a line
        self._handlers: list[int] = []  # first and last line of each except clause, one after the other

    def settings(self, name: str) -> list[Setting]:
        """The statements that set an attribute of that name, in the order of the source."""
        return [_setting_of(name, each) for each in self._settings.get(name, "").splitlines()]

    def calls(self, name: str) -> list[int]:
        """The lines on which something of that name is called with arguments."""
        return list(map(int, self._calls.get(name, "").split()))

    def keys(self, key: str) -> list[int]:
        """The lines on which a key of a dict, or a keyword argument, of that name is given a value."""
        return list(map(int, self._keys.get(key, "").split()))

    def class_lines(self, qualified: str) -> list[int]:
        """The first lines of the classes of that qualified name, decorators included."""
        return list(map(int, self._classes.get(qualified, "").split()))

    def handler_around(self, line: int) -> int | None:
        """Where the innermost except clause around a line begins."""
        pairs = zip(self._handlers[::2], self._handlers[1::2], strict=True)
        return max((first for first, last in pairs if first <= line <= last), default=None)

    def scopes(self, name: str, line: int) -> list[Scope]:
        """The function of that name that begins on that line, or the innermost one around it, and those around that
        from the inside; empty where there is no source.
        """
        read = [Scope(*marshal.loads(each)) for each in self._scopes]  # noqa: S302 - our own
        found = -1
        for number, scope in enumerate(read):
            if scope.first_line == line and scope.name == name:
                found = number
                break
            if scope.first_line <= line <= scope.last_line:
                found = number  # those inside come later
        around = []
        while found >= 0:
            around.append(read[found])
            found = read[found].parent
        return around

    def scope_starts(self, lines: Collection[int]) -> list[int]:
        """The first line of the innermost function around each line, decorators included; 0 at module level."""
        spans = [(first, last) for first, last in (marshal.loads(each)[2:5:2] for each in self._scopes[1:])]  # noqa: S302
        return [max((first for first, last in spans if first <= line <= last), default=0) for line in lines]

    def begins(self, line: int) -> int:
        """Where the statement begins that a line is a part of, unless that has others in it."""
        return self._begins.get(line, line)

    def keep_statement(self, first: int, last: int) -> None:
        """Take in a statement that takes several lines."""
        self._begins.update(dict.fromkeys(range(first + 1, last + 1), first))

    def keep_setting(self, setting: Setting) -> None:
        """Take in a statement."""
        text = self._settings.get(setting.name, "")
        flags = f"{setting.adds:d}{setting.trivial:d}{setting.is_field:d}{setting.constant:d}"
        self._settings[setting.name] = (
            f"{text}{setting.line}|{setting.owner}|{setting.made_as}|{setting.owner_line}|{flags}\n"
        )

    def keep_call(self, name: str, line: int) -> None:
        """Take in a call."""
        self._calls[name] = f"{self._calls.get(name, '')}{line} "

    def keep_key(self, key: str, line: int) -> None:
        """Take in a key of a dict."""
        self._keys[key] = f"{self._keys.get(key, '')}{line} "

    def keep_class(self, qualified: str, line: int) -> None:
        """Take in a class."""
        self._classes[qualified] = f"{self._classes.get(qualified, '')}{line} "

    def keep_handler(self, first: int, last: int) -> None:
        """Take in an except clause."""
        self._handlers += first, last

    def keep_scopes(self, scopes: list[Scope]) -> None:
        """Take in all functions of a file."""
        self._scopes = [marshal.dumps(tuple(scope)) for scope in scopes]


def _setting_of(name: str, text: str) -> Setting:
    line, owner, made_as, owner_line, flags = text.split("|")
    adds, trivial, is_field, constant = (flag == "1" for flag in flags)
    return Setting(name, int(line), owner, made_as, adds, trivial, is_field, int(owner_line), constant)


def scope_of(
    name: str, qualified: str, first_line: int, line: int, last_line: int, parent: int, class_line: int = 0
) -> Scope:
    """A function or a class, with the lines that it takes."""
    return Scope(name, qualified, first_line, line, last_line, parent, class_line, {}, {}, [], {})
