"""The locals of frames, generators and coroutines, read in place.

`frame.f_locals` leaves a dictionary with references to every local behind up to 3.12, and
`generator.gi_frame` makes a frame object from 3.11; either changes the graph that is being measured. Where
a kind's locals begin is found on two probes of that kind (`Include/internal/pycore_frame.h` of each version
has the structure); where the probes disagree or there is no ctypes, the answer is None. As in
`memory_layout`, only ids are read.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from garbology.interpreter.memory_layout import VERSION, WORD, can_read_memory, words_at

_TAG_BITS = 7  # from 3.14 a frame's slots carry tags in the low bits


def local_ids(holder: Any, code: types.CodeType) -> list[tuple[str, int]] | None:
    """Return name and id of each local of a frame, or of a suspended generator or coroutine, that runs
    `code`.

    A variable shared with an inner function is held in a cell: its id is the cell's. Unset locals are left
    out.
    """
    kind: Any = type(holder)
    words = _first_local(kind)
    if words is None:
        return None
    start = id(holder) + words * WORD
    names = local_names(code)
    if VERSION >= (3, 11) and type(holder) is types.FrameType and not _owns_its_locals(holder, words):
        return []
    return [(name, word) for name, word in zip(names, _untagged(start, len(names)), strict=True) if word]


def local_names(code: types.CodeType) -> list[str]:
    """Return the names of a code object's locals, cells and free variables in the order of a frame's
    slots.
    """
    if VERSION < (3, 11):
        return [*code.co_varnames, *code.co_cellvars, *code.co_freevars]
    merged = [name for name in code.co_cellvars if name not in code.co_varnames]
    return [*code.co_varnames, *merged, *code.co_freevars]


def _owns_its_locals(frame: types.FrameType, words: int) -> bool:
    """A frame object only refers to its locals once its function ended; until then the thread or generator
    does.
    """
    start = id(frame)
    return any(start < word <= start + words * WORD for word in words_at(start, words))


def _untagged(address: int, count: int) -> list[int]:
    return [word & ~_TAG_BITS for word in words_at(address, count)]


@cache
def _first_local(kind: type) -> int | None:
    """Offset of the first local in an object of this kind, in words; None where it was not found."""
    probe_maker = _FRAME_PROBES.get(kind)
    if probe_maker is None or not can_read_memory():
        return None
    try:
        first, second = (_found_locals(*probe_maker()) for _ in range(2))
    except Exception:
        return None
    return first if first == second else None


def _found_locals(probe: Any, values: list[object]) -> int | None:
    ids = [id(value) for value in values]
    size = probe.__sizeof__() // WORD
    words = _untagged(id(probe), size)
    found = [at for at in range(size - len(ids) + 1) if words[at : at + len(ids)] == ids]
    return found[0] if len(found) == 1 else None


def _generator_probe() -> tuple[Any, list[object]]:
    def generate(one: object, two: object, three: object) -> Iterator[int]:
        yield 0

    values = [object(), object(), object()]
    probe = generate(*values)
    next(probe)
    return probe, values


def _coroutine_probe() -> tuple[Any, list[object]]:
    @types.coroutine
    def pause() -> Iterator[None]:
        yield

    async def wait(one: object, two: object, three: object) -> None:
        await pause()

    values = [object(), object(), object()]
    probe = wait(*values)
    probe.send(None)
    return probe, values


def _async_generator_probe() -> tuple[Any, list[object]]:
    async def generate(one: object, two: object, three: object) -> Any:
        yield 0

    values = [object(), object(), object()]
    return generate(*values), values


def _frame_probe() -> tuple[Any, list[object]]:
    def fail(one: object, two: object, three: object) -> None:
        raise LookupError

    values = [object(), object(), object()]
    try:
        fail(*values)
    except LookupError as error:
        # No name for the frame here: this function's own frame is its `f_back`, and the two would be a cycle.
        return error.__traceback__.tb_next.tb_frame, values  # type: ignore[union-attr]
    raise AssertionError("the probe raises")


_FRAME_PROBES: dict[type, Callable[[], tuple[Any, list[object]]]] = {
    types.FrameType: _frame_probe,
    types.GeneratorType: _generator_probe,
    types.CoroutineType: _coroutine_probe,
    types.AsyncGeneratorType: _async_generator_probe,
}
