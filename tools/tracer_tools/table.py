"""The rows of /proc/tracer."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tracer_tools.errors import FormatError
from tracer_tools.lines import unsigned, whole_lines, words
from tracer_tools.module import read_of_module
from tracer_tools.processes import MAX_PID
from tracer_tools.system import THIS_MACHINE, System

TABLE = "/proc/tracer"
COUNTERS = (
    "kmalloc",
    "kfree",
    "kmalloc_mem",
    "kfree_mem",
    "sched",
    "up",
    "down",
    "lock",
    "unlock",
)
COLUMNS = ("PID", *COUNTERS)


@dataclass(frozen=True)
class Row:
    """One monitored process and what its threads did in the kernel since it was added.

    Every counter is a whole number from 0 to 2**64 - 1 and never shrinks while the process
    stays monitored.

    pid: the process, numbered as the reader's PID namespace numbers it.
    kmalloc: calls of kmalloc, by any of its entry points.
    kfree: calls of kfree, ``kfree(NULL)`` included.
    kmalloc_mem: bytes requested by the kmalloc calls that returned memory.
    kfree_mem: bytes given back by kfree.
    sched: calls of schedule.
    up: calls of up.
    down: calls of down_interruptible.
    lock: calls of mutex_lock.
    unlock: calls of mutex_unlock.
    """

    pid: int
    kmalloc: int
    kfree: int
    kmalloc_mem: int
    kfree_mem: int
    sched: int
    up: int
    down: int
    lock: int
    unlock: int

    def counters(self) -> dict[str, int]:
        """Return the nine counters by the names of their columns, in the order of the columns."""
        values: dict[str, int] = asdict(self)
        del values["pid"]
        return values


def snapshot(system: System = THIS_MACHINE) -> list[Row]:
    """Return the row of every monitored process that the caller may see, in the table's order.

    Root sees all; another user sees the processes that are its own to monitor.

    Raises DeviceError if the module is not loaded or the table cannot be read, FormatError if
    the table is not in the format that this version knows.
    """
    return parse_table(read_table(system))


def read_table(system: System = THIS_MACHINE) -> str:
    """Return the text of the table. Raises DeviceError."""
    return read_of_module(TABLE, system)


def parse_table(text: str) -> list[Row]:
    """Return the rows in the text of the table, header included.

    Raises FormatError, which names the line, for anything but whole lines of the ten known columns.
    """
    lines = whole_lines(text, TABLE)
    if not lines:
        raise FormatError(f"{TABLE}: line 1: the header is missing")
    check_header(lines[0])
    return [parse_row(line, number) for number, line in enumerate(lines[1:], start=2)]


def check_header(line: str) -> None:
    """Raise FormatError unless `line` names the ten columns in their order."""
    found = words(line)
    if found == list(COLUMNS):
        return
    unknown = [name for name in found if name not in COLUMNS]
    missing = [name for name in COLUMNS if name not in found]
    if unknown:
        what = f"unknown column {unknown[0]!r}"
    elif missing:
        what = f"no column {missing[0]!r}"
    else:
        what = f"columns out of order: {' '.join(found)!r}"
    raise FormatError(
        f"{TABLE}: line 1: {what}", "the module and tracer-tools are of different versions"
    )


def parse_row(line: str, number: int) -> Row:
    """Return the row in line `number` of the table. Raises FormatError."""
    fields = words(line)
    if len(fields) != len(COLUMNS):
        raise FormatError(
            f"{TABLE}: line {number}: {len(fields)} fields instead of {len(COLUMNS)}: {line!r}"
        )
    values = []
    for name, field in zip(COLUMNS, fields):
        value = unsigned(field)
        if value is None:
            raise FormatError(f"{TABLE}: line {number}: {name} is no counter: {field!r}")
        values.append(value)
    if not 0 < values[0] <= MAX_PID:
        raise FormatError(f"{TABLE}: line {number}: {values[0]} is no PID: {line!r}")
    return Row(*values)
