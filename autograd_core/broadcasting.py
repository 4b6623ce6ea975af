"""The gradient of broadcasting: what was repeated on the way forward is summed on the way back."""

from __future__ import annotations

from autograd_core.arrays import Array, Shape


def sum_to_shape(array: Array, shape: Shape) -> Array:
    """Sum `array` over the axes along which an array of `shape` was broadcast to `array.shape`.

    The result has exactly `shape`; it is `array` itself where nothing was broadcast.
    Raises ValueError if `shape` cannot be broadcast to `array.shape`.
    """
    if array.shape == shape:
        return array
    added = array.ndim - len(shape)
    kept = array.shape[max(added, 0) :]
    if added < 0 or any(size not in (1, whole) for size, whole in zip(shape, kept, strict=True)):
        raise ValueError(f"an array of shape {array.shape} cannot be summed to shape {shape}")
    stretched = [axis + added for axis, size in enumerate(shape) if size == 1]
    summed: Array = array.sum(axis=(*range(added), *stretched), keepdims=True)
    return summed.reshape(shape)
