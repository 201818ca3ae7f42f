"""The works: the same calls in every state, timed in the kernel or by the worker itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .processes import Worker

UNIT = "instructions an iteration"
WARM_UP = 10  # a batch of a tenth goes before, and is not counted


@dataclass(frozen=True)
class Work:
    """Something that the worker does many times."""

    name: str
    order: str  # of native/worker.c; the number of iterations follows
    part: int = 1  # so many times fewer iterations: one of them takes long

    def batches(self, worker: Worker, iterations: int, batches: int) -> Iterator[float]:
        """Instructions an iteration, of each of so many batches."""
        count = max(1, iterations // self.part)
        worker.ask(f"{self.order} {max(1, count // WARM_UP)}")
        for _ in range(batches):
            (nanoseconds,) = worker.ask(f"{self.order} {count}")
            yield nanoseconds / count


WORKS = (
    Work("mutex", "kernel mutex"),
    Work("kmalloc64", "kernel kmalloc64"),
    Work("kmalloc-variable", "kernel kmalloc-variable"),
    Work("semaphore", "kernel semaphore"),
    Work("schedule", "kernel schedule"),
    Work("pipe", "pipe", part=20),
)
