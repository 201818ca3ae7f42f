"""What each group has counted: by its processes that run, and by those that have ended.

A group's total is the sum over the last rows of those that run and the records of those that have
ended. It never shrinks, and each process is in it once, because of what the module promises:

- A process that ends loses its row first, then gets its record, and only then may its number be
  another's. In between its last row stays in the total.
- A record has the times between which its process was monitored. So it is known whether a row that
  was read of the same number is of that process, or of a later one.

Records are to be taken down after the table was read, and its rows after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import cast

from tracer_tools.records import Record
from tracer_tools.table import COUNTERS, Row

Counts = tuple[int, ...]
ZERO: Counts = (0,) * len(COUNTERS)
OF_ROW = attrgetter(*COUNTERS)
# A record comes microseconds after the row has gone, unless its processor stands still in between.
GIVEN_UP_AFTER_NS = 10 * 10**9


def counts_of(row: Row) -> Counts:
    """Return the nine counters of a row, in the order of the columns."""
    return cast("Counts", OF_ROW(row))


@dataclass
class Living:
    """A process that has no record yet, and its last row.

    read_ns: when the row was read, by the monotonic clock.
    missing_ns: since when it has had no row, or 0.
    """

    group: str
    counts: Counts
    read_ns: int
    missing_ns: int = 0


class Ledger:
    """The counts of all groups, and the processes that run."""

    def __init__(self) -> None:
        self.living: dict[int, Living] = {}
        self._ended: dict[str, Counts] = {}
        self._recorded: dict[int, int] = {}

    def open(self, group: str) -> None:
        """Let there be a group; one that is there already goes on."""
        self._ended.setdefault(group, ZERO)

    def close(self, group: str) -> None:
        """Forget a group and what it has counted."""
        del self._ended[group]
        for pid in [pid for pid, one in self.living.items() if one.group == group]:
            del self.living[pid]

    def begin(self, pid: int, group: str, now_ns: int) -> None:
        """Take a process that is monitored now, whose row has not been read."""
        self.living[pid] = Living(group, ZERO, now_ns)

    def record(self, record: Record, group: str) -> None:
        """Take down the record of a process of a group: that process has ended."""
        pid = record.row.pid
        counts = counts_of(record.row)
        living = self.living.get(pid)
        if living is not None and living.group == group:
            if living.read_ns < record.added_ns:
                self.give_up(pid)  # it had the number before
            else:
                # The record has the more, unless the counts are withheld.
                counts = tuple(map(max, counts, living.counts))
                del self.living[pid]
        self._add(group, counts)
        self._recorded[pid] = max(record.ended_ns, self._recorded.get(pid, 0))

    def rows(self, rows: Sequence[Row], begun_ns: int, read_ns: int) -> list[Row]:
        """Take down the table, read between two times; return the rows of unknown processes.

        All records that came until after the table was read have to be taken down.
        """
        unknown = []
        for row in rows:
            if self._recorded.get(row.pid, 0) >= begun_ns:
                continue  # its own: the process ended after its row was read, or just before
            living = self.living.get(row.pid)
            counts = counts_of(row)
            if living is not None and shrunk(living.counts, counts):
                self.give_up(row.pid)
                living = None
            if living is None:
                unknown.append(row)
                continue
            living.counts, living.read_ns, living.missing_ns = counts, read_ns, 0
        self._recorded.clear()
        self._miss({row.pid for row in rows}, read_ns)
        return unknown

    def meet(self, row: Row, group: str, read_ns: int) -> None:
        """Take a process whose row has been read."""
        self.living[row.pid] = Living(group, counts_of(row), read_ns)

    def give_up(self, pid: int) -> None:
        """Take a process for ended with its last row: there is to be no record of it."""
        living = self.living.pop(pid)
        self._add(living.group, living.counts)

    def give_up_all(self) -> None:
        """Take all processes for ended with their last rows."""
        for pid in list(self.living):
            self.give_up(pid)

    def totals(self) -> dict[str, Counts]:
        """Return what each group has counted so far."""
        sums = {group: list(counts) for group, counts in self._ended.items()}
        for living in self.living.values():
            total = sums[living.group]
            for index, value in enumerate(living.counts):
                total[index] += value
        return {group: tuple(total) for group, total in sums.items()}

    def processes(self) -> dict[str, int]:
        """Return how many processes of each group are monitored."""
        numbers = dict.fromkeys(self._ended, 0)
        for living in self.living.values():
            numbers[living.group] += not living.missing_ns
        return numbers

    def _add(self, group: str, counts: Counts) -> None:
        self._ended[group] = tuple(map(sum, zip(self._ended[group], counts)))

    def _miss(self, seen: set[int], now_ns: int) -> None:
        """Wait for the records of processes without a row, but not for ever.

        There is none of what somebody has removed, and of what was dropped as too many ended.
        """
        for pid in [pid for pid in self.living if pid not in seen]:
            living = self.living[pid]
            living.missing_ns = living.missing_ns or now_ns
            if now_ns - living.missing_ns > GIVEN_UP_AFTER_NS:
                self.give_up(pid)


def shrunk(old: Counts, new: Counts) -> bool:
    """Return whether counts are those of another process: they never shrink."""
    return any(after < before for before, after in zip(old, new))
