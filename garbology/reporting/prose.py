"""A study's docstring as a page shows it: paragraphs, lists and lines of code, and what to do about it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from garbology.text.visible import visible

_REMEDY = re.compile(r"what to do\b[^:.]*[:.]?\s*", re.IGNORECASE)
_BULLET = re.compile(r"[-*] ")
_CODE_SPAN = re.compile(r"(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)")


@dataclass(frozen=True)
class Piece:
    """Words of a paragraph, or a name between backticks."""

    text: str
    code: bool = False


@dataclass(frozen=True)
class Block:
    """A paragraph (one item), a list (an item each) or lines of code (`text`)."""

    kind: Literal["prose", "list", "code"]
    items: Sequence[Sequence[Piece]] = ()
    text: str = ""


@dataclass(frozen=True)
class Prose:
    """A docstring in three parts: the question it opens with, the explanation, and the remedy it ends with."""

    question: str
    explanation: Sequence[Block]
    remedy: Sequence[Block]


def read(docstring: str) -> Prose:
    """The parts of a docstring; the remedy is what follows a paragraph that begins with "What to do"."""
    first, *rest = list(_chunks(docstring)) or [""]
    start = next((index for index, chunk in enumerate(rest) if _REMEDY.match(chunk)), len(rest))
    remedy = rest[start:]
    if remedy:
        remedy[0] = _capitalized(_REMEDY.sub("", remedy[0], count=1))
    return Prose(
        question=" ".join(first.split()),
        explanation=[_block(chunk) for chunk in rest[:start]],
        remedy=[_block(chunk) for chunk in remedy if chunk.strip()],
    )


def _chunks(docstring: str) -> Iterator[str]:
    """The parts between blank lines; two parts of code that stand beside each other are one."""
    held = ""
    for chunk in re.split(r"\n[ \t]*\n", inspect.cleandoc(docstring)):
        if not chunk.strip():
            continue
        if held and _is_code(held) and _is_code(chunk):
            held += f"\n\n{chunk}"
            continue
        if held:
            yield held
        held = chunk
    if held:
        yield held


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_code(chunk: str) -> bool:
    return all(line.startswith("    ") for line in chunk.splitlines() if line.strip())


def _block(chunk: str) -> Block:
    if _is_code(chunk):
        lines = inspect.cleandoc("\n" + chunk)
        return Block("code", text=visible(lines, keep_newlines=True))
    if _BULLET.match(chunk.lstrip()):
        items = re.split(r"\n(?=\s*[-*] )", chunk.strip())
        return Block("list", items=[pieces(_BULLET.sub("", item.strip(), count=1)) for item in items])
    return Block("prose", items=[pieces(chunk)])


def pieces(text: str) -> list[Piece]:
    """The words of one line, the names between backticks apart."""
    line = " ".join(visible(text, keep_newlines=True).split())
    found: list[Piece] = []
    end = 0
    for span in _CODE_SPAN.finditer(line):
        found += [_words(line[end : span.start()]), Piece(span[2].strip(), code=True)]
        end = span.end()
    return [piece for piece in [*found, _words(line[end:])] if piece.text]


def _words(text: str) -> Piece:
    return Piece(text.replace(" -> ", " → "))
