"""An object made in an interactive session, and what that session answers about it.

A kernel is another process: what is asked there goes over as an expression, and comes back as JSON. A weak
reference tells whether the object is alive, so that the question does not keep it.
"""

from __future__ import annotations

import gc
import json
import weakref


class Tensor:
    """Stands for what one wants to be rid of: a large array, a model."""


_made: list[weakref.ref[Tensor]] = []


def make() -> Tensor:
    """A new object; from now on the collector is paused, so that what goes has gone by reference counting."""
    gc.disable()
    tensor = Tensor()
    _made.append(weakref.ref(tensor))
    return tensor


def is_alive() -> bool:
    """Whether the object is still there."""
    return _made[-1]() is not None


def answer() -> str:
    """JSON: whether the object is alive, and if so what holds it, the shortest chain and the other holders."""
    if not is_alive():
        return json.dumps({"alive": False})
    from garbology import why_alive

    alive = why_alive(_made[-1]())
    return json.dumps(
        {
            "alive": True,
            "kind": alive.kind,
            "root": alive.root,
            "holders": 1 + alive.others,
            "also": alive.also,
            "remedy": alive.remedy,
            "text": str(alive),
        }
    )


def is_alive_collected() -> str:
    """JSON: whether the object is still there after a full collection."""
    gc.collect()
    return json.dumps(is_alive())
