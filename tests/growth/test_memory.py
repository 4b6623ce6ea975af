"""How much memory the instrument takes meanwhile: at most 100 bytes for each object that is alive."""

import pytest

FEW, MANY = 100_000, 300_000
MOST_BYTES = 100

PROGRAM = """
import gc, tracemalloc
import garbology

class Node:
    pass

class Slotted:
    __slots__ = ("next",)

def ring(count):
    nodes = [{kind}() for _ in range(count)]
    for before, node in zip(nodes[-1:] + nodes, nodes):
        before.next = node
    return nodes

kept = []

def work():
    kept.append(Slotted())

def diagnose(nodes):
    garbology.diagnose(work, calls=12, warmup=0)

def ask(nodes):
    garbology.why_alive(nodes[7])

def peak_of(measured, count):
    nodes = ring(count)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    measured(nodes)
    return tracemalloc.get_traced_memory()[1] - before, len(gc.get_objects())

tracemalloc.start()
for measured in (diagnose, ask):
    peak_of(measured, 100)
    (few, alive), (many, more_alive) = peak_of(measured, {few}), peak_of(measured, {many})
    print((many - few) / (more_alive - alive))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Node", "Slotted"])
def test_a_diagnosis_and_a_question_take_100_bytes_an_object(fresh, kind):
    """All that is alive is tracked there, with nothing below it: of all heaps such a ring takes most an object."""
    ended = fresh.run(PROGRAM.format(few=FEW, many=MANY, kind=kind))
    assert ended.stderr == ""
    diagnosis, question = map(float, ended.stdout.split())
    assert 20 < diagnosis <= MOST_BYTES
    assert 20 < question <= MOST_BYTES
