"""Numbers in columns: with every digit for a file or a pipe, as they fit for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from rich.table import Table

Number = Union[int, float, None]
"""A count, a rate, or None where there is none to show."""
NONE = "-"
EXACT_BELOW = 100_000
UNITS = "kMGTPE"


@dataclass(frozen=True)
class Line:
    """One line: a label, numbers, and texts, the last of which may be cut on a terminal."""

    label: str
    numbers: Sequence[Number]
    texts: Sequence[str]

    def exact(self) -> list[str]:
        """Return the cells with every digit of a count and one decimal of a rate."""
        return [self.label, *map(exact, self.numbers), *self.texts]

    def short(self) -> list[str]:
        """Return the cells with numbers of at most five characters."""
        return [self.label, *map(shortened, self.numbers), *self.texts]


def plain_lines(headings: Sequence[str], lines: Sequence[Line]) -> list[str]:
    """Return the table for a file or a pipe, its headings first."""
    cells = [line.exact() for line in lines]
    widths = column_widths(headings, cells)
    return ["  ".join(aligned(row, widths)).rstrip() for row in [list(headings), *cells]]


def aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return the last cell to the left of its column and all others to the right."""
    others = [cell.rjust(width) for cell, width in zip(cells[:-1], widths)]
    return [*others, cells[-1].ljust(widths[-1])]


def terminal_table(headings: Sequence[str], lines: Sequence[Line], width: int) -> Table:
    """Return the table for a terminal that is `width` columns wide.

    Where exact numbers do not fit, those from 100,000 are shortened (k is 1,000) and the long
    headings stand on two lines; then 80 columns are enough for every possible number.
    """
    from rich.table import Table  # noqa: PLC0415 -- a pipe need not wait for it
    from rich.text import Text  # noqa: PLC0415

    layout = fitted(headings, lines, width)
    widths = layout.widths()
    rest = max(width - layout.total() + widths[-1], 1)
    table = Table(box=None, pad_edge=False, padding=(0, layout.gap, 0, 0), header_style="bold")
    for heading, column in zip(layout.headings[:-1], widths):
        table.add_column(Text(heading), justify="right", no_wrap=True, min_width=column)
    table.add_column(Text(layout.headings[-1]), no_wrap=True, max_width=rest)
    for line, row in zip(lines, layout.cells):
        values = [line.label, *line.numbers, *line.texts]
        styled = [Text(text, style="" if value else "dim") for text, value in zip(row, values)]
        table.add_row(*styled[:-1], Text(row[-1], style="cyan"))
    return table


@dataclass(frozen=True)
class Layout:
    """Headings and cells as text, and how many blanks stand between two columns."""

    headings: list[str]
    cells: list[list[str]]
    gap: int

    def widths(self) -> list[int]:
        """Return how wide each column must be for its heading's lines and its cells."""
        return column_widths(self.headings, self.cells)

    def total(self) -> int:
        """Return how wide the table is."""
        widths = self.widths()
        return sum(widths) + self.gap * (len(widths) - 1)


def fitted(headings: Sequence[str], lines: Sequence[Line], width: int) -> Layout:
    """Return a layout that fits: exact if it can be, else shortened."""
    layout = Layout(list(headings), [line.exact() for line in lines], gap=2)
    if layout.total() <= width:
        return layout
    return shortest(headings, lines)


def shortest(headings: Sequence[str], lines: Sequence[Line]) -> Layout:
    """Return the narrowest layout."""
    stacked = [name.replace("_", "\n_") if "_" in name else f"\n{name}" for name in headings]
    return Layout(stacked, [line.short() for line in lines], gap=1)


def short_lines(headings: Sequence[str], lines: Sequence[Line], width: int) -> list[str]:
    """Return the table in its narrowest layout, two lines of headings first, cut at `width`."""
    layout = shortest(headings, lines)
    split = [heading.split("\n") for heading in layout.headings]
    rows = [[parts[0] for parts in split], [parts[1] for parts in split], *layout.cells]
    return [" ".join(aligned(row, layout.widths())).rstrip()[:width] for row in rows]


def column_widths(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    """Return the longest line of each column."""
    return [
        max(len(text) for text in [*heading.split("\n"), *(row[index] for row in cells)])
        for index, heading in enumerate(headings)
    ]


def exact(number: Number) -> str:
    """Return a count with every digit, a rate with one decimal."""
    if number is None:
        return NONE
    return str(number) if isinstance(number, int) else f"{number:.1f}"


def shortened(number: Number) -> str:
    """Return a number in at most five characters, as in ``99999``, ``12.3M``, ``999.9``."""
    if number is None or (isinstance(number, float) and number < 999.95):
        return exact(number)
    if round(number) < EXACT_BELOW:
        return str(round(number))
    value, power = number / 1000, 0
    while value >= 999.5:
        value, power = value / 1000, power + 1
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{decimals}f}{UNITS[power] if power < len(UNITS) else '?'}"
