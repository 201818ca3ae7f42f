"""tracerctl: its commands and their arguments."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Callable

from tracer_tools.cli import CommandParser, add_version, complain, conduct, succeeds, terminal
from tracer_tools.ctl import manual
from tracer_tools.ctl.attach import Limits, attach
from tracer_tools.ctl.check_rules import check_rules
from tracer_tools.ctl.command import NotStartedError
from tracer_tools.ctl.live import Top, run_batch, run_live
from tracer_tools.ctl.manual import NAME
from tracer_tools.ctl.options import (
    FILES,
    WITH_TREE,
    add_pids,
    add_report_options,
    count_argument,
    define,
    seconds_argument,
    style_of,
)
from tracer_tools.ctl.output import opened, standard_streams_taken
from tracer_tools.ctl.run import FAILED, run
from tracer_tools.ctl.top import View
from tracer_tools.device import Tracer
from tracer_tools.errors import TracerError
from tracer_tools.listing import SCHEMA, as_documents, plain_lines, terminal_table, with_commands
from tracer_tools.recording.cli import define_record, define_report
from tracer_tools.rules import FOLDER, SUFFIX
from tracer_tools.table import COUNTERS, Row, snapshot

if TYPE_CHECKING:
    from tracer_tools.ctl.options import Commands


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of tracerctl; manual page and shell completion are made from it."""
    parser = CommandParser(
        prog=NAME,
        summary=manual.SUMMARY,
        description=manual.DESCRIPTION,
        examples=manual.EXAMPLES,
        sections=manual.SECTIONS,
        manual=manual.MANUAL,
    )
    add_version(parser)
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for define_it in (
        *(define_add, define_remove, define_list, define_run, define_attach, define_top),
        *(define_record, define_report, define_rules),
    ):
        define_it(commands)
    return parser


def define_add(commands: Commands) -> None:
    """Define the command add."""
    command = define(commands, "add", "start to monitor processes", run_add)
    command.add_argument("--tree", action="store_true", help=WITH_TREE)
    add_pids(command)


def define_remove(commands: Commands) -> None:
    """Define the command remove."""
    add_pids(define(commands, "remove", "stop to monitor processes", run_remove))


def define_list(commands: Commands) -> None:
    """Define the command list."""
    command = define(
        commands,
        "list",
        "show the monitored processes",
        run_list,
        description="Show the counters of all monitored processes, or of those given.",
    )
    command.add_argument("--json", action="store_true", help="print one JSON document")
    add_pids(command, nargs="*", summary="process to show (default: all of them)")


def define_run(commands: Commands) -> None:
    """Define the command run."""
    command = define(
        commands,
        "run",
        "run a command and report what it did",
        run_run,
        usage=f"{NAME} run [options] [--] COMMAND [ARG...]",
        wrong_usage=FAILED,
        description=manual.RUN_DESCRIPTION,
        examples=manual.RUN_EXAMPLES,
        sections=[manual.REPORT, manual.FORMATS, manual.RUN_EXIT_STATUS],
    )
    command.add_argument(
        "--no-follow", action="store_true", help="monitor COMMAND alone, not what it starts"
    )
    command.add_argument(
        "--wait", action="store_true", help="wait for what COMMAND started and left running"
    )
    add_report_options(command, "standard error")
    words = command.add_argument(
        "words", metavar="COMMAND", nargs=argparse.REMAINDER, help="what to run, with arguments"
    )
    words.complete = {"zsh": "_command_names -e"}  # type: ignore[attr-defined]  # read by shtab


def define_attach(commands: Commands) -> None:
    """Define the command attach."""
    command = define(
        commands,
        "attach",
        "report what running processes do from now on",
        run_attach,
        usage=f"{NAME} attach [options] PID [PID ...]",
        description=manual.ATTACH_DESCRIPTION,
        examples=manual.ATTACH_EXAMPLES,
        sections=[manual.REPORT, manual.FORMATS, manual.EXIT_STATUS],
    )
    command.add_argument("--tree", action="store_true", help=WITH_TREE)
    command.add_argument(
        "--timeout", metavar="S", type=seconds_argument, help="stop after S seconds"
    )
    command.add_argument(
        "--interval",
        metavar="S",
        type=seconds_argument,
        help="report every S seconds what was done in them (default with --count: 1)",
    )
    command.add_argument(
        "--count", metavar="N", type=count_argument, help="stop after N such reports"
    )
    add_report_options(command, "standard output")
    add_pids(command)


