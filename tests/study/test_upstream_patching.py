"""The advice put into a copy of a made-up library: it does what it says, and nothing else is tried."""

import pytest

from experiments._upstream import patching

LIBRARY = '''
from functools import cached_property


class Owner:
    """Holds a part."""

    def __init__(self):
        self.part = Part(self)

    @cached_property
    def view(self):
        return [self]


class Part:
    def __init__(self, owner):
        self.owner: Owner = owner


def captured(owner):
    """A function."""
    return lambda: owner


def keep(error):
    kept = error
    return str(kept)


class Ring:
    def __init__(self):
        self.me = self
'''


def _edge(source, label, set_at="", remedy="weakref"):
    return {
        "source_type": source, "label": label, "weaken": True, "remedy": remedy,
        "set_at": [set_at] if set_at else [],
    }  # fmt: skip


@pytest.fixture
def patched(tmp_path):
    """A function that applies the advice about edges to a made-up library, and answers its names."""
    root, place = tmp_path / "root", tmp_path / "copy"
    (root / "library").mkdir(parents=True)
    (root / "library" / "owners.py").write_text(LIBRARY, encoding="utf-8")
    place.mkdir()

    def apply(*edges):
        changes = patching.changes_of([{"edges": edges}], root)
        if changes is None:
            return None
        patching.patched_copy(changes, root, place)
        names = {}
        exec((place / "library" / "owners.py").read_text(encoding="utf-8"), names)
        return names

    return apply


def test_an_attribute_is_made_weak(patched):
    """What one line sets is held weakly, whatever reads it."""
    names = patched(_edge("Part", ".owner", "owners.py:18: self.owner: Owner = owner"))
    owner = names["Owner"]()
    assert owner.part.owner is owner
    part = owner.part
    del owner
    assert part.owner is None


def test_a_captured_parameter_is_made_weak(patched):
    """The function captures a proxy of it."""
    names = patched(
        _edge("function captured", "closure variable owner", "owners.py:21: def captured(owner):")
    )
    owner = names["Owner"]()
    function = names["captured"](owner)
    assert function().part is owner.part
    owner.part = None
    del owner
    with pytest.raises(ReferenceError):
        function().part


def test_what_was_cached_is_made_each_time(patched):
    """A property in place of the cached one."""
    edge = _edge("Owner", ".view", "owners.py:12: def view(self):", "property")
    owner = patched(edge)["Owner"]()
    assert owner.view == [owner]
    assert owner.view is not owner.view


def test_what_is_the_object_itself_is_returned(patched):
    """A property in place of the assignment."""
    ring = patched(_edge("Ring", ".me", "owners.py:33: self.me = self", "property"))["Ring"]()
    assert ring.me is ring
    assert "me" not in vars(ring)


def test_a_frame_lets_go_of_its_variables(patched):
    """At its end, however it ends."""
    names = patched(_edge("frame of keep (owners.py:26)", "local kept", remedy="clear"))
    assert names["keep"](ValueError("a")) == "a"
    code = (names["keep"].__code__.co_consts, names["keep"].__code__.co_varnames)
    assert None in code[0]
    assert "kept" in code[1]


@pytest.mark.parametrize(
    "edge",
    [
        _edge("Part", ".owner"),
        _edge("Part", ".owner", "owners.py:18: another line"),
        _edge("Part", ".owner", "owners.py:18: self.owner: Owner = owner", "clear"),
        _edge("Part", "[0]", "owners.py:9: self.part = Part(self)"),
    ],
)
def test_what_is_more_than_one_change_is_left_to_people(patched, edge):
    """No line, another line, another remedy, no attribute; one such edge among others is enough."""
    good = _edge("Owner", ".view", "owners.py:12: def view(self):", "property")
    assert patched(good, edge) is None


def test_a_frame_of_another_file_is_left_to_people(patched):
    """A file of the same name, and another function at that line, is not the one."""
    assert patched(_edge("frame of elsewhere (owners.py:26)", "local kept", remedy="clear")) is None
    assert patched(_edge("frame of keep (owners.py:27)", "local kept", remedy="clear")) is None
