from garbology.reporting.prose import read
from garbology.reporting.templating import _html, _markdown

DOCSTRING = """Who frees it?

    Reference counting, mostly: `gc` is for the rest -> see below.

    - one `thing`
      that goes on
    - another

    What to do about it: write

        with no_grad():
            output = model(inputs)

        print(output)

    and keep nothing else.
"""


def text(block):
    return ["".join(piece.text for piece in item) for item in block.items]


def test_a_docstring_has_question_explanation_and_remedy():
    """The first paragraph asks, the last part, from "What to do" on, answers."""
    prose = read(DOCSTRING)
    assert prose.question == "Who frees it?"
    assert [block.kind for block in prose.explanation] == ["prose", "list"]
    assert [block.kind for block in prose.remedy] == ["prose", "code", "prose"]
    assert text(prose.remedy[0]) == ["Write"]
    assert text(prose.remedy[2]) == ["and keep nothing else."]


def test_code_keeps_its_lines():
    """Indented lines are code, as they were written, blank lines included."""
    code = read(DOCSTRING).remedy[1].text
    assert code == "with no_grad():\n    output = model(inputs)\n\nprint(output)"


def test_names_and_lists_are_seen():
    """Backticks mark code, dashes a list, and an arrow is an arrow."""
    sentence, items = read(DOCSTRING).explanation
    assert [(piece.text, piece.code) for piece in sentence.items[0]] == [
        ("Reference counting, mostly: ", False),
        ("gc", True),
        (" is for the rest → see below.", False),
    ]
    assert text(items) == ["one thing that goes on", "another"]


def test_an_interpreter_that_strips_docstrings_changes_nothing():
    """From 3.13 on the compiler strips a docstring's indentation: the page is the same."""
    import inspect

    assert read(inspect.cleandoc(DOCSTRING)) == read(DOCSTRING)


def test_an_empty_docstring_asks_nothing():
    """A study without a docstring has an empty question and no more."""
    assert read("") == read("  \n ")
    assert read("").question == ""


def test_names_between_backticks_are_code_wherever_a_sentence_is_shown():
    """A claim, a verdict or a remedy is escaped like all else, and its backticks are not shown."""
    template = _html().from_string("{{ text | spans }}")
    shown = template.render(text="hold `weakref.ref(<b>)` & not `x")
    assert shown == "hold <code>weakref.ref(&lt;b&gt;)</code> &amp; not `x"
    markdown = _markdown().from_string("{{ text | spans }}").render(text="end with `del a_b` *now*")
    assert markdown == r"end with `del a_b` \*now\*"
