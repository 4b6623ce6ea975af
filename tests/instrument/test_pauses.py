"""The pause recorder: it sees every collection, disturbs none, and is gone afterwards."""

import gc
import sys
import threading
import time
import timeit

import pytest

from garbology.interpreter import collector
from garbology.recorders import record_pauses


class Node:
    pass


def make_cycles(count):
    for _ in range(count):
        node, other = Node(), Node()
        node.other, other.other = other, node


def collect_and_fail():
    gc.collect(0)
    raise KeyError("own")


def runs():
    return sum(generation["collections"] for generation in gc.get_stats())


def test_a_collection_is_recorded_with_what_it_freed():
    """A full collection asked for appears with its generation, its pause and the objects it freed."""
    with collector.paused():
        gc.collect()
        with record_pauses() as pauses:
            make_cycles(10)
            began = time.perf_counter()
            freed = gc.collect()
            took = time.perf_counter() - began
    (collection,) = pauses.collections
    assert collection.generation == 2
    assert collection.collected == freed == pauses.collected >= 20
    assert collection.uncollectable == 0
    assert 0 < collection.duration_seconds <= took
    assert 0 <= collection.start_seconds <= began - pauses.began_at + took
    assert pauses.total_seconds == pauses.longest_seconds == collection.duration_seconds


def test_the_record_fills_as_it_goes():
    """A collection is in the record as soon as it is over, before the block ends."""
    with collector.paused(), record_pauses() as pauses:
        assert pauses.collections == []
        gc.collect(0)
        assert pauses.by_generation == {0: 1}
        gc.collect(1)
        gc.collect(0)
        assert [collection.generation for collection in pauses] == [0, 1, 0]
        assert pauses.by_generation == {0: 2, 1: 1}
    assert pauses.missed == 0


def test_nothing_collected_is_an_empty_record():
    """A block without a collection has no pauses, and its totals are zero."""
    with collector.paused(), record_pauses() as pauses:
        pass
    assert len(pauses) == 0
    assert (pauses.total_seconds, pauses.longest_seconds, pauses.by_generation) == (0, 0.0, {})


def test_what_only_new_interpreters_tell():
    """CPython 3.15 adds its own duration and the candidates; before that both are None."""
    with collector.paused(), record_pauses() as pauses:
        make_cycles(1000)
        gc.collect()
    (collection,) = pauses
    if sys.version_info >= (3, 15):
        assert collection.candidates >= 2000
        assert 0 < collection.interpreter_seconds <= collection.duration_seconds
    else:
        assert collection.candidates is None
        assert collection.interpreter_seconds is None


def test_recording_does_not_change_when_the_collector_runs():
    """The same work triggers exactly as many collections with the recorder as without."""

    def collections_of_the_work():
        with collector.paused(), collector.threshold(700):
            gc.collect()
            before = gc.get_stats()
            gc.enable()
            make_cycles(20_000)
            gc.disable()
            return [
                now["collections"] - then["collections"]
                for now, then in zip(gc.get_stats(), before, strict=True)
            ]

    collections_of_the_work()
    without = collections_of_the_work()
    with record_pauses() as pauses:
        recorded = collections_of_the_work()
    assert sum(without) > 10
    assert recorded == without
    assert len(pauses) == sum(without) + 1


def test_recording_costs_microseconds():
    """A recorded empty collection costs at most 20 microseconds more, generous for a loaded machine."""
    with collector.paused():
        gc.collect()
        bare = min(timeit.repeat(lambda: gc.collect(0), number=200, repeat=5)) / 200
        with record_pauses() as pauses:
            recorded = min(timeit.repeat(lambda: gc.collect(0), number=200, repeat=5)) / 200
    assert len(pauses) == 1000
    assert recorded - bare < 20e-6


def test_the_callback_goes_with_the_block_also_after_an_exception():
    """gc.callbacks is afterwards what it was before, and the exception is the block's own."""
    before = list(gc.callbacks)
    with pytest.raises(KeyError, match="own"), record_pauses() as pauses:
        collect_and_fail()
    assert gc.callbacks == before
    assert len(pauses) == 1
    gc.collect(0)
    assert len(pauses) == 1


def test_nested_blocks_each_record_their_own_time():
    """An inner block records what runs inside it, an outer one everything."""
    with collector.paused(), record_pauses() as outer:
        gc.collect(0)
        with record_pauses() as inner:
            gc.collect(1)
        gc.collect(2)
    assert outer.by_generation == {0: 1, 1: 1, 2: 1}
    assert inner.by_generation == {1: 1}


def test_collections_in_other_threads_are_seen():
    """Blocks overlapping in threads record without error, and everything is deregistered at the end."""
    before = list(gc.callbacks)

    def work():
        for _ in range(20):
            with record_pauses() as pauses:
                gc.collect(0)
                lengths.append(len(pauses))

    lengths = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    with record_pauses() as whole:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert gc.callbacks == before
    assert len(lengths) == 80
    assert 1 <= len(whole) <= sum(lengths) + runs()
    assert whole.missed == 0


def test_others_may_clear_the_callbacks():
    """Code that empties gc.callbacks makes collections go unseen, which the record says; nothing raises."""
    before = list(gc.callbacks)
    try:
        with collector.paused(), record_pauses() as pauses:
            gc.collect(0)
            gc.callbacks.clear()
            gc.collect(0)
            gc.collect(0)
    finally:
        gc.callbacks[:] = before
    assert len(pauses) == 1
    assert pauses.missed == 2


def test_others_may_rebind_the_callbacks(monkeypatch):
    """Rebinding the module's name does not leave our callback behind in the interpreter's own list."""
    own_list = gc.callbacks
    before = list(own_list)
    with collector.paused(), record_pauses() as pauses:
        monkeypatch.setattr(gc, "callbacks", [])
        gc.collect(0)
    assert own_list == before
    assert len(pauses) == 1


def test_a_callback_that_lies_about_equality_stays():
    """Taking our callback out never asks another one whether it is equal."""

    class Liar:
        def __call__(self, phase, info):
            pass

        def __eq__(self, other):
            raise AssertionError("asked")

        __hash__ = None

    liar = Liar()
    gc.callbacks.insert(0, liar)
    try:
        with record_pauses():
            gc.collect(0)
        assert any(callback is liar for callback in gc.callbacks)
    finally:
        del gc.callbacks[0]


def test_a_block_that_begins_inside_a_collection():
    """A recorder started by a finalizer does not take the end of the running collection for its own."""
    begun = []

    class Finalized:
        def __del__(self):
            context = record_pauses()
            begun.append((context, context.__enter__()))

    with collector.paused():
        specimen = Finalized()
        specimen.itself = specimen
        del specimen
        gc.collect()
        (context, pauses) = begun[0]
        try:
            assert len(pauses) == 0
            gc.collect(0)
            assert pauses.by_generation == {0: 1}
        finally:
            context.__exit__(None, None, None)


def test_the_record_is_no_cycle_itself():
    """A dropped record dies by reference counting: the instrument leaves no garbage."""
    with collector.paused():
        gc.collect()
        for _ in range(3):
            with record_pauses() as pauses:
                pass
            del pauses
        assert gc.collect() == 0
