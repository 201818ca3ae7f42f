"""What loading tracer and each request cost, and the memory that it takes."""

from __future__ import annotations

import ctypes
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .modules import (
    ADD_PROCESS,
    REMOVE_PROCESS,
    TRACER,
    LoadError,
    check_engine,
    monitored,
    parameter,
    tracer,
)
from .processes import Worker
from .recording import Recorder

PAIRS = 20  # of ADD and REMOVE in a batch: a tick of the timer is longer than one of them
INSTRUCTIONS = "instructions"
BYTES = "bytes"
MEMINFO = Path("/proc/meminfo")
REFRESH = Path("/proc/sys/vm/stat_refresh")
SIZE = Path("/sys/module/tracer/coresize")
# Where a module's memory shows: small blocks and large ones, those of processors, mappings.
COUNTED = ("Slab", "Percpu", "VmallocUsed")
_libc = ctypes.CDLL(None, use_errno=True)


class _Watch:
    """Instructions that this process executes, user and kernel, by name of what it does."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def over(self, name: str) -> Iterator[None]:
        """Count those of the block."""
        begun = time.process_time_ns()
        yield
        self.taken[name].append(time.process_time_ns() - begun)


def record_requests(
    engine: str, worker: Worker, others: Sequence[int], batches: int, recorder: Recorder
) -> None:
    """Record what it costs to load tracer, to monitor two processes one by one, and back."""
    watch = _Watch()
    image = TRACER.read_bytes()
    for _ in range(batches):
        with watch.over("load"):
            _load(image, parameter(engine))
        check_engine(engine)
        first, second = others
        watch.taken["first-add"].append(_request(worker, ADD_PROCESS, first))
        pairs = [
            (_request(worker, ADD_PROCESS, second), _request(worker, REMOVE_PROCESS, second))
            for _ in range(PAIRS)
        ]
        for name, executed in zip(("add", "remove"), zip(*pairs)):
            watch.taken[name].append(statistics.median(executed))
        watch.taken["last-remove"].append(_request(worker, REMOVE_PROCESS, first))
        with watch.over("unload"):
            _unload()
    for name, taken in watch.taken.items():
        recorder.figure(name, f"tracer-{engine}", taken, INSTRUCTIONS)


def _request(worker: Worker, number: int, pid: int) -> float:
    """Instructions of the worker's own that a request takes."""
    _, executed = worker.ask(f"request {number} {pid}")
    return executed


def record_tables(engine: str, other: int, batches: int, recorder: Recorder) -> None:
    """Record what the module takes beside its own code while it monitors one process."""
    taken = []
    with tracer(engine), monitored([other]):
        pass  # what the kernel keeps of a first time is there now
    for _ in range(batches):
        before = memory_in_use()
        with tracer(engine), monitored([other]):
            taken.append(memory_in_use() - before - int(SIZE.read_text()))
    recorder.figure("memory-tables", f"tracer-{engine}", taken, BYTES)


def record_memory_of_processes(
    engine: str, others: Sequence[int], batches: int, recorder: Recorder
) -> None:
    """Record what each of many monitored processes takes."""
    taken = []
    for _ in range(batches):
        # Unloading it waits until everything is given back.
        with tracer(engine), monitored(others[:1]):
            before = memory_in_use()
            with monitored(others[1:]):
                taken.append((memory_in_use() - before) / (len(others) - 1))
    recorder.figure("memory-per-process", f"tracer-{engine}", taken, BYTES)


def memory_in_use() -> int:
    """Bytes of the kernel in what a module may allocate from."""
    REFRESH.read_text(encoding="ascii")  # each processor's share of the counts is added
    return memory_of(MEMINFO.read_text(encoding="ascii"))


def memory_of(meminfo: str) -> int:
    """The same of a text as /proc/meminfo is one. Raises KeyError if it lacks a line."""
    sizes: Mapping[str, int] = {
        name: int(size.split()[0])
        for name, _, size in (line.partition(":") for line in meminfo.splitlines())
    }
    return 1024 * sum(sizes[name] for name in COUNTED)


def _load(image: bytes, given: str) -> None:
    if _libc.init_module(image, ctypes.c_ulong(len(image)), given.encode()) != 0:
        raise LoadError(f"tracer: {os.strerror(ctypes.get_errno())}")


def _unload() -> None:
    if _libc.delete_module(b"tracer", os.O_NONBLOCK) != 0:
        raise LoadError(f"tracer does not unload: {os.strerror(ctypes.get_errno())}")
