"""What an edge is for elsewhere: advice must not weaken what owns its target outside the cycle.

The programs have the ownership of a large client library: a session whose event emitter is shared, copied for every
client, and asked by the client's handlers; and providers that outlive the session that made them.
"""

import copy

import pytest

import garbology
from garbology.interpreter import returns

pytestmark = pytest.mark.usefixtures("frozen_heap", "quiet_heap")


class Emitter:
    """Calls its handlers."""

    def __init__(self, handlers=()):
        self.handlers = list(handlers)

    def emit(self):
        """How many there are to call."""
        return len(self.handlers)


class Aliaser:
    """Wraps an emitter; a copy of it has an emitter of its own."""

    def __init__(self, emitter):
        self.emitter = emitter

    def __copy__(self):
        return Aliaser(copy.copy(self.emitter))


class Session:
    """Holds the emitter twice, so the aliaser's reference looks like one too many."""

    def __init__(self):
        self.emitter = Emitter()
        self.events = events = Aliaser(self.emitter)
        self.emitter.handlers.append(lambda: events)

    def client(self):
        """A client with a copy of the events."""
        return Client(copy.copy(self.events))


class Client:
    """Its aliaser alone holds its emitter."""

    def __init__(self, events):
        self.events = events

    def call(self):
        """Use what it needs."""
        return self.events.emitter.emit()


def client_of_a_kept_session():
    session = Session()
    client = session.client()
    return client.call()


def client_of_a_dropped_session():
    return Session().client().call()


def client_in_passing():
    Session().client().call()


class Hub:
    """Is on a cycle of its own, and has what was copied hanging off it."""

    def __init__(self):
        self.itself = self
        self.client = Session().client()


def copy_that_hangs_off_a_cycle():
    Hub()


def edges_of(advice):
    return {(edge.source, edge.label) for edge in advice.edges}


PROGRAMS = [
    client_of_a_kept_session,
    client_of_a_dropped_session,
    client_in_passing,
    copy_that_hangs_off_a_cycle,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_edge_that_owns_its_target_elsewhere_is_not_weakened(program):
    """The aliaser of the cycle could do with a weak reference, but the client's copy would lose its emitter."""
    found = garbology.find_cycles(program)
    advised = set().union(*(edges_of(shape.advice) for shape in found.shapes))
    assert ("Aliaser", ".emitter") not in advised
    assert any("Aliaser" in {edge.source for edge in shape.edges} for shape in found.shapes)


@pytest.mark.parametrize("program", [client_of_a_dropped_session, client_in_passing])
def test_where_both_edges_own_their_target_it_says_so(program):
    """The client's emitter shares the session's handlers, which then alone hold the session's aliaser."""
    (shape,) = garbology.find_cycles(program).shapes
    assert (shape.advice.remedy, shape.advice.edges) == ("none", [])
    assert "Aliaser.emitter" in shape.advice.reason


def test_the_same_edge_with_other_holders_is_advised():
    """Where no copy was made, the aliaser's reference is one too many, and it is the way to open the cycle."""
    (shape,) = garbology.find_cycles(lambda: Session() and None).shapes
    assert edges_of(shape.advice) <= {
        ("Aliaser", ".emitter"),
        ("Emitter", ".handlers[0] → closure variable events"),
    }
    assert len(shape.advice.edges) == 1
    assert shape.advice.verified


def test_a_large_window_is_looked_at_too():
    """However much the program makes, what a function called by it leaves is looked at when it returns."""

    def client():
        kept = [[number] for number in range(30_000)]
        client = Session().client()
        client.kept = kept
        return client

    def program():
        return client().call()

    (shape,) = garbology.find_cycles(program).shapes
    assert ("Aliaser", ".emitter") not in edges_of(shape.advice)


class Owner:
    """Makes providers, which hold it."""

    def __init__(self):
        self.provider = Provider(self)
        self.name = "owner"

    def token(self):
        """What the provider can renew."""
        return Token(self.provider)


class Provider:
    """Asks its owner."""

    def __init__(self, owner):
        self.owner = owner


class Token:
    """Outlives the owner, and is renewed through the provider."""

    def __init__(self, provider):
        self.provider = provider

    def renewed(self):
        """Use what it needs."""
        return self.provider.owner.name


def test_a_way_back_that_something_is_renewed_through_is_not_weakened():
    """The token keeps the provider, and that alone keeps the owner it came from."""
    (shape,) = garbology.find_cycles(lambda: Owner().token().renewed()).shapes
    assert ("Provider", ".owner") not in edges_of(shape.advice)


def test_a_way_back_that_nothing_else_goes_is_weakened():
    """Where nobody keeps a provider beyond its owner, the way back is the edge to weaken."""
    (shape,) = garbology.find_cycles(lambda: Owner() and None).shapes
    assert edges_of(shape.advice) == {("Provider", ".owner")}
    assert shape.advice.verified


def test_several_edges_come_with_a_word_of_caution():
    """That edges open the cycle together does not say that each of them may be weak."""

    class Hub:
        def __init__(self):
            self.one, self.two = Provider(self), Token(self)

    (several,) = garbology.find_cycles(lambda: Hub() and None).shapes
    (single,) = garbology.find_cycles(lambda: Owner() and None).shapes
    assert len(several.advice.edges) == 2
    assert "these 2 go together, but judge each by itself" in several.advice.reason
    assert "judge each" not in single.advice.reason


def test_advice_says_so_where_the_work_was_not_watched_to_its_end(monkeypatch):
    """Nothing is known of who needed an edge if nothing was told."""
    monkeypatch.setattr(returns.Returns, "start", lambda self: None)
    (shape,) = garbology.find_cycles(lambda: Owner() and None).shapes
    assert "not watched to its end" in shape.advice.reason


def test_keyword_arguments_are_no_table():
    """A dict of keyword arguments that a closure keeps stands for names: its value is weak, not the dict."""

    class Handler:
        def __init__(self):
            kwargs = {"emitter": self}
            self.handle = lambda: kwargs

    (shape,) = garbology.find_cycles(lambda: Handler() and None).shapes
    assert shape.advice.remedy == "weakref"
    assert edges_of(shape.advice) == {("Handler", ".handle → closure variable kwargs['emitter']")}
