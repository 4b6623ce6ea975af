"""References that the collector does not see: NumPy's object arrays, views, and metadata of dtypes.

An exact ndarray has no `tp_traverse`: whatever leads through one is never found by the collector, and a
cycle through it is never freed (numpy issue 6581).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from garbology.graph.naming.classes import mro_of
from garbology.graph.naming.text import key_text

_get_base = np.ndarray.__dict__["base"].__get__
_get_dtype = np.ndarray.__dict__["dtype"].__get__
_get_flags = np.ndarray.__dict__["flags"].__get__
_get_metadata = np.dtype.__dict__["metadata"].__get__


def hidden_referents(obj: object) -> list[tuple[str, object]]:
    """Return the references of an array or dtype that `gc.get_referents` leaves out, each with its label.

    An array that owns its memory holds its elements ('[i]', '[i, j]', "['field'][i]"); a view holds what it
    views ('.base') and no element. An array holds its dtype where that has metadata, which may hold
    anything.
    """
    kinds = mro_of(type(obj))
    if any(kind is np.ndarray for kind in kinds):
        return list(_array_referents(obj))
    if any(kind is np.dtype for kind in kinds) and _get_metadata(obj) is not None:
        return [(f".metadata[{key_text(key) or '?'}]", value) for key, value in _get_metadata(obj).items()]
    return []


def _array_referents(array: Any) -> Iterator[tuple[str, object]]:
    dtype = _get_dtype(array)
    if _get_metadata(dtype) is not None:
        yield ".dtype", dtype
    base = _get_base(array)
    if base is not None:
        yield ".base", base
    elif dtype.hasobject and _get_flags(array).owndata:
        yield from _elements(np.ndarray.view(array, np.ndarray), "")


def _elements(array: Any, prefix: str) -> Iterator[tuple[str, object]]:
    """Elements of an array of objects, or of the object fields of a structured one."""
    if array.dtype.names is not None:
        for name in array.dtype.names:
            if array.dtype.fields[name][0].hasobject:
                yield from _elements(array[name], f"{prefix}[{name!r}]")
        return
    indexes = product(*map(range, array.shape))
    for index, value in zip(indexes, array.reshape(-1).tolist(), strict=True):
        yield f"{prefix}[{', '.join(map(str, index))}]", value
