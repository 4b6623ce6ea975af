"""What ran while a window was open: functions by file and first line, and from 3.12 which of their lines."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import NamedTuple

_LINE_BITS = 32


class Ran(NamedTuple):
    """What ran of one file.

    Attributes
    ----------
    functions : the first lines of the functions that ran, 0 for the module.
    unread : of those the ones of which it is not known which lines ran.
    lines : the lines that ran in the others.
    """

    functions: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()


class Executed:
    """Functions and lines that ran, of which none is held; it makes no objects that the collector tracks meanwhile."""

    def __init__(self) -> None:
        self._files: list[str] = []
        self._firsts: list[int] = []
        self._numbers: dict[int, int] = {}  # by the address of the code
        self._unread: set[int] = set()
        self._lines: set[int] = set()

    def begins(self, code: types.CodeType) -> bool:
        """A function is called or resumed; whether it is a new one. Its lines are not known until they are read."""
        file, first = (
            str.__str__(code.co_filename),
            0 if str.__eq__(code.co_name, "<module>") else code.co_firstlineno,
        )
        number = self._numbers.get(id(code), -1)
        if number >= 0 and self._firsts[number] == first and self._files[number] == file:
            return False
        number = self._numbers[id(code)] = len(self._files)
        self._firsts.append(first)
        self._files.append(file)
        self._unread.add(number)
        return True

    def is_read(self, code: types.CodeType) -> None:
        """From its beginning, each line that a function runs will be told."""
        self._unread.discard(self._numbers[id(code)])

    def line(self, code: types.CodeType, line: int) -> None:
        """A line of a function runs."""
        number = self._numbers.get(id(code))
        if number is not None:
            self._lines.add(number << _LINE_BITS | line)

    def by_file(self) -> Mapping[str, Ran]:
        """What ran, by the name of the file."""
        found: dict[str, tuple[set[int], set[int], set[int]]] = {}
        for number, (file, first) in enumerate(zip(self._files, self._firsts, strict=True)):
            functions, unread, _ = found.setdefault(file, (set(), set(), set()))
            functions.add(first)
            if number in self._unread:
                unread.add(first)
        for each in self._lines:
            number, line = divmod(each, 1 << _LINE_BITS)
            found[self._files[number]][2].add(line)
        return {file: Ran(*(tuple(sorted(part)) for part in parts)) for file, parts in found.items()}
