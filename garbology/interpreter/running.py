"""What the frames that run now hold: from 3.11 no collector function and no `gc.get_referents` shows it.

`frame.f_locals` would leave a dictionary behind in the frame (up to 3.12), so locals are read in place, as ids. A
frame object's fourth word points at the frame proper; where its locals begin is found on a probe
(`Include/internal/pycore_frame.h` of each version has the structures).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from functools import cache
from types import FrameType

from garbology.interpreter.frame_layout import local_names
from garbology.interpreter.memory_layout import VERSION, WORD, can_read_memory, words_at

_TAG_BITS = 7  # from 3.14 a frame's slots carry tags in the low bits
_FRAME_POINTER = 3 * WORD
_PROBED_WORDS = 24


def frames_of(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame, its caller, that one's caller and so on."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def running_local_ids(frame: FrameType) -> list[int] | None:
    """Return the id of each object that a local of a running frame refers to (of a shared variable, its cell).

    None where the frame's layout is not known. The frame must run, or have ended and be held.
    """
    if VERSION < (3, 11):
        return list(map(id, gc.get_referents(frame)))
    first = _first_local()
    if first is None:
        return None
    start = words_at(id(frame) + _FRAME_POINTER, 1)[0] + first * WORD
    return [word & ~_TAG_BITS for word in words_at(start, len(local_names(frame.f_code))) if word]


@cache
def _first_local() -> int | None:
    """Words between the beginning of a frame and its first local; None where two probes disagree."""
    if not can_read_memory():
        return None
    try:
        first, second = (_probe(object(), object(), object()) for _ in range(2))
    except Exception:
        return None
    return first if first == second else None


def _probe(one: object, two: object, three: object) -> int:
    ids = [id(one), id(two), id(three)]
    start = words_at(id(sys._getframe()) + _FRAME_POINTER, 1)[0]
    words = [word & ~_TAG_BITS for word in words_at(start, _PROBED_WORDS)]
    return next(at for at in range(_PROBED_WORDS) if words[at : at + len(ids)] == ids)
