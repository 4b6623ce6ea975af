"""What a monitor has seen goes to its sink about once a second, in a thread of its own: never inside a collection."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

Sink = Callable[[dict[str, Any]], object]

_MOST_FAILURES = 3
_MOST_WAITED_SECONDS = 10.0


class Flusher:
    """Calls a sink until :meth:`finish`; a sink that fails thrice is called no more, which is said once.

    Parameters
    ----------
    sink : takes a record.
    record : makes it.
    interval_seconds : between two of them.
    """

    def __init__(self, sink: Sink, record: Callable[[], dict[str, Any]], interval_seconds: float) -> None:
        self._sink = sink
        self._record = record
        self._interval_seconds = interval_seconds
        self._failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="garbology.monitor", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self) -> None:
        """Write once more, the last time, and end."""
        self.abandon()
        self._write(final=True)

    def abandon(self) -> None:
        """End without a last record; in the child of a fork, where the thread is not, there is none to end."""
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join(_MOST_WAITED_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(self._interval_seconds):
            self._write(final=False)

    def _write(self, *, final: bool) -> None:
        if self._failures >= _MOST_FAILURES:
            return
        try:
            self._sink({**self._record(), "final": final})
        except Exception as error:
            self._failures += 1
            if self._failures == _MOST_FAILURES:
                warnings.warn(
                    f"garbology.monitor: the sink failed and is called no more: {error!r}", stacklevel=1
                )
        else:
            self._failures = 0
