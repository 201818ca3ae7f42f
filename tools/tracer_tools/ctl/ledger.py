"""What has been counted so far, of the processes that one tracerctl monitors."""

from __future__ import annotations

import select
import time

from tracer_tools.ctl.report import Measured, of_record, of_row
from tracer_tools.ctl.signals import wait_for
from tracer_tools.device import Tracer
from tracer_tools.errors import RequestError
from tracer_tools.module import VALUES, read_number
from tracer_tools.processes import origin
from tracer_tools.system import System
from tracer_tools.table import Row

MISSED = f"{VALUES}/missed_samples"
ROUNDS = 20
ROUND_SECONDS = 0.1
GENERATIONS = 4096  # more than any chain of parents is long

Identity = tuple[int, int]
"""PID and time of creation: of one process and no later one."""


class Ledger:
    """The processes added through one Tracer: which have ended, which run, what they counted.

    The table does not say who added a process: those that run are told from those of others by
    their PIDs, and with `tree` by whom they descend from.
    """

    def __init__(self, tracer: Tracer, system: System, *, tree: bool) -> None:
        """Begin. Raises DeviceError."""
        self.tracer = tracer
        self._tree = tree
        self._system = system
        self._begun = time.monotonic()
        self._missed_before = read_number(MISSED, system)
        self._others = {self._identity(row.pid) for row in tracer.snapshot()}
        self._ours: dict[int, Identity] = {}
        self.ended: list[Measured] = []
        self.removed: list[Measured] = []
        self.lost = 0
        self.unfollowed = 0
        self.left = False

    def _identity(self, pid: int) -> Identity:
        whence = origin(pid, self._system)
        return pid, whence.started if whence else -1

    def claim(self, pid: int) -> None:
        """Take a process for ours, and with `tree` what descends from it."""
        self._ours[pid] = self._identity(pid)

    def restart(self) -> None:
        """Let the clock start now."""
        self._begun = time.monotonic()

    def seconds(self) -> float:
        """Return for how long this has been going on."""
        return time.monotonic() - self._begun

    def missed(self) -> int:
        """Return how many samples were missed meanwhile. Raises DeviceError."""
        return max(read_number(MISSED, self._system) - self._missed_before, 0)

    def take(self) -> None:
        """Take down the records that wait. Raises DeviceError, FormatError."""
        for record in self.tracer.ended(wait=False):
            self.ended.append(of_record(record))
            self.lost += record.lost
            self.unfollowed += record.unfollowed
            self._ours.pop(record.row.pid, None)

    def wait(self, wake: int, seconds: float | None = None) -> None:
        """Wait for a record, a signal or the end of the time, and take down what came."""
        done = self.tracer.all_ended()
        wait_for({} if done else {self.tracer.fileno(): select.POLLIN}, wake, seconds)
        self.take()

    def running(self) -> list[Measured]:
        """Return those of our processes that are monitored now. Raises DeviceError, FormatError."""
        rows = [row for row in self.tracer.snapshot() if self._is_ours(row)]
        return [of_row(row, self.seconds(), self._system) for row in rows]

    def _is_ours(self, row: Row) -> bool:
        """Return whether a row is of a process that was claimed or descends from one."""
        me = self._identity(row.pid)
        if me in self._others:
            return False
        if self._ours.get(row.pid) == me:
            return True
        if not self._tree or not self._has_our_ancestor(row.pid):
            return False
        self._ours[row.pid] = me
        return True

    def _has_our_ancestor(self, pid: int) -> bool:
        """Return whether a parent, or a parent's parent..., is ours; False if one just ended."""
        for _ in range(GENERATIONS):
            whence = origin(pid, self._system)
            if whence is None or whence.parent == 0:
                return False
            pid = whence.parent
            if pid in self._ours and self._ours[pid] == self._identity(pid):
                return True
        return False

    def remove_running(self) -> None:
        """Stop to monitor what runs; it goes to `removed`, with what it counted so far.

        Processes are created meanwhile and end; `left` says if some could not be found.
        """
        poll = select.poll()
        poll.register(self.tracer.fileno(), select.POLLIN)
        for _ in range(ROUNDS):
            self.take()
            if self.tracer.all_ended():
                return
            removed = [process for process in self.running() if self._remove(process.pid)]
            self.removed.extend(removed)
            if not removed:
                poll.poll(ROUND_SECONDS * 1000)
        self.left = True

    def _remove(self, pid: int) -> bool:
        """Stop to monitor a process; return False if it has ended, and its record comes."""
        try:
            self.tracer.remove(pid)
        except RequestError:
            return False
        return True
