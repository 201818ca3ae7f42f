"""What allocator and scheduler call themselves, in whatever task it falls into.

From 7.2 on a kmalloc() or kfree() may first have to make room for its own bookkeeping. Before
6.2, a task with PREEMPT_RT that was preempted while it held a spinlock calls kfree(NULL) when it
lets go of it: it may migrate again, and __set_cpus_allowed_ptr_locked() frees a mask that there
need not be. Before 6.10, and where there are memory cgroups, as with systemd, a task that gives a
slab back calls kfree(NULL) for the list of the slab's owners that there need not be. Such calls are
calls and tracer counts them; a test that knows what a task asked for must know of them too.
"""

from __future__ import annotations

import functools
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ftrace
from proctracer import Counters

SYMBOL = "__kmalloc_flags_noprof"
MIGRATES = "__set_cpus_allowed_ptr_locked"
GIVES_BACK = "__free_slab"
CGROUPS = Path("/sys/fs/cgroup")
GROUP = "tracer_allocator"
INSTANCE = ftrace.TRACING / "instances" / GROUP
NOTHING = Counters()


class OwnCalls:
    """The kernel's own calls since they are watched; none where it makes none."""

    def __init__(self, watched: bool) -> None:
        self._watched = watched

    def of(self, pid: int) -> Counters:
        """Give the calls that fell into a process that lives."""
        by_thread = self._by_thread() if self._watched else {}
        tids = [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
        return sum((by_thread.get(tid, NOTHING) for tid in tids), NOTHING)

    @staticmethod
    def _by_thread() -> dict[int, Counters]:
        counted: dict[int, Counters] = defaultdict(Counters)
        with (INSTANCE / "trace").open(encoding="ascii", errors="replace") as file:
            for event in ftrace.parse(file):
                if event.in_task and event.name == "kfree":
                    counted[event.tid] += Counters(kfree=1)
                elif event.in_task:
                    size = event.number("size") if event.value("block") != "0x0" else 0
                    counted[event.tid] += Counters(kmalloc=1, kmalloc_mem=size)
        return counted


@contextmanager
def watched() -> Iterator[OwnCalls]:
    """Watch from here to the end of the block."""
    allocates, frees = ftrace.kernel_has(SYMBOL), _that_free_nothing()
    if not allocates and not frees:
        yield OwnCalls(watched=False)
        return
    if allocates:
        definition = f"r:{GROUP}/own {SYMBOL} size=$arg1:u64 block=$retval:x64"
        ftrace.append_line(ftrace.TRACING / "kprobe_events", definition)
    INSTANCE.mkdir()
    try:
        if allocates:
            ftrace.write(INSTANCE / "events" / GROUP / "enable", "1")
        if frees:
            _watch_null(frees)
        yield OwnCalls(watched=True)
    finally:
        ftrace.write(INSTANCE / "events" / "enable", "0")
        INSTANCE.rmdir()
        if allocates:
            ftrace.append_line(ftrace.TRACING / "kprobe_events", f"-:{GROUP}/own")


def _that_free_nothing() -> list[str]:
    """Give the functions of this kernel, as it is used now, that call kfree(NULL) by themselves."""
    found = []
    if "PREEMPT_RT" in os.uname().version and ftrace.kernel_has(MIGRATES):
        found.append(MIGRATES)
    if any(CGROUPS.glob("*/memory.max")) and ftrace.kernel_has(GIVES_BACK):
        found.append(GIVES_BACK)
    return found


def _watch_null(functions: list[str]) -> None:
    extents = [_extent(function) for function in functions]
    sites = " || ".join(
        f"(call_site > {first:#x} && call_site < {end:#x})" for first, end in extents
    )
    event = INSTANCE / "events" / "kmem" / "kfree"
    ftrace.write(event / "filter", f"ptr == 0 && ({sites})")
    ftrace.write(event / "enable", "1")


@functools.cache  # a boot has one answer
def _extent(symbol: str) -> tuple[int, int]:
    """Give the addresses of a function of the kernel and of what comes after it."""
    first = 0
    with Path("/proc/kallsyms").open(encoding="ascii") as symbols:  # in order of address
        for line in symbols:
            address, _, name = line.split()[:3]
            if first and int(address, 16) > first:
                return first, int(address, 16)
            if name == symbol:
                first = int(address, 16)
    raise LookupError(f"no {symbol} in /proc/kallsyms, or nothing after it")
