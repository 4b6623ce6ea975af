"""Numbers and arrays on their way into and out of the graph: `as_array`, `sum_to_shape`."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Number: TypeAlias = "bool | int | float | complex | np.generic"
Shape: TypeAlias = tuple[int, ...]


def as_array(obj: Array | Number) -> Array:
    """Return `obj` itself if it is an ndarray, a 0-d ndarray if it is a number.

    Raises TypeError for anything else: a list or a string is more often a mistake than data.
    """
    if isinstance(obj, np.ndarray):
        return obj
    if isinstance(obj, (bool, int, float, complex, np.generic)):
        return np.asarray(obj)
    raise TypeError(f"{type(obj)} is not supported; give an ndarray or a number")
