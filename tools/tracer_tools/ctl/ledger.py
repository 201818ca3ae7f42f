"""What has been counted so far, of the processes that one tracerctl monitors."""

from __future__ import annotations

import itertools
import select
import time
from dataclasses import dataclass, replace

from tracer_tools.ctl.report import Measured, Report, of_record, of_row
from tracer_tools.ctl.signals import wait_for
from tracer_tools.device import Tracer
from tracer_tools.errors import RequestError
from tracer_tools.module import VALUES, read_number
from tracer_tools.processes import Origin, origin
from tracer_tools.records import Record
from tracer_tools.system import System
from tracer_tools.table import Row

MISSED = f"{VALUES}/missed_samples"
CLOCK_ERROR = 0.1
"""How many seconds an age can be wrong at most: it comes in clock ticks."""


@dataclass(frozen=True)
class Known:
    """A process that is monitored, and when it was seen first, by time.monotonic_ns()."""

    measured: Measured
    seen_ns: int

    def left(self, record: Record) -> bool:
        """Return whether a record of this PID is this process's.

        Else it is a later process's: the record of this one was lost.
        """
        later = record.added_ns > self.seen_ns
        return not later and (record.withheld or not shrunk(self.measured, record.row))

    def has(self, row: Row, whence: Origin | None) -> bool:
        """Return whether a row of this PID is this process's; else as for `left`."""
        known_for = (time.monotonic_ns() - self.seen_ns) / 1e9
        younger = whence is not None and whence.age < known_for - CLOCK_ERROR
        return not younger and not shrunk(self.measured, row)


def shrunk(before: Measured, row: Row) -> bool:
    """Return whether a counter is smaller than before, so that it is another process's."""
    whole = before.whole
    return whole is not None and any(value < whole[name] for name, value in row.counters().items())


class Ledger:
    """The processes added through one Tracer, and what they have counted since the last report."""

    def __init__(self, tracer: Tracer, system: System) -> None:
        """Begin, with no process added yet. Raises DeviceError."""
        tracer.remove_all()  # an older module refuses this now, and not when all is done
        self.tracer = tracer
        self._system = system
        self._before: dict[int, Known] = {}
        self._numbers = itertools.count(1)
        self._missed = read_number(MISSED, system)
        self.restart()

    def restart(self) -> None:
        """Let the time of a report start now, with nothing in it."""
        self._begun = time.monotonic()
        self._ended: list[Measured] = []
        self._lost = self._unfollowed = 0

    def seconds(self) -> float:
        """Return for how long this has been going on."""
        return time.monotonic() - self._begun

    def stop(self) -> None:
        """Stop to monitor what is monitored still, and take down how far it came.

        Raises DeviceError, FormatError.
        """
        self.tracer.remove_all()
        self._take(wait=True)

    def _take(self, *, wait: bool = False) -> None:
        """Take down the records that wait, or all that are to come."""
        for record in self.tracer.ended(wait=wait):
            known = self._before.pop(record.row.pid, None)
            if known is not None and not known.left(record):
                known = None
            self._ended.append(self._numbered(of_record(record, self.seconds()), known))
            self._lost += record.lost
            self._unfollowed += record.unfollowed

    def _numbered(self, measured: Measured, known: Known | None) -> Measured:
        """Return a measurement as that of a known process, or else of a new one."""
        if known is None:
            return replace(measured, number=next(self._numbers))
        return replace(measured, number=known.measured.number).since(known.measured)

    def wait(self, wake: int, seconds: float | None = None) -> None:
        """Wait for a record, a signal or the end of the time, and take down what came.

        Raises DeviceError, FormatError.
        """
        done = self.tracer.all_ended()
        wait_for({} if done else {self.tracer.fileno(): select.POLLIN}, wake, seconds)
        self._take()

    def report(self) -> Report:
        """Return what happened since the last report, and begin the next.

        Raises DeviceError, FormatError.
        """
        self._take()
        running = [] if self.tracer.all_ended() else self._running()
        missed = read_number(MISSED, self._system)
        report = Report(
            processes=[*self._ended, *running],
            seconds=self.seconds(),
            lost=self._lost,
            missed=max(missed - self._missed, 0),
            unfollowed=self._unfollowed,
        )
        # Of one that has just ended the record is still to come: what was before it stays.
        for each in running:
            known = self._before.get(each.pid)
            if known is None or known.measured.number != each.number:
                known = Known(each, time.monotonic_ns())
            self._before[each.pid] = replace(known, measured=each)
        self._missed = missed
        self.restart()
        return report

    def _running(self) -> list[Measured]:
        """Return those of our processes that are monitored now. Raises DeviceError, FormatError."""
        return [self._of(row) for row in self.tracer.snapshot() if self._has(row.pid)]

    def _of(self, row: Row) -> Measured:
        """Return the measurement of one of them."""
        whence, known = origin(row.pid, self._system), self._before.get(row.pid)
        if known is not None and not known.has(row, whence):
            known = None
        return self._numbered(of_row(row, self.seconds(), whence, self._system), known)

    def _has(self, pid: int) -> bool:
        """Return whether a process is one of ours, and still of a user whom we may monitor."""
        try:
            return self.tracer.has(pid)
        except RequestError:
            return False
