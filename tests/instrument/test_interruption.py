"""What a signal handler raises reaches the program, wherever the instrument was when the signal came."""

import _thread
import gc
import signal
import sys
import threading
import time

import pytest

import garbology
from garbology.interpreter import collector, putting_back, returns
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
    with pytest.raises(error), garbology.watch():
        timer.start()  # to start a thread takes longer than that now and then
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


def in_a_watch():
    with garbology.watch():
        pass


def in_a_call():
    garbology.find_cycles(list)


def in_a_pause():
    with collector.paused():
        pass


def in_an_assertion():
    with garbology.assert_freed(), garbology.assert_no_cycles():
        pass


SWITCHING = (
    "collector.py",
    "putting_back.py",
    "window.py",
    "assertions.py",
    "exclusive.py",
    "collected.py",
    "listening.py",
    "live_observer.py",
    "returns.py",
)


def what_is_switched():
    tools = [sys.monitoring.get_tool(tool) for tool in range(6)] if sys.version_info >= (3, 12) else []
    return len(putting_back._switched), len(gc.callbacks), tools


def interrupted(work, number):
    """Raise at the so manieth moment of code that switches something at which a signal's handler may run.

    It does so where a function begins and where one in C has returned. The answer is which moment that was, if any.
    """
    moments = []

    def profile(frame, event, function):
        file = frame.f_code.co_filename
        if event in ("call", "c_return") and "garbology" in file and file.endswith(SWITCHING):
            moments.append((frame.f_code.co_name, frame.f_lineno, event))
            if len(moments) == number:
                raise Late

    sys.setprofile(profile)
    try:
        work()
    except Late:
        pass
    finally:
        sys.setprofile(None)
    return moments[number - 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("work", [in_a_watch, in_a_call, in_a_pause, in_an_assertion])
def test_wherever_it_comes_all_is_put_back(work, monkeypatch):
    """The collector is on afterwards, and nothing that the instrument switched is left so."""
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)  # it may come in a finalizer
    gc.collect()
    gc.enable()
    work()
    before = what_is_switched()
    left, number = [], 0
    while not left and (moment := interrupted(work, number := number + 1)):
        if not gc.isenabled() or what_is_switched() != before:
            left += moment
    gc.enable()
    assert left == []
    assert number > 10
