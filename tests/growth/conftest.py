"""What tests of growth share."""

import pytest

from tests.fresh import fresh_interpreters


@pytest.fixture(scope="session")
def fresh():
    """`fresh.run(code)`: how a program ends that has an interpreter, and a module `__main__`, of its own."""
    with fresh_interpreters() as interpreters:
        yield interpreters
