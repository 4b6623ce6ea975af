"""Settings of the collector are changed for a block and put back after it."""

import gc
import re
import subprocess
import sys

import pytest

from garbology import collector


@pytest.mark.parametrize("enabled", [True, False])
def test_paused_puts_back_what_was(enabled):
    """The collector is off inside, and afterwards on only where it was on before."""
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(KeyError), collector.paused():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_paused_nests():
    """The inner block does not switch the collector on for the outer one."""
    with collector.paused():
        with collector.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()


def test_threshold_is_put_back_after_an_exception():
    """The old thresholds hold again."""
    before = gc.get_threshold()
    with pytest.raises(KeyError), collector.threshold(50, 3):
        assert gc.get_threshold()[:2] == (50, 3)
        raise KeyError
    assert gc.get_threshold() == before


def test_frozen_thaws():
    """Inside, what was alive is in the permanent generation; afterwards no more is there than before."""
    before = gc.get_freeze_count()
    with collector.frozen():
        assert gc.get_freeze_count() > before
    assert gc.get_freeze_count() <= before


def test_frozen_refuses_to_thaw_what_the_program_froze():
    """A program that froze objects itself keeps them frozen; the error names the number and the remedy."""
    refused = re.compile(
        r"froze|frozen [0-9,]+ objects itself.*gc\.unfreeze"
    )  # a full cache of re's frees another
    with collector.frozen():
        count = gc.get_freeze_count()
        with pytest.raises(RuntimeError, match=refused):
            collector.frozen().__enter__()
        assert gc.get_freeze_count() == count


def test_what_was_frozen_before_the_import_is_the_programs_own():
    """A server that froze its modules before it imported this keeps them frozen."""
    program = """
import gc
gc.freeze()
from garbology import collector
assert collector.program_has_frozen()
try:
    collector.frozen().__enter__()
except RuntimeError:
    print("refused", gc.get_freeze_count() > 1_000)
"""
    command = [sys.executable, "-X", "garbology=late", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == "refused True\n"


def test_asking_for_the_kind_changes_no_setting():
    """The kind is one of three, and asking leaves thresholds and the switch as they were."""
    before = gc.get_threshold(), gc.isenabled()
    collector.kind.cache_clear()
    assert collector.kind() in ("generational", "incremental", "free-threaded")
    assert (gc.get_threshold(), gc.isenabled()) == before
