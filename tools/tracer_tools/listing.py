"""The rows of the table with their commands, as people and programs get to see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracer_tools import columns
from tracer_tools.processes import command_name
from tracer_tools.system import THIS_MACHINE, System
from tracer_tools.table import COLUMNS, Row

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = 1
UNKNOWN = "?"
HEADINGS = (*COLUMNS, "COMMAND")


@dataclass(frozen=True)
class Entry:
    """A row and its process's command name, None if the process has ended or is hidden."""

    row: Row
    command: str | None

    def line(self) -> columns.Line:
        """Return the entry as a line of the table."""
        values = list(self.row.counters().values())
        return columns.Line(str(self.row.pid), values, [self.command or UNKNOWN])


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
    return columns.plain_lines(HEADINGS, [entry.line() for entry in entries])


def terminal_table(entries: Sequence[Entry], width: int) -> Table:
    """Return the table for a terminal that is `width` columns wide, 80 at least."""
    return columns.terminal_table(HEADINGS, [entry.line() for entry in entries], width)
