"""prometheus-tracer-exporter: its arguments."""

from __future__ import annotations

import argparse
import sys

from tracer_exporter import manual
from tracer_exporter.options import (
    MOST_PROCESSES,
    Options,
    address_argument,
    most_argument,
    textfile_argument,
)
from tracer_tools.cli import CommandParser, add_version, conduct
from tracer_tools.ctl.options import seconds_argument
from tracer_tools.errors import TracerError

BY_DEFAULT = Options()
PER_PROCESS = 1000


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; the manual page is made from it."""
    parser = CommandParser(
        prog=manual.NAME,
        usage=f"{manual.NAME} [options]",
        summary=manual.SUMMARY,
        description=manual.DESCRIPTION,
        examples=manual.EXAMPLES,
        sections=[manual.EXIT_STATUS, manual.FILES],
        manual=[("examples", manual.EXAMPLES), *manual.SECTIONS],
    )
    add_version(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        type=address_argument,
        default=BY_DEFAULT.listen,
        help=f"where Prometheus finds the page (default: {BY_DEFAULT.listen})",
    )
    where.add_argument(
        "--textfile",
        metavar="FILE",
        type=textfile_argument,
        help="write the page to FILE.prom for node-exporter, and listen nowhere",
    )
    parser.add_argument(
        "--interval",
        metavar="S",
        type=seconds_argument,
        default=BY_DEFAULT.interval,
        help="look for processes every S seconds (default: 1), or less often where that "
        "would take more than a twentieth of a processor",
    )
    parser.add_argument(
        "--per-process",
        metavar="N",
        nargs="?",
        const=PER_PROCESS,
        type=most_argument,
        help=f"show each process, too, of N at most (default: {PER_PROCESS}; "
        f"{MOST_PROCESSES} at most)",
    )
    parser.add_argument(
        "--rules",
        metavar="FOLDER",
        default=BY_DEFAULT.rules,
        help=f"where the rules are (default: {BY_DEFAULT.rules})",
    )
    return parser


def command() -> int:
    """Do what the arguments of this process say; return the exit status."""
    given = build_parser().parse_args()
    options = Options(
        given.listen, given.interval, given.per_process, given.textfile, given.rules.rstrip("/")
    )
    try:
        from tracer_exporter.service import Service  # noqa: PLC0415 -- not to build the manual page
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        hint = "run 'sudo apt install python3-prometheus-client'"
        raise TracerError("the Python package prometheus_client is missing", hint) from error
    Service(options).run()
    return 0


def main() -> int:
    """Run the exporter; return its exit status."""
    return conduct(manual.NAME, command)


if __name__ == "__main__":
    sys.exit(main())
