"""A run of the matrix as it shows on the screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from tracer_lab.guest_suite import TREE
from tracer_lab.matrix import kept_apart, run_jobs
from tracer_lab.matrix_table import COLOURS, COLUMNS, lines_below, table_of
from tracer_lab.reports import CellReport, Job

NUMBER = re.compile(r"\d+")


class LiveDisplay:
    """The cells that are under way, each with what it does; above them those that have ended.

    Where there is no terminal, a line for each step of a cell.
    """

    def __init__(self, console: Console, cells: int) -> None:
        self._console = console
        self._left = cells
        self._cells: dict[str, TaskID] = {}
        self._steps: dict[str, str] = {}
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._live = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._rest = self._live.add_task(self._remaining())

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._live.stop()

    def said(self, name: str, words: str) -> None:
        """Show what a cell is doing now."""
        if not self._console.is_terminal:
            # One line a step: not one a test.
            step = NUMBER.sub("", words)
            if self._steps.get(name) != step:
                self._steps[name] = step
                self._console.print(f"   ... {name}: {words}", highlight=False, soft_wrap=True)
            return
        line = f"{name:<22}  {words}"
        if name in self._cells:
            self._live.update(self._cells[name], description=line)
        else:
            self._cells[name] = self._live.add_task(line)

    def ended(self, report: CellReport) -> None:
        """Show how a cell has ended."""
        colour, verdict = COLOURS[report.verdict], report.verdict.value
        counts = f"{report.passed} passed, {len(report.failed)} failed"
        self._console.print(
            f"[{colour}]{verdict:<10}[/{colour}] {report.name:<22}  {counts},"
            f" {len(report.skipped)} skipped, {report.seconds:.0f} s",
            highlight=False,
            soft_wrap=True,
        )
        for finding in report.failed:
            self._console.print(f"           {finding.test}", highlight=False, soft_wrap=True)
        self.gone(report.name)

    def gone(self, name: str) -> None:
        """Show that a cell is no longer under way."""
        if name in self._cells:
            self._live.remove_task(self._cells.pop(name))
        self._left -= 1
        self._live.update(self._rest, description=self._remaining())

    def _remaining(self) -> str:
        return f"cells to go: {self._left}"


def show_matrix(
    console: Console, jobs: Sequence[Job], debs: Sequence[Path], tests: str
) -> list[CellReport]:
    """Run cells with those packages, show how it goes, and at the end the table."""
    with kept_apart(TREE, debs) as subject, LiveDisplay(console, len(jobs)) as display:
        reports = run_jobs(jobs, subject, tests, display)
    # Where there is no terminal, nothing says how wide the lines may be.
    wide = console if console.is_terminal else Console(file=console.file, width=COLUMNS)
    wide.print()
    wide.print(table_of(reports))
    for line in lines_below(reports):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return reports
