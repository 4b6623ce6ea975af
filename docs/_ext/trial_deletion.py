"""The pictures of docs/concepts.md, drawn from one graph: `python docs/_ext/trial_deletion.py` writes them again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

PICTURES = Path(__file__).parents[1] / "pictures"
INK, MUTED, HELD, GARBAGE, PAPER = "#1f2328", "#57606a", "#0072b2", "#a34700", "#ffffff"
_WIDTH, _HEIGHT, _RADIUS = 460, 210, 24

# name: (x, y); held from outside: a variable refers to it
OBJECTS = {"A": (130, 60), "B": (250, 60), "C": (130, 160), "D": (250, 160), "E": (370, 160)}
REFERENCES = [("A", "B"), ("B", "A"), ("C", "D"), ("D", "C"), ("D", "E")]
OUTSIDE = ["A"]


def counts() -> dict[str, int]:
    """The reference count of each object."""
    targets = [target for _, target in REFERENCES] + OUTSIDE
    return {name: targets.count(name) for name in OBJECTS}


def adjusted() -> dict[str, int]:
    """The counts less the references from inside."""
    inside = [target for _, target in REFERENCES]
    return {name: count - inside.count(name) for name, count in counts().items()}


def reached() -> set[str]:
    """What can be reached from objects that something outside holds."""
    found, new = set(), {name for name, count in adjusted().items() if count > 0}
    while new:
        found |= new
        new = {target for source, target in REFERENCES if source in new} - found
    return found


def picture(caption: str, numbers: dict[str, int], colored: bool) -> str:
    """One picture: each object with its number."""
    parts = [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{PAPER}"/>',
        *_texts([(14, 22, caption)]),
    ]
    parts += [
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{MUTED}"/></marker></defs>'
    ]
    parts += [_arrow(OBJECTS[source], OBJECTS[target]) for source, target in REFERENCES]
    for name in OUTSIDE:
        x, y = OBJECTS[name]
        parts += [_arrow((x - 105, y), (x, y), lift=0), *_texts([(x - 120, y - 10, "a variable")])]
    for name, (x, y) in OBJECTS.items():
        color = INK if not colored else HELD if name in reached() else GARBAGE
        dashed = ' stroke-dasharray="5 3"' if colored and name not in reached() else ""
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{_RADIUS}" fill="{PAPER}" stroke="{color}" stroke-width="2"{dashed}/>'
        )
        parts.append(
            f'<text x="{x}" y="{y + 5}" text-anchor="middle" fill="{color}" font-weight="600">'
            f"{name}: {numbers[name]}</text>"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="14" role="img"><title>{caption}</title>'
        + "".join(parts)
        + "</svg>\n"
    )


def _texts(texts: Iterable[tuple[float, float, str]]) -> list[str]:
    return [f'<text x="{x}" y="{y}" fill="{MUTED}" font-size="13">{text}</text>' for x, y, text in texts]


def _arrow(source: tuple[int, int], target: tuple[int, int], lift: int = 7) -> str:
    """Lifted to its own right, so that a pair of references is two lines."""
    (x1, y1), (x2, y2) = source, target
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    dx, dy = (x2 - x1) / length, (y2 - y1) / length
    begin = (x1 + dx * _RADIUS - dy * lift, y1 + dy * _RADIUS + dx * lift)
    end = (x2 - dx * (_RADIUS + 2) - dy * lift, y2 - dy * (_RADIUS + 2) + dx * lift)
    line = f"M{begin[0]:g} {begin[1]:g}L{end[0]:g} {end[1]:g}"
    return f'<path d="{line}" stroke="{MUTED}" stroke-width="1.5" marker-end="url(#tip)"/>'


def pictures() -> dict[str, str]:
    """File name -> text."""
    return {
        "trial-1.svg": picture("1. The reference count of each object", counts(), colored=False),
        "trial-2.svg": picture("2. Less the references from inside", adjusted(), colored=False),
        "trial-3.svg": picture(
            "3. What is reached from a count above zero is held; the rest is garbage",
            adjusted(),
            colored=True,
        ),
    }


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for name, text in pictures().items():
        (PICTURES / name).write_text(text, encoding="utf-8")
