"""Temporary directories that do not stay: what a killed run left is removed by the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from garbology.measuring.locks import Lock, LockedError, take

_PREFIX = "garbology-"
_LOCK = ".owner"


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """A new temporary directory, removed at the end, or by `sweep` once this process is gone."""
    place, lock = _made()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)  # a case may have removed it, or made what cannot be removed
        lock.release()


def sweep() -> int:
    """Remove the temporary directories of processes that are gone, and return how many there were."""
    removed = 0
    for place in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        # Without a lock file it is being made, or is another's; one that is locked has its owner.
        with suppress(OSError, LockedError):
            if not _is_mine(place):
                continue
            lock = take(place / _LOCK, create=False)
            shutil.rmtree(place, ignore_errors=True)
            lock.release()
            removed += 1
    return removed


def variables(place: Path) -> dict[str, str]:
    """The environment in which a process makes its temporary files in `place`."""
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(place))


def _made() -> tuple[Path, Lock]:
    while True:
        place = Path(tempfile.mkdtemp(prefix=_PREFIX))
        try:
            return place, take(place / _LOCK)
        except (FileNotFoundError, LockedError):  # another's `sweep` met it before it was locked
            continue


def _is_mine(place: Path) -> bool:
    """Whether it is a directory, no link, and this user's."""
    if place.is_symlink() or not place.is_dir():
        return False
    return not hasattr(os, "geteuid") or place.lstat().st_uid == os.geteuid()
