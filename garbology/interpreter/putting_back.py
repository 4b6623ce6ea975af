"""What is switched for a while is put back where its end never comes, too: in the child of a fork, and at exit.

A fork copies what every thread has switched, and only the thread that forks. What the others have switched would stay
as it is for ever in the child, so it is put back there; what the forking thread has switched goes on, but for the
processes of `multiprocessing`, which never come back to the block. At exit all of it is put back: a suspended
generator, an ExitStack that is never closed and a daemon thread end no block.
"""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import weakref
from collections.abc import Callable
from itertools import count
from typing import Any, ClassVar

_switched: dict[int, tuple[int, Callable[[], object]]] = {}  # the thread that switched, and how to put back
_renewals: list[Callable[[], object]] = []
_waits: list[Callable[[], object]] = []
_numbers = count()
_exiting = False


def is_exiting() -> bool:
    """Whether the program has ended: what is switched from now on may never be put back."""
    return _exiting


def switched(put_back: Callable[[], object]) -> int:
    """Have ``put_back`` called if :func:`was_put_back` is not called with the answer before; it must not fail."""
    number = next(_numbers)
    _switched[number] = _thread.get_ident(), put_back
    return number


def was_put_back(number: int) -> None:
    """The block that switched something has ended, and has put it back itself."""
    _switched.pop(number, None)


class Switches:
    """What one block has switched, to be put back together, the latest first: when ``owner`` ends it, or is dropped.

    The owner needs no ``__del__`` for that, which tracers and profilers of the program would see at every block's end.
    """

    _open: ClassVar[set[Switches]] = set()

    def __init__(self, owner: object) -> None:
        self._steps: list[Callable[[], object]] = []
        self._owner: weakref.ref[Any] | None = weakref.ref(owner, self._dropped)
        self._open.add(self)

    def add(self, put_back: Callable[[], object]) -> None:
        """Something is switched; ``put_back`` must not hold the owner."""
        self._steps.append(put_back)

    def put_back(self) -> None:
        """Put all of it back, also where one of the steps fails; once.

        A signal's handler may raise in here. What is left then is done when the owner is dropped. A step that fails is
        done again: what the handler raises may come before its first line. No function is called for that: where the
        stack ends, each frame more would be one too many.
        """
        failed: BaseException | None = None
        try:
            while self._steps:
                try:
                    self._steps[-1]()
                except BaseException as error:
                    failed = error
                    try:  # noqa: SIM105
                        self._steps[-1]()
                    except BaseException:  # noqa: S110
                        pass
                del self._steps[-1]
            self._owner = None  # which holds us
            self._open.discard(self)
            if failed is not None:
                raise failed
        finally:
            del failed

    def _dropped(self, reference: weakref.ref[Any]) -> None:
        """An ExitStack, or a block without ``with``, was never closed, and nothing can close it now."""
        try:
            self.put_back()
        except Exception:  # while the interpreter takes its modules down
            return


def renewed_after_fork(renew: Callable[[], object]) -> None:
    """Have ``renew`` called in the child of a fork, first of all: locks that another thread held are held for ever."""
    _renewals.append(renew)


def waited_for_at_exit(wait: Callable[[], object]) -> None:
    """Have ``wait`` called at exit, when all is put back: what daemon threads are in the middle of ends here."""
    _waits.append(wait)


def _put_back_others() -> None:
    """In the child of a fork: what threads have switched that are not there."""
    for renew in _renewals:
        renew()
    _put_back_all_in_a_worker()
    here = _thread.get_ident()
    _put_back([number for number, (thread, _) in _switched.items() if thread != here])


def _put_back_all_in_a_worker() -> None:
    """A process that `multiprocessing` forks ends no block that it was forked in: it runs its own work and exits."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:  # it runs this after the fork, in its own processes alone
        vars(util)["register_after_fork"](_worker, lambda worker: _put_back(list(_switched)))


class _Worker:
    """What `multiprocessing` refers to weakly."""


_worker = _Worker()


def _put_back_all() -> None:
    global _exiting
    _exiting = True
    _put_back(list(_switched))
    for wait in _waits:
        wait()


def _put_back(numbers: list[int]) -> None:
    for number in reversed(numbers):
        _, put_back = _switched.pop(number, (0, None))
        if put_back is not None:
            put_back()


atexit.register(_put_back_all)
if hasattr(os, "register_at_fork"):  # not on WebAssembly
    os.register_at_fork(after_in_child=_put_back_others)
