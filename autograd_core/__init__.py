"""A small define-by-run automatic differentiation engine on NumPy.

Its graph is cyclic or not at the turn of one switch, `output_references`, which makes it a specimen for
measuring what reference counting frees and what waits for the cyclic collector. Gradients can be
differentiated again (`grad`, `backward(create_graph=True)`), and a function can be run without making a graph
each time (`Plan`).
"""

from autograd_core.arrays import as_array
from autograd_core.config import Config, no_grad, output_references, retain_grad, using_config
from autograd_core.core import Function, Variable, as_variable
from autograd_core.drawing import save, to_dot, to_svg
from autograd_core.gradcheck import gradcheck
from autograd_core.higher_order import grad
from autograd_core.operators import setup_variable
from autograd_core.ops.arithmetic import add, div, mul, neg, pow, square, sub
from autograd_core.ops.elementwise import cos, exp, log, maximum, relu, sin, tanh
from autograd_core.ops.matmul import matmul
from autograd_core.ops.reductions import mean, sum
from autograd_core.ops.shapes import broadcast_to, getitem, reshape, sum_to, transpose
from autograd_core.plan import Plan
from autograd_core.testfunctions import goldstein_price, matyas, sphere

setup_variable()

__all__ = [
    "Config",
    "Function",
    "Plan",
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
    "grad",
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
