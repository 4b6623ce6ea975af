"""The allocators' figures, moment after moment: what is handed out, what is kept, what `malloc` handed out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from garbology.interpreter.allocators import Reserves, read_allocated

_MOST_READINGS = 1_024  # then every other one is dropped
_READINGS_TO_SETTLE = 100
_COLUMNS = 5  # moment, used, kept, c_used, traced


class Readings:
    """A row for each moment that was read, in memory of a bounded size: a program may take millions of steps."""

    __slots__ = ("_after", "_before", "_read", "_reserves", "_rows", "_stride", "_taken_off")

    def __init__(self) -> None:
        self._rows = np.zeros((_MOST_READINGS, _COLUMNS))
        self._taken_off, self._before, self._after = np.zeros((3, _COLUMNS))
        self._reserves = Reserves()
        self._stride = 1
        self._read = 0  # moments, those that were dropped included

    @property
    def rows(self) -> NDArray[np.float64]:
        """Moment, bytes in use, bytes kept by allocators, bytes in use of `malloc`; NaN where they cannot be read.

        Last the bytes that tracemalloc traces; NaN where it does not run.
        """
        return self._rows[: -(-self._read // self._stride)]

    def settle(self) -> None:
        """Read without keeping: what a reading makes fills CPython's free lists at first, as would be seen."""
        for _ in range(_READINGS_TO_SETTLE):
            self._figures(0.0, self._before)

    def read(self, moment: float) -> None:
        """One row more."""
        if self._read // self._stride >= _MOST_READINGS:
            self._thin_out()
        if self._read % self._stride == 0:
            row = self._rows[self._read // self._stride]
            self._figures(moment, row)
            row -= self._taken_off
        self._read += 1

    def reserved(self) -> Reserves:
        """Has own work leave the lists of freed blocks as they were."""
        return self._reserves

    def apart(self) -> Apart:
        """A block of own work: what it leaves in use is taken off, and the lists of freed blocks are as before."""
        return Apart(self)

    def kept(self) -> list[object]:
        """What is the instrument's own of it."""
        return [self, *self._reserves.kept()]

    def _figures(self, moment: float, row: NDArray[np.float64]) -> None:
        """Write the figures of now into ``row``: what is made to read them is not to be there when they are read."""
        told = read_allocated()
        row[0] = moment
        row[1:] = np.nan
        if told:
            row[1:4] = told.used, told.kept, told.c_used
            row[4] = np.nan if told.traced is None else told.traced

    def _thin_out(self) -> None:
        kept = self._rows[::2].copy()
        self._rows[: len(kept)] = kept
        self._stride *= 2


class Apart:
    """See :meth:`Readings.apart`."""

    __slots__ = ("_readings",)

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def __enter__(self) -> None:
        self._readings._figures(0.0, self._readings._before)
        self._readings._reserves.__enter__()

    def __exit__(self, *error: object) -> None:
        readings = self._readings
        readings._reserves.__exit__()
        readings._figures(0.0, readings._after)
        readings._taken_off += readings._after
        readings._taken_off -= readings._before
