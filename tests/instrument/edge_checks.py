"""What must hold for the edges of any object, shared by the tests of edges."""

from __future__ import annotations

import gc

from garbology.names.edges import hidden_referents, named_referents


def complete_edges(holder: object) -> list[tuple[str, object]]:
    """The edges of `holder`, after checking that they are what the collector sees before and after."""
    before = [id(referent) for referent in gc.get_referents(holder)]
    named = named_referents(holder)
    hidden = [id(referent) for _, referent in hidden_referents(holder)]
    assert [id(referent) for _, referent in named] == before + hidden
    assert all(type(label) is str and label for label, _ in named)
    assert [id(referent) for referent in gc.get_referents(holder)] == before
    return named


def labels_of(holder: object, target: object) -> list[str]:
    """The labels under which `holder` refers to `target`, in the collector's order."""
    return [label for label, referent in complete_edges(holder) if referent is target]
