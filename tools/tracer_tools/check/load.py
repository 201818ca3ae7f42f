"""A load whose cost in the kernel is known, and how much of it the module has counted.

Each operation is one system call, or two, that does the same on every kernel:

========================  ======================================================================
``sched_yield``           one call of schedule
write to and read from    one mutex_lock and one mutex_unlock each, of the pipe's mutex;
a pipe that never blocks  the data goes to a page, not to kmalloc
``poll`` of 100 files     30 fit on the kernel's stack, the other 70 take one kmalloc of
                          16 + 70 * 8 bytes, which is freed before the call returns
========================  ======================================================================

Nothing that a program can ask for calls ``up`` or ``down_interruptible`` on every kernel, so
these must not grow. The numbers of operations are primes: no multiple of anything else.
"""

from __future__ import annotations

import gc
import os
import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable

from tracer_tools.errors import FormatError
from tracer_tools.table import COUNTERS, parse_table

YIELDS = 101
EXCHANGES = 53
POLLS = 71
POLLED_FILES = 100
POLLED_ON_STACK = 30
POLL_LIST_BYTES = 16
POLL_FILE_BYTES = 8
POLL_BYTES = POLL_LIST_BYTES + (POLLED_FILES - POLLED_ON_STACK) * POLL_FILE_BYTES
EXPECTED: Mapping[str, int] = {
    "kmalloc": POLLS,
    "kfree": POLLS,
    "kmalloc_mem": POLLS * POLL_BYTES,
    "kfree_mem": POLLS * POLL_BYTES,
    "sched": YIELDS,
    "up": 0,
    "down": 0,
    "lock": 2 * EXCHANGES,
    "unlock": 2 * EXCHANGES,
}
WORK = f"{POLLS} polls, {YIELDS} yields and {EXCHANGES} exchanges through a pipe"
ROUNDS = 50


@dataclass(frozen=True)
class Growth:
    """By how much each counter grew for the load alone, and in how many rounds this was seen."""

    counters: Mapping[str, int]
    rounds: int

    @property
    def exact(self) -> bool:
        """Whether every counter grew by exactly what the load costs."""
        return self.counters == EXPECTED

    def deviations(self) -> list[str]:
        """Return a clause for each counter that did not grow as it should."""
        return [
            f"{name} {self.counters[name]} instead of {EXPECTED[name]}"
            for name in COUNTERS
            if self.counters[name] != EXPECTED[name]
        ]


@contextmanager
def known_load() -> Iterator[Callable[[], None]]:
    """Give a function that does the load once; it costs nothing else that is counted."""
    reader, writer = os.pipe()
    poll = select.poll()
    # Numbers beyond any open file: the kernel says so for each, and that is all it does.
    for number in range(POLLED_FILES):
        poll.register(2**20 + number)

    def work() -> None:
        for _ in range(YIELDS):
            os.sched_yield()
        for _ in range(EXCHANGES):
            os.write(writer, b".")
            os.read(reader, 1)
        for _ in range(POLLS):
            poll.poll(0)

    collecting = gc.isenabled()
    gc.disable()
    try:
        work()  # once, so that pages and Python's own memory are there
        yield work
    finally:
        if collecting:
            gc.enable()
        os.close(reader)
        os.close(writer)


def measure(work: Callable[[], None], read_table: Callable[[], str], pid: int) -> Growth:
    """Return by how much the counters of `pid` grew for `work` alone.

    Reading the table costs something too, and so does whatever else the kernel does for this
    process, such as preempting it. Both only ever add. So each round takes the growth without
    the load and with it; the least of each, seen in some quiet round, differ by the load.
    Rounds go on until the difference is exact, and end after `ROUNDS` of them.

    Raises FormatError if the table is not understood or `pid` is not in it.
    """
    idle: dict[str, int] = {}
    busy: dict[str, int] = {}
    growth = Growth({}, 0)
    for number in range(1, ROUNDS + 1):
        texts = [read_table(), read_table()]
        work()
        texts.append(read_table())
        first, second, third = (own_counters(text, pid) for text in texts)
        keep_least(idle, first, second)
        keep_least(busy, second, third)
        growth = Growth({name: busy[name] - idle[name] for name in COUNTERS}, number)
        if growth.exact:
            break
    return growth


def keep_least(least: dict[str, int], before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Lower each entry of `least` to the growth between two readings, if that is less."""
    for name in COUNTERS:
        grown = after[name] - before[name]
        least[name] = min(least.get(name, grown), grown)


def own_counters(text: str, pid: int) -> dict[str, int]:
    """Return the counters of `pid` in a table's text. Raises FormatError if it has no row."""
    for row in parse_table(text):
        if row.pid == pid:
            return row.counters()
    raise FormatError(f"process {pid} has no row", "another program has removed it meanwhile")
