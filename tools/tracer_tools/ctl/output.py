"""Where reports go: standard error, standard output or a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from tracer_tools.cli import complain, give_up, terminal
from tracer_tools.ctl.manual import NAME
from tracer_tools.ctl.rendering import Format, Style, as_csv, as_json, as_table, as_text
from tracer_tools.ctl.report import Report
from tracer_tools.errors import TracerError


class Output:
    """A place for reports in one style."""

    def __init__(self, file: TextIO, style: Style) -> None:
        self._file = file
        self.style = style
        self.has_reader = True

    def write(self, report: Report) -> None:
        """Write a report; nothing if its reader has gone. Raises TracerError."""
        try:
            self._write(report)
            self._file.flush()
        except BrokenPipeError:
            self.has_reader = False
            give_up(self._file)
        except OSError as error:
            raise TracerError(f"cannot write the report: {error.strerror}") from error

    def _write(self, report: Report) -> None:
        if self.style.format is Format.JSON:
            self._file.write(as_json(report, self.style))
            return
        if self.style.format is Format.CSV:
            self._file.write(as_csv(report, self.style))
            for note in report.notes():  # it does not fit between the lines of CSV
                complain(NAME, note)
            return
        if report.interval is not None and report.interval > 1:
            self._file.write("\n")
        console = terminal(self._file)
        if console is None:
            self._file.write(as_text(report, self.style))
            return
        if report.command is not None:
            console.print()  # what the command wrote, or ^C, may not have ended its line
        console.print(as_table(report, self.style, console.width))
        for note in report.notes():
            console.print(note)


@contextmanager
def opened(name: str | None, otherwise: TextIO | None, style: Style) -> Iterator[Output]:
    """Give the file of this name, or else the stream. Raises TracerError."""
    if name is None:
        if otherwise is None:
            raise TracerError("there is nowhere to report to", "give -o FILE")
        yield Output(otherwise, style)
        return
    try:
        file = open(name, "w", encoding="utf-8", newline="")  # noqa: PTH123, SIM115 -- "-" names a file
    except OSError as error:
        raise TracerError(f"cannot write {name!r}: {error.strerror}") from error
    try:
        yield Output(file, style)
    finally:
        with suppress(OSError):  # that it could not be written has been said
            file.close()


@contextmanager
def standard_streams_taken() -> Iterator[None]:
    """Keep the numbers of closed standard streams from other files; a command finds them closed."""
    closed = [number for number in range(3) if not is_open(number)]
    taken = [os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC) for _ in closed]
    try:
        yield
    finally:
        for number in taken:
            os.close(number)


def is_open(number: int) -> bool:
    """Return whether there is an open file of this number."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
