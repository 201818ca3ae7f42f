"""A run of the bench as it shows on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tracer_lab.bench.bounds import Outcome
from tracer_lab.bench.figures import Form, Run
from tracer_lab.bench.running import run_cells
from tracer_lab.bench.tables import Table, bounds_table, lines_below, tables
from tracer_lab.cells import Cell
from tracer_lab.matrix_display import LiveDisplay

COLUMNS = 100  # where there is no terminal to say how wide lines may be
COLOURS = {
    Outcome.MET.value: "green",
    Outcome.OVER.value: "red",
    Outcome.UNKNOWN.value: "yellow",
}


def measure(
    console: Console, cells: Sequence[Cell], form: Form, keep: Callable[[Run], None]
) -> list[Run]:
    """Run the bench on those cells, show how it gets on, and then the tables.

    ``keep`` is given each run as soon as there is one.
    """
    with LiveDisplay(console, len(cells)) as display:

        def kept(run: Run) -> None:
            display.gone(run.cell)
            keep(run)

        runs = run_cells(cells, form, display.said, kept)
    for run in runs:
        show_run(console, run)
    return runs


def show_run(console: Console, run: Run) -> None:
    """Print every table of a run, and what there is to say below."""
    wide = console if console.is_terminal else Console(file=console.file, width=COLUMNS)
    wide.print(f"\nLinux {run.kernel} ({run.cell}), {run.form} form", highlight=False)
    for table in (*tables(run), bounds_table(run)):
        wide.print(f"\n[bold]{table.title}", highlight=False)
        wide.print(_rich(table))
    for line in lines_below(run):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _rich(table: Table) -> RichTable:
    """The table, its numbers to the right; what a line repeats of the one above is left out."""
    made = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    for at, name in enumerate(table.head):
        made.add_column(name, justify="left" if at < table.words else "right", overflow="fold")
    above = ""
    for first, *others in table.rows:
        shown = "" if first == above else first
        made.add_row(shown, *(_coloured(cell) for cell in others))
        above = first
    return made


def _coloured(cell: str) -> Text:
    return Text(cell, style=COLOURS.get(cell.partition(";")[0], ""))
