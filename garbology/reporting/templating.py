"""The templates' environments: in each, whatever a measured program named is shown and never interpreted."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from garbology.reporting.palette import COLORS
from garbology.reporting.prose import Piece, pieces
from garbology.text.visible import escape_markdown, markdown_code, visible

_STYLES = ("page.css", "parts.css")


def render(template: str, content: Mapping[str, Any]) -> str:
    """The text of a template: HTML for "NAME.html.j2", Markdown for "NAME.md.j2"."""
    if ".html." in template:
        return _html().get_template(template).render(content)
    text = _markdown().get_template(template).render(content)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


@lru_cache(maxsize=1)
def _html() -> Environment:
    environment = Environment(
        loader=PackageLoader("garbology.reporting"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = "".join(_source(environment, name) for name in _STYLES)
    script = _source(environment, "page.js")
    environment.filters["spans"] = _code_spans
    environment.filters["drawing"] = Markup  # what svg.py has cleaned
    environment.filters["verbatim"] = _verbatim
    environment.filters["link"] = _link
    environment.globals.update(
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=_hash(script),
        style_hash=_hash(style),
        cell_style=Markup(_source(environment, "cell.css")),  # noqa: S704 - our own file
    )
    return environment


@lru_cache(maxsize=1)
def _markdown() -> Environment:
    """Whatever is not Markdown already is escaped for Markdown as it is placed, and then is."""
    environment = Environment(
        loader=PackageLoader("garbology.reporting"),
        autoescape=True,
        finalize=_escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        spans=_markdown_spans,
        pieces=_markdown_pieces,
        cell=_cell,
        code=_code,
        fenced=_fenced,
        link=_link,
        address=_address,
    )
    return environment


def _shown(value: Any) -> Any:
    """Every value that a page shows passes here: our own markup as it is, all else made visible."""
    return value if isinstance(value, Markup) else visible(value)


def _code_spans(text: str) -> Markup:
    """A sentence with the names between backticks as code, all of it escaped."""
    return Markup().join(
        Markup("<code>{}</code>").format(piece.text) if piece.code else Markup.escape(piece.text)
        for piece in pieces(text)
    )


def _markdown_spans(text: str) -> Markup:
    return _markdown_pieces(pieces(text))


def _markdown_pieces(items: Sequence[Piece]) -> Markup:
    return Markup().join(
        _code(piece.text) if piece.code else Markup(escape_markdown(piece.text, begins_line=not index))  # noqa: S704 - escaped
        for index, piece in enumerate(items)
    )


def _cell(text: str) -> Markup:
    """The same in a cell of a table, where a pipe ends the cell even in code."""
    return Markup().join(
        Markup(markdown_code(piece.text).replace("|", "\\|"))  # noqa: S704 - escaped for Markdown
        if piece.code
        else Markup(escape_markdown(piece.text, begins_line=False))  # noqa: S704 - escaped
        for piece in pieces(text)
    )


def _verbatim(text: str) -> Markup:
    """Lines of code, their line ends kept."""
    return Markup.escape(visible(text, keep_newlines=True))


def _escaped(value: Any) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape_markdown(value))  # noqa: S704 - escaped


def _code(text: str) -> Markup:
    return Markup(markdown_code(text))  # noqa: S704 - escaped for Markdown


def _fenced(text: str) -> Markup:
    """Lines of code as an indented block, which nothing in them can end."""
    lines = visible(text, keep_newlines=True).splitlines()
    return Markup("\n".join(f"    {line}" for line in lines))  # noqa: S704 - code is shown as it is


def _link(file_name: str) -> Markup:
    """A file beside the page as an address, byte for byte as the file system has its name."""
    return Markup(quote(file_name, errors="surrogateescape"))  # noqa: S704 - percent-encoded


def _address(href: str) -> Markup:
    """An address as the target of a Markdown link: what could end the target is percent-encoded."""
    return Markup(quote(href, safe=":/?#&=%~+,@!$;-._"))  # noqa: S704 - percent-encoded


def _source(environment: Environment, name: str) -> str:
    """A file of the templates' folder with the palette's colours put in."""
    return environment.get_template(name).render(colors=COLORS)


def _hash(source: str) -> str:
    """The digest by which the page's own policy admits one script and one style, and nothing else."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
