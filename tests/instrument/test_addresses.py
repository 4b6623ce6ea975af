"""From objects to addresses and back, however the objects lie in memory."""

import random

import numpy as np
import pytest

from garbology.snapshot import addresses
from garbology.snapshot.addresses import Index, addresses_of, place_of, types_of


class Trap(type):
    """A class whose own class objects to being hashed or compared."""

    def __hash__(cls):
        raise AssertionError("hashed")

    def __eq__(cls, other):
        raise AssertionError("compared")


class Hostile(metaclass=Trap):
    """An instance that raises at every look."""

    def __getattribute__(self, name):
        raise AssertionError(name)

    __array__ = __len__ = __iter__ = property(lambda self: 1 / 0)


def objects_of_many_kinds(count):
    makers = [
        list,
        dict,
        lambda: Hostile(),
        lambda: (object(),),
        object,
        lambda: float(count),
        lambda: [0] * 200,
    ]
    return [makers[place % len(makers)]() for place in range(count)]


@pytest.mark.parametrize("count", [0, 1, 3, 5_000, 40_000])
def test_addresses_are_ids(count):
    """The address of each object is its id, in blocks of any number."""
    objects = objects_of_many_kinds(count)
    assert addresses_of(objects).tolist() == list(map(id, objects))


@pytest.mark.slow
def test_types_are_told_apart_without_the_program_s_code():
    """Each object's kind is the place of its own type, traps in metaclasses notwithstanding."""
    objects = objects_of_many_kinds(20_000) + [type(f"Made{i}", (), {})() for i in range(300)]
    types, kinds = types_of(objects)
    assert len(types) == len({id(kind) for kind in types}) == 306
    assert all(types[kind] is type(obj) for kind, obj in zip(kinds.tolist(), objects, strict=True))


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("count", [0, 1, 100, 30_000])
def test_an_index_finds_its_objects_and_no_others(count, shuffled):
    """Every object is found at its place, and neighbours in memory that are not its own are not found."""
    everything = objects_of_many_kinds(2 * count)
    if shuffled:
        random.Random(count).shuffle(everything)
    chosen, others = everything[::2], everything[1::2]
    index = Index(chosen)
    assert np.array_equal(index.find(addresses_of(chosen)), np.arange(count))
    assert (index.find(addresses_of(others)) == -1).all()
    beside = addresses_of(chosen)[:, None] + np.array([-32, -16, -8, -1, 1, 8, 16])
    known = set(map(id, chosen))
    expected = [chosen_id in known for chosen_id in beside.ravel().tolist()]
    assert ((index.find(beside.ravel()) >= 0) == expected).all()


def test_dense_objects_are_found_by_a_table_and_scattered_ones_by_search():
    """What lies together, in two places far from each other too, needs no search; the answer is the same."""
    dense = np.arange(0, 32 * 5_000, 32, dtype=np.int64)
    apart = np.concatenate([0x5555_1234_5000 + dense, 0x7F00_0000_0000 + dense])
    scattered = np.arange(5_000, dtype=np.int64) * 4096 * 7
    clashing = np.arange(0, 16 * 5_000, 16, dtype=np.int64)
    assert addresses._Table.of(apart) is not None
    for unfit in (scattered, clashing, dense + 8):
        assert addresses._Table.of(unfit) is None
        assert np.array_equal(addresses._Sorted(unfit).find(unfit), np.arange(5_000))


def bytes_of(table):
    return sum(array.nbytes for array in vars(table).values() if isinstance(array, np.ndarray))


def test_a_table_takes_as_much_wherever_the_arenas_lie():
    """Arenas whose page numbers end in the same bits, as chance may have it, make no table larger."""
    pages = np.arange(0, 1 << 20, 32, dtype=np.int64)
    beside = np.concatenate([0x7F00_0000_0000 + arena * (1 << 20) + pages for arena in range(8)])
    alike = np.concatenate([0x7F00_0000_0000 + arena * (1 << 30) + pages for arena in range(8)])
    tables = [addresses._Table.of(where) for where in (beside, alike)]
    assert bytes_of(tables[0]) <= bytes_of(tables[1]) <= bytes_of(tables[0]) + len(alike)
    assert bytes_of(tables[1]) < 6 * len(alike)
    assert np.array_equal(tables[1].find(alike), np.arange(len(alike)))
    assert (tables[1].find(alike + (1 << 28)) == -1).all()


def test_a_place_is_found_by_identity():
    """The first place of an object, however many equal ones stand before it; None where it is not."""
    objects = [[] for _ in range(20_000)]
    assert [place_of(objects[place], objects) for place in (0, 16_383, 16_384, 19_999)] == [
        0,
        16383,
        16384,
        19999,
    ]
    assert place_of([], objects) is None
