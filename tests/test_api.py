"""What users may rely on: every public name with its parameters, as `tests/api.txt` has it.

A change of it is a change for users: say so in CHANGELOG.md, and write the file again with `python tests/test_api.py`.
"""

import inspect
import pydoc
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import garbology

SNAPSHOT = Path(__file__).with_name("api.txt")


def parameters_of(function: Any) -> str:
    """Names, kinds and defaults; annotations are mypy's matter, and each Python prints them another way."""
    signature = inspect.signature(function)
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return re.sub(r"<object object at \w+>", "<object>", text)


def entries_of(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, ModuleType):
        for each, member in sorted(vars(value).items()):
            if not each.startswith("_") and getattr(member, "__module__", "") == value.__name__:
                yield from entries_of(f"{name}.{each}", member)
    elif isinstance(value, type):
        yield f"{name}{parameters_of(value)}"
        for each, member in sorted(vars(value).items()):
            if each.startswith("_"):
                continue
            if isinstance(member, property):
                yield f"{name}.{each}"
            elif callable(member) or isinstance(member, classmethod | staticmethod):
                yield f"{name}.{each}{parameters_of(getattr(value, each))}"
    elif callable(value):
        yield f"{name}{parameters_of(value)}"
    else:
        yield name


def public() -> str:
    lines = [line for name in garbology.__all__ for line in entries_of(name, getattr(garbology, name))]
    return "\n".join(lines) + "\n"


def test_the_public_names_and_parameters_are_those_of_the_snapshot():
    """Nothing that users call changes by accident."""
    assert public() == SNAPSHOT.read_text(encoding="utf-8")


def test_help_shows_every_type_that_a_user_meets():
    """`help(garbology)` has a section for whatever a public function answers with, and for what that consists of."""
    text = pydoc.plain(pydoc.render_doc(garbology))
    met = (
        "Found CycleShape Edge Node Advice Leak HeldByC Alive Pauses Collection Report Holder Seen SeenShape"
    )
    assert [name for name in met.split() if f"class {name}(" not in text] == []
    assert "find_cycles(" in text


if __name__ == "__main__":
    SNAPSHOT.write_text(public(), encoding="utf-8")
