"""Why the memory of a recorded process grows: slices of its time are read in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from garbology.growth.slices import SLICE_SECONDS, Slices

_MOST_WAITED_SECONDS = 60.0  # for a census of some millions of objects
_FIRST_TOLD_SECONDS = 8.0  # then when the time has doubled: a process that is killed leaves the latest


class GrowthThread:
    """Reads slices from :meth:`start` to :meth:`finish`.

    Parameters
    ----------
    tell : takes what is known, as plain JSON types, now and then.
    keys : whether that may have keys of dictionaries.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], object], *, keys: bool) -> None:
        self._tell = tell
        self._slices = Slices(keys=keys)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="garbology.growth", daemon=True)

    def start(self) -> None:
        """The first census, here; then begin."""
        self._slices.begin()
        self._thread.start()

    def finish(self, *, with_program: bool) -> dict[str, Any]:
        """End, and what is known then; ``with_program`` says that the program has ended, and grows no more."""
        ended = self._slices.seconds if with_program else None
        self.abandon()
        return self._slices.report(ended).to_dict() if not self._thread.is_alive() else {}

    def abandon(self) -> None:
        """End; in the child of a fork, where the thread is not, there is none to end."""
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join(_MOST_WAITED_SECONDS)

    def _run(self) -> None:
        next_told = _FIRST_TOLD_SECONDS
        while not self._stop.wait(SLICE_SECONDS):
            if self._slices.slice() and self._slices.seconds >= next_told:
                self._tell(self._slices.report().to_dict())
                next_told = 2 * self._slices.seconds