def define_top(commands: Commands) -> None:
    """Define the command top."""
    command = define(
        commands,
        "top",
        "watch the monitored processes",
        run_top,
        usage=f"{NAME} top [options]",
        description=manual.TOP_DESCRIPTION,
        examples=manual.TOP_EXAMPLES,
        sections=[manual.EXIT_STATUS],
    )
    command.add_argument("-b", "--batch", action="store_true", help="print, for a file or a pipe")
    command.add_argument(
        "-n", "--iterations", metavar="N", type=count_argument, help="stop after N intervals"
    )
    command.add_argument(
        "-d",
        "--delay",
        metavar="S",
        type=seconds_argument,
        default=1.0,
        help="look every S seconds (default: 1)",
    )
    command.add_argument(
        "--sort",
        metavar="COLUMN",
        choices=COUNTERS,
        default=COUNTERS[0],
        help="sort by a counter, largest first (default: kmalloc)",
    )
    command.add_argument("--totals", action="store_true", help="show totals, not rates")
    command.add_argument(
        "--exit-when-empty", action="store_true", help="stop when no process is monitored"
    )


def define_rules(commands: Commands) -> None:
    """Define the command rules, and its one command."""
    summary = "look at the rules by which the exporter monitors"
    command = commands.add_parser(
        "rules", help=summary, prog=f"{NAME} rules", description=f"{summary.capitalize()}."
    )
    within = command.add_subparsers(
        title="commands", dest="rules_command", metavar="COMMAND", required=True
    )
    check = define(
        within,
        "check",
        "show what rules match now, and what is wrong with them",
        run_rules_check,
        description=manual.RULES_DESCRIPTION,
        examples=manual.RULES_EXAMPLES,
        sections=[manual.RULES, manual.RULES_EXIT_STATUS],
    )
    check.prog = f"{NAME} rules check"
    check.add_argument("--json", action="store_true", help="print one JSON document")
    files = check.add_argument(
        "files", metavar="FILE", nargs="*", help=f"file to check (default: {FOLDER}/*{SUFFIX})"
    )
    files.complete = FILES  # type: ignore[attr-defined]  # read by shtab


def run_add(arguments: argparse.Namespace) -> int:
    """Add each process."""
    with Tracer() as tracer:
        return for_each(partial(tracer.add, tree=arguments.tree), arguments.pids)


def run_remove(arguments: argparse.Namespace) -> int:
    """Remove each process."""
    with Tracer() as tracer:
        return for_each(tracer.remove, arguments.pids)


def for_each(request: Callable[[int], None], pids: Sequence[int]) -> int:
    """Make one request for each PID, whatever became of those before; return the exit status."""
    done = [succeeds(NAME, request, pid) for pid in pids]
    return 0 if all(done) else 1


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


def run_run(arguments: argparse.Namespace) -> int:
    """Run a command and report on it; return its exit status, or else why not."""
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        arguments.parser.error("give a COMMAND")
    follow, wait = not arguments.no_follow, arguments.wait
    try:
        style = style_of(arguments)
        with standard_streams_taken(), opened(arguments.output, sys.stderr, style) as output:
            return run(words, output, follow=follow, wait=wait)
    except TracerError as error:
        complain(NAME, str(error))
        return error.status if isinstance(error, NotStartedError) else FAILED


def run_attach(arguments: argparse.Namespace) -> int:
    """Monitor processes for a while and report on them."""
    counted = arguments.count is not None
    if arguments.timeout is not None and (counted or arguments.interval is not None):
        arguments.parser.error("give --timeout, or --count and --interval, not both")
    interval = 1.0 if counted and arguments.interval is None else arguments.interval
    limits = Limits(arguments.timeout, interval, arguments.count)
    with opened(arguments.output, sys.stdout, style_of(arguments)) as output:
        return attach(arguments.pids, output, tree=arguments.tree, limits=limits)


def run_top(arguments: argparse.Namespace) -> int:
    """Watch the monitored processes."""
    view = View(column=arguments.sort, totals=arguments.totals)
    top = Top(view, arguments.delay, arguments.iterations, arguments.exit_when_empty)
    if arguments.batch:
        run_batch(top)
    else:
        run_live(top)
    return 0


def run_rules_check(arguments: argparse.Namespace) -> int:
    """Show what rules match, and what is wrong with them."""
    return check_rules(arguments.files, as_json=arguments.json)


def command() -> int:
    """Do what the arguments of this process say; return the exit status."""
    arguments, unknown = build_parser().parse_known_args()
    if unknown:
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return int(arguments.run(arguments))


def main() -> int:
    """Run tracerctl; return its exit status."""
    return conduct(NAME, command)


if __name__ == "__main__":
    sys.exit(main())
