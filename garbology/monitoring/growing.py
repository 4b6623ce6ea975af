"""Why the memory of a recorded process grows: slices of its time are read in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from garbology.growth.slices import Slices, fill_lists_of_freed
from garbology.interpreter import collector

_POLL_SECONDS = 0.25
_MOST_WAITED_SECONDS = 60.0  # for a census of some millions of objects
_FIRST_TOLD_SECONDS = 8.0  # then when the time has doubled: a process that is killed leaves the latest


_REFUSED = "on this collector it is not known what waits, and so not what stays"


class GrowthThread:
    """Reads slices from :meth:`start` to :meth:`finish`. What goes wrong is told; the program knows nothing of it.

    Parameters
    ----------
    tell : takes what is known now and then, as plain JSON types: a report, or ``failed``, which says why there is none.
    keys : whether that may have keys of dictionaries.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], object], *, keys: bool) -> None:
        self._tell = tell
        self._slices = Slices(keys=keys)
        self._failed = "" if collector.kind() == "generational" else _REFUSED
        self._begun, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="garbology.growth", daemon=True)

    def start(self) -> None:
        """Begin, and come back after the first census; the thread that calls is one of the program's."""
        if not self._failed:
            fill_lists_of_freed()
            self._thread.start()
            self._begun.wait(_MOST_WAITED_SECONDS)

    def finish(self, *, with_program: bool) -> None:
        """End, and tell what is known then; ``with_program`` says that the program has ended, and grows no more."""
        ended = self._slices.seconds if with_program else None
        self.abandon()
        if not self._thread.is_alive():
            self._guarded(lambda: self._tell(self._slices.report(ended).to_dict()))
            if self._failed:
                self._tell({"failed": self._failed})

    def abandon(self) -> None:
        """End; in the child of a fork, where the thread is not, there is none to end."""
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join(_MOST_WAITED_SECONDS)

    def _run(self) -> None:
        try:
            self._guarded(self._slices.begin)
        finally:
            self._begun.set()
        next_told = _FIRST_TOLD_SECONDS
        while not self._failed and not self._stop.wait(_POLL_SECONDS):
            self._guarded(self._slices.look_when_due)
            if self._slices.seconds >= next_told:
                self._guarded(lambda: self._tell(self._slices.report().to_dict()))
                next_told = 2 * self._slices.seconds

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            if not self._failed:
                work()
        except Exception as error:
            self._failed = f"{type(error).__name__}: {error}"
