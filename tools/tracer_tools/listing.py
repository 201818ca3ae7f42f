"""The table of monitored processes as people and programs get to see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracer_tools.processes import command_name
from tracer_tools.system import THIS_MACHINE, System
from tracer_tools.table import COLUMNS, Row

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = 1
UNKNOWN = "?"
EXACT_BELOW = 100_000
UNITS = "kMGTPE"
HEADINGS = (*COLUMNS, "COMMAND")


@dataclass(frozen=True)
class Entry:
    """A row and its process's command name, None if the process has ended or is hidden."""

    row: Row
    command: str | None

    def numbers(self) -> list[int]:
        """Return PID and counters in the order of the columns."""
        return [self.row.pid, *self.row.counters().values()]


def with_commands(rows: Sequence[Row], system: System = THIS_MACHINE) -> list[Entry]:
    """Return the rows with the command name that each process has now."""
    return [Entry(row, command_name(row.pid, system)) for row in rows]


def as_documents(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return what JSON shows of the entries: counters by the names of their columns."""
    return [
        {"PID": entry.row.pid, "command": entry.command, **entry.row.counters()}
        for entry in entries
    ]


def plain_lines(entries: Sequence[Entry]) -> list[str]:
    """Return the table for a file or a pipe: exact numbers, the command name in the last column."""
    cells = [exact_cells(entry) for entry in entries]
    widths = column_widths(HEADINGS, cells)
    return ["  ".join(aligned(row, widths)).rstrip() for row in [list(HEADINGS), *cells]]


def aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return numbers to the right and the command to the left of their columns."""
    numbers = [cell.rjust(width) for cell, width in zip(cells[:-1], widths)]
    return [*numbers, cells[-1].ljust(widths[-1])]


def terminal_table(entries: Sequence[Entry], width: int) -> Table:
    """Return the table for a terminal that is `width` columns wide.

    Where exact numbers do not fit, those from 100,000 are shortened (k is 1,000) and the long
    headings stand on two lines; then 80 columns are enough for every possible number.
    """
    from rich.table import Table  # noqa: PLC0415 -- a pipe need not wait for it
    from rich.text import Text  # noqa: PLC0415

    layout = fitted(entries, width)
    widths = layout.widths()
    rest = max(width - layout.total() + widths[-1], 1)
    table = Table(box=None, pad_edge=False, padding=(0, layout.gap, 0, 0), header_style="bold")
    for heading, column in zip(layout.headings[:-1], widths):
        table.add_column(Text(heading), justify="right", no_wrap=True, min_width=column)
    table.add_column(Text(layout.headings[-1]), no_wrap=True, max_width=rest)
    for entry, row in zip(entries, layout.cells):
        numbers = zip(row, entry.numbers())
        styled = [Text(text, style="" if number else "dim") for text, number in numbers]
        table.add_row(*styled, Text(row[-1], style="cyan"))
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


def fitted(entries: Sequence[Entry], width: int) -> Layout:
    """Return a layout that fits: exact if it can be, else shortened."""
    exact = Layout(list(HEADINGS), [exact_cells(entry) for entry in entries], gap=2)
    if exact.total() <= width:
        return exact
    stacked = [name.replace("_", "\n_") if "_" in name else f"\n{name}" for name in HEADINGS]
    short = [
        [str(entry.row.pid), *map(shortened, entry.numbers()[1:]), entry.command or UNKNOWN]
        for entry in entries
    ]
    return Layout(stacked, short, gap=1)


def exact_cells(entry: Entry) -> list[str]:
    """Return an entry's cells with every digit."""
    return [*map(str, entry.numbers()), entry.command or UNKNOWN]


def column_widths(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    """Return the longest line of each column."""
    return [
        max(len(text) for text in [*heading.split("\n"), *(row[index] for row in cells)])
        for index, heading in enumerate(headings)
    ]


def shortened(number: int) -> str:
    """Return a counter in at most five characters: exact below 100,000, else as in ``12.3M``."""
    if number < EXACT_BELOW:
        return str(number)
    value, power = number / 1000, 0
    while value >= 999.5:
        value, power = value / 1000, power + 1
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{decimals}f}{UNITS[power]}"
