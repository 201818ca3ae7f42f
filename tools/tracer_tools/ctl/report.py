"""What was counted while a command ran or processes were attached to, as facts."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracer_tools.columns import NONE, Number
from tracer_tools.processes import command_name, origin
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
    """None if they are withheld, for it had become another user's."""

    def since(self, before: Measured | None) -> Measured:
        """Return this with what was counted after an earlier measurement of the same process."""
        if before is None or before.counters is None or self.counters is None:
            return self
        grown = {name: value - before.counters[name] for name, value in self.counters.items()}
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
    )


def of_row(row: Row, most: float, system: System) -> Measured:
    """Return the measurement of a process that is monitored.

    `most` is how many seconds of the time that is reported on have passed.
    """
    whence = origin(row.pid, system)
    return Measured(
        pid=row.pid,
        parent=(whence.parent or None) if whence else None,
        command=command_name(row.pid, system),
        ending=None,
        seconds=min(most, whence.age) if whence else most,
        counters=row.counters(),
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
        found = [
            (self.lost, "lost, for too many ended at once: the total is too low"),
            (self.unfollowed, "could not be followed: the total is too low"),
            (withheld, "withheld, for another user's by then: the total is too low"),
        ]
        notes = [f"{several(number, 'process', 'es')} {text}." for number, text in found if number]
        if self.missed:
            missed = several(self.missed, "sample")
            notes.append(f"{missed} missed by the kernel: some numbers are too low.")
        return notes


def several(number: int, noun: str, plural: str = "s") -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else plural}"
