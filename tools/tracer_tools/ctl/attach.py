"""Count, for a while, what processes do that run already."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from tracer_tools.cli import succeeds
from tracer_tools.ctl.ledger import Ledger
from tracer_tools.ctl.manual import NAME
from tracer_tools.ctl.report import Reports
from tracer_tools.ctl.signals import handled, nothing
from tracer_tools.device import Tracer
from tracer_tools.system import THIS_MACHINE, System

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Limits:
    """When to stop, and when to report; None: not for that reason. Seconds, and a number."""

    timeout: float | None = None
    interval: float | None = None
    count: int | None = None


@dataclass
class Attached:
    """Processes that are monitored for a while, and where that is reported."""

    ledger: Ledger
    output: Reports
    limits: Limits
    stopped: bool = False

    def stop(self) -> None:
        """Come to an end."""
        self.stopped = True

    def is_over(self) -> bool:
        """Return whether there is nobody to count, or nobody who wants to know."""
        over = self.stopped or not self.output.has_reader
        return over or self.ledger.tracer.all_ended()

    def wait(self, wake: int, seconds: float | None) -> None:
        """Take down records for so long, or until all have ended or it is stopped."""
        while not self.is_over():
            left = None if seconds is None else seconds - self.ledger.seconds()
            if left is not None and left <= 0:
                return
            self.ledger.wait(wake, left)

    def watch(self, wake: int) -> None:
        """Report each interval, or once, until a limit is reached or it is over."""
        limits = self.limits
        last = 1 if limits.interval is None else limits.count
        for number in itertools.count(1):
            self.wait(wake, limits.interval or limits.timeout)
            over = number == last or self.is_over()
            if over:
                self.ledger.stop()
            interval = None if limits.interval is None else number
            self.output.write(replace(self.ledger.report(), interval=interval, last=over))
            if over:
                return


def attach(
    pids: Sequence[int],
    output: Reports,
    *,
    tree: bool,
    limits: Limits,
    system: System = THIS_MACHINE,
) -> int:
    """Count processes until all have ended or a limit or a signal comes; return the exit status.

    What was added is removed again. Raises TracerError.
    """
    with Tracer(system) as tracer:
        ledger = Ledger(tracer, system)
        attached = Attached(ledger, output, limits)
        with handled({signal.SIGPIPE: nothing, **dict.fromkeys(ENDS, attached.stop)}) as wake:
            add = partial(tracer.add, tree=tree)
            added = [succeeds(NAME, add, pid) for pid in dict.fromkeys(pids)]
            if not any(added):
                return 1
            ledger.restart()
            try:
                attached.watch(wake)
            finally:
                tracer.remove_all()
    return 0 if all(added) else 1
