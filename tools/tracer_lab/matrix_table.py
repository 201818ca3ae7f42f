"""What a run of the matrix came to, for people: the table, and what there is to say below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tracer_lab.reports import CellReport, Verdict

LINES_OF_EACH_END = 20
COLUMNS = 100  # the table fits
COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.LOST: "yellow"}


def table_of(reports: Sequence[CellReport]) -> Table:
    """The one table: a line for each cell."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("cell", "kernel"):
        table.add_column(name, overflow="fold")
    for name in ("passed", "failed", "skipped"):
        table.add_column(name, justify="right")
    table.add_column("outcome")
    table.add_column("time", justify="right")
    for report in reports:
        numbers = (report.passed, len(report.failed), len(report.skipped))
        table.add_row(
            report.name,
            report.kernel or "-",
            *map(str, numbers),
            f"[{COLOURS[report.verdict]}]{report.verdict.value}",
            minutes(report.seconds),
        )
    return table


def minutes(seconds: float) -> str:
    """A time for people: 4:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def lines_below(reports: Sequence[CellReport]) -> Iterator[str]:
    """What the table has no room for: logs, skipped tests, and all about what is no pass."""
    (folder,) = {report.log.parent for report in reports}
    yield f"log of each cell: {folder}/matrix-CELL.log"
    for report in reports:
        yield from (f"{report.name}: {note}" for note in report.notes)
    yield from _skips(reports)
    for report in reports:
        if report.verdict is not Verdict.PASS:
            yield from _failures(report)


def _skips(reports: Sequence[CellReport]) -> Iterator[str]:
    """Each test that was skipped and why, with all the cells where that is so."""
    cells: dict[tuple[str, str], list[str]] = {}
    for report in reports:
        for finding in report.skipped:
            cells.setdefault((finding.test, finding.detail), []).append(report.name)
    for (test, why), names in cells.items():
        yield f"skipped: {test} on {', '.join(names)}: {why}"


def _failures(report: CellReport) -> Iterator[str]:
    which = f"{report.verdict.value}: {report.name}"
    if report.kernel:
        which += f", Linux {report.kernel}"
    again = f"./bootstrap matrix --only {report.name}"
    for reason in report.reasons:
        yield from ("", f"{which}: {reason}", *_way_on(report, again))
    for finding in report.failed:
        yield from ("", f"{which}: {finding.test}", *_indented(finding.detail))
        only_tests = "" if report.built_for is not None else f" -k {finding.test}"
        yield from _way_on(report, again + only_tests)


def _way_on(report: CellReport, again: str) -> Iterator[str]:
    yield f"  log: {report.log}"
    yield f"  only this again: {again}"


def _indented(text: str) -> Iterator[str]:
    """The lines of a failure: of a long one its beginning and its end, the log has it all."""
    lines = text.rstrip().splitlines()
    left_out = len(lines) - 2 * LINES_OF_EACH_END
    if left_out > 0:
        gap = f"... {left_out} more lines in the log ..."
        lines = [*lines[:LINES_OF_EACH_END], gap, *lines[-LINES_OF_EACH_END:]]
    return (f"  {line}" for line in lines)
