"""What must not be asked for its referents.

In CPython 3.12.0 to 3.12.5 the `_asyncio` module visits its free list: `gc.get_referents(_asyncio)` brings
dead iterators to life, they die twice, and the next collection never ends (python/cpython #122695). Nothing is
lost by leaving the module's C state out; its namespace is what holds objects of the program.
"""

from __future__ import annotations

import gc
import sys

_VISITS_ITS_FREE_LIST = (3, 12, 0) <= sys.version_info[:3] < (3, 12, 6)


def is_dangerous_to_traverse(obj: object) -> bool:
    """Tell whether `gc.get_referents(obj)` would corrupt this interpreter."""
    return _VISITS_ITS_FREE_LIST and obj is not None and obj is sys.modules.get("_asyncio")


def leave_out_dangerous(objects: list[object]) -> None:
    """Put an empty tuple, which refers to nothing, in the place of an object that is dangerous to traverse."""
    module = sys.modules.get("_asyncio")
    if _VISITS_ITS_FREE_LIST and module is not None:
        places = [place for place, address in enumerate(map(id, objects)) if address == id(module)]
        for place in places:
            objects[place] = ()


def safe_referents(obj: object) -> list[object]:
    """Return `gc.get_referents(obj)`; of an object that is dangerous to traverse, only its namespace."""
    return [sys.modules["_asyncio"].__dict__] if is_dangerous_to_traverse(obj) else gc.get_referents(obj)
