"""The commands record and report of tracerctl."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from tracer_tools.cli import CommandParser, complain
from tracer_tools.ctl import manual
from tracer_tools.ctl.attach import Limits, attach
from tracer_tools.ctl.command import NotStartedError
from tracer_tools.ctl.manual import NAME
from tracer_tools.ctl.options import (
    FILES,
    WITH_TREE,
    define,
    pid_argument,
    seconds_argument,
)
from tracer_tools.ctl.output import standard_streams_taken
from tracer_tools.ctl.run import FAILED, run
from tracer_tools.errors import TracerError
from tracer_tools.recording.lines import Header
from tracer_tools.recording.page import page
from tracer_tools.recording.perfetto import trace
from tracer_tools.recording.reading import read
from tracer_tools.recording.recorder import recorder
from tracer_tools.system import THIS_MACHINE, System

if TYPE_CHECKING:
    from tracer_tools.ctl.options import Commands

RECORDING, PAGE, TRACE = "tracer.ndjson", "report.html", "trace.json"


def define_record(commands: Commands) -> None:
    """Define the command record."""
    command = define(
        commands,
        "record",
        "keep in a file what processes do over time",
        run_record,
        usage=f"{NAME} record [options] (PID... | -- COMMAND [ARG...])",
        wrong_usage=FAILED,
        description=manual.RECORD_DESCRIPTION,
        examples=manual.RECORD_EXAMPLES,
        sections=[manual.RECORDING, manual.RECORD_EXIT_STATUS],
    )
    add_output(command, RECORDING)
    command.add_argument(
        "--interval",
        metavar="S",
        type=seconds_argument,
        default=1.0,
        help="a line a process every S seconds (default: 1)",
    )
    command.add_argument("--tree", action="store_true", help=f"of a PID: {WITH_TREE}")
    command.add_argument(
        "-q", "--quiet", action="store_true", help="show no progress on the terminal"
    )
    words = command.add_argument(
        "words", metavar="PID", nargs=argparse.REMAINDER, help="process; or -- and what to run"
    )
    words.complete = {"zsh": "_pids"}  # type: ignore[attr-defined]  # read by shtab


def define_report(commands: Commands) -> None:
    """Define the command report."""
    command = define(
        commands,
        "report",
        "show a recording as a page, or to a viewer of traces",
        run_report,
        usage=f"{NAME} report [options] FILE",
        description=manual.REPORT_DESCRIPTION,
        examples=manual.REPORT_EXAMPLES,
        sections=[manual.EXIT_STATUS],
    )
    command.add_argument(
        "--perfetto",
        action="store_true",
        help="write counters for Perfetto (ui.perfetto.dev) and Chrome's trace viewer",
    )
    add_output(command, f"{PAGE}, or {TRACE}")
    file = command.add_argument("file", metavar="FILE", help=f"what {NAME} record has written")
    file.complete = FILES  # type: ignore[attr-defined]


def add_output(command: CommandParser, otherwise: str) -> None:
    """Give a command the option of the file that it writes."""
    output = command.add_argument(
        "-o", "--output", metavar="FILE", help=f"file to write (default: {otherwise})"
    )
    output.complete = FILES  # type: ignore[attr-defined]


def run_record(arguments: argparse.Namespace) -> int:
    """Record processes, or a command; return its exit status, or else why not."""
    words = arguments.words
    failed = 1 if words[:1] != ["--"] else FAILED
    command = words[1:] if words[:1] == ["--"] else None
    if not words or command == []:
        arguments.parser.error("give a PID, or -- and a COMMAND")
    pids = [] if command is not None else pids_of(arguments, words)
    progress = sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None
    name = RECORDING if arguments.output is None else arguments.output
    header = header_of(arguments.interval, command, pids)
    made = recorder(name, header, None if arguments.quiet else progress)
    try:
        with standard_streams_taken(), made as output:
            if command is not None:
                status = run(command, output, interval=arguments.interval)
            else:
                limits = Limits(interval=arguments.interval)
                status = attach(pids, output, tree=arguments.tree, limits=limits)
    except TracerError as error:
        complain(NAME, str(error))
        return error.status if isinstance(error, NotStartedError) else failed
    return status if output.complete else failed


def pids_of(arguments: argparse.Namespace, words: Sequence[str]) -> list[int]:
    """Return the PIDs; wrong usage if there is something else."""
    parser: CommandParser = arguments.parser
    try:
        return [pid_argument(word) for word in words]
    except argparse.ArgumentTypeError as error:
        parser.error(f"{error}; options come before PIDs, and -- before a COMMAND")


def header_of(
    interval: float,
    command: list[str] | None,
    pids: list[int],
    system: System = THIS_MACHINE,
) -> Header:
    """Return the first line of a recording that begins now."""
    return Header(
        begun=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        kernel=system.release(),
        interval=interval,
        command=command,
        pids=pids if command is None else None,
    )


def run_report(arguments: argparse.Namespace) -> int:
    """Write the page or the trace of a recording."""
    name = arguments.output or (TRACE if arguments.perfetto else PAGE)
    if same_file(name, arguments.file):
        arguments.parser.error(f"{name!r} is the recording itself: give another file with -o")
    recording = read(arguments.file)
    text = trace(recording) if arguments.perfetto else page(recording)
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise TracerError(f"cannot write {name!r}: {error.strerror}") from error
    print(name)
    return 0


def same_file(first: str, second: str) -> bool:
    """Return whether two names are of one file."""
    try:
        return Path(first).samefile(second)
    except OSError:
        return False
