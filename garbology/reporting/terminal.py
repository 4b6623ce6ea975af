"""The report as a terminal shows it: a small table, findings, verdict; plain where it is no terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from garbology.reporting import views
from garbology.reporting.findings import Finding, findings, tally
from garbology.study.page import NO_VERDICT, StudyPage
from garbology.text.visible import visible

_STYLES = {
    "holds": "green",
    "does not hold": "bold red",
    "not on this version": "blue",
    "not measured": "yellow",
}
_TABLE_ROWS, _TABLE_PARTS = 24, 2
_GAP = 2  # between the columns of a grid
_CELL_PADDING = 3  # of rich's tables: a blank on both sides, and the line that is not drawn


def print_page(page: StudyPage, console: Console | None = None, *, verdict: bool = True) -> None:
    """Print the page's table, tiles, findings, problems and verdict to `console`, by default standard output.

    Without a terminal, or with NO_COLOR, no escape sequence is written; nothing that a measured program named
    is read as markup.
    """
    if console is None:  # rich alone leaves bold and faint in spite of NO_COLOR
        console = Console(highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")
    if not console.width:  # COLUMNS=0, of a pseudo-terminal without a size: nothing at all would be printed
        console.width = 80
    out = _Printer(console)
    out.line(Text(visible(page.title), style="bold"))
    _print_table(out, page)
    _print_tiles(out, page)
    _print_findings(out, page)
    _print_problems(out, page)
    if verdict:
        out.gap()  # it comes last: it is what stands above the prompt
        out.line(Text(visible(page.verdict) or NO_VERDICT, style="bold"))


class _Printer:
    """Prints texts that the console's encoding may not know."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._encoding = console.encoding or "utf-8"

    def text(self, text: str, style: str = "") -> Text:
        """`text` with what the encoding lacks written as escapes."""
        encoded = visible(text).encode(self._encoding, "backslashreplace")
        return Text(encoded.decode(self._encoding), style=style)

    def line(self, text: Text) -> None:
        self.console.print(self.text(text.plain, str(text.style)), soft_wrap=not self.console.is_terminal)

    def gap(self) -> None:
        self.console.print()


def _print_tiles(out: _Printer, page: StudyPage) -> None:
    if not page.tiles:
        return
    out.gap()
    grid = Table.grid(padding=(0, _GAP))
    grid.add_column(justify="right", style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for tile in views.tiles(page):
        more = [f"95 %: {tile.interval}" if tile.interval else "", tile.reference]
        notes = "; ".join(filter(None, more))
        label = f"{tile.label} ({notes})" if notes else tile.label
        grid.add_row(out.text(f"{tile.number} {tile.unit}".strip()), out.text(label))
    out.console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def _print_table(out: _Printer, page: StudyPage) -> None:
    """The medians; columns that do not fit go into a further table below, with the same first columns."""
    columns = [visible(column) for column in page.table.columns]
    rows = [[visible(cell) for cell in row] for row in page.table.rows[:_TABLE_ROWS]]
    if not rows:
        return
    out.gap()
    if page.table.caption:
        out.line(Text(visible(page.table.caption), style="dim"))
    groups = list(_column_groups(columns, rows, out.console.width - _GAP))
    for chosen in groups[:_TABLE_PARTS]:
        out.console.print(_table(out, chosen, columns, rows))
    keys = len(_key_columns(rows, len(columns)))
    unseen = {
        "rows": len(page.table.rows) - len(rows),
        "columns": sum(len(one) - keys for one in groups[_TABLE_PARTS:]),
    }
    if any(unseen.values()):
        missing = " and ".join(
            f"{count} more {what if count != 1 else what[:-1]}" for what, count in unseen.items() if count
        )
        out.line(Text(f"The report has {missing}.", style="dim"))


def _column_groups(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[list[int]]:
    """Indices of the columns of each table, none wider than `width` as far as that can be."""
    widths = [
        _narrowest(column, [row[index] for row in rows]) + _CELL_PADDING
        for index, column in enumerate(columns)
    ]
    keys = _key_columns(rows, len(columns))
    room = width - sum(widths[index] for index in keys)
    group: list[int] = []
    for index in range(len(keys), len(columns)):
        if group and sum(widths[each] for each in group) + widths[index] > room:
            yield [*keys, *group]
            group = []
        group.append(index)
    yield [*keys, *group]


def _narrowest(column: str, cells: Sequence[str]) -> int:
    """The width in which no cell is wrapped, and the heading between words only."""
    return max(1, *map(cell_len, [*column.split(), *cells]))


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """A width for each column, in all at most `room`: as narrow as its cells, then wider where a heading wraps."""
    widths = [min(_narrowest(column, inside), room) for column, inside in zip(columns, cells, strict=True)]
    while sum(widths) < room:
        missing = [cell_len(column) - width for column, width in zip(columns, widths, strict=True)]
        if max(missing) <= 0:
            break
        widths[missing.index(max(missing))] += 1
    return widths


def _key_columns(rows: Sequence[Sequence[str]], count: int) -> list[int]:
    """The first columns that tell every row from the others: they lead each part of a split table."""
    for length in range(1, count):
        if len({tuple(row[:length]) for row in rows}) == len(rows):
            return list(range(length))
    return [0]


def _table(
    out: _Printer, chosen: Sequence[int], columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> Table:
    utf8 = out.console.encoding.lower().startswith("utf")
    table = Table(box=box.SIMPLE_HEAD if utf8 else box.ASCII2, padding=(0, 1), pad_edge=False)
    cells = [[row[index] for row in rows] for index in chosen]
    # Rich would narrow the widest column first, and cut what is then too wide: the widths are ours.
    room = out.console.width - _GAP - _CELL_PADDING * len(chosen)
    widths = _widths([columns[index] for index in chosen], cells, max(room, 1))
    for index, inside, width in zip(chosen, cells, widths, strict=True):
        numbers = all(map(_starts_like_number, inside))
        table.add_column(
            out.text(columns[index]), justify="right" if numbers else "left", overflow="fold", width=width
        )
    for row in rows:
        table.add_row(*(out.text(row[index]) for index in chosen))
    return table


def _starts_like_number(cell: str) -> bool:
    return not cell or not cell[0].isalpha()


def _print_findings(out: _Printer, page: StudyPage) -> None:
    every = findings(page)
    if not every:
        return
    out.gap()
    out.line(Text(tally(page), style="bold"))
    grid = Table.grid(padding=(0, _GAP))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in every:
        claim = out.text(finding.claim)
        if finding.where:
            claim.append_text(out.text(f" ({finding.where})", _STYLES[finding.status]))
        evidence = _evidence(finding)
        if evidence:
            claim.append_text(out.text(f" [{evidence}]", "dim"))
        grid.add_row(out.text(finding.status, _STYLES[finding.status]), claim)
    out.console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def _evidence(finding: Finding) -> str:
    """What the samples showed, on a runtime with the claim's status; with the reason where it is excepted."""
    judgement = next(one for one in finding.judgements if one.status == finding.status)
    reference = "".join(text for text, _link in judgement.references)
    return "; ".join(filter(None, [judgement.evidence, judgement.reason.rstrip("."), reference]))


def _print_problems(out: _Printer, page: StudyPage) -> None:
    if not page.problems:
        return
    out.gap()
    out.line(Text("Not everything was measured:", style="bold red"))
    for problem in page.problems:
        out.line(Text(f"- {visible(problem)}"))
