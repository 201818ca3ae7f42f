"""What was counted while a command ran or processes were attached to, as facts."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tracer_tools.columns import NONE, Number
from tracer_tools.processes import Origin, command_name
from tracer_tools.records import Record
from tracer_tools.system import System
from tracer_tools.table import COUNTERS, Row

Counters = dict[str, int]


@dataclass(frozen=True)
class Ending:
    """How a process ended: by exiting with a status, 0 to 255, or killed by a signal.

    Neither where that is withheld.
    """

    exit_status: int | None
    signal: str | None

    def __str__(self) -> str:
        if self.signal is not None:
            return self.signal.removeprefix("SIG")
        return NONE if self.exit_status is None else str(self.exit_status)


WITHHELD = Ending(None, None)


def ending(status: int) -> Ending:
    """Return what a wait(2) status says; that of a process that has ended."""
    number = status & 0x7F
    if number == 0:
        return Ending(status >> 8 & 0xFF, None)
    try:
        return Ending(None, signal.Signals(number).name)
    except ValueError:  # a real-time signal between the first and the last
        return Ending(None, f"SIGRTMIN{number - signal.SIGRTMIN:+d}")


@dataclass(frozen=True)
class Measured:
    """One process, what it did in the kernel, and how long it was monitored."""

    pid: int
    parent: int | None
    """When it was added, or now while it runs; None if not known."""
    command: str | None
    ending: Ending | None
    """None if it runs."""
    seconds: float
    counters: Counters | None
    """What was counted in that time; None if withheld, for it had become another user's."""
    whole: Counters | None = None
    """What was counted since it was added; None if withheld."""
    record: Record | None = None
    """What the module handed out when it ended or was removed; None if it is monitored."""
    number: int = 0
    """Which of the processes of one tracerctl it is, from 1: a PID can come again."""

    def since(self, before: Measured) -> Measured:
        """Return this with what was counted after an earlier measurement of the same process."""
        if before.whole is None or self.whole is None:
            return self
        grown = {name: value - before.whole[name] for name, value in self.whole.items()}
        return replace(self, counters=grown)

    def numbers(self, *, per_second: bool) -> list[Number]:
        """Return the counters in the order of the columns, or their rates."""
        return in_columns(self.counters, self.seconds, per_second=per_second)


def in_columns(counters: Counters | None, seconds: float, *, per_second: bool) -> list[Number]:
    """Return counters, or their rates; None for each that is not known."""
    if counters is None or (per_second and seconds <= 0):
        return [None] * len(COUNTERS)
    if not per_second:
        return [counters[name] for name in COUNTERS]
    return [counters[name] / seconds for name in COUNTERS]


def of_record(record: Record, most: float) -> Measured:
    """Return the measurement of a process that is monitored no longer; `most` as for `of_row`."""
    ended = WITHHELD if record.withheld else ending(record.exit_status)
    return Measured(
        pid=record.row.pid,
        parent=record.ppid or None,
        command=record.command,
        ending=None if record.running else ended,
        seconds=min(record.seconds, most),
        counters=None if record.withheld else record.row.counters(),
        whole=None if record.withheld else record.row.counters(),
        record=record,
    )


def of_row(row: Row, most: float, whence: Origin | None, system: System) -> Measured:
    """Return the measurement of a process that is monitored, and comes from `whence`.

    `most` is how many seconds of the time that is reported on have passed.
    """
    return Measured(
        pid=row.pid,
        parent=(whence.parent or None) if whence else None,
        command=command_name(row.pid, system),
        ending=None,
        seconds=min(most, whence.age) if whence else most,
        counters=row.counters(),
        whole=row.counters(),
    )


@dataclass(frozen=True)
class Report:
    """What one `tracerctl run` or `attach` has to say, or one interval of it."""

    processes: Sequence[Measured]
    """Those that ended, in the order of their ends, then those that run."""
    seconds: float
    """How long it was measured."""
    command: Sequence[str] | None = None
    """What `run` ran; None for `attach`."""
    ending: Ending | None = None
    """How that ended."""
    interval: int | None = None
    """Which interval this is, from 1; None if there are none."""
    last: bool = False
    """Whether there are no more reports to come."""
    lost: int = 0
    """Records of processes that came too fast to be read."""
    missed: int = 0
    """Samples that the kernel could not take, of all monitored processes."""
    unfollowed: int = 0
    """Processes that descend from these and could not be added."""

    def total(self) -> Counters:
        """Return the sums over the processes, but those that are withheld."""
        known = [process.counters for process in self.processes if process.counters is not None]
        return {name: sum(counters[name] for counters in known) for name in COUNTERS}

    def total_numbers(self, *, per_second: bool) -> list[Number]:
        """Return the sums in the order of the columns, or their rates over the whole time."""
        return in_columns(self.total(), self.seconds, per_second=per_second)

    def notes(self) -> list[str]:
        """Return a sentence for each thing that makes the numbers less than the whole."""
        withheld = sum(process.counters is None for process in self.processes)
        return what_is_missing(self.lost, self.unfollowed, withheld, self.missed)


class Reports(Protocol):
    """A place for reports, one after the other."""

    has_reader: bool
    """Whether anybody wants more of them."""

    def write(self, report: Report) -> None:
        """Take a report. Raises TracerError."""


def what_is_missing(lost: int, unfollowed: int, withheld: int, missed: int) -> list[str]:
    """Return a sentence for each of these numbers that makes a total less than the whole."""
    found = [
        (lost, "lost, for too many ended at once: the total is too low"),
        (unfollowed, "could not be followed: the total is too low"),
        (withheld, "withheld, for another user's by then: the total is too low"),
    ]
    notes = [f"{several(number, 'process', 'es')} {text}." for number, text in found if number]
    if missed:
        notes.append(f"{several(missed, 'sample')} missed by the kernel: some numbers are too low.")
    return notes


def several(number: int, noun: str, plural: str = "s") -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else plural}"
