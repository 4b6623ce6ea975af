"""Loaded into the workers of `local:N`: Ctrl-C is for the client, which ends them, and a terminal sends it to all."""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Hear SIGINT and do nothing; what is measured gets the signal's default again, as by any handler."""
    signal.signal(signal.SIGINT, lambda number, frame: None)
