"""Small words of what is said to people."""

import pytest

from garbology.study import counted


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 objects"), (1, "1 object"), (2, "2 objects"), (1000, "1,000 objects")]
)
def test_a_count_has_its_noun(count, text):
    """One is singular, none and many are plural."""
    assert counted(count, "object") == text


def test_a_plural_may_be_given():
    """Where it is not made with an s."""
    assert [counted(n, "study", "studies") for n in (1, 2)] == ["1 study", "2 studies"]
