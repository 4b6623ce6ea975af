"""A lock on a path that the system holds for a process: it is free again whatever ends that process."""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

_ATTEMPTS, _PAUSE_SECONDS = 20, 0.01  # until the holder has written who it is
_PLACE = 1 << 30  # of the byte that is locked on Windows, beyond what others read


class LockedError(Exception):
    """Another holds the lock; `pid` is its process, 0 where it did not say."""

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(f"process {pid or '?'} holds {path}")
        self.pid = pid


class Lock:
    """A held lock: a file with the process's number, which `release` removes."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle

    def release(self) -> None:
        """Remove the file and give the lock up."""
        if os.name == "nt":  # there an open file cannot be removed
            os.close(self._handle)
        with suppress(OSError):
            self.path.unlink()
        if os.name != "nt":
            os.close(self._handle)


def take(path: Path, *, create: bool = True) -> Lock:
    """Lock `path`, a file that is made unless `create` is false; LockedError where another has locked it.

    OSError where there is no such directory or file. Where the file system knows no locks it is not held.
    """
    pid = 0
    for _ in range(_ATTEMPTS):
        handle = os.open(path, _flags(create), 0o666)
        try:
            if not _is_locked_by_another(handle):
                if not _is_at(handle, path):  # its holder removed it between the two calls
                    os.close(handle)
                    continue
                os.ftruncate(handle, 0)
                os.write(handle, f"{os.getpid()}\n".encode())
                return Lock(path, handle)
            pid = _written(handle)
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if pid:
            break
        time.sleep(_PAUSE_SECONDS)
    raise LockedError(path, pid)


def _flags(create: bool) -> int:
    flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    return flags | (os.O_CREAT if create else 0)


def _is_locked_by_another(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, _PLACE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
            return True
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            raise
    return False


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _written(handle: int) -> int:
    os.lseek(handle, 0, os.SEEK_SET)
    text = os.read(handle, 32)
    return int(text) if text.endswith(b"\n") and text.strip().isdigit() else 0
