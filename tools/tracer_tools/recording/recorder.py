"""Writes a recording while it is made, so that what is in the file can be read at any time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from tracer_tools.cli import complain
from tracer_tools.columns import shortened
from tracer_tools.ctl.manual import NAME
from tracer_tools.ctl.report import Counters, Ending, Measured, Report, several
from tracer_tools.errors import TracerError
from tracer_tools.recording.lines import End, Header, Step, Total, as_text
from tracer_tools.table import COUNTERS

NOTHING: Counters = dict.fromkeys(COUNTERS, 0)
DIGITS = 6
"""After the point of seconds."""


class WholeLines:
    """A file that always ends with a whole line, also when its disk is full.

    One that was there before stays as it is until there is something to write.
    """

    def __init__(self, name: str) -> None:
        """Open the file, or make it. Raises TracerError."""
        self.name = name
        self._size = 0
        self._is_mine = not os.path.lexists(name)
        try:
            self._descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise TracerError(f"cannot write {name!r}: {error.strerror}") from error

    def append(self, text: str) -> None:
        """Write lines: all of them, or else none. Raises OSError."""
        data = text.encode()
        written = 0
        try:
            if not self._size:
                self._empty()
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            with suppress(OSError):  # a pipe, say: what is in it cannot be taken back
                os.ftruncate(self._descriptor, self._size)
                os.lseek(self._descriptor, self._size, os.SEEK_SET)
            raise
        self._size += len(data)

    def _empty(self) -> None:
        """Take out what was there before, if it is a file."""
        if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        """Close the file, and leave none that says nothing. Raises OSError.

        A disk over a network may say only now that it was full.
        """
        if self._is_mine and not self._size:
            Path(self.name).unlink()
        os.close(self._descriptor)


@dataclass
class Known:
    """A process of the recording: as it was measured last, and what stands of it in the file."""

    measured: Measured
    written: Counters = field(default_factory=lambda: NOTHING)

    def step(self) -> Counters:
        """Return what it has counted and is not in the file yet."""
        whole = self.measured.whole
        if whole is None:
            return NOTHING
        return {name: value - self.written[name] for name, value in whole.items()}


class Recorder:
    """A place for the reports of `run` or `attach` that makes a recording of them."""

    has_reader = True

    def __init__(self, file: WholeLines, header: Header, progress: TextIO | None) -> None:
        """Begin; `progress` is a terminal, if there is one to say on how it goes."""
        self._file = file
        self._unwritten_header = as_text(header)
        self._progress = progress
        self._known: dict[int, Known] = {}
        self._unwritten: list[int] = []
        self._intervals = 0
        self._now = self._written_at = 0.0
        self._lost = self._missed = self._unfollowed = 0
        self.complete = False
        """Whether everything has been written, the end included."""
        self._full = False

    def write(self, report: Report) -> None:
        """Write what came since the last time, and the totals if it is the last report.

        What cannot be written is said, and tried again with the next report: processes go on being
        counted, and their next interval is longer.
        """
        self._take(report)
        text = self._unwritten_header + "".join(map(as_text, self._lines(report)))
        try:
            self._file.append(text)
        except OSError as error:
            self._complain(error, last=report.last)
        else:
            self._settle()
            self.complete = report.last
        self._show(report)

    def _take(self, report: Report) -> None:
        """Take down a report."""
        self._now += report.seconds
        self._lost += report.lost
        self._missed += report.missed
        self._unfollowed += report.unfollowed
        seen = dict.fromkeys(self._unwritten)
        for measured in report.processes:
            self._known.setdefault(measured.number, Known(measured)).measured = measured
            seen[measured.number] = None
        self._unwritten = list(seen)

    def _lines(self, report: Report) -> Iterator[Header | Step | Total | End]:
        """Yield the lines that are to be written now."""
        at, seconds = round(self._now, DIGITS), round(self._now - self._written_at, DIGITS)
        for number in self._unwritten:
            known = self._known[number]
            pid, command = known.measured.pid, known.measured.command
            yield Step(self._intervals + 1, at, seconds, number, pid, command, known.step())
        if report.last:
            totals = [total_of(each) for each in self._known.values()]
            yield from totals
            yield self._end(totals, report.ending)

    def _end(self, totals: list[Total], ending: Ending | None) -> End:
        """Return the last line."""
        return End(
            seconds=round(self._now, DIGITS),
            intervals=self._intervals + 1,
            processes=len(totals),
            exit_status=ending.exit_status if ending else None,
            signal=ending.signal if ending else None,
            lost=self._lost,
            missed=self._missed,
            unfollowed=self._unfollowed,
            counters={name: sum(each.counters[name] for each in totals) for name in COUNTERS},
        )

    def _settle(self) -> None:
        """Take notice that everything up to now is in the file."""
        for number in self._unwritten:
            known = self._known[number]
            known.written = known.measured.whole or known.written
        self._unwritten_header = ""
        self._unwritten = []
        self._intervals += 1
        self._written_at = self._now

    def _complain(self, error: OSError, *, last: bool) -> None:
        """Say that a write failed, once, and at the end what is not there."""
        if last:
            what = "the totals are missing, what came before can be read"
        elif not self._full:
            what = "this is tried again, and nothing is lost if it succeeds by the end"
        else:
            return
        self._full = True
        complain(NAME, f"cannot write {self._file.name!r}: {error.strerror}: {what}")

    def _show(self, report: Report) -> None:
        """Say on the terminal how it goes, on a line that the next one replaces."""
        if self._progress is None:
            return
        running = sum(each.ending is None for each in report.processes)
        rate = report.total()["kmalloc"] / report.seconds if report.seconds > 0 else 0.0
        line = f"recording {self._now:.0f} s: {several(running, 'process', 'es')}"
        line += f", {shortened(rate)} kmalloc/s"
        if report.last:
            count = several(len(self._known), "process", "es")
            line = f"recorded {self._now:.1f} s: {count} in {self._file.name}"
        with suppress(OSError):
            # What else is written to the terminal takes its place.
            self._progress.write(f"\r\x1b[K{line}" + ("\n" if report.last else "\r"))
            self._progress.flush()


def total_of(known: Known) -> Total:
    """Return the totals of a process; of one without a record, what its intervals have."""
    measured, record = known.measured, known.measured.record
    ended = measured.ending
    return Total(
        process=measured.number,
        pid=measured.pid,
        parent=measured.parent,
        command=measured.command,
        running=record is not None and record.running,
        exit_status=ended.exit_status if ended else None,
        signal=ended.signal if ended else None,
        seconds=None if record is None else round(record.seconds, DIGITS),
        withheld=record is not None and record.withheld,
        lost=record is None,
        counters=measured.whole or known.written,
    )


@contextmanager
def recorder(name: str, header: Header, progress: TextIO | None) -> Iterator[Recorder]:
    """Give a recorder that writes to the file of this name. Raises TracerError."""
    file = WholeLines(name)
    try:
        yield Recorder(file, header, progress)
    finally:
        with suppress(OSError):  # that it could not be written has been said
            file.close()
