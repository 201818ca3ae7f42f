"""Steps for the workload module, and what the counters must say of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import allocator
import device
import kmodule
import proctracer
import waiting
from proctracer import Counters

MODULE = "tracer_workload"
DIRECTORY = Path("/sys/kernel/debug") / MODULE

# Every public way to kmalloc(); a step of one requests as many bytes as its size says.
ALLOCATES = (
    "kmalloc",
    "kmalloc_const",
    "kzalloc",
    "kcalloc",
    "kmalloc_array",
    "kmalloc_track_caller",
    "kmalloc_node",
    "kmalloc_node_const",
    "kzalloc_node",
    "kcalloc_node",
    "kmemdup",
    "kstrdup",
    "krealloc_new",
    "kvmalloc",
    "kvzalloc",
    "kvmalloc_node",
)
# These need not call anything for no bytes: the compiler sees that there is nothing to do, a
# string has its NUL at least, and krealloc() only frees.
NOT_FOR_NOTHING = ("kmalloc_const", "kmalloc_node_const", "kstrdup", "krealloc_new")
# Bytes: none, small, the largest slab, and above it, where other entry points serve.
SIZES = (0, 97, 8192, 8193, 16384)
# krealloc() gives the block that it replaces to kfree(), be it NULL.
BESIDES: dict[str, Counters] = {"krealloc_new": Counters(kfree=1)}
PLAIN: dict[str, Counters] = {
    "kmalloc_fail": Counters(kmalloc=1),
    "kfree_null": Counters(kfree=1),
    "kfree_foreign": Counters(kfree=1),
    "schedule": Counters(sched=1),
    "up": Counters(up=1),
    "down": Counters(down=1),
    "lock": Counters(lock=1, unlock=1),
    "unlock": Counters(unlock=1),
    "pause": Counters(),
    "pause_rudely": Counters(),
    "fifo": Counters(),
    "nice": Counters(),
}


_own_calls: allocator.OwnCalls | None = None
_before: dict[int, Counters] = {}  # what _own_calls said when a worker was added


@dataclass(frozen=True)
class Step:
    """`count` events of one operation; `size` in bytes where it has one."""

    operation: str
    count: int
    size: int = 0

    def __str__(self) -> str:
        return f"{self.operation}:{self.count}:{self.size}"


@dataclass
class _Expected:
    total: Counters = field(default_factory=Counters)
    held: list[int] = field(default_factory=list)

    def work(self, step: Step) -> None:
        size = step.size
        if step.operation in PLAIN:  # of which there may be very many
            self.total += PLAIN[step.operation] * step.count
            return
        for _ in range(step.count):
            if step.operation in ALLOCATES:
                self.held.append(size)
                self.total += Counters(kmalloc=1, kmalloc_mem=size)
                self.total += BESIDES.get(step.operation, Counters())
            elif step.operation == "krealloc_grow":
                self.held.append(4 * size)
                self.total += Counters(kmalloc=2, kmalloc_mem=5 * size, kfree=1, kfree_mem=size)
            elif step.operation == "kfree":
                self.total += Counters(kfree=1, kfree_mem=self.held.pop(0))
            else:
                raise KeyError(step.operation)


def expected(steps: Sequence[Step]) -> Counters:
    """Say what steps must count; `kfree_mem` without what `kfree_foreign` gives back."""
    account = _Expected()
    for step in steps:
        account.work(step)
    return account.total


@dataclass(frozen=True)
class Worker:
    """A task of the module; `usable` is the slab size in bytes of what others allocated for it."""

    pid: int
    phase: str
    error: int
    usable: int


def workers() -> list[Worker]:
    """Read the module's list."""
    lines = (DIRECTORY / "workers").read_text(encoding="ascii").splitlines()
    words = [line.split() for line in lines]
    return [Worker(int(pid), phase, int(error), int(usable)) for pid, phase, error, usable in words]


def control(command: str) -> None:
    """Tell all workers something. Raises OSError."""
    _write("control", command)


def work_here(steps: Sequence[Step]) -> None:
    """Be a worker: returns after "end". Raises OSError if a step failed."""
    _write("here", _text(steps))


def work_now(steps: Sequence[Step]) -> None:
    """Do the steps and return, as any system call. Raises OSError if one failed."""
    _write("now", _text(steps))


def sizes_of(operation: str) -> list[int]:
    """Give those of SIZES for which the operation surely calls kmalloc()."""
    least = 1 if operation in NOT_FOR_NOTHING else 0
    return [size for size in SIZES if size >= least]


def _write(name: str, command: str) -> None:
    # One write(2): a buffered file tries again by itself when it is told EAGAIN.
    fd = os.open(DIRECTORY / name, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, command.encode("ascii"))
    finally:
        os.close(fd)


def _text(steps: Sequence[Step]) -> str:
    return " ".join(map(str, steps))


@contextmanager
def threads(count: int, steps: Sequence[Step]) -> Iterator[list[int]]:
    """Give the PIDs of kernel threads that wait for "go"; they are ended afterwards."""
    with threads_of([steps] * count) as pids:
        yield pids


@contextmanager
def threads_of(plans: Sequence[Sequence[Step]]) -> Iterator[list[int]]:
    """Do the same for threads that each have steps of their own."""
    with listening():
        for steps in plans:
            _write("threads", f"1 {_text(steps)}")
        await_phase("parked", len(plans))
        yield [worker.pid for worker in workers()]


@contextmanager
def listening() -> Iterator[None]:
    """Have the module loaded, and no worker in it afterwards."""
    global _own_calls  # noqa: PLW0603  # one module, one list of workers
    kmodule.load_built(MODULE)
    with allocator.watched() as _own_calls:
        try:
            yield
        finally:
            control("end")
            waiting.until(lambda: not workers(), "the workers have ended")
            _own_calls = None
            _before.clear()


def await_phase(phase: str, count: int, deadline: float = waiting.DEADLINE) -> None:
    """Return once this many workers are there and all are in this phase, within `deadline` s."""

    def reached() -> bool:
        now = workers()
        return len(now) == count and all(worker.phase == phase for worker in now)

    waiting.until(reached, f"{count} workers are {phase}", deadline)


def counted(pid: int) -> Counters:
    """Give the row of a worker that was added here, less the kernel's own calls.

    Raises KeyError if it has no row.
    """
    return proctracer.row(pid) - own_calls(pid)


def add(pid: int) -> None:
    """Have a worker monitored that is parked. Raises OSError."""
    note_own_calls(pid)
    device.add(pid)


def note_own_calls(pid: int) -> None:
    """Forget the kernel's own calls in a worker until now; while parked it makes none."""
    assert _own_calls, "the module is not listening"
    _before[pid] = _own_calls.of(pid)


def own_calls(pid: int) -> Counters:
    """Give the kernel's own calls in a worker that lives, since it was noted. Raises KeyError."""
    assert _own_calls, "the module is not listening"
    return _own_calls.of(pid) - _before[pid]


def go(count: int) -> None:
    """Have the workers work; returns once all are done. Raises OSError if a step failed."""
    control("go")
    await_phase("done", count)
    for worker in workers():
        if worker.error:
            raise OSError(-worker.error, "a step of the workload failed")


def await_reuse(size: int) -> None:
    """Have released blocks come back as blocks of `size` bytes; some at the same address."""

    def came_back() -> bool:
        try:
            control(f"reuse {size}")
        except BlockingIOError:
            return False
        return True

    waiting.until(came_back, "the address of a released block comes back")
