"""The kernel log since a point in time, and what in it is a complaint."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import ClassVar

COMPLAINT = re.compile(
    r"\bBUG\b|\bWARNING\b|\bOops\b|\bRIP:|Call Trace|possible recursive|suspicious RCU"
    r"|inconsistent lock|circular locking|\bleak|soft lockup|hard LOCKUP|rcu.*stall"
    r"|blocked for more|general protection|unable to handle|refcount_t"
    r"|list_(add|del) corruption|use-after-free|slab-out-of-bounds"
    r"|bad: scheduling|scheduling while atomic|sleeping function called|\bUBSAN:"
)
# A report of KCSAN, on a kernel built with it: its title, frames with the module in brackets, and
# a rule at its end.
RACE = "BUG: KCSAN: "
END_OF_RACE = "=========="
OURS = "[tracer]"
# What fault injection writes of a failure that a test wanted, with the stack of the call: see
# test_faults.py.
INJECTED = "FAULT_INJECTION: forcing a failure."
# What else is written with a stack where that leaves an allocator with nothing.
OUT_OF_MEMORY = re.compile(
    r"^\S+: vmalloc error: |: page allocation failure: |^percpu: allocation failed"
)
END_OF_STACK = " </TASK>"
# Among it the registers with which a program made the call.
REGISTERS = ("RIP: 0033:", "Code: ", "RSP: ", "RAX: ", "RDX: ", "RBP: ", "R10: ", "R13: ")
PART_OF_STACK = ("CPU: ", "Hardware name: ", "Tainted: ", "Call Trace:", " ", *REGISTERS)
RECORD_LIMIT = 8192
# Of /proc/sys/kernel/tainted: bad page, oops, warning, soft lockup.
TAINTS_OF_TROUBLE = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14


class KernelLog:
    """The records that come after this object was made."""

    _open: ClassVar[list[KernelLog]] = []

    @classmethod
    def keep_up(cls) -> None:
        """Read what has come into every object, before the kernel overwrites it."""
        for log in cls._open:
            log.lines()

    def __init__(self) -> None:
        self._open.append(self)
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self._fd, 0, os.SEEK_END)
        self._lines: list[str] = []
        self._taint = taint()

    def close(self) -> None:
        """Let go of the log."""
        self._open.remove(self)
        os.close(self._fd)

    def lines(self) -> list[str]:
        """Give the text of every record so far."""
        while True:
            try:
                record = os.read(self._fd, RECORD_LIMIT)
            except BlockingIOError:
                return self._lines
            except BrokenPipeError:
                self._lines.append("kmsg: WARNING records were overwritten before they were read")
                continue
            text = record.decode(errors="replace").partition(";")[2]
            self._lines.append(text.partition("\n")[0])

    def of_tracer(self) -> list[str]:
        """Give the lines that module tracer wrote, not those of the loader about it."""
        lines = [line for line in self.lines() if line.startswith("tracer:")]
        return [line for line in lines if not line.endswith(("taints kernel.", "tainting kernel"))]

    def complaints(self) -> list[str]:
        """Give the lines that tell of trouble, a new taint among them."""
        found = complaints_in(self.lines())
        new = taint() & ~self._taint & TAINTS_OF_TROUBLE
        if new:
            found.append(f"the kernel is newly tainted: {new:#x}")
        return found


def injected_in(lines: list[str]) -> tuple[list[list[str]], list[str]]:
    """Give what was written of each failure that a test wanted, and all the other lines.

    Neither has what the kernel says of memory that it is out of, once that has happened.
    """
    injected: list[list[str]] = []
    others: list[str] = []
    report: list[str] | None = None
    for line in lines:
        if line.startswith(INJECTED):
            report = [line]
            injected.append(report)
        elif injected and OUT_OF_MEMORY.search(line):
            report = [line]
        elif report is not None and line.startswith(PART_OF_STACK):
            report.append(line)
            report = None if line == END_OF_STACK else report
        else:
            others.append(line)
    return injected, others


def complaints_in(log: list[str]) -> list[str]:
    """Give the lines that tell of trouble, but no data race that tracer has no part in."""
    _, lines = injected_in(log)
    return [
        line
        for number, line in enumerate(lines)
        if COMPLAINT.search(line) and not (RACE in line and _is_foreign(lines[number:]))
    ]


def _is_foreign(lines: list[str]) -> bool:
    """Say whether tracer is nowhere in the report at the beginning of these lines."""
    for line in lines:
        if OURS in line:
            return False
        if line.startswith(END_OF_RACE):
            return True
    return False  # it has not been written to its end, nobody knows


def taint() -> int:
    """Read the kernel's taint bits."""
    return int(Path("/proc/sys/kernel/tainted").read_text(encoding="ascii"))
