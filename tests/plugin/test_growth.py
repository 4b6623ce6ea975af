"""`no_growth`: what a test leaves alive with each run fails it; caches that fill, and garbage, do not."""

import pytest

from tests.plugin.conftest import message_of

pytest_plugins = ["pytester"]

BODY = """
KEPT, CACHE, runs = [], {}, []

class Session:
    def __init__(self):
        self.data = bytes(5_000)

@pytest.mark.no_growth(calls=10)
def test_grows():
    KEPT.append(Session())

@pytest.mark.no_growth(calls=5, bytes="10kB")
def test_may():
    KEPT.append(Session())

@pytest.mark.no_growth(calls=5, warmup=2)
def test_caches():
    runs.append(None) if not CACHE else None
    CACHE.setdefault("key", Session())
    Session()
    Node()

@pytest.mark.no_growth(calls=5)
@pytest.mark.no_cycles
def test_both():
    Node()

@pytest.mark.no_growth(calls=10)
def test_raises():
    assert KEPT is None

def test_counts():
    assert len(runs) == 1
"""


@pytest.mark.slow
def test_what_stays_fails_the_test_with_its_holder(inner):
    """Growth by the run, the holder, the line; allowed bytes, caches and garbage pass; each marker is judged."""
    result = inner(BODY, subprocess=True)  # pytester's recorder of hooks would grow
    result.assert_outcomes(failed=3, passed=3)
    text = " ".join(message_of(result, "test_grows").split())
    assert text.startswith("memory grows by 5.")
    assert "with each run of this test, in 10 runs after 5" in text
    assert "KEPT[int] gains 1 Session a call (list in module test_it, test_it.py:" in text
    assert "garbology/" not in text
    assert "this test left" in message_of(result, "test_both")
    assert "assert" in message_of(result, "test_raises")


def test_a_wrong_marker_is_one_line(inner):
    """It ends the session before any test runs."""
    result = inner("""
@pytest.mark.no_growth(calls=1)
def test_it():
    pass
""")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*no_growth: calls= takes a number from 5 up, got 1*"])
