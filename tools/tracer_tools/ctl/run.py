"""Run a command and count what it and its descendants do in the kernel."""

from __future__ import annotations

import errno
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from tracer_tools.ctl.command import (
    HELD_BACK,
    INTERRUPTS,
    PASSED_ON,
    Command,
    Dispositions,
    end_alike,
    prepare,
)
from tracer_tools.ctl.ledger import Ledger
from tracer_tools.ctl.report import Report, Reports, ending
from tracer_tools.ctl.signals import Handlers, handled, held_back, nothing, wait_for
from tracer_tools.device import Tracer
from tracer_tools.errors import RequestError, TracerError
from tracer_tools.system import THIS_MACHINE, System

FAILED = 125
WITHIN_A_TREE = (
    "what is run from here is monitored already, and can be only once",
    "this is within another 'tracerctl run', 'attach --tree' or 'add --tree'",
)


@dataclass
class Run:
    """A command that is run, and whether its descendants are to be waited for."""

    command: Command
    ledger: Ledger
    output: Reports
    system: System
    waits_for_all: bool
    interval: float | None
    seconds: float = 0.0
    interrupted: bool = False

    def handlers(self, dispositions: Dispositions) -> Handlers:
        """Return what is to be done about signals, but those that are ignored as by nohup."""
        ignored = {number for number in PASSED_ON if dispositions[number] is signal.SIG_IGN}
        return {
            **dict.fromkeys((signal.SIGCHLD, signal.SIGPIPE), nothing),
            **dict.fromkeys(INTERRUPTS, self.interrupt),
            **{number: partial(self.pass_on, number) for number in PASSED_ON - ignored},
        }

    def interrupt(self) -> None:
        """Wait no longer for descendants; the command itself is not to be left alone."""
        self.interrupted = self.command.status is not None

    def pass_on(self, number: int) -> None:
        """Send a signal to the command, or wait no longer if it has ended."""
        self.interrupt()
        self.command.kill(number)

    def begin(self, *, follow: bool) -> None:
        """Monitor the child and let it become the command.

        Raises TracerError, of the kind NotStartedError if it could not be executed.
        """
        try:
            self.ledger.tracer.add(self.command.pid, tree=follow)
        except TracerError as error:
            self.command.abandon()
            if isinstance(error, RequestError) and error.errno == errno.EEXIST:
                raise TracerError(*WITHIN_A_TREE) from error
            raise
        self.ledger.restart()
        self.command.release()

    def reap(self) -> None:
        """Take notice of the command's end."""
        if self.command.status is None:
            with held_back(INTERRUPTS):  # one that comes from here on comes after the end
                self.command.status = self.system.reap(self.command.pid)
                self.seconds = self.ledger.seconds()

    def is_over(self) -> bool:
        """Return whether there is nothing more to wait for."""
        if self.command.status is None:
            return False
        return not self.waits_for_all or self.interrupted or self.ledger.tracer.all_ended()

    def follow(self, wake: int) -> None:
        """Take down records until the command has ended, or all of its descendants have."""
        self.reap()
        while not self.is_over():
            left = None if self.interval is None else self.interval - self.ledger.seconds()
            if left is not None and left <= 0:
                self.output.write(self.ledger.report())
                continue
            self.ledger.wait(wake, left)
            self.reap()
        if self.waits_for_all:
            self.seconds = self.ledger.seconds()
        self.ledger.stop()

    def outlast(self, wake: int) -> None:
        """Wait for the command's end, whatever cannot be known of it."""
        while self.command.status is None:
            wait_for({}, wake, None)
            self.reap()
        self.ledger.tracer.remove_all()

    def report(self) -> Report:
        """Return what was counted."""
        return replace(
            self.ledger.report(),
            seconds=self.seconds,
            command=self.command.arguments,
            ending=ending(self.command.status or 0),
            last=True,
        )


def run(  # noqa: PLR0913 (what is run, and how)
    arguments: Sequence[str],
    output: Reports,
    *,
    follow: bool = True,
    wait: bool = False,
    interval: float | None = None,
    system: System = THIS_MACHINE,
) -> int:
    """Run a command, report on it, and end as it ended: see `end_alike`.

    With `interval` there is a report every so many seconds, each of what came since.
    Raises TracerError if it was not run or not reported on, of the kind NotStartedError if it could
    not be executed.
    """
    with Tracer(system) as tracer:
        ledger = Ledger(tracer, system)
        dispositions = {number: signal.getsignal(number) or signal.SIG_DFL for number in HELD_BACK}
        command = prepare(arguments, dispositions)
        running = Run(command, ledger, output, system, wait, interval)
        with handled(running.handlers(dispositions)) as wake:
            running.begin(follow=follow)
            try:
                running.follow(wake)
            except TracerError:
                running.outlast(wake)
                raise
            output.write(running.report())
    return end_alike(command.status or 0)
