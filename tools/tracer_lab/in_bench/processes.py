"""The processes of a run: the worker whose calls are measured, and others that only sleep."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NATIVE = Path(__file__).resolve().parent / "native"


class WorkerError(Exception):
    """The worker ended; the text is what it said."""


class Worker:
    """The process whose calls are measured, and the partner that it plays ping-pong with."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid, self.partner = self._answer()

    def ask(self, order: str) -> list[int]:
        """What an order comes to; native/worker.c has the orders. Raises WorkerError."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> list[int]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise WorkerError(self._process.stderr.read().strip() or "the worker ended")
        return [int(word) for word in line.split()]


@contextmanager
def worker() -> Iterator[Worker]:
    """Run a worker until the end of the block."""
    command = [str(NATIVE / "worker")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        yield Worker(process)
        assert process.stdin is not None
        process.stdin.close()


@contextmanager
def sleepers(count: int) -> Iterator[Sequence[int]]:
    """The PIDs of so many processes that sleep until the end of the block."""
    command = [str(NATIVE / "sleepers"), str(count)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pids = [int(line) for line in iter(process.stdout.readline, "ready\n")]
        yield pids
        process.stdin.close()
