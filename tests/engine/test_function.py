"""User-written Functions: inputs, outputs, what they may return and which mistakes are named."""

import weakref

import numpy as np
import pytest

from autograd_core import Function, Variable, no_grad, output_references, square

MODES = ["strong", "weak", "none"]


class DivMod(Function):
    """Two outputs: the sum and the product."""

    def forward(self, x0, x1):
        return x0 + x1, x0 * x1

    def backward(self, gsum, gproduct):
        x0, x1 = self.inputs
        return gsum + gproduct * x1.data, gsum + gproduct * x0.data


class Scale(Function):
    def __init__(self, factor):
        self.factor = factor

    def forward(self, x):
        return x * self.factor

    def backward(self, gy):
        return gy * self.factor


def leaf(value):
    return Variable(np.array(value, dtype=float))


@pytest.mark.parametrize("mode", MODES)
def test_several_outputs(mode):
    """Gradients of several outputs reach backward in their order, in every mode."""
    x0, x1 = leaf(3), leaf(5)
    with output_references(mode):
        total, product = DivMod()(x0, x1)
        (total * 2.0 + product * 10.0).backward()
    assert (x0.grad, x1.grad) == (52, 32)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kept", [0, 1])
def test_a_dropped_output_counts_as_no_gradient(mode, kept):
    """Where an output is gone, or not used, backward gets zeros for it, and the rest is right."""
    x0, x1 = Variable(np.array([3.0, 1.0])), Variable(np.array([5.0, 2.0]))
    with output_references(mode):
        square(DivMod()(x0, x1)[kept]).backward()
    expected = 2 * (x0.data + x1.data), 2 * x0.data * x1.data**2
    assert x0.grad.tolist() == expected[kept].tolist()


@pytest.mark.parametrize("mode", MODES)
def test_an_output_used_several_times(mode):
    """All uses of each of several outputs add up before the Function's backward runs, once."""
    calls = []

    class Counted(DivMod):
        def backward(self, *gradients):
            calls.append([float(g) for g in gradients])
            return super().backward(*gradients)

    x0, x1 = leaf(3), leaf(5)
    with output_references(mode):
        total, product = Counted()(x0, x1)
        y = total * product + product + total
        y.backward(retain_grad=True)
    assert calls == [[16, 9]]
    assert (total.grad, product.grad) == (16, 9)
    assert (x0.grad, x1.grad) == (16 + 45, 16 + 27)


@pytest.mark.no_cycles(ignore="autograd_core")  # cyclic on purpose
def test_outputs_as_the_mode_says():
    """`outputs` holds the Variables, weak references to them, or nothing."""
    x = leaf(2)
    with output_references("strong"):
        y = square(x)
    assert y.creator.outputs == (y,)
    z = square(x)
    (reference,) = z.creator.outputs
    assert isinstance(reference, weakref.ref)
    assert reference() is z
    with output_references("none"):
        assert square(x).creator.outputs == ()
    pair = DivMod()(x, x)
    assert tuple(r() for r in pair[0].creator.outputs) == pair
    with output_references("none"):
        assert DivMod()(x, x)[0].creator.outputs == ()


def test_attributes_and_slots_of_subclasses():
    """A subclass may keep attributes, or declare slots, without calling super().__init__."""

    class Slotted(Scale):
        __slots__ = ("extra",)

    f = Slotted(3.0)
    f.extra = 1
    x = leaf(2)
    y = f(x)
    y.backward()
    assert (y.data, x.grad, y.creator is f) == (6, 3, True)


def test_names_of_attributes_are_free():
    """What the engine calls `rules`, a user-written Function may call something else."""

    class Ruled(Scale):
        rules = ("double",)
        linear = True

    x = leaf(2)
    Ruled(2.0)(x).backward()
    assert x.grad == 2


def test_a_function_called_again_works_as_a_copy():
    """The first result keeps its own inputs, and both gradients are right."""

    class Squared(Scale):
        __slots__ = ("power",)

        def __init__(self):
            super().__init__(1.0)
            self.power = 2

        def forward(self, x):
            return self.factor * x**self.power

        def backward(self, gy):
            return self.power * self.inputs[0].data * gy

    f = Squared()
    x0, x1 = leaf(3), leaf(5)
    y0, y1 = f(x0), f(x1)
    y0.backward()
    y1.backward()
    assert (x0.grad, x1.grad) == (6, 10)
    assert y0.creator is f
    assert y1.creator is not f


@pytest.mark.parametrize("value", [2, 2.5, np.float32(2), np.array(3.0), (4.0,), [5.0]])
def test_forward_may_return_numbers(value):
    """Whatever number forward returns, the output's data is an ndarray."""

    class Constant(Function):
        def forward(self, x):
            return value

        def backward(self, gy):
            return None

    x = leaf(1)
    y = Constant()(x)
    assert isinstance(y.data, np.ndarray)
    y.backward()
    assert x.grad is None


def test_no_gradient_is_none():
    """An input whose gradient is None gets none; the other input gets its own."""

    class First(Function):
        def forward(self, x0, x1):
            return x0 * 1.0

        def backward(self, gy):
            return gy, None

    x0, x1 = leaf(1), leaf(2)
    below = square(x1)
    First()(x0, below).backward()
    assert (x0.grad, x1.grad, below.grad) == (1, None, None)


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        ((np.zeros(3),), ValueError, r"Wrong.backward returned 1 gradient\(s\) for 2 input\(s\)"),
        (
            (np.zeros(2), np.zeros(3)),
            ValueError,
            r"Wrong.backward .* shape \(2,\) for an input of shape \(3,\)",
        ),
        ((1.0, np.zeros(3)), ValueError, r"Wrong.backward .* shape \(\) for an input of shape \(3,\)"),
        (("1", np.zeros(3)), TypeError, "Wrong.backward: .*str"),
    ],
)
def test_wrong_gradients_are_named(returned, error, message):
    """A wrong number, shape or type of gradients is an error that names the Function."""

    class Wrong(Function):
        def forward(self, x0, x1):
            return x0 + x1

        def backward(self, gy):
            return returned

    x = Variable(np.ones(3))
    with pytest.raises(error, match=message):
        Wrong()(x, x).backward()
    assert x.grad is None


def test_wrong_outputs_are_named():
    """What forward may not return is an error that names the Function."""

    class Texts(Function):
        def forward(self, x):
            return "text"

    class Nothing(Function):
        def forward(self, x):
            return ()

    with pytest.raises(TypeError, match=r"Texts.forward: .*str"):
        Texts()(leaf(1))
    with pytest.raises(ValueError, match=r"Nothing.forward returned no output"):
        Nothing()(leaf(1))


def test_missing_methods_are_named():
    """A Function without forward or backward says so."""

    class Half(Function):
        def forward(self, x):
            return x / 2

    with pytest.raises(NotImplementedError, match="Function has no forward"):
        Function()(leaf(1))
    with pytest.raises(NotImplementedError, match="Half has no backward"):
        Half()(leaf(1)).backward()


def test_no_grad_records_nothing():
    """Inside no_grad a result has no creator, and its Function no inputs and no outputs."""
    f = Scale(2.0)
    with no_grad():
        y = f(leaf(1))
        pair = DivMod()(leaf(1), leaf(2))
    assert (y.creator, y.generation, f.outputs, hasattr(f, "inputs")) == (None, 0, (), False)
    assert pair[1].creator is None
