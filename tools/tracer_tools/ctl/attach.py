"""Count, for a while, what processes do that run already."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

from tracer_tools.cli import complain
from tracer_tools.ctl.ledger import Ledger
from tracer_tools.ctl.output import Output
from tracer_tools.ctl.report import Measured, Report
from tracer_tools.ctl.signals import handled, nothing
from tracer_tools.device import Tracer
from tracer_tools.errors import RequestError
from tracer_tools.system import THIS_MACHINE, System

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# How long a process that has lost its parent may go unnoticed, and then be taken for another's.
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Limits:
    """When to stop, and when to report; None: not for that reason. Seconds, and a number."""

    timeout: float | None = None
    interval: float | None = None
    count: int | None = None


@dataclass
class Attached:
    """Processes that are monitored for a while, and what was reported of them before."""

    ledger: Ledger
    output: Output
    tree: bool
    stopped: bool = False
    interval: int = 0
    _before: dict[int, Measured] = field(default_factory=dict)
    _begun: float = 0.0
    _missed: int = 0

    def stop(self) -> None:
        """Come to an end."""
        self.stopped = True

    def is_over(self) -> bool:
        """Return whether there is nobody to count, or nobody who wants to know."""
        over = self.stopped or not self.output.has_reader
        return over or self.ledger.tracer.all_ended()

    def watch(self, wake: int, seconds: float | None) -> None:
        """Take down records for so long, or until all have ended or it is stopped."""
        end = None if seconds is None else self._begun + seconds
        while not self.is_over():
            left = None if end is None else end - self.ledger.seconds()
            if left is not None and left <= 0:
                return
            if self.tree:
                self.ledger.running()
                left = LOOK_SECONDS if left is None else min(left, LOOK_SECONDS)
            self.ledger.wait(wake, left)

    def watch_intervals(self, wake: int, seconds: float, count: int | None) -> None:
        """Report each interval but the last, which is left to `finish`."""
        self.interval = 1
        while True:
            self.watch(wake, seconds)
            if self.is_over() or self.interval == count:
                return
            self._report(self.ledger.running())
            self.interval += 1

    def finish(self) -> None:
        """Stop to monitor what runs, and report what has not been reported."""
        self.ledger.remove_running()
        self._report(self.ledger.removed)

    def _report(self, running: Sequence[Measured]) -> None:
        """Report what happened since the last report."""
        ledger, now, missed = self.ledger, self.ledger.seconds(), self.ledger.missed()
        ended = [process.since(self._before.pop(process.pid, None)) for process in ledger.ended]
        since = [process.since(self._before.get(process.pid)) for process in running]
        report = Report(
            processes=[*ended, *since],
            seconds=now - self._begun,
            interval=self.interval or None,
            lost=ledger.lost,
            missed=missed - self._missed,
            unfollowed=ledger.unfollowed,
            left=ledger.left,
        )
        self.output.write(report)
        self._before = {process.pid: process for process in running}
        self._begun, self._missed = now, missed
        ledger.ended, ledger.lost, ledger.unfollowed = [], 0, 0


def attach(
    pids: Sequence[int],
    output: Output,
    *,
    tree: bool,
    limits: Limits,
    system: System = THIS_MACHINE,
) -> int:
    """Count processes until all have ended or a limit or a signal comes; return the exit status.

    What was added is removed again. Raises TracerError.
    """
    with Tracer(system) as tracer:
        ledger = Ledger(tracer, system, tree=tree)
        attached = Attached(ledger, output, tree)
        with handled({signal.SIGPIPE: nothing, **dict.fromkeys(ENDS, attached.stop)}) as wake:
            added = [add(ledger, pid, tree=tree) for pid in dict.fromkeys(pids)]
            if not any(added):
                return 1
            ledger.restart()
            try:
                if limits.interval is None:
                    attached.watch(wake, limits.timeout)
                else:
                    attached.watch_intervals(wake, limits.interval, limits.count)
            finally:
                attached.finish()
    return 0 if all(added) else 1


def add(ledger: Ledger, pid: int, *, tree: bool) -> bool:
    """Add a process; say on standard error if that was refused, and return False."""
    try:
        ledger.tracer.add(pid, tree=tree)
    except RequestError as error:
        complain("tracerctl", str(error))
        return False
    ledger.claim(pid)
    return True
