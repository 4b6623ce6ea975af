"""Which records this run writes: no other run writes them meanwhile, and one draws pages at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from garbology.measuring.locks import Lock, LockedError, take

_LOCK_SUFFIX = ".lock"
_DRAWING = ".drawing" + _LOCK_SUFFIX
_PATIENCE_SECONDS, _PAUSE_SECONDS = 60.0, 0.1


class BusyError(Exception):
    """Another run writes the same record; the message says which process that is."""


class Reservations:
    """The records that are reserved until `release`; they are let go of, too, when this process ends in any way."""

    def __init__(self) -> None:
        self._locks: dict[Path, Lock] = {}

    def reserve(self, directory: Path, slug: str) -> None:
        """Reserve the record of the runtime `slug` in `directory`; BusyError where another process has it."""
        path = directory / f".{slug}{_LOCK_SUFFIX}"
        if path in self._locks:
            return
        try:
            self._locks[path] = take(path)
        except LockedError as error:
            raise BusyError(_busy(directory, error.pid)) from None

    def release(self) -> None:
        """Give all of them up."""
        while self._locks:
            self._locks.popitem()[1].release()


@contextmanager
def drawing(output: Path) -> Iterator[None]:
    """Wait until no other process draws under `output`; one that does not end is waited for a minute."""
    lock = None
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while lock is None:
        try:
            lock = take(output / _DRAWING)
        except LockedError:  # each page is written whole, so that two at once harm nothing but what is newest
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _busy(directory: Path, pid: int) -> str:
    who = f"process {pid}" if pid else "another process"
    return (
        f"{who} is measuring it into {directory.parent} on the same runtime: wait until that has ended, or choose "
        "another --output"
    )
