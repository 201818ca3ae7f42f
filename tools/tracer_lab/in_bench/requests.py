"""What loading tracer and each request cost."""

from __future__ import annotations

import ctypes
import os
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .clock import await_quiet
from .modules import (
    ADD_PROCESS,
    REMOVE_PROCESS,
    TRACER,
    LoadError,
    check_engine,
    parameter,
)
from .processes import Worker
from .recording import Recorder

PAIRS = 20  # of ADD and REMOVE in a batch: a tick of the timer is longer than one of them
INSTRUCTIONS = "instructions"
SCHEDSTAT = Path("/proc/schedstat")
_libc = ctypes.CDLL(None, use_errno=True)


class _Watch:
    """Instructions that the machine executes, whoever does the work, by name of what is done."""

    def __init__(self, worker: Worker) -> None:
        self.taken: dict[str, list[float]] = defaultdict(list)
        self._worker = worker

    @contextmanager
    def over(self, name: str) -> Iterator[None]:
        """Count those of the block."""
        begun = self._executed()
        yield
        self.taken[name].append(self._executed() - begun)

    def _executed(self) -> int:
        # The kernel adds what a process has executed when another one's turn comes.
        self._worker.ask("kernel loop 1")
        return executed_of(SCHEDSTAT.read_text(encoding="ascii"))


def executed_of(schedstat: str) -> int:
    """Nanoseconds for which processes ran on the one processor of a text like /proc/schedstat.

    Raises ValueError if it has not one processor.
    """
    (words,) = [line.split() for line in schedstat.splitlines() if line.startswith("cpu")]
    return int(words[7])


def record_requests(
    engine: str, worker: Worker, others: Sequence[int], batches: int, recorder: Recorder
) -> None:
    """Record what it costs to load tracer, to monitor two processes one by one, and back."""
    watch = _Watch(worker)
    image = TRACER.read_bytes()
    first, second = others
    for _ in range(1 + batches):
        await_quiet(worker)
        with watch.over("load"):
            _load(image, parameter(engine))
        check_engine(engine)
        with watch.over("first-add"):
            _request(worker, ADD_PROCESS, first)
        pairs = [
            (_request(worker, ADD_PROCESS, second), _request(worker, REMOVE_PROCESS, second))
            for _ in range(PAIRS)
        ]
        for name, taken in zip(("add", "remove"), zip(*pairs)):
            watch.taken[name].append(statistics.median(taken))
        with watch.over("last-remove"):
            _request(worker, REMOVE_PROCESS, first)
        with watch.over("unload"):
            _unload()
    for name, measured in watch.taken.items():
        # The first time the allocators get what they later only hand out again.
        recorder.figure(name, f"tracer-{engine}", measured[1:], INSTRUCTIONS)


def _request(worker: Worker, number: int, pid: int) -> int:
    """Nanoseconds that a request takes: instructions, if it does not have to wait."""
    (nanoseconds,) = worker.ask(f"request {number} {pid}")
    return nanoseconds


def _load(image: bytes, given: str) -> None:
    if _libc.init_module(image, ctypes.c_ulong(len(image)), given.encode()) != 0:
        raise LoadError(f"tracer: {os.strerror(ctypes.get_errno())}")


def _unload() -> None:
    if _libc.delete_module(b"tracer", os.O_NONBLOCK) != 0:
        raise LoadError(f"tracer does not unload: {os.strerror(ctypes.get_errno())}")
