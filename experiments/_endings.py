"""Small cycles whose objects want to do something at their end, and the log of what was called."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any


class Log:
    """What was called, in order, and what lives outside the cycles."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.saved: list[Any] = []  # by objects that resurrect themselves
        self.references: list[Any] = []  # weak references that are held outside

    def let_go(self) -> None:
        """Drop whatever lives on outside."""
        self.saved.clear()
        self.references.clear()

    def clean(self) -> None:
        """Collect what an earlier cycle left; twice, for the resurrected."""
        gc.collect()
        self.let_go()
        gc.collect()
        self.events.clear()


class Node:
    """One of two objects that refer to each other."""

    def __init__(self, name: str, log: Log) -> None:
        self.name = name
        self.log = log
        self.other: Any = None


class Loud(Node):
    """It says when it ends, and whether its partner is still there."""

    def __del__(self) -> None:
        intact = self.other is not None and self.other.other is self
        self.log.events.append(f"__del__ {self.name}" + ("" if intact else ", partner broken"))


class Lazarus(Loud):
    """It makes itself reachable again when it ends."""

    def __del__(self) -> None:
        super().__del__()
        self.log.saved.append(self)


class Asking(Node):
    """It asks at its end whether the weak reference to it still leads to it."""

    def __del__(self) -> None:
        (reference,) = self.log.references
        self.log.events.append("alive" if reference() is self else "dead")


def pair(kind: type[Node], log: Log, other_kind: type[Node] | None = None) -> tuple[Any, Any]:
    """Two objects that refer to each other, `a` the older."""
    a, b = kind("a", log), (other_kind or kind)("b", log)
    a.other, b.other = b, a
    return a, b


def nothing_at_all(log: Log) -> None:
    """A cycle of two objects without any finalizer."""
    pair(Node, log)


def with_del(log: Log) -> None:
    """Both have `__del__`."""
    pair(Loud, log)


def with_del_that_saves(log: Log) -> None:
    """Both make themselves reachable again in `__del__`."""
    pair(Lazarus, log)


def with_finalize(log: Log) -> None:
    """`weakref.finalize` on one of them."""
    a, _ = pair(Node, log)
    weakref.finalize(a, log.events.append, "finalize a")


def with_finalize_of_itself(log: Log) -> None:
    """`weakref.finalize`, with the object itself as an argument of the function."""
    a, _ = pair(Node, log)
    weakref.finalize(a, print, a).atexit = False


def with_callback_outside(log: Log) -> None:
    """A weak reference with a callback, held by an object that lives on."""
    a, _ = pair(Node, log)
    log.references.append(weakref.ref(a, lambda _: log.events.append("callback a")))


def with_callback_inside(log: Log) -> None:
    """A weak reference with a callback, which is part of the garbage itself."""
    a, b = pair(Node, log)
    b.reference = weakref.ref(a, lambda _: log.events.append("callback a"))


def all_three(log: Log) -> None:
    """`__del__` on one, `weakref.finalize` and a callback on the other."""
    a, _ = pair(Node, log, Loud)
    log.references.append(weakref.ref(a, lambda _: log.events.append("callback a")))
    weakref.finalize(a, log.events.append, "finalize a")


def asking_del(log: Log) -> None:
    """`__del__` asks a weak reference without a callback, held outside, for its own object."""
    a, _ = pair(Asking, log, Node)
    log.references.append(weakref.ref(a))


def one_two(node: Node) -> Iterator[int]:
    """A generator that keeps its argument while it is suspended."""
    yield 1
    node.log.events.append("never")
    yield 2


async def wait_for(node: Node) -> None:
    """A coroutine that keeps its argument while it waits."""
    await Forever()
    node.log.events.append("never")


class Forever:
    """Something to wait for."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def suspended_generator(log: Log) -> None:
    """An object holds a generator that has stopped at its first `yield` and holds the object."""
    node = Node("a", log)
    node.other = one_two(node)
    next(node.other)


def unstarted_generator(log: Log) -> None:
    """The same with a generator that was never started."""
    node = Node("a", log)
    node.other = one_two(node)


def suspended_coroutine(log: Log) -> None:
    """The same with a coroutine that waits."""
    node = Node("a", log)
    waiting: Coroutine[Any, Any, None] = wait_for(node)
    node.other = waiting
    waiting.send(None)


BUILD: dict[str, Callable[[Log], None]] = {
    "nothing": nothing_at_all,
    "__del__": with_del,
    "resurrection": with_del_that_saves,
    "__del__, asking": asking_del,
    "weakref.finalize": with_finalize,
    "finalize of itself": with_finalize_of_itself,
    "callback outside": with_callback_outside,
    "callback inside": with_callback_inside,
    "all three": all_three,
    "generator": suspended_generator,
    "unstarted": unstarted_generator,
    "coroutine": suspended_coroutine,
}
