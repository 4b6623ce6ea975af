"""The front door: run something, and say what only the cyclic collector can free of what it leaves behind."""

from __future__ import annotations

import functools
import gc
import sys
import weakref
from collections.abc import Callable, Generator
from itertools import compress, count
from types import CodeType, FrameType, TracebackType
from typing import Any, Generic, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from garbology.advice.live_observer import LiveObserver
from garbology.advice.origins import Calls
from garbology.find import explain, few
from garbology.find.collected import Collections
from garbology.find.found import Found
from garbology.find.text import INTERPRETER_ENDING
from garbology.find.to_the_end import Run, code_of
from garbology.interpreter import collector, exclusive, freethreading, thread_stacks
from garbology.interpreter.contexts import ids_in_context
from garbology.interpreter.putting_back import Switches
from garbology.interpreter.tracing import untraced
from garbology.leaks.leak import Leaks
from garbology.names.edges import safe_type_name
from garbology.snapshot import snapshot
from garbology.snapshot.judging import Opening

_MIXED = "a collection ran inside the block, so what is new cannot be told from what is older"
_WHOSE = "a collection ran in the block, and what windows inside it judge cannot be told from the rest"
_T = TypeVar("_T")


class watch:  # noqa: N801 - reads as a verb in `with watch() as found`
    """Analyse what a block of code leaves behind; the :class:`Found` is filled in when the block ends.

    The window is what was made inside the block: objects that are older are not judged. Automatic collection is
    paused inside, nothing is collected to find out, and no finalizer or weakref callback runs. An exception goes
    through unchanged, and the finding is there all the same. Where the interpreter takes its modules down, there is
    nothing left to analyse with: the finding stays empty then. Blocks may overlap in several threads; their
    analyses wait for each other, and what another thread makes meanwhile is in the window, too.

    ``through`` is a frame of the caller's that ends with the block. When an exception of the watched code is
    garbage it keeps the frames it went through, so that frame becomes garbage with it. ``main`` is the code of the
    function whose return ends the work. ``looks=False`` leaves out the looks at the work on which advice rests: the
    same garbage is found in less time, and an advice says that the work was not watched. ``wants_advice`` is asked of
    each shape whether it is to have advice; by itself each has.

    One object watches one block at a time. ``async with watch() as found:`` does the same in a coroutine.
    """

    _is_open = False
    _gives_way = False  # to windows inside it
    _pause: collector.Pause
    _open_window: exclusive.OpenWindow
    _collections: Collections
    _window: freethreading.Window | None
    _opening: Opening
    _ending_counts: NDArray[np.int64]
    _witness: LiveObserver

    def __init__(
        self,
        *unexpected: NoReturn,
        through: FrameType | None = None,
        main: CodeType | None = None,
        looks: bool = True,
        wants_advice: explain.Wanted | None = None,
    ) -> None:
        if unexpected:
            raise TypeError(
                f"watch() takes no {safe_type_name(unexpected[0])}: write `with garbology.watch() as found:` "
                "around a block, or garbology.find_cycles(func) for a function"
            )
        self._found = Found(ended=False)
        self._switches: Switches | None = None
        self._ending: list[object] = [] if through is None else [through]
        self._main = main
        self._looks = looks
        self._wants_advice = wants_advice

    def __enter__(self) -> Found:
        """Pause the collector and open the window.

        Raises
        ------
        RuntimeError : it is open already. Each block needs an object of its own, also each call of a recursion.
        """
        self._enter(sys._getframe(1).f_code)
        return self._found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the window, analyse it, and put the collector back as it was."""
        self._exit(error)

    def __aenter__(self) -> _Ready[Found]:
        """As :meth:`__enter__`; what other tasks make meanwhile is in the window, too."""
        self._enter(sys._getframe(1).f_code)
        return _Ready(self._found)

    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> _Ready[None]:
        """As :meth:`__exit__`."""
        self.__exit__(kind, error, trace)
        return _Ready(None)

    def _enter(self, caller: CodeType) -> None:  # no frame: a reference to it would count as the program's
        if self._is_open:
            raise RuntimeError(
                "this watch is open already, and one object watches one block at a time: make a new one for each block"
            )
        self._is_open = True
        # The first of a thread makes a dictionary of the thread's, and a context: an analysis would be the first else.
        repr([0])
        ids_in_context()
        self._found = Found(ended=False)
        switches = self._switches = Switches(self)
        try:
            self._open(caller, switches)
        except BaseException:
            self._is_open = False
            switches.put_back()
            raise
        # CPython appends every new container to the end of its youngest generation, so this one separates old
        # from new, without a freeze and without addresses that could be used again. Nothing of ours comes after.
        self._collections.mark = []

    def _exit(self, error: BaseException | None) -> None:
        if not self._is_open:
            raise RuntimeError("this watch is not open: it ends a block that it has begun, once")
        self._collections.end = []
        self._open_window.was_around(self._collections.mark, self._collections.end)
        try:
            self._witness.stop()
            self._collections.stop()
            if sys.is_finalizing():
                self._found.leaks_unjudged_reason = INTERPRETER_ENDING
                return
            self._analyse(error)
            if self._collects_at_once:
                for shape in self._found.shapes:
                    shape.advice and shape.advice.verified
        finally:
            self._is_open = False
            self._ending.clear()
            if self._switches is not None:
                self._switches.put_back()
                self._switches = None

    @untraced
    def _analyse(self, error: BaseException | None) -> None:
        found, collections = self._found, self._collections
        with exclusive.analysis():
            self._opening.close(sys._getframe(), error)
            finding = self._finding()
        self._open_window.close()
        found.garbage = finding.garbage
        found.garbage_bytes = finding.garbage_bytes
        found.shapes = finding.shapes
        found.leaks, found.held_by_c = finding.leaks.found, finding.leaks.held
        found.leaks_unjudged_reason = finding.leaks.unjudged
        found.leaks_judged = not finding.leaks.unjudged
        found.collected_inside = collections.freed
        found.collected_new = collections.freed_of_window
        if collections.freed and not collections.saw_all:
            found.collected_new = None
        if finding.leaks.unjudged == _WHOSE:
            found.collected_new = 0  # of what is this window's to judge nothing is known
        found.collected_generations = sorted(collections.generations)
        found.ended = True

    def _open(self, around: CodeType, switches: Switches) -> None:
        pause = self._pause = collector.Pause()
        switches.add(pause.end)
        self._found.method = freethreading.method()
        by_counts = self._found.method == "reference counts"
        self._open_window = exclusive.OpenWindow(gives_way=self._gives_way)
        switches.add(self._open_window.close)
        self._open_window.open()
        self._collections = Collections(by_counts=by_counts)
        switches.add(self._collections.stop)
        self._collections.start()
        self._window = None if by_counts else freethreading.Window()
        if self._window is not None:
            switches.add(self._window.abandon)
        self._opening = Opening(sys._getframe())
        self._ending_counts = snapshot.count_each(self._ending)
        self._witness = LiveObserver(self._collections.made_inside, self._main, around)
        switches.add(self._witness.stop)
        if self._looks and self._window is None and not sys.is_finalizing():
            self._witness.start()

    def _finding(self) -> explain.Finding:
        if self._window is not None:
            garbage = self._window.close()
            return explain.explain(
                garbage,
                self._ending,
                self._ending_counts,
                self._witness.needed,
                together=self._witness.together,
                saw_all=self._witness.saw_all,
                all_garbage=True,
                opening=self._opening,
                wants_advice=self._wants_advice,
            )
        objects, all_are_new = self._collections.window()
        self._witness.take_out_notes(objects)
        is_ordered = all_are_new and not self._collections.have_run
        if self._open_window.inside and not (is_ordered and self._leave_out_others(objects)):
            return explain.Finding(leaks=Leaks(unjudged=_WHOSE))
        if not all_are_new and not self._opening.unjudged:
            self._opening.unjudged = _MIXED
        return explain.explain(
            objects,
            self._ending,
            self._ending_counts,
            self._witness.needed,
            functools.partial(self._witness.needed_elements, by_age=all_are_new),
            together=self._witness.together,
            saw_all=self._witness.saw_all,
            opening=self._opening,
            look_at_older=all_are_new,
            read_calls=self._calls if all_are_new else None,
            wants_advice=self._wants_advice,
        )

    def _leave_out_others(self, objects: list[object]) -> bool:
        """Leave out what was made while windows inside this one were open; False where that cannot be told."""
        marks = self._open_window.inside
        places = dict(zip(map(id, objects), count(), strict=False))
        ends = [places.get(id(mark)) for mark in marks]
        if None in ends:
            return False
        left = np.ones(len(objects), bool)
        for begin, end in zip(ends[::2], ends[1::2], strict=True):
            left[begin : (end or 0) + 1] = False
        objects[:] = compress(objects, left.tolist())
        marks.clear()
        return True

    def _calls(self) -> Calls:
        return self._witness.calls

    @property
    def _collects_at_once(self) -> bool:
        """Whether the collector will run as soon as it may: then a proof has to be made before."""
        return self._pause.will_enable() and gc.get_count()[0] > gc.get_threshold()[0]

    def look_at_result(self, result: object) -> None:
        """Tell the advice what ``result``, held by the caller alone, keeps alive."""
        self._witness.look_at_result(result)


class _Ready(Generic[_T]):
    """What `await` answers at once."""

    __slots__ = ("_value",)

    def __init__(self, value: _T) -> None:
        self._value = value

    def __await__(self) -> Generator[None, None, _T]:
        yield from ()
        return self._value


def find_cycles(func: Callable[..., object], /, *args: Any, **kwargs: Any) -> Found:
    """Call ``func`` once and analyse what it leaves behind, its result included.

    ``found.garbage`` is how many objects only the collector can free; ``gc.collect()`` may return another number, for
    it adds one for each weak reference whose callback ran and leaves out what finalizers freed first.

    What the call only begins is run to its end: a coroutine and an asynchronous generator in an event loop of their
    own, a generator by exhausting it. An exception of ``func`` goes through; ``with watch() as found:`` keeps the
    finding then.

    Raises
    ------
    TypeError : ``func`` cannot be called, or it is asynchronous and an event loop runs in this thread:
        ``async with watch() as found:`` is for that.
    """
    if not callable(func):
        raise TypeError(
            f"find_cycles() needs something to call, got {safe_type_name(type(func))}: find_cycles(work, 1, 2) "
            "calls work(1, 2); for a block of code write `with garbology.watch() as found:`"
        )
    run = Run(func)
    watching = watch(through=sys._getframe(), main=code_of(func))
    ending = watching._ending  # this frame: the two would be a cycle where a signal ends us
    try:
        with watching as found:
            box = [func(*args, **kwargs)]
            del func, args, kwargs
            run.finish(box)
            result = box.pop()
            watching.look_at_result(result)
            del box, result, watching
    finally:
        ending.clear()
        run.close()
        del run, ending  # a kept exception keeps this frame and what is in it
    return found


class _Probe:
    """A cycle to explain; at module level, for a class in a function is a cycle itself."""

    def __init__(self) -> None:
        self.itself: object = self


def _warm_up() -> None:
    """Explain a cycle once, so that what is calibrated and cached at first use leaves its garbage here."""
    thread_stacks.prepare()
    explain.explain([[]], [], snapshot.count_each([]))

    kept: list[_Probe] = []
    made: list[weakref.ref[_Probe]] = []

    def make() -> _Probe:
        probe = _Probe()
        kept.append(probe)
        made.append(weakref.ref(probe))
        return probe

    def drop() -> None:
        """Leave a cycle as garbage: what is alive in plain sight is not explained."""
        make()
        kept.clear()

    find_cycles(make)
    str(find_cycles(drop))
    kept.append(made[-1]() or _Probe())
    with watch():
        inside: list[object] = [kept[0]]
        inside.append(inside)
        many: list[object] = [[] for _ in range(few.MOST_OBJECTS + 1)]
        explain.explain([kept[0], inside], [], snapshot.count_each([]))
    inside.clear()
    many.clear()
    for each in (*kept, *(reference() for reference in made)):
        if each is not None:
            each.itself = None


_warm_up()
