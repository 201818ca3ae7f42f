"""The bytes that the manual page tracer(4) says the module takes; test_memory.py measures them.

They are those of Debian's kernels. One that looks for faults puts something around every block.
"""

from __future__ import annotations

from pathlib import Path

PROCESS = 544  # a monitored process or a spare one, its record included
PROCESS_ON_A_CPU = 72  # and its counters, for each processor that there can be
SPARES = 256  # made for the first tree of an open file
RECORD = 200  # what is left of a process that has ended, until that is read
FILE = 264  # an open file of the device, beside what any open file takes
ROW = 24  # of a reader of the table
ROWS = 64  # he has room for more than are monitored
BLOCK = 16  # an entry of the table of blocks; they are a power of two
TABLE = 512 << 10  # of the table of processes, within the module

POSSIBLE = Path("/sys/devices/system/cpu/possible")
SLABS = Path("/proc/slabinfo")


def processors() -> int:
    """Give how many there can be."""
    ranges = POSSIBLE.read_text(encoding="ascii").strip().split(",")
    ends = [list(map(int, one.split("-"))) for one in ranges]
    return sum(end[-1] - end[0] + 1 for end in ends)


def of_process() -> int:
    """Give the bytes of a monitored process on this machine."""
    return PROCESS + PROCESS_ON_A_CPU * processors()


def kmalloc_size(size: int) -> int:
    """Give the bytes that a block of one of kmalloc's sizes takes. Raises LookupError."""
    return slab_size(f"kmalloc-cg-{size}", f"kmalloc-{size}")


def slab_size(*names: str) -> int:
    """Give the bytes that a block takes of the first cache of these names. Raises LookupError."""
    lines = map(str.split, SLABS.read_text(encoding="ascii").splitlines())
    sizes = {words[0]: int(words[3]) for words in lines if words[3].isdigit()}
    for name in names:
        if name in sizes:
            return sizes[name]
    raise LookupError(f"no {' and no '.join(names)} in {SLABS}")
