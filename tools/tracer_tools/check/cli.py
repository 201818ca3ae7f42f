"""tracer-check: say whether tracer works here, and what mends it if not."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracer_tools.check.checks import CHECKS
from tracer_tools.check.engine import Result, Status, Verdict, examine, verdict
from tracer_tools.cli import CommandParser, add_version, conduct, terminal
from tracer_tools.errors import TracerError
from tracer_tools.listing import (
    SCHEMA,
    Entry,
    as_documents,
    plain_lines,
    terminal_table,
    with_commands,
)
from tracer_tools.processes import printable
from tracer_tools.system import THIS_MACHINE
from tracer_tools.table import snapshot

if TYPE_CHECKING:
    from rich.console import Console

NAME = "tracer-check"
SUMMARY = "find out whether tracer works on this machine"
# Lines of at most 68 characters, so that the manual page does not break them on 80 columns.
DESCRIPTION = """\
Check, step by step, everything that tracer needs on this machine, and
show the table of what it counts. Each check comes out as PASS, WARN,
FAIL or SKIP with one sentence of fact and, where something is to be
mended, the command that does it."""
EXAMPLES = """\
  tracer-check          check everything
  sudo tracer-check     the same, with what only root can find out
  tracer-check --quiet  say nothing but what is wrong
  tracer-check --json   tell a program"""
SECTIONS = (
    (
        "exit status",
        """\
  0  tracer is usable
  1  a check failed (or warned, with --strict)
  2  wrong usage
  3  nothing failed, but a check that decides could not be made""",
    ),
    (
        "files",
        """\
  /dev/tracer                      the device
  /proc/tracer                     the table
  /sys/class/misc/tracer           values that the module shows
  /sys/kernel/debug/tracer/probes  the probes, for root to read""",
    ),
    (
        "environment",
        """\
  NO_COLOR  if set and not empty, no colours""",
    ),
    (
        "overhead",
        """\
  While anything is monitored, every process pays a little for each
  call of the seven functions; tracer-check adds less than a second
  of that.""",
    ),
    (
        "caveats",
        """\
  Nothing is changed, with one exception: tracer-check monitors
  itself for a moment, to see whether it is counted exactly. If
  somebody monitors it already, that is left as it is.""",
    ),
)
COLOURS = {
    Status.PASS: "green",
    Status.WARN: "yellow",
    Status.FAIL: "bold red",
    Status.SKIP: "dim",
}
CONCLUSIONS = {
    Verdict.USABLE: "tracer is usable",
    Verdict.NOT_USABLE: "tracer is not usable as it is",
    Verdict.UNKNOWN: "whether tracer is usable could not be found out",
}
ID_WIDTH = max(len(check.id) for check in CHECKS)
INDENT = " " * (len("PASS") + ID_WIDTH + 4)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of tracer-check; manual page and shell completion are made from it."""
    parser = CommandParser(
        prog=NAME, summary=SUMMARY, description=DESCRIPTION, examples=EXAMPLES, sections=SECTIONS
    )
    add_version(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON document")
    output.add_argument("--quiet", action="store_true", help="print only what is wrong")
    output.add_argument("--list", action="store_true", help="print the checks and make none")
    parser.add_argument("--strict", action="store_true", help="take a WARN for a FAIL")
    return parser


def command() -> int:
    """Do what the arguments of this process say; return the exit status."""
    arguments = build_parser().parse_args()
    if arguments.list:
        for check in CHECKS:
            print(f"{check.id:<{ID_WIDTH}}  {check.question}")
        return 0
    if arguments.json:
        return report_json(strict=arguments.strict)
    return report(quiet=arguments.quiet, strict=arguments.strict)


def report_json(*, strict: bool) -> int:
    """Make all checks and print them, with the table, as one JSON document."""
    results = list(examine(CHECKS, THIS_MACHINE))
    outcome = verdict(results, strict=strict)
    document = {
        "schema": SCHEMA,
        "kernel": THIS_MACHINE.release(),
        "verdict": outcome.name.lower().replace("_", " "),
        "exit_status": int(outcome),
        "checks": [
            {
                "id": result.check.id,
                "status": result.status.value,
                "fact": result.finding.fact,
                "command": result.finding.command or None,
                "detail": list(result.finding.detail),
            }
            for result in results
        ],
        "processes": as_documents(table() or []),
    }
    print(json.dumps(document, indent=2))
    return int(outcome)


def report(*, quiet: bool, strict: bool) -> int:
    """Make all checks and print each as it is known, then the conclusion and the table."""
    console = terminal()
    results = []
    for result in examine(CHECKS, THIS_MACHINE):
        results.append(result)
        if not quiet or result.status in {Status.WARN, Status.FAIL}:
            show(result, console)
    outcome = verdict(results, strict=strict)
    if quiet:
        if outcome is Verdict.UNKNOWN:
            show_undecided(results, console)
        return int(outcome)
    counts = ", ".join(
        f"{sum(result.status is status for result in results)} {status.value}" for status in Status
    )
    print(f"\n{CONCLUSIONS[outcome]} ({counts})")
    entries = table()
    if entries is not None:
        show_table(entries, console)
    return int(outcome)


def show(result: Result, console: Console | None) -> None:
    """Print one result: its fact, details, and the command on a line of its own to be pasted."""
    finding = result.finding
    if console is None:
        print(f"{result.status.value}  {result.check.id:<{ID_WIDTH}}  {printable(finding.fact)}")
    else:
        show_in_colour(result, console)
    for line in finding.detail:
        print(f"{INDENT}| {printable(line)}")
    if finding.command:
        print(f"{INDENT}{printable(finding.command)}")
    sys.stdout.flush()


def show_in_colour(result: Result, console: Console) -> None:
    """Print status, id and fact on a terminal, the fact wrapped beside them."""
    from rich.table import Table  # noqa: PLC0415 -- a pipe need not wait for it
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=len("PASS"))
    grid.add_column(width=ID_WIDTH)
    grid.add_column()
    status = Text(result.status.value, style=COLOURS[result.status])
    grid.add_row(status, result.check.id, Text(printable(result.finding.fact)))
    console.print(grid)


def show_undecided(results: Sequence[Result], console: Console | None) -> None:
    """Print the checks that would have decided but could not be made."""
    for result in results:
        if result.check.decisive and result.status is Status.SKIP:
            show(result, console)


def table() -> list[Entry] | None:
    """Return the monitored processes; None if there is no table, as the checks have said then."""
    try:
        return with_commands(snapshot())
    except TracerError:
        return None


def show_table(entries: Sequence[Entry], console: Console | None) -> None:
    """Print the monitored processes, if there are any."""
    print()
    if not entries:
        print("No process is monitored that this user may see.")
    elif console is not None:
        console.print(terminal_table(entries, console.width))
    else:
        print("\n".join(plain_lines(entries)))


def main() -> int:
    """Run tracer-check; return its exit status."""
    return conduct(NAME, command)


if __name__ == "__main__":
    sys.exit(main())
