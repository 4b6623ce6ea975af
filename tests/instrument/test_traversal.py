"""What must not be asked for its referents is not asked."""

import asyncio
import gc
import sys

import pytest

import garbology
from garbology.interpreter import traversal
from garbology.snapshot import snapshot


def test_the_asyncio_module_is_left_out_where_asking_it_corrupts_the_interpreter(monkeypatch):
    """On 3.12.0 to 3.12.5 `_asyncio` stands in a snapshot without its referents (python/cpython #122695)."""
    monkeypatch.setattr(traversal, "_VISITS_ITS_FREE_LIST", True)
    module = sys.modules["_asyncio"]
    objects = [[], module, {}]
    traversal.leave_out_dangerous(objects)
    assert [type(obj) for obj in objects] == [list, tuple, dict]
    assert len(snapshot.take([module, sys.modules])) == 2


@pytest.mark.slow
def test_a_program_that_uses_asyncio_is_watched_and_collected():
    """Watching the whole heap of a program with asyncio loaded leaves the collector working."""

    async def main():
        await asyncio.sleep(0)
        return [1]

    def run():
        gc.collect()  # so that the whole heap is read
        asyncio.run(main())

    gc.enable()  # whatever a test before has left
    gc.collect()
    garbology.find_cycles(run)
    assert gc.collect() >= 0
    assert gc.isenabled()
