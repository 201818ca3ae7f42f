"""What the two commands have in common: help, the manner of ending, and how to show things."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING, Callable, NoReturn, TextIO

from tracer_tools.errors import RequestError, TracerError

if TYPE_CHECKING:
    from rich.console import Console


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose help begins with examples and ends with sections of a manual page.

    The manual page itself has the sections `manual`, or else the same. `man_short_description` and
    `_manpage` are what argparse-manpage reads; its sections are plain text in which an indented
    line stays a line of its own.
    """

    def __init__(  # noqa: PLR0913 (they are the settings of a parser)
        self,
        *,
        prog: str,
        description: str,
        summary: str = "",
        examples: str = "",
        sections: Sequence[tuple[str, str]] = (),
        manual: Sequence[tuple[str, str]] = (),
        usage: str | None = None,
        wrong_usage: int = 2,
        color: bool = True,
    ) -> None:
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        # From 3.14 on Python has this, and gives the parser of a sub-command that of its command.
        self.color = color
        self._wrong_usage = wrong_usage
        self._examples = f"examples:\n{examples}" if examples else ""
        self._sections = [f"{name}:\n{text}" for name, text in sections]
        self.man_short_description = summary
        manual = manual or [("examples", examples), *sections]
        self._manpage = [{"heading": name, "content": text} for name, text in manual if text]

    def error(self, message: str) -> NoReturn:
        """Print usage and message to standard error and exit with the status for wrong usage."""
        self.print_usage(sys.stderr)
        self.exit(self._wrong_usage, f"{self.prog}: error: {message}\n")

    def format_help(self) -> str:
        """Return usage, description, examples, arguments and the sections, in this order."""
        text = super().format_help()
        if self._examples and self.description:
            head, _, arguments = text.partition(self.description)
            text = f"{head}{self.description}\n\n{self._examples}{arguments}"
        return "\n\n".join([text.rstrip(), *self._sections]) + "\n"


def add_version(parser: argparse.ArgumentParser) -> None:
    """Give a parser ``--version``."""
    try:
        version = metadata.version("tracer-tools")
    except metadata.PackageNotFoundError:
        version = "(not installed: run from its source)"
    parser.add_argument(
        "--version",
        action="version",
        version=f"%(prog)s {version}",
        help="print the version and exit",
    )


class ClosedOutput(io.StringIO):
    """Stands for standard output where that is closed; a command may have nothing to write."""

    def write(self, _text: str, /) -> int:
        """Raise TracerError."""
        raise TracerError("standard output is closed")


def conduct(name: str, command: Callable[[], int]) -> int:
    """Run a command and return its exit status; expected failures become one line and 1.

    Ctrl-C and a reader that has gone end the process by their signals, as with any other tool.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not started by nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if sys.stdout is None:
        sys.stdout = ClosedOutput()
    else:
        # A name that the terminal's encoding lacks is no reason to fail.
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        try:
            return command()
        finally:
            sys.stdout.flush()
    except TracerError as error:
        complain(name, str(error))
    except OSError as error:
        complain(name, f"cannot write: {error.strerror}")
        if not isinstance(sys.stdout, ClosedOutput):
            give_up(sys.stdout)
    return 1


def give_up(file: TextIO) -> None:
    """Let a file that cannot be written lead nowhere: at its exit Python would try once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, file.fileno())
    os.close(nowhere)


def complain(name: str, text: str) -> None:
    """Write one line to standard error, if there is one."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(f"{name}: {text}", file=sys.stderr)


def succeeds(name: str, request: Callable[[int], None], pid: int) -> bool:
    """Make a request about a process; say on standard error if it was refused."""
    try:
        request(pid)
    except RequestError as error:
        complain(name, str(error))
        return False
    return True


def terminal(file: TextIO | None = None) -> Console | None:
    """Return a console for a file, standard output if none is given, if that is a terminal."""
    file = file or sys.stdout
    if not file.isatty():
        return None
    from rich.console import Console  # noqa: PLC0415 -- a pipe need not wait for it

    return Console(
        file=file,
        highlight=False,
        markup=False,
        emoji=False,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
