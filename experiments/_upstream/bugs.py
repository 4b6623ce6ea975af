"""What a case is: a public report, the releases around its mend, a few lines that bring it about, what was changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["cycle", "kept exception", "live holder", "real leak"]
Work = Callable[[], object]
Prepare = Callable[[], Work]

BROKEN, MENDED = "broken", "mended"
CYCLE: Kind = "cycle"
EXCEPTION: Kind = "kept exception"
HOLDER: Kind = "live holder"
LEAK: Kind = "real leak"


@dataclass(frozen=True)
class Cut:
    """What the maintainers changed.

    Attributes
    ----------
    words : for people: what they did.
    edges : each reference that they took away, as a regular expression of "Source.label -> Target".
    remedies : the names of remedies that say what they did; empty where none of them does.
    lines : calls of the functions written in C that they mended, as regular expressions of a line of source.
    """

    words: str
    edges: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bug:
    """A public report of a memory bug.

    Attributes
    ----------
    name : of the case.
    report : 'owner/repository#number'.
    broken, mended : what pip is to install: the release in question first, then pins. `mended` is empty where no
        release has a mend, `broken` where the library is the standard one.
    pythons : the oldest and the newest minor version on which the broken release works and has the bug.
    kind : what it is.
    cut : what the maintainers changed.
    prepare : imports the library and answers what is called; each call brings the bug about.
    calls : how often it is called where growth is asked for.
    built : distributions that have no wheel, and may be built from their source.
    """

    name: str
    report: str
    broken: str
    mended: str
    pythons: tuple[tuple[int, int], tuple[int, int]]
    kind: Kind
    cut: Cut
    prepare: Prepare = field(compare=False)
    calls: int = 20
    built: tuple[str, ...] = ()

    def requirement(self, release: str) -> str:
        """What is installed for 'broken' or 'mended'."""
        return self.broken if release == BROKEN else self.mended

    @property
    def library(self) -> str:
        """The name and the number of the broken release."""
        if not self.broken:
            return "CPython"
        return self.broken.partition(" ")[0].replace("==", " ")

    @property
    def mended_in(self) -> str:
        """The number of the mended release; empty where there is none."""
        return self.mended.partition(" ")[0].partition("==")[2]

    def runs_on(self, version: tuple[int, int]) -> bool:
        """Whether the broken release is asked on this version of Python."""
        oldest, newest = self.pythons
        return oldest <= version <= newest


BUGS: dict[str, Bug] = {}
SMOKES: dict[str, Callable[[], None]] = {}  # by the name of the case: fails where the library does not work


def bug(
    name: str,
    report: str,
    *,
    broken: str = "",
    mended: str = "",
    pythons: str,
    kind: Kind = CYCLE,
    cut: Cut,
    calls: int = 20,
    built: tuple[str, ...] = (),
) -> Callable[[Prepare], Prepare]:
    """Register a case; `pythons` is "3.10" or "3.10-3.13"."""

    def register(prepare: Prepare) -> Prepare:
        if name in BUGS:
            raise ValueError(f"two cases are called {name!r}")
        BUGS[name] = Bug(name, report, broken, mended, _range(pythons), kind, cut, prepare, calls, built)
        return prepare

    return register


def smoke(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a use of a case's library that fails where the library is broken."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        SMOKES[name] = function
        return function

    return register


def _range(text: str) -> tuple[tuple[int, int], tuple[int, int]]:
    oldest, _, newest = text.partition("-")
    return _version(oldest), _version(newest or oldest)


def _version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)
