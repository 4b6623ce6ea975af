"""What a notebook is handed: cards as HTML, and the text beside them."""

import builtins
import re
import sys
from html.parser import HTMLParser

import pytest

import garbology
from garbology.find.found import Found
from garbology.growth.holders import Holder
from garbology.growth.report import Report
from garbology.recorders.pauses import Pauses

pytest.importorskip("jinja2")

HOSTILE = "<script>alert(1)</script>"
VOID = ("br", "path", "rect", "line")


class Node:
    pass


def ring():
    node = Node()
    node.me = node


def hostile_ring():
    node = type(HOSTILE, (), {})()
    setattr(node, "<img src=x onerror=alert(2)>", node)


class Reader(HTMLParser):
    """The tags and the text of a card; a tag that is not closed fails."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text, self.attributes = [], [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def shown(answer):
    """The card of an answer, read, and its text."""
    bundle = answer._repr_mimebundle_()
    card = Reader(bundle["text/html"])
    return " ".join(" ".join(card.text).split()), card, bundle["text/plain"]


def test_a_finding_is_its_verdict_and_a_card_a_shape():
    """The same verdict as in the text, the edge to weaken, and whether that was tried."""
    found = garbology.find_cycles(ring)
    text, card, plain = shown(found)
    assert plain == str(found)
    assert plain.partition("\n")[0] in text
    assert "weaken this one" in text or "clear this one" in text or "replace this one" in text
    assert "svg" in card.tags or "picture" in text


def test_a_shape_is_shown_alone():
    """Its text is that of the finding, without the verdict."""
    (shape,) = garbology.find_cycles(ring).shapes
    text, _, plain = shown(shape)
    assert plain.startswith("1 x a cycle of ")
    assert "wait for the cyclic collector" not in text
    assert "Node" in text


def test_no_garbage_is_one_sentence():
    """Nothing else is drawn; where a browser's tests have left greenlets, a second one says what was not judged."""
    text, card, plain = shown(garbology.find_cycles(int))
    assert " ".join(plain.split()) in text
    assert "article" not in card.tags


def test_what_has_not_ended_says_so():
    """As its text does."""
    assert "has not ended" in shown(Found(ended=False))[0]
    assert "text/html" not in Report(ended=False)._repr_mimebundle_()


def test_why_alive_is_a_list_of_references():
    """From the root to the object."""
    kept = [Node()]
    text, card, plain = shown(garbology.why_alive(kept[0]))
    assert "Node is alive" in text
    assert card.tags.count("li") == 1
    assert "kept" in plain


def test_pauses_are_counted_and_drawn():
    """Each line of the strip is a pause; the longest of each stretch where there are thousands."""
    with garbology.record_pauses() as pauses:
        for _ in range(3):
            __import__("gc").collect()
    text, card, plain = shown(pauses)
    assert re.search(r"collections 3\b", text)
    assert card.tags.count("path") <= 3
    assert plain == repr(pauses)
    many = Pauses()
    for place in range(5000):
        for column in (many._generations, many._collected, many._uncollectable, many._candidates):
            column.append(0)
        many._interpreter_seconds.append(-1)
        many._start_seconds.append(place / 100)
        many._duration_seconds.append(1e-4)
    assert shown(many)[1].tags.count("path") < 200
    assert shown(Pauses())[1].tags.count("path") == 0


def report(name="app.CACHE[str]"):
    moments = [
        {"step": step, "alive_bytes": 100.0 * step, "waiting_bytes": 0.0, "kept_bytes": 0.0, "native_bytes": 0.0}
        for step in range(3)
    ]  # fmt: skip
    holder = Holder(name, 20_000.0, 20_000.0, 20_000.0, 20.0, ["Session"], where="dict in module app")
    return Report(calls=20, grows=20_000.0, low=19_000.0, high=21_000.0, holders=[holder], moments=moments)


def test_growth_is_tiles_bands_and_holders():
    """The bands need the drawing libraries, the rest does not."""
    pytest.importorskip("altair")
    text, card, plain = shown(report())
    assert "Memory grows by 20.0 kB a call" in text
    assert "app.CACHE[str]" in text
    assert "svg" in card.tags
    assert plain == str(report())


def without(monkeypatch, *names):
    """Import as where some packages are not installed."""
    real = builtins.__import__

    def refused(name, *rest):
        if name.partition(".")[0] in names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    for module in list(sys.modules):
        if module.startswith("garbology.reporting"):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", refused)


def test_without_the_drawing_libraries_growth_is_told_without_bands(monkeypatch):
    """Holder and figure are there."""
    without(monkeypatch, "altair", "vl_convert")
    text, card, _ = shown(report())
    assert "app.CACHE[str]" in text
    assert "svg" not in card.tags


def test_without_jinja_the_text_stands_alone(monkeypatch):
    """A notebook shows what a terminal does."""
    without(monkeypatch, "jinja2", "markupsafe")
    found = garbology.find_cycles(ring)
    assert found._repr_mimebundle_() == {"text/plain": str(found)}


@pytest.mark.parametrize(
    "answer",
    [lambda: garbology.find_cycles(hostile_ring), lambda: report(HOSTILE),
     lambda: garbology.why_alive(vars(sys.modules[__name__]).setdefault("kept", type(HOSTILE, (), {})()))],
    ids=["found", "growth", "alive"],
)  # fmt: skip
def test_names_are_shown_and_never_interpreted(answer):
    """No script, no handler, no element that a name brought along."""
    text, card, _ = shown(answer())
    assert "alert(1)" in text
    assert {"script", "img", "iframe", "link"}.isdisjoint(card.tags)
    assert [name for name in card.attributes if name.startswith("on") or name in ("src", "href")] == []
