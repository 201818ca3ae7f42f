"""The works: the same calls in every state, timed in the kernel or by the worker itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .clock import undisturbed
from .processes import Worker

UNIT = "instructions an iteration"


@dataclass(frozen=True)
class Work:
    """Something that the worker does many times."""

    name: str
    order: str  # of native/worker.c; the number of iterations follows
    alone: bool = True  # no other process has a part in it
    part: int = 1  # so many times fewer iterations: one of them takes long
    warm_up: int = 1000  # iterations that go before, and are not counted

    def batches(self, worker: Worker, iterations: int, batches: int) -> Iterator[float]:
        """Instructions an iteration, of each of so many batches."""
        count = max(1, iterations // self.part)
        worker.ask(f"{self.order} {self.warm_up}")
        for _ in range(batches):
            yield self._nanoseconds(worker, f"{self.order} {count}") / count

    def _nanoseconds(self, worker: Worker, order: str) -> int:
        return undisturbed(worker, order) if self.alone else worker.ask(order)[0]


WORKS = (
    Work("mutex", "kernel mutex"),
    Work("kmalloc64", "kernel kmalloc64"),
    Work("kmalloc-variable", "kernel kmalloc-variable"),
    Work("semaphore", "kernel semaphore"),
    Work("schedule", "kernel schedule"),
    # It takes a thousand or two until the scheduler has found its way with the two.
    Work("pipe", "pipe", alone=False, part=50, warm_up=4000),
)
