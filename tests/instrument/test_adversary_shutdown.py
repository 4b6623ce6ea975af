"""A watch that ends where the interpreter does, and proofs of many shapes."""

import gc
import subprocess
import sys

import pytest

import garbology

AT_THE_END = """
import asyncio, atexit, builtins, gc, sys
import garbology

class Node: pass

def make_cycle():
    node = Node()
    node.itself = node

class AtDeath:
    def __del__(self, watch=garbology.watch, make_cycle=make_cycle, write=sys.stdout.write):
        with watch() as found:
            make_cycle()
        write(f"finalizer {found.garbage > 0}\\n")

def never_ended():
    with garbology.watch():
        yield

def at_exit():
    print("atexit", garbology.find_cycles(make_cycle).garbage > 0)

atexit.register(at_exit)
builtins.held = never_ended()
next(builtins.held)
builtins.last = AtDeath()
asyncio.run(asyncio.sleep(0))
collected = AtDeath()
collected.itself = collected
del collected
gc.collect()
"""


class Node:
    """Refers to another."""


@pytest.mark.slow
def test_nothing_is_said_and_nothing_hangs_at_the_interpreters_end():
    """A watch ends quietly in a finalizer, in an exit handler, and where modules are taken down already."""
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[:2] == ["finalizer True", "atexit True"]
    assert done.returncode == 0


@pytest.mark.slow
def test_a_watch_after_the_end_says_that_nothing_was_looked_at():
    """A finding of a finalizer that runs while modules are taken down does not say that its block has not ended."""
    script = """
import sys
import garbology

class AtDeath:
    def __init__(self):
        self.itself = self
    def __del__(self):
        with garbology.watch() as found:
            pass
        print(sys.is_finalizing(), repr(found), found.leaks_unjudged_reason, sep="; ")
        print(found)

kept = AtDeath()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    sentence = "the interpreter was being taken down, and nothing was looked at"
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"True; <Found: {sentence}>; {sentence}", sentence]


@pytest.mark.slow
def test_the_trials_of_many_shapes_list_the_heap_a_few_times(monkeypatch):
    """The cost of proofs does not grow with shapes times heap."""
    listings = []
    get_objects = gc.get_objects

    def counted(*arguments, **options):
        listings.append(1)
        return get_objects(*arguments, **options)

    def different():
        for number in range(30):
            first = last = Node()
            for _ in range(number):
                node = Node()
                node.next, last = last, node
            first.back = last

    with garbology.collector.paused():
        found = garbology.find_cycles(different)
        assert len(found.shapes) == 30
        monkeypatch.setattr(gc, "get_objects", counted)
        assert all(shape.advice.verified for shape in found.shapes)
    assert len(listings) <= 6
