"""Who takes a sample, and what stands for it where workers die, hang or refuse; no Dask, made-up workers."""

import json
import threading
import time

import pytest

from garbology.cluster.dispatch import Dispatch, GoneError, Patience, Seen
from garbology.measuring.interpreters import LostError
from garbology.measuring.processes import Stopped

QUICK = Patience(grace_seconds=0.2, workers_seconds=0.3)


class MadeUp:
    """A transport whose workers answer as they are told to, by address: a dict, or an exception, or silence."""

    def __init__(self, *addresses):
        self.present = {address: Seen(address, "host", 1.0, {"measure": 1}) for address in addresses}
        self.answers = {address: {"status": "ok"} for address in addresses}
        self.asked = []
        self.dropped = []
        self.is_lost = False

    def workers(self):
        if self.is_lost:
            raise LostError("the scheduler is gone")
        return list(self.present.values())

    def submit(self, function, text, address, key):
        self.asked.append(address)
        return MadeUpTicket(self, self.answers[address])

    def tell(self, function, text, addresses):
        self.told = list(addresses)


class MadeUpTicket:
    def __init__(self, transport, answer):
        self.done, self.started = threading.Event(), time.monotonic()
        self._transport, self._answer = transport, answer
        if answer is not None:
            self.done.set()

    def answer(self):
        if isinstance(self._answer, Exception):
            raise self._answer
        return json.dumps(self._answer)

    def drop(self):
        self._transport.dropped.append(self)


def made(*addresses):
    transport = MadeUp(*addresses)
    dispatch = Dispatch(transport, QUICK)
    assert [each.address for each in dispatch.look()] == list(addresses)
    for address in addresses:
        dispatch.join("group", address)
    return transport, dispatch


def take(dispatch, limit_seconds=0.1):
    return dispatch.take("group", len, lambda address: {"sweep": "s"}, limit_seconds)


def test_a_sample_of_a_worker_that_failed_goes_to_another():
    """What the other says is the answer, and every task is forgotten."""
    transport, dispatch = made("a", "b")
    transport.answers["a"] = GoneError("its worker died")
    assert take(dispatch) == {"status": "ok"}
    assert transport.asked == ["a", "b"]
    assert len(transport.dropped) == 2


def test_after_two_moves_a_sample_stands_as_failed_with_the_reason():
    """Three workers that it brings down are enough."""
    transport, dispatch = made("a", "b", "c", "d")
    transport.answers.update(dict.fromkeys("abcd", GoneError("its worker died")))
    assert take(dispatch) == {"status": "failed", "message": "given up after 3 attempts: its worker died"}
    assert len(set(transport.asked)) == len(transport.asked) == 3


def test_a_worker_with_another_version_of_the_code_does_not_answer_for_a_sample():
    """Its sentence is the reason; a worker with the sweep's own code is asked instead."""
    transport, dispatch = made("a", "b")
    transport.answers["a"] = {"refused": "the worker has 12ab, the sweep measures 34cd"}
    assert take(dispatch) == {"status": "ok"}
    assert transport.asked == ["a", "b"]


def test_a_worker_that_hangs_is_given_nothing_until_it_shows_life():
    """It hangs once it took longer than the case's limit and some grace."""
    transport, dispatch = made("a", "b")
    transport.answers["a"] = None
    assert take(dispatch) == {"status": "ok"}
    assert transport.asked == ["a", "b"]
    assert dispatch.worker_count == 1
    transport.present["a"] = Seen("a", "host", 2.0)
    dispatch.look()
    assert dispatch.worker_count == 2


def test_what_waited_on_a_worker_that_died_was_no_attempt():
    """A sample that had not begun cannot have been at fault."""
    transport, dispatch = made("a", "b", "c", "d", "e")
    for address in "abcd":
        transport.answers[address] = GoneError("its worker died or left", counts=False)
    assert take(dispatch) == {"status": "ok"}
    assert transport.asked == list("abcde")


def test_places_are_as_many_as_workers():
    """One sample on each; what was given back can be had again."""
    _, dispatch = made("a", "b")
    assert [dispatch.admit("group") for _ in range(3)] == [True, True, False]
    dispatch.dismiss("group")
    assert dispatch.admit("group")
    assert take(dispatch) == {"status": "ok"}
    assert dispatch.admit("group")


def test_where_samples_are_short_another_one_waits_on_each_worker():
    """So that no worker is idle while its answer travels."""
    _, dispatch = made("a")
    take(dispatch)
    assert [dispatch.admit("group") for _ in range(3)] == [True, True, False]


@pytest.mark.slow
def test_without_any_worker_a_run_is_lost():
    """After a while in which a new one may come."""
    transport, dispatch = made("a")
    transport.present.clear()
    dispatch.look()
    assert dispatch.admit("group")
    with pytest.raises(LostError, match="no worker is left"):
        take(dispatch)


def test_a_worker_that_comes_in_time_takes_the_sample():
    """Say, one that its nanny started again."""
    transport, dispatch = made("a")
    transport.present = {"b": Seen("b", "host", 1.0)}
    transport.answers["b"] = {"status": "ok"}
    dispatch.look()
    threading.Timer(0.1, dispatch.join, ["group", "b"]).start()
    assert take(dispatch) == {"status": "ok"}


@pytest.mark.slow
@pytest.mark.parametrize("how", [Stopped, LostError])
def test_an_end_reaches_every_sample(how):
    """Whoever waits for a worker's answer is told so, and whoever asks afterwards."""
    transport, dispatch = made("a")
    transport.answers["a"] = None

    def end():
        if how is Stopped:
            assert dispatch.stop()
            assert not dispatch.stop()
        else:
            transport.is_lost = True
            with pytest.raises(LostError):
                dispatch.look()

    threading.Timer(0.1, end).start()
    for _ in range(2):
        with pytest.raises(how):
            take(dispatch, 60)


def test_workers_that_share_a_machine_are_counted():
    """Their times disturb each other: the record says how many measured at once."""
    transport, dispatch = made("a", "b", "c")
    transport.present["c"] = Seen("c", "another host", 1.0)
    dispatch.look()
    assert dispatch.neighbours("group") == 2
