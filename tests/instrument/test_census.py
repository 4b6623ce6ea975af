"""The census: what a block adds to the live objects, without collecting, and without itself."""

import gc

import pytest

from garbology.interpreter import collector
from garbology.recorders import census, record_pauses


class Node:
    pass


NODE = f"{Node.__module__}.Node"


@pytest.mark.slow
def test_an_empty_block_grows_by_nothing():
    """The census leaves out all that it makes itself, the first time and every time."""
    with collector.paused():
        for _ in range(3):
            with census() as growth:
                pass
            assert growth.by_type == {}
            assert growth.objects == 0


def test_an_empty_block_inside_another_grows_by_nothing():
    """A census taken inside another is no growth either."""
    with collector.paused(), census() as outer:
        with census() as inner:
            pass
        del inner
    assert outer.by_type == {}


def test_growth_is_counted_by_type():
    """Objects made in a block are counted under their type's full name, largest growth first."""
    with collector.paused(), census() as growth:
        nodes = [Node() for _ in range(100)]
        sets = [set() for _ in range(3)]
    assert len(nodes) + len(sets) == 103
    assert growth.by_type[NODE] == 100
    assert growth.by_type["set"] == 3
    assert next(iter(growth.by_type)) == NODE
    assert growth.objects == sum(growth.by_type.values())


def test_what_dies_in_the_block_is_negative_growth():
    """Objects freed by the block count below zero."""
    nodes = [Node() for _ in range(10)]
    with collector.paused(), census() as growth:
        del nodes[3:]
    assert growth.by_type[NODE] == -7


def test_nothing_is_collected():
    """Garbage counts as live, because no collection runs; the collector's switch is left as it was."""
    with collector.paused():
        with record_pauses() as pauses, census() as growth:
            node = Node()
            node.itself = node
            del node
        assert len(pauses) == 0
        assert growth.by_type[NODE] == 1
        assert not gc.isenabled()
        gc.collect()
    gc.enable()
    with census():
        assert gc.isenabled()
    assert gc.isenabled()


def test_after_an_exception_the_growth_is_there():
    """The growth is filled in and the exception goes through; the exception and its traceback are in it."""
    with collector.paused():
        nodes = []
        with pytest.raises(ZeroDivisionError), census() as growth:
            nodes.append(Node()) or 1 / 0
        assert growth.by_type[NODE] == 1
        assert growth.by_type["ZeroDivisionError"] == 1
        assert growth.by_type["traceback"] == 1


def test_a_type_that_tells_no_name_is_left_out():
    """A metaclass that raises when asked for its name spoils nothing but its own line."""

    class Nameless(type):
        def __getattribute__(cls, name):
            raise RuntimeError(name)

    hostile = Nameless("Hostile", (), {})
    with collector.paused(), census() as growth:
        specimens = [hostile(), Node()]
    assert len(specimens) == 2
    assert growth.by_type[NODE] == 1
    assert all("Hostile" not in name for name in growth.by_type)


def test_objects_lie_about_their_class_in_vain():
    """A type is what ``type()`` says; ``__class__`` is not asked."""

    class Liar:
        @property
        def __class__(self):
            raise AssertionError("asked")

    with collector.paused(), census() as growth:
        liar = Liar()
    assert type(liar) is Liar
    assert growth.by_type[f"{Liar.__module__}.Liar"] == 1
