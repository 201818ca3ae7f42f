"""The memory that tracer takes: that of its tables, and that of each monitored process."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .modules import monitored, tracer
from .recording import Recorder

UNIT = "bytes"
MEMINFO = Path("/proc/meminfo")
REFRESH = Path("/proc/sys/vm/stat_refresh")
SIZE = Path("/sys/module/tracer/coresize")
# Where a module's memory shows: small blocks and large ones, those of processors, mappings.
OF_MACHINE = ("SUnreclaim", "Percpu", "VmallocUsed")
OF_GROUP = ("slab_unreclaimable", "percpu")


def record_tables(engine: str, other: int, batches: int, recorder: Recorder) -> None:
    """Record what the module takes beside its own code while it monitors one process."""
    taken = []
    with tracer(engine), monitored([other]):
        pass  # what the kernel keeps of a first time is there now
    for _ in range(batches):
        before = _of_machine()
        with tracer(engine), monitored([other]):
            taken.append(_of_machine() - before - int(SIZE.read_text(encoding="ascii")))
    recorder.figure("memory-tables", f"tracer-{engine}", taken, UNIT)


def record_memory_of_processes(
    engine: str, others: Sequence[int], batches: int, recorder: Recorder
) -> None:
    """Record what each of many monitored processes takes.

    It is charged to the control group of who monitors, to the byte: what the allocators keep in
    reserve does not matter.
    """
    taken = []
    with _control_group() as statistics:
        for _ in range(batches):
            # Unloading it waits until everything is given back.
            with tracer(engine), monitored(others[:1]):
                before = sum_of(statistics.read_text(encoding="ascii"), OF_GROUP)
                with monitored(others[1:]):
                    now = sum_of(statistics.read_text(encoding="ascii"), OF_GROUP)
                taken.append((now - before) / (len(others) - 1))
    recorder.figure("memory-per-process", f"tracer-{engine}", taken, UNIT)


def sum_of(text: str, names: Sequence[str]) -> int:
    """The sum of lines of those names, of a text as /proc/meminfo or memory.stat is one.

    Raises KeyError if it lacks one.
    """
    values = {line.split()[0].rstrip(":"): int(line.split()[1]) for line in text.splitlines()}
    return sum(values[name] for name in names)


def _of_machine() -> int:
    """Bytes of the kernel in what a module may allocate from."""
    REFRESH.read_text(encoding="ascii")  # each processor's share of the counts is added
    return 1024 * sum_of(MEMINFO.read_text(encoding="ascii"), OF_MACHINE)


@contextmanager
def _control_group() -> Iterator[Path]:
    """The statistics of a control group that this process alone is in until the end."""
    with tempfile.TemporaryDirectory() as mounted:
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", mounted], check=True)
        everything, group = Path(mounted), Path(mounted, "tracer-bench")
        try:
            (everything / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
            group.mkdir()
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
            try:
                yield group / "memory.stat"
            finally:
                (everything / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
                group.rmdir()
        finally:
            subprocess.run(["umount", mounted], check=True)
