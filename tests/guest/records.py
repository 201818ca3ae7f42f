"""Records of ended processes, as read(2) on the device gives them."""

from __future__ import annotations

import fcntl
import os
import select
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import device
from proctracer import NAMES, Counters

# struct tracer_record of tracer.h; "=" has no padding and no alignment.
LAYOUT = struct.Struct(f"=IIiiiIQ16sQQQ{len(NAMES)}Q")
TREE = 0x1
WITHHELD = 0x2
RUNNING = 0x4
WAITING_AT_MOST = 4096


@dataclass(frozen=True)
class Record:
    """A process that has ended."""

    size: int  # bytes
    flags: int
    pid: int
    ppid: int
    exit_status: int  # as of wait(2)
    unfollowed: int
    lost: int
    comm: str
    added_ns: int
    ended_ns: int
    missed: int
    counters: Counters


def parse(data: bytes) -> list[Record]:
    """Give the records in what one read(2) returned. Raises ValueError on any surprise."""
    if len(data) % LAYOUT.size:
        raise ValueError(f"{len(data)} bytes are no whole number of records")
    found = []
    for fields in LAYOUT.iter_unpack(data):
        head, (comm, *times) = fields[:7], fields[7:11]
        if head[0] != LAYOUT.size or b"\0" not in comm:
            raise ValueError(f"no record: {fields}")
        name, _, padding = comm.partition(b"\0")
        if padding.strip(b"\0"):
            raise ValueError(f"something follows the name: {comm!r}")
        everything = (*head, name.decode(), *times, Counters(*fields[11:]))
        found.append(Record(*everything))
    return found


def read(fd: int, count: int = 64) -> list[Record]:
    """Read up to that many records; empty at end of file. Raises OSError."""
    return parse(os.read(fd, count * LAYOUT.size))


def read_all(fd: int) -> list[Record]:
    """Read until end of file."""
    return list(until_end(fd))


def until_end(fd: int) -> Iterator[Record]:
    """Give records until end of file."""
    while found := read(fd):
        yield from found


def add(fd: int, pid: int, *, tree: bool = False) -> None:
    """Have a process, or its descendants too, monitored through this file. Raises OSError."""
    fcntl.ioctl(fd, device.ADD_TREE if tree else device.ADD_PROCESS, pid)


def remove_all(fd: int) -> None:
    """Have no process monitored any more that was added through this file. Raises OSError."""
    fcntl.ioctl(fd, device.REMOVE_ALL, 0)


def ask_has(fd: int, pid: int) -> None:
    """Ask whether the process is monitored and was added through this file. Raises OSError."""
    fcntl.ioctl(fd, device.HAS_PROCESS, pid)


def has(fd: int, pid: int) -> bool:
    """Say whether it is. Raises KeyError on any other answer than yes and no."""
    return {"OK": True, "ESRCH": False}[device.outcome(ask_has, fd, pid)]


def events(fd: int) -> set[str]:
    """Give what poll(2) says of the file now."""
    names = {"IN": select.POLLIN, "HUP": select.POLLHUP, "ERR": select.POLLERR}
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    said = dict(poll.poll(0)).get(fd, 0)
    return {name for name, bit in names.items() if said & bit}
