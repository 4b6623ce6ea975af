"""What a signal handler raises reaches the program, wherever the instrument was when the signal came."""

import _thread
import signal
import sys
import threading
import time

import pytest

import garbology
from garbology.interpreter import returns
from garbology.interpreter.interruption import signal_of

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs signals")


class Late(Exception):
    """A timeout."""


def handler(number, frame):
    raise Late


@pytest.fixture(params=[(signal.SIGALRM, handler), (signal.SIGINT, signal.default_int_handler)])
def raising(request):
    """A signal, and what its handler raises."""
    number, function = request.param
    before = signal.signal(number, function)
    yield number, Late if function is handler else KeyboardInterrupt
    signal.signal(number, before)


def busy():
    while True:
        (lambda: [0])()


def blocked():
    threading.Event().wait(0.3)
    time.sleep(0.3)


def asleep():
    time.sleep(0.3)
    time.sleep(0.3)


@pytest.mark.parametrize("work", [busy, blocked, asleep])
@pytest.mark.parametrize("again", range(3))
def test_what_a_handler_raises_is_neither_lost_nor_another(raising, work, again, capfd):
    """Also where it comes in the middle of a profile function, or of a look at what returns."""
    number, error = raising
    timer = threading.Timer(0.1, _thread.interrupt_main, (number,))
    timer.start()
    with pytest.raises(error), garbology.watch():
        work()
    timer.join()
    assert capfd.readouterr().err == ""
    assert sys.getprofile() is None


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there is no profile function")
def test_the_profile_function_passes_on_what_it_cannot_raise(raising, monkeypatch, capfd):
    """What is raised in it comes again in the program."""
    number, error = raising

    def interrupted(self, frame, event, result):
        signal.raise_signal(number)

    monkeypatch.setattr(returns.Returns, "profiled", interrupted)
    with pytest.raises(error), garbology.watch():
        busy()
    assert capfd.readouterr().err == ""


def test_an_error_of_ours_is_no_signal():
    """Only what a registered handler raised counts."""
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError
    assert signal_of(caught.value) is None
