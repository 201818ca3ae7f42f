"""What has been counted so far, of the processes that one tracerctl monitors."""

from __future__ import annotations

import select
import time

from tracer_tools.ctl.report import Measured, Report, of_record, of_row
from tracer_tools.ctl.signals import wait_for
from tracer_tools.device import Tracer
from tracer_tools.errors import RequestError
from tracer_tools.module import VALUES, read_number
from tracer_tools.system import System

MISSED = f"{VALUES}/missed_samples"


class Ledger:
    """The processes added through one Tracer, and what they have counted since the last report."""

    def __init__(self, tracer: Tracer, system: System) -> None:
        """Begin, with no process added yet. Raises DeviceError."""
        tracer.remove_all()  # an older module refuses this now, and not when all is done
        self.tracer = tracer
        self._system = system
        self._before: dict[int, Measured] = {}
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
            measured = of_record(record, self.seconds())
            self._ended.append(measured.since(self._before.pop(measured.pid, None)))
            self._lost += record.lost
            self._unfollowed += record.unfollowed

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
            processes=[*self._ended, *(each.since(self._before.get(each.pid)) for each in running)],
            seconds=self.seconds(),
            lost=self._lost,
            missed=max(missed - self._missed, 0),
            unfollowed=self._unfollowed,
        )
        # Of one that has just ended the record is still to come: what was before it stays.
        self._before.update({each.pid: each for each in running})
        self._missed = missed
        self.restart()
        return report

    def _running(self) -> list[Measured]:
        """Return those of our processes that are monitored now. Raises DeviceError, FormatError."""
        rows = [row for row in self.tracer.snapshot() if self._has(row.pid)]
        return [of_row(row, self.seconds(), self._system) for row in rows]

    def _has(self, pid: int) -> bool:
        """Return whether a process is one of ours, and still of a user whom we may monitor."""
        try:
            return self.tracer.has(pid)
        except RequestError:
            return False
