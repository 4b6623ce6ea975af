"""Bytes that objects hold."""

from __future__ import annotations

import array
import collections
import ctypes
import gc
import mmap
import sys
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

from garbology.sizes import buffers
from garbology.sizes.sizes import bytes_of_each, held_bytes, object_bytes, register_size


class Node:
    def __init__(self) -> None:
        self.left = self.right = None


class Slotted:
    __slots__ = ("a", "b")


class Liar:
    def __sizeof__(self) -> int:
        raise RuntimeError("user code ran")


class LyingList(list):
    def __sizeof__(self) -> int:
        return 10**12


BUILTINS = [
    *([1, 2], (1,), {"a": 1}, {1}, "text", b"bytes", 10**100, 1.5, None, len, int, gc, Slotted()),
    *(collections.deque([1]), bytearray(1000), array.array("d", range(100)), memoryview(b"123")),
    *(np.zeros(1000), np.zeros(1000)[::2]),
]


@pytest.mark.parametrize("obj", BUILTINS, ids=lambda obj: type(obj).__name__)
def test_builtins_weigh_what_getsizeof_says(obj: object) -> None:
    """Where `sys.getsizeof` is right, it is followed, the collector's header included."""
    assert object_bytes(obj) == sys.getsizeof(obj)


def test_a_sizeof_written_in_python_does_not_run() -> None:
    """The nearest `__sizeof__` written in C is called, and the header added as `sys.getsizeof` would."""
    assert object_bytes(Liar()) == object_bytes(type("Honest", (), {})())
    honest = type("HonestList", (list,), {})([1])
    assert object_bytes(LyingList([1])) == object_bytes(honest) >= sys.getsizeof(honest)


def test_inline_values_count() -> None:
    """Ten thousand objects weigh what they were allocated, which `sys.getsizeof` omits from 3.11 on."""
    warm_up = [Node() for _ in range(100)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        nodes = [Node() for _ in range(10_000)]
        allocated = tracemalloc.get_traced_memory()[0] - before - sys.getsizeof(nodes)
    finally:
        tracemalloc.stop()
    namespaces = [x for node in nodes for x in gc.get_referents(node) if type(x) is dict]  # up to 3.10
    assert abs(held_bytes([*nodes, *namespaces]) - allocated) <= 0.02 * allocated
    assert len(warm_up) == 100


def test_the_first_instances_of_a_class_are_known_to_within_a_few_words() -> None:
    """Room for attributes is largest in a class's first instances."""
    cls = type("Fresh", (), {})
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        first = cls()
        first.a = 1
        allocated = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    namespace = [x for x in gc.get_referents(first) if type(x) is dict]
    assert abs(held_bytes([first, *namespace]) - allocated) <= 128


def test_a_buffer_counts_once_at_its_owner() -> None:
    """Views weigh their headers: the data belongs to the array that owns it."""
    owner = np.zeros(100_000)
    views = [owner[index:] for index in range(10)]
    assert held_bytes(views) < 10_000
    assert owner.nbytes < held_bytes([owner, *views, owner]) < owner.nbytes + 10_000
    data = bytearray(100_000)
    assert held_bytes([memoryview(data), memoryview(data)[1:]]) < 1_000
    assert 100_000 < held_bytes([data, memoryview(data)]) < 101_000


def test_mapped_files_and_ctypes_data_count() -> None:
    """A map counts with its length until it is closed, a ctypes array with its data if it owns them."""
    with mmap.mmap(-1, 1 << 20) as mapped:
        assert 1 << 20 <= object_bytes(mapped) < (1 << 20) + 1000
    assert object_bytes(mapped) < 1000
    own = (ctypes.c_double * 1000)()
    assert 8000 <= object_bytes(own) < 9000
    borrowed = (ctypes.c_double * 1000).from_buffer(bytearray(8000))
    assert object_bytes(borrowed) < 1000
    assert object_bytes(ctypes.c_int(1)) < 1000


def test_tensors_count_their_storage_once() -> None:
    """Tensors that share a storage weigh it once."""
    torch = pytest.importorskip("torch")
    tensor = torch.zeros(100_000)
    assert 400_000 <= held_bytes([tensor, tensor[1:], tensor.view(-1)]) < 410_000


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "_registered", [])


class Image:
    __slots__ = ("pixels",)


def test_registered_sizes_are_added(registry: None) -> None:
    """A registered function adds its bytes, for subclasses too, and the last one registered wins."""
    register_size(Image, lambda image: 1)
    register_size(Image, lambda image: 10_000)
    plain = sys.getsizeof(Image())
    assert object_bytes(Image()) == plain + 10_000
    assert object_bytes(type("Photo", (Image,), {"__slots__": ()})()) == plain + 10_000


def test_registered_buffers_are_shared_by_address(registry: None) -> None:
    """Objects that name the same address share one buffer."""
    register_size(Image, lambda image: {1234: 10_000})
    assert held_bytes([Image(), Image()]) == 2 * sys.getsizeof(Image()) + 10_000


@pytest.mark.parametrize("answer", [-1, 1.5, None, "many", {1: "x"}, {"a": 1}, True, 1 << 70])
def test_nonsense_from_a_registered_function_is_noted(registry: None, answer: Any) -> None:
    """What is no number of bytes counts nothing, and is said once for the type."""
    register_size(Image, lambda image: answer)
    notes: list[str] = []
    assert held_bytes([Image(), Image()], notes) == 2 * sys.getsizeof(Image())
    assert len(notes) == 1
    assert "Image answered" in notes[0]


def test_a_registered_function_that_raises_is_noted(registry: None) -> None:
    """An exception of a registered function does not end the analysis."""

    def fail(image: Image) -> int:
        raise ZeroDivisionError

    register_size(Image, fail)
    notes: list[str] = []
    assert held_bytes([Image()], notes) == sys.getsizeof(Image())
    assert notes == [
        f"the size function of {Image.__module__}.Image raised ZeroDivisionError: its buffers are not counted"
    ]


def test_register_size_refuses_what_is_no_class() -> None:
    """A wrong call is refused at once."""
    with pytest.raises(TypeError, match="register_size takes a class and a function, got 3"):
        register_size(3, len)  # type: ignore[arg-type]


def test_no_objects_weigh_nothing() -> None:
    """Nothing is no error."""
    assert bytes_of_each([]).tolist() == []
    assert held_bytes([]) == 0


def test_many_objects_are_weighed_fast() -> None:
    """200,000 objects of mixed types take a fraction of a microsecond each (0.2 to 0.5 us measured; CI may
    be slow).
    """
    objects: list[object] = [make() for _ in range(50_000) for make in (Node, list, dict, Slotted)]
    start = time.perf_counter()
    total = int(bytes_of_each(objects).sum())
    assert time.perf_counter() - start < 200_000 * 3e-6
    assert total > sum(map(sys.getsizeof, objects)) - 1
