"""Records of processes that are monitored no longer, as the module hands them out."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tracer_tools.errors import FormatError
from tracer_tools.processes import printable
from tracer_tools.table import COUNTERS, Row

# struct tracer_record of tracer.h; "=" means: no padding. Later modules append fields.
LAYOUT = struct.Struct(f"=IIiiiIQ16sQQQ{len(COUNTERS)}Q")
SIZE_FIELD = struct.Struct("=I")
IN_TREE = 0x1
WITHHELD = 0x2
RUNNING = 0x4


@dataclass(frozen=True)
class Record:
    """A process that has ended, and what its threads did in the kernel while it was monitored.

    Or one that was removed by `Tracer.remove_all` and runs on: see `running`.

    row: its PID and its counters, as the table had them; all 0 if `withheld`.
    ppid: its parent when it was added, 0 if that is in no namespace that the reader sees.
    command: its command name then, at most 15 characters.
    exit_status: how it ended, as wait(2) says it (os.waitstatus_to_exitcode()); 0 if `running` or
        `withheld`.
    in_tree: whether it was added because it descends from a process of `Tracer.add(tree=True)`.
    withheld: whether it had become another user's, so that neither its counters nor how it ended
        are to be seen.
    running: whether it was removed by `Tracer.remove_all`, and had not ended.
    added_ns: when it was added, in nanoseconds of the monotonic clock (time.monotonic_ns()).
    ended_ns: when its last thread ended, or it was removed, by the same clock.
    missed: samples that the kernel could not take meanwhile, of all monitored processes.
    lost: records that were dropped since the one before, because nobody read them in time.
    unfollowed: processes of trees that could not be added since the record before.
    """

    row: Row
    ppid: int
    command: str
    exit_status: int
    in_tree: bool
    withheld: bool
    running: bool
    added_ns: int
    ended_ns: int
    missed: int
    lost: int
    unfollowed: int

    @property
    def seconds(self) -> float:
        """How long it was monitored."""
        return (self.ended_ns - self.added_ns) / 1e9


def parse_records(data: bytes) -> list[Record]:
    """Return the records in what one read(2) of the device returned.

    Raises FormatError, which names the byte, unless these are whole records.
    """
    records = []
    offset = 0
    while offset < len(data):
        (size,) = SIZE_FIELD.unpack_from(data.ljust(offset + SIZE_FIELD.size, b"\0"), offset)
        if size < LAYOUT.size or offset + size > len(data):
            message = f"/dev/tracer: byte {offset}: no record: it says that it has {size} bytes"
            raise FormatError(message, "the module and tracer-tools are of different versions")
        records.append(parse_record(data, offset))
        offset += size
    return records


def parse_record(data: bytes, offset: int) -> Record:
    """Return the record that begins at a byte of `data`. Raises FormatError."""
    fields = LAYOUT.unpack_from(data, offset)
    _, flags, pid, ppid, status, unfollowed, lost, comm, added, ended, missed = fields[:11]
    name, end, _ = comm.partition(b"\0")
    if not end:
        raise FormatError(f"/dev/tracer: byte {offset}: no record: its name has no end: {comm!r}")
    return Record(
        row=Row(pid, *fields[11:]),
        ppid=ppid,
        command=printable(name.decode(errors="replace")),
        exit_status=status,
        in_tree=bool(flags & IN_TREE),
        withheld=bool(flags & WITHHELD),
        running=bool(flags & RUNNING),
        added_ns=added,
        ended_ns=ended,
        missed=missed,
        lost=lost,
        unfollowed=unfollowed,
    )
