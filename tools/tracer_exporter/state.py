"""What there is to tell at a moment, and what of it is the module's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer_exporter.ledger import Counts
from tracer_tools.module import read_number
from tracer_tools.system import System


@dataclass
class Growing:
    """A counter of the module that goes on when the module is loaded anew."""

    file: str
    total: int = 0
    last: int = 0

    def read(self, system: System) -> None:
        """Read it. Raises DeviceError, FormatError."""
        now = read_number(self.file, system)
        # One that has shrunk is of a module that was loaded anew, and counts from 0.
        self.total += now if now < self.last else now - self.last
        self.last = now


@dataclass(frozen=True)
class State:
    """What there is to tell.

    trouble: why nothing can be read now, or nothing.
    totals, processes: of each group what it counted and how many processes it has.
    missed, unfollowed: since the module was loaded. lost: records dropped since the exporter began.
    module: its version and its engine, None while it is not to be used.
    living: each process that is monitored, as PID, group and counts.
    """

    trouble: str
    totals: dict[str, Counts]
    processes: dict[str, int]
    missed: int
    unfollowed: int
    lost: int
    module: tuple[str, str] | None
    living: Sequence[tuple[int, str, Counts]]
