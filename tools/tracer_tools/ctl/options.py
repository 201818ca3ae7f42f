"""How commands of tracerctl are defined, and the options that several of them have."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING, Any, Callable

from tracer_tools.cli import CommandParser
from tracer_tools.ctl.manual import NAME
from tracer_tools.ctl.rendering import SORTABLE, Format, Style
from tracer_tools.processes import MAX_PID

PROCESS = "process, by its PID"
WITH_TREE = "and every process that they start from now on"
FILES = {"bash": "_shtab_compgen_files", "zsh": "_files"}  # read by shtab

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[CommandParser]  # noqa: SLF001 -- what add_subparsers returns


def define(
    commands: Commands,
    name: str,
    summary: str,
    run_it: Callable[[argparse.Namespace], int],
    **settings: Any,  # noqa: ANN401 -- of CommandParser
) -> CommandParser:
    """Define a command and the function that does it."""
    settings = {"description": f"{summary.capitalize()}.", **settings}
    command = commands.add_parser(name, help=summary, prog=f"{NAME} {name}", **settings)
    command.set_defaults(run=run_it, parser=command)
    return command


def add_pids(command: CommandParser, *, nargs: str = "+", summary: str = PROCESS) -> None:
    """Give a command its PIDs."""
    pids = command.add_argument("pids", metavar="PID", nargs=nargs, type=pid_argument, help=summary)
    pids.complete = {"zsh": "_pids"}  # type: ignore[attr-defined]  # read by shtab


def add_report_options(command: argparse.ArgumentParser, otherwise: str) -> None:
    """Give a command the options of its report, which goes elsewhere by default."""
    output = command.add_argument(
        "-o", "--output", metavar="FILE", help=f"report to FILE, not to {otherwise}"
    )
    output.complete = FILES  # type: ignore[attr-defined]
    formats = command.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="report as a JSON document")
    formats.add_argument("--csv", action="store_true", help="report as CSV, a line a process")
    command.add_argument(
        "--sort",
        metavar="COLUMN",
        choices=SORTABLE,
        help="sort by a counter or by seconds, largest first, or by PID or command "
        "(default: in the order in which the processes ended)",
    )
    command.add_argument(
        "--per-second",
        action="store_true",
        help="report rates, each over its process's own time; the total over all time",
    )


def style_of(arguments: argparse.Namespace) -> Style:
    """Return how the report is to look."""
    chosen = Format.JSON if arguments.json else Format.CSV if arguments.csv else Format.TABLE
    return Style(chosen, arguments.sort, arguments.per_second)


def pid_argument(text: str) -> int:
    """Return the PID that an argument names; raise ArgumentTypeError if it names none."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 0 < int(text) <= MAX_PID:
        raise argparse.ArgumentTypeError(f"{text!r} is no PID: give a number from 1 to {MAX_PID}")
    return int(text)


def seconds_argument(text: str) -> float:
    """Return the time that an argument gives; raise ArgumentTypeError if it gives none."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give seconds, as in 1 or 0.5")
    return seconds


def count_argument(text: str) -> int:
    """Return the number that an argument gives; raise ArgumentTypeError if it gives none."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number: give 1 or more")
    return int(text)
