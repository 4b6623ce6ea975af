"""The switches: read, set, restored, and separate for each thread and task."""

import asyncio
import threading

import numpy as np
import pytest

from autograd_core import Config, Variable, no_grad, output_references, retain_grad, square, using_config


def settings():
    return Config.enable_backprop, Config.retain_grad, Config.output_references


def test_defaults():
    """A graph is recorded with weak outputs, and intermediate gradients are dropped."""
    assert settings() == (True, False, "weak")


def test_blocks_nest_and_restore():
    """Each block changes one setting and puts it back, the inner one first."""
    with using_config("enable_backprop", False), retain_grad(), output_references("none"):
        assert settings() == (False, True, "none")
        with output_references("strong"), using_config("enable_backprop", True):
            assert settings() == (True, True, "strong")
        assert settings() == (False, True, "none")
    assert settings() == (True, False, "weak")


@pytest.mark.parametrize("block", [no_grad, retain_grad, lambda: output_references("strong")])
def test_an_exception_restores(block):
    """A block that ends with an exception restores the setting as well."""
    with pytest.raises(ZeroDivisionError), block():
        1 / (settings() == (True, False, "weak"))  # False, in the block, is 0
    assert settings() == (True, False, "weak")


def test_assignment_is_checked_and_works():
    """`Config.name = value` sets the current thread's setting."""
    with using_config("enable_backprop", True):
        Config.enable_backprop = False
        assert square(Variable(np.array(2.0))).creator is None
    assert square(Variable(np.array(2.0))).creator is not None


@pytest.mark.parametrize("wrong", [lambda: using_config("enable_backprob", False), lambda: Config.outputs])
def test_an_unknown_name_lists_the_known_ones(wrong):
    """The error names the settings that there are and the name that was given."""
    with pytest.raises(ValueError, match=r"'enable_backprop', 'retain_grad', 'output_references', got '"):
        wrong()
    with pytest.raises(AttributeError):
        wrong()


def test_assigning_an_unknown_name_is_an_error():
    """A misspelt setting is not silently created."""
    with pytest.raises(AttributeError, match="got 'enable_backprob'"):
        Config.enable_backprob = False


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("output_references", "soft", "output references are 'strong', 'weak' or 'none', got 'soft'"),
        ("output_references", None, "output references are 'strong', 'weak' or 'none', got None"),
        ("enable_backprop", 1, "enable_backprop is True or False, got 1"),
        ("retain_grad", "yes", "retain_grad is True or False, got 'yes'"),
    ],
)
def test_an_unknown_value_is_an_error(name, value, message):
    """The error names the setting, its values and what was given, and changes nothing."""
    with pytest.raises(ValueError, match=message):
        using_config(name, value)
    with pytest.raises(ValueError, match=message):
        setattr(Config, name, value)
    assert settings() == (True, False, "weak")


def test_threads_do_not_see_each_other():
    """A setting changed in one thread stays as it was in another."""
    inside, seen = threading.Event(), []
    done = threading.Event()

    def other():
        with no_grad():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    seen.append(Config.enable_backprop)
    done.set()
    thread.join()
    assert seen == [True]


def test_tasks_do_not_see_each_other():
    """A setting changed in one asyncio task stays as it was in another."""

    async def changer():
        with output_references("strong"):
            await asyncio.sleep(0.01)
            return Config.output_references

    async def reader():
        await asyncio.sleep(0)
        return Config.output_references

    async def both():
        return await asyncio.gather(changer(), reader())

    assert asyncio.run(both()) == ["strong", "weak"]


def test_no_grad_as_a_decorator():
    """The blocks decorate functions too."""
    assert no_grad()(lambda: Config.enable_backprop)() is False
    assert Config.enable_backprop
