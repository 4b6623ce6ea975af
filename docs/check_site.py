"""Every link of the built site leads somewhere: to a file that is there, and to a place in it. No network is asked.

python docs/check_site.py docs/_build/html
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "iframe": "src", "source": "src"}
_FETCHED = ("img", "script", "iframe", "source", "link")
_NOT_FETCHED = ("canonical", "author", "license")


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        if values.get(_LINKS.get(tag, "")) and values.get("rel") not in _NOT_FETCHED:
            self.links.append((tag, values[_LINKS[tag]]))


@cache
def page(path: Path) -> _Page:
    """A page, read once."""
    return _Page(path.read_text(encoding="utf-8"))


def broken(root: Path) -> Iterator[str]:
    """What leads nowhere, and what a browser would fetch from elsewhere, a line each."""
    for path in sorted(root.rglob("*.html")):
        for tag, link in page(path).links:
            why = _broken(root, path, tag, link)
            if why:
                yield f"{path.relative_to(root)}: {link}: {why}"


def _broken(root: Path, path: Path, tag: str, link: str) -> str:
    parts = urlsplit(link)
    if parts.scheme == "data":
        return ""
    if parts.scheme or parts.netloc:
        return "would be fetched from elsewhere" if tag in _FETCHED else ""
    if parts.path.startswith("/"):
        return "does not work from a disk"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(root.resolve()):
        return "leads out of the site"
    if not target.is_file():
        return "no such file"
    if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in page(target).places:
        return "no such place in it"
    return ""


def main() -> int:
    """1 where there is such a link."""
    root = Path(sys.argv[1]).resolve()
    found = list(broken(root))
    print("\n".join(found) or f"{len(list(root.rglob('*.html')))} pages: every link leads somewhere")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
