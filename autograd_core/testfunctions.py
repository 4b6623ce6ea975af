"""Functions of two variables with known minima, to test optimizers and engines on.

Source: S. Surjanovic and D. Bingham, Virtual Library of Simulation Experiments.
"""

from __future__ import annotations

from autograd_core.core import Operand, Variable, as_variable


def sphere(x: Operand, y: Operand) -> Variable:
    """x² + y²; at (1, 1) the gradient is (2, 2). Least at (0, 0): 0."""
    x, y = as_variable(x), as_variable(y)
    return x**2 + y**2


def matyas(x: Operand, y: Operand) -> Variable:
    """0.26 (x² + y²) - 0.48 x y; at (1, 1) the gradient is (0.04, 0.04). Least at (0, 0): 0."""
    x, y = as_variable(x), as_variable(y)
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


def goldstein_price(x: Operand, y: Operand) -> Variable:
    """The Goldstein-Price function; at (1, 1) the gradient is (-5376, 8064). Least at (0, -1): 3."""
    x, y = as_variable(x), as_variable(y)
    first = 1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)
    second = 30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    return first * second
