"""tracerctl: add processes, remove them, list them."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from typing import Callable

from tracer_tools.cli import CommandParser, add_version, complain, conduct, terminal
from tracer_tools.device import Tracer
from tracer_tools.errors import RequestError
from tracer_tools.listing import SCHEMA, as_documents, plain_lines, terminal_table, with_commands
from tracer_tools.processes import MAX_PID
from tracer_tools.table import Row, snapshot

NAME = "tracerctl"
SUMMARY = "monitor what processes do in the kernel"
# Lines of at most 68 characters, so that the manual page does not break them on 80 columns.
DESCRIPTION = """\
Monitor processes with the tracer module: count, for each of them and
all its threads together, the calls of kmalloc, kfree, schedule, up,
down_interruptible, mutex_lock and mutex_unlock, and the bytes
allocated and freed."""
EXAMPLES = """\
  tracerctl add 4242 4243       monitor two processes
  tracerctl add $(pidof nginx)  monitor all processes of a program
  tracerctl list                show what was counted
  tracerctl list --json 4242    show it to a program
  tracerctl remove 4242         stop"""
SECTIONS = (
    (
        "exit status",
        """\
  0  everything was done
  1  something could not be done; a line on standard error says
     what, and the other processes were dealt with all the same
  2  wrong usage""",
    ),
    (
        "files",
        """\
  /dev/tracer   the device; members of the group tracer may use it,
                for processes that are all their own
  /proc/tracer  the table that list reads""",
    ),
    (
        "environment",
        """\
  NO_COLOR      if set and not empty, no colours""",
    ),
    (
        "overhead",
        """\
  While nothing is monitored the kernel runs at full speed. While
  anything is, every process pays a little for each call of the
  seven functions.""",
    ),
    (
        "caveats",
        """\
  A process stays monitored until it is removed or its last thread
  has ended, whether or not tracerctl runs. The children that it
  makes are not monitored with it.

  On a narrow terminal large numbers are shortened (12.3M is about
  12,300,000); a pipe, a file and --json always get every digit.""",
    ),
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of tracerctl; manual page and shell completion are made from it."""
    parser = CommandParser(
        prog=NAME, summary=SUMMARY, description=DESCRIPTION, examples=EXAMPLES, sections=SECTIONS
    )
    add_version(parser)
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for name, summary, run in (
        ("add", "start to monitor processes", run_add),
        ("remove", "stop to monitor processes", run_remove),
    ):
        command = commands.add_parser(
            name, help=summary, prog=f"{NAME} {name}", description=f"{summary.capitalize()}."
        )
        add_pids(command, run, nargs="+", summary="process, by its PID")
    command = commands.add_parser(
        "list",
        help="show the monitored processes",
        prog=f"{NAME} list",
        description="Show the counters of all monitored processes, or of those given.",
    )
    command.add_argument("--json", action="store_true", help="print one JSON document")
    add_pids(command, run_list, nargs="*", summary="process to show (default: all of them)")
    return parser


def add_pids(
    command: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace], int],
    *,
    nargs: str,
    summary: str,
) -> None:
    """Give a command its PIDs and the function that deals with them."""
    pids = command.add_argument("pids", metavar="PID", nargs=nargs, type=pid_argument, help=summary)
    pids.complete = {"zsh": "_pids"}  # type: ignore[attr-defined]  # read by shtab
    command.set_defaults(run=run)


def pid_argument(text: str) -> int:
    """Return the PID that an argument names; raise ArgumentTypeError if it names none."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 0 < int(text) <= MAX_PID:
        raise argparse.ArgumentTypeError(f"{text!r} is no PID: give a number from 1 to {MAX_PID}")
    return int(text)


def run_add(arguments: argparse.Namespace) -> int:
    """Add each process."""
    with Tracer() as tracer:
        return for_each(tracer.add, arguments.pids)


def run_remove(arguments: argparse.Namespace) -> int:
    """Remove each process."""
    with Tracer() as tracer:
        return for_each(tracer.remove, arguments.pids)


def for_each(request: Callable[[int], None], pids: Sequence[int]) -> int:
    """Make one request for each PID, whatever became of those before; return the exit status."""
    done = [succeeds(request, pid) for pid in pids]
    return 0 if all(done) else 1


def succeeds(request: Callable[[int], None], pid: int) -> bool:
    """Make one request; say on standard error if it was refused."""
    try:
        request(pid)
    except RequestError as error:
        complain(NAME, str(error))
        return False
    return True


def run_list(arguments: argparse.Namespace) -> int:
    """Show all rows, or those of the given processes."""
    rows = snapshot()
    missing: list[int] = []
    if arguments.pids:
        missing = [pid for pid in arguments.pids if pid not in {row.pid for row in rows}]
        rows = [row for row in rows if row.pid in set(arguments.pids)]
    show(rows, as_json=arguments.json)
    for pid in missing:
        complain(NAME, f"process {pid} is not monitored")
    return 1 if missing else 0


def show(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print rows as JSON, or as a table that suits where it goes."""
    entries = with_commands(rows)
    if as_json:
        print(json.dumps({"schema": SCHEMA, "processes": as_documents(entries)}, indent=2))
        return
    console = terminal()
    if console is not None:
        console.print(terminal_table(entries, console.width))
        return
    for line in plain_lines(entries):
        print(line)


def command() -> int:
    """Do what the arguments of this process say; return the exit status."""
    arguments = build_parser().parse_args()
    return int(arguments.run(arguments))


def main() -> int:
    """Run tracerctl; return its exit status."""
    return conduct(NAME, command)


if __name__ == "__main__":
    sys.exit(main())
