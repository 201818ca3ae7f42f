"""A report as a table for people, as JSON, and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from tracer_tools.columns import Line, Number, plain_lines, terminal_table
from tracer_tools.ctl.report import Measured, Report
from tracer_tools.listing import SCHEMA, UNKNOWN
from tracer_tools.table import COLUMNS, COUNTERS

if TYPE_CHECKING:
    from rich.table import Table

HEADINGS = (*COLUMNS, "END", "COMMAND")
RUNS = "run"
FACTS = ("parent", "command", "exit_status", "signal", "seconds")
SORTABLE = (*COLUMNS, "seconds", "command")


class Format(Enum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True)
class Style:
    """How reports are to look; `sort` is a column of SORTABLE, None for the order of the ends."""

    format: Format = Format.TABLE
    sort: str | None = None
    per_second: bool = False


def in_order(report: Report, style: Style) -> list[Measured]:
    """Return the processes in the order wanted: largest number first, names and PIDs upwards."""
    if style.sort is None:
        return list(report.processes)
    if style.sort == "PID":
        return sorted(report.processes, key=lambda process: process.pid)
    if style.sort == "command":
        return sorted(report.processes, key=lambda process: process.command or UNKNOWN)
    return sorted(report.processes, key=lambda process: -rank(process, style))


def rank(process: Measured, style: Style) -> float:
    """Return the number that a process is sorted by, -1 if there is none."""
    if style.sort not in COUNTERS:
        return process.seconds
    number = process.numbers(per_second=style.per_second)[COUNTERS.index(style.sort)]
    return -1 if number is None else number


def lines(report: Report, style: Style) -> list[Line]:
    """Return the lines of the table: one a process, then the total."""
    shown = [
        Line(
            str(process.pid or UNKNOWN),
            process.numbers(per_second=style.per_second),
            [str(process.ending or RUNS), process.command or UNKNOWN],
        )
        for process in in_order(report, style)
    ]
    how_much = f"{len(shown)} in {report.seconds:.2f} s"
    numbers = report.total_numbers(per_second=style.per_second)
    return [*shown, Line("total", numbers, ["", how_much])]


def as_text(report: Report, style: Style) -> str:
    """Return the table for a file or a pipe, with what limits it."""
    table = plain_lines(HEADINGS, lines(report, style))
    return "\n".join([*table, *report.notes(), ""])


def as_table(report: Report, style: Style, width: int) -> Table:
    """Return the table for a terminal of `width` columns; the notes are not in it."""
    return terminal_table(HEADINGS, lines(report, style), width)


def as_json(report: Report, style: Style) -> str:
    """Return the report as one document, on one line if it is one of several."""
    document: dict[str, Any] = {"schema": SCHEMA}
    if report.interval is not None:
        document["interval"] = report.interval
    if report.command is not None:
        document["command"] = list(report.command)
        document["exit_status"] = report.ending.exit_status if report.ending else None
        document["signal"] = report.ending.signal if report.ending else None
    document["seconds"] = round(report.seconds, 6)
    document["per_second"] = style.per_second
    document["processes"] = [as_document(process, style) for process in in_order(report, style)]
    document["total"] = named(report.total_numbers(per_second=style.per_second))
    document["lost"] = report.lost
    document["missed"] = report.missed
    document["unfollowed"] = report.unfollowed
    return json.dumps(document, indent=2 if report.interval is None else None) + "\n"


def as_document(process: Measured, style: Style) -> dict[str, Any]:
    """Return what JSON says of a process."""
    ended = process.ending
    return {
        "PID": process.pid,
        "parent": process.parent,
        "command": process.command,
        "running": ended is None,
        "exit_status": ended.exit_status if ended else None,
        "signal": ended.signal if ended else None,
        "seconds": round(process.seconds, 6),
        "withheld": process.counters is None,
        **named(process.numbers(per_second=style.per_second)),
    }


def named(numbers: Sequence[Number]) -> dict[str, Number]:
    """Return numbers by the names of their columns, rates with three decimals."""
    return dict(zip(COUNTERS, map(rounded, numbers)))


def rounded(number: Number) -> Number:
    """Return a count as it is, a rate with three decimals."""
    return round(number, 3) if isinstance(number, float) else number


def as_csv(report: Report, style: Style) -> str:
    """Return a line for each process, with a header unless one has been written before."""
    several = report.interval is not None
    text = io.StringIO()
    writer = csv.writer(text)  # commas, quotes and line ends as RFC 4180 has them
    if not several or report.interval == 1:
        writer.writerow([*(["interval"] if several else []), *COLUMNS, *FACTS])
    for process in in_order(report, style):
        row = [process.pid, *csv_cells(process, style)]
        writer.writerow([report.interval, *row] if several else row)
    return text.getvalue()


def csv_cells(process: Measured, style: Style) -> list[Number | str]:
    """Return the cells after the PID; what is not known is empty."""
    ended = process.ending
    return [
        *map(rounded, process.numbers(per_second=style.per_second)),
        process.parent,
        process.command,
        ended.exit_status if ended else None,
        ended.signal if ended else None,
        round(process.seconds, 6),
    ]
