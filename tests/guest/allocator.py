"""What the allocator itself allocates with kmalloc(), in whatever task it needs memory.

From 7.2 on a kmalloc() or kfree() may first have to make room for its own bookkeeping. Such calls
are calls of kmalloc() and tracer counts them; a test that knows what a task asked for must know
of them too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ftrace
from proctracer import Counters

SYMBOL = "__kmalloc_flags_noprof"
GROUP = "tracer_allocator"
INSTANCE = ftrace.TRACING / "instances" / GROUP
NOTHING = Counters()


class OwnCalls:
    """The allocator's own calls since it is watched; none where it makes none."""

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
                if event.in_task:
                    size = event.number("size") if event.value("block") != "0x0" else 0
                    counted[event.tid] += Counters(kmalloc=1, kmalloc_mem=size)
        return counted


@contextmanager
def watched() -> Iterator[OwnCalls]:
    """Watch from here to the end of the block."""
    if not ftrace.kernel_has(SYMBOL):
        yield OwnCalls(watched=False)
        return
    definition = f"r:{GROUP}/own {SYMBOL} size=$arg1:u64 block=$retval:x64"
    ftrace.append_line(ftrace.TRACING / "kprobe_events", definition)
    INSTANCE.mkdir()
    enable = INSTANCE / "events" / GROUP / "enable"
    try:
        ftrace.write(enable, "1")
        yield OwnCalls(watched=True)
    finally:
        ftrace.write(enable, "0")
        INSTANCE.rmdir()
        ftrace.append_line(ftrace.TRACING / "kprobe_events", f"-:{GROUP}/own")
