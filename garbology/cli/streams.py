"""Standard output and standard error that never end the work: what cannot be written there is dropped."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

BROKEN_PIPE = 141  # 128 + SIGPIPE, which a shell shows of whatever wrote to a pipe that was closed


class Streams:
    """What became of standard output: `failure` is the first error in writing to it, if there was one."""

    def __init__(self) -> None:
        self.failure: OSError | None = None

    @property
    def is_broken_pipe(self) -> bool:
        """Whether its reader, such as `head`, has seen enough."""
        number = self.failure.errno if self.failure else 0
        return number == errno.EPIPE or (os.name == "nt" and number == errno.EINVAL)

    @property
    def complaint(self) -> str:
        """One sentence about an error; empty where there was none, or where it is none."""
        if self.failure is None or self.is_broken_pipe:
            return ""
        why = self.failure.strerror or self.failure
        return f"cannot write to standard output: {why}; only what was to be shown there is lost"


class _Forgiving(io.RawIOBase):
    """Passes on what is written until that fails, and drops the rest."""

    def __init__(self, raw: Any, streams: Streams | None) -> None:
        self._raw = raw
        self._streams = streams
        self._failed = False

    def write(self, data: Any) -> int | None:
        """How many bytes were passed on, or dropped."""
        if not self._failed:
            try:
                written: int | None = self._raw.write(data)
                return written
            except OSError as error:
                self._failed = True
                if self._streams is not None:
                    self._streams.failure = error
        return len(data)

    def writable(self) -> bool:
        """True."""
        return True

    def fileno(self) -> int:
        """That of what it writes to."""
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        """Whether what it writes to is a terminal."""
        return bool(self._raw.isatty())


@contextmanager
def forgiving() -> Iterator[Streams]:
    """For a block `sys.stdout` and `sys.stderr` take everything; one that was closed takes it to nowhere."""
    _occupy()
    streams = Streams()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _wrapped(sys.stdout, streams), _wrapped(sys.stderr, None)
    try:
        yield streams
    finally:
        for stream, its in zip((sys.stdout, sys.stderr), before, strict=True):
            with suppress(OSError, ValueError):
                stream.close() if its is None else stream.flush()
        sys.stdout, sys.stderr = before


def _wrapped(stream: Any, streams: Streams | None) -> Any:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    if type(stream) is not io.TextIOWrapper:  # a test's or a notebook's, which is no file
        return stream
    with suppress(OSError):
        stream.flush()
    raw = getattr(stream.buffer, "raw", stream.buffer)
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(raw, streams)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering or stream.write_through,
        write_through=stream.write_through,
    )


def _occupy() -> None:
    """Put nothing in the place of a standard stream that is closed: a file opened later would take its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
