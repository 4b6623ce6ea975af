"""Matrix products: matmul."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.ops.rules import operation


def _through_the_first(g: Any, x: Any, y: Any) -> Any:
    """A vector counts as a matrix of one row or column: the gradient of x is g @ y.T, its own axis left out."""
    columns = y[:, np.newaxis] if y.ndim == 1 else y
    product = _as_matrices(g, x, y) @ _turned(columns)
    return product[..., 0, :] if x.ndim == 1 else product


def _through_the_second(g: Any, x: Any, y: Any) -> Any:
    """And that of y is x.T @ g."""
    rows = x[np.newaxis, :] if x.ndim == 1 else x
    product = _turned(rows) @ _as_matrices(g, x, y)
    return product[..., 0] if y.ndim == 1 else product


def _as_matrices(g: Any, x: Any, y: Any) -> Any:
    """The output's gradient with the axes of length 1 that a product with vectors has left out."""
    g = g[..., np.newaxis] if y.ndim == 1 else g
    return g[..., np.newaxis, :] if x.ndim == 1 else g


def _turned(matrices: Any) -> Any:
    """Each matrix of a stack transposed."""
    axes = range(matrices.ndim)
    return matrices.transpose(*axes[:-2], axes[-1], axes[-2])


MatMul, matmul = operation(
    "matmul",
    np.matmul,
    _through_the_first,
    _through_the_second,
    doc="Matrix product x0 @ x1 with NumPy's rules for vectors and stacks of matrices that broadcast.",
    kind="MatMul",
)
