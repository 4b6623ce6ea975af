"""A small define-by-run automatic differentiation engine on NumPy.

Its graph is cyclic or not at the turn of one switch, `output_references`, which makes it a specimen for
measuring what reference counting frees and what waits for the cyclic collector.
"""

from autograd_core.arrays import as_array
from autograd_core.config import Config, no_grad, output_references, retain_grad, using_config
from autograd_core.drawing import save, to_dot, to_svg
from autograd_core.function import Function
from autograd_core.gradcheck import gradcheck
from autograd_core.operations import (
    add,
    broadcast_to,
    cos,
    div,
    exp,
    getitem,
    log,
    matmul,
    maximum,
    mean,
    mul,
    neg,
    pow,
    relu,
    reshape,
    setup_variable,
    sin,
    square,
    sub,
    sum,
    sum_to,
    tanh,
    transpose,
)
from autograd_core.testfunctions import goldstein_price, matyas, sphere
from autograd_core.variable import Variable, as_variable

setup_variable()

__all__ = [
    "Config",
    "Function",
    "Variable",
    "add",
    "as_array",
    "as_variable",
    "broadcast_to",
    "cos",
    "div",
    "exp",
    "getitem",
    "goldstein_price",
    "gradcheck",
    "log",
    "matmul",
    "matyas",
    "maximum",
    "mean",
    "mul",
    "neg",
    "no_grad",
    "output_references",
    "pow",
    "relu",
    "reshape",
    "retain_grad",
    "save",
    "setup_variable",
    "sin",
    "sphere",
    "square",
    "sub",
    "sum",
    "sum_to",
    "tanh",
    "to_dot",
    "to_svg",
    "transpose",
    "using_config",
]
