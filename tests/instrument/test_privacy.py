"""No data of the program's in a recording: keys are told as their types, lines of source as their places."""

import pytest

from garbology.names.privacy import private, without_keys, without_source


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (".cache['alice@example.org']", ".cache[str]"),
        ('.cache["it\'s"]', ".cache[str]"),
        (r".cache['a\'] b']", ".cache[str]"),
        (".cache[b'token']", ".cache[bytes]"),
        (".items[3]", ".items[int]"),
        (".prices[-1.5]", ".prices[float]"),
        (".by[(1, 'alice')]", ".by[tuple]"),
        (".by[True]['x'].next", ".by[bool][str].next"),
        (".children[]", ".children[]"),
        (".by[id]", ".by[id]"),
        (".by[<Key key>]", ".by[<Key key>]"),
        (".by → key 'alice'", ".by → key str"),
        (".by[b'x' b]", ".by[bytes]"),
        (".plain → closure variable self", ".plain → closure variable self"),
    ],
)
def test_a_key_is_its_type(label, expected):
    """Whatever the key says."""
    assert without_keys(label) == expected


def test_a_line_of_source_is_its_place():
    """What stands in the line may be data."""
    assert without_source("job.py:7: self.key = 'secret'") == "job.py:7"


def test_a_shape_is_made_private_everywhere():
    """Labels, reasons and lines, however deep; with ``keys`` the keys stay."""
    shape = {
        "edges": [{"label": ".by['alice']", "set_at": ["a.py:1: x['alice'] = 1"]}],
        "advice": {"reason": "clear A.by['alice']", "edges": [{"label": ".by['alice']", "set_at": []}]},
        "count": 3,
    }
    assert "alice" not in str(private(shape, keys=False))
    assert private(shape, keys=True)["edges"][0] == {"label": ".by['alice']", "set_at": ["a.py:1"]}
