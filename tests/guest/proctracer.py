"""What /proc/tracer says, read strictly."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

REPORT = Path("/proc/tracer")


@dataclass(frozen=True)
class Counters:
    """The nine counters of a process; the two `_mem` are bytes, the others calls."""

    kmalloc: int = 0
    kfree: int = 0
    kmalloc_mem: int = 0
    kfree_mem: int = 0
    sched: int = 0
    up: int = 0
    down: int = 0
    lock: int = 0
    unlock: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters(*(getattr(self, name) + getattr(other, name) for name in NAMES))

    def __mul__(self, times: int) -> Counters:
        return Counters(*(getattr(self, name) * times for name in NAMES))

    def __sub__(self, other: Counters) -> Counters:
        return Counters(*(getattr(self, name) - getattr(other, name) for name in NAMES))


NAMES = [field.name for field in fields(Counters)]
HEADER = ["PID", *NAMES]
# str.split() and str.isdigit() also take characters that the kernel does not write.
WORD = re.compile(r"[^ ]+")
NUMBER = re.compile(r"0|[1-9][0-9]{0,19}")


def parse(text: str) -> dict[int, Counters]:
    """Give the counters by PID, in the order of the lines. Raises ValueError on any surprise."""
    *lines, rest = text.split("\n")
    if rest:
        raise ValueError(f"/proc/tracer is cut off: {rest!r}")
    if not lines or WORD.findall(lines[0]) != HEADER:
        raise ValueError(f"not the header of /proc/tracer: {lines[:1]}")
    rows: dict[int, Counters] = {}
    for line in lines[1:]:
        words = WORD.findall(line)
        if len(words) != len(HEADER) or not all(map(NUMBER.fullmatch, words)):
            raise ValueError(f"not a row of /proc/tracer: {line!r}")
        pid, *counts = map(int, words)
        if pid in rows:
            raise ValueError(f"two rows for process {pid}")
        rows[pid] = Counters(*counts)
    return rows


def rows() -> dict[int, Counters]:
    """Read the table as the calling process sees it."""
    return parse(REPORT.read_text(encoding="ascii"))


def row(pid: int) -> Counters:
    """Read one process's counters. Raises KeyError if it has no row."""
    return rows()[pid]


def pieces(size: int) -> Iterator[bytes]:
    """Read the table as the kernel gives it to reads of `size` bytes each. Raises OSError."""
    fd = os.open(REPORT, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while piece := os.read(fd, size):
            yield piece
    finally:
        os.close(fd)
