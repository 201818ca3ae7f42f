"""Real-time tasks: everybody is preempted and moved at any moment, and counted exactly.

With PREEMPT_RT, handlers of probes are among the few places where nothing may sleep. One that
took a sleeping lock, or per-CPU data of a processor that it can leave, is what the kernel calls a
BUG in its log, which is searched after each test.
"""

from __future__ import annotations

import functools
import mmap
import os
import select
import time
from pathlib import Path
from typing import Callable

import device
import proctracer
import workload
from case import SYSFS, GuestTest
from processes import Child, Link
from workload import Step

WORKERS = 3
ROUNDS = 7  # of everybody that makes load, while the workers work
MAX_WAVES = 100
PERIOD = 0.01  # seconds that a real-time task waits between two rounds, at least
PRIORITY = 60  # of those who preempt workers, whose own is 50 at most
WORK = [
    Step("kmalloc", 211, 97),
    Step("kmalloc_const", 101, 97),
    Step("kmalloc", 23, 8193),
    Step("kmalloc_node", 101, 41),
    Step("kvmalloc", 53, 73),
    Step("kfree", 397),
    Step("schedule", 211),
    Step("down", 101),
    Step("up", 103),
    Step("lock", 211),
]
# As ordinary tasks, as real-time ones, and then out of the way of all.
STEPS = [Step("nice", 1, 0), *WORK, Step("fifo", 1), *WORK, Step("nice", 1, 19)]


def use_the_kernel() -> None:
    """Have the kernel allocate, lock and free."""
    Path("/proc/self/status").read_bytes()
    reader, writer = os.pipe()
    os.write(writer, b"x")
    os.read(reader, 1)
    os.close(reader)
    os.close(writer)


def come_and_go(stays: int) -> None:
    """Remove a process and add it again, and add one that ends meanwhile."""
    device.remove(stays)
    pid = os.fork()
    if pid == 0:
        use_the_kernel()
        os._exit(0)
    answer = device.outcome(device.add, pid)
    os.waitpid(pid, 0)
    device.add(stays)
    assert answer in {"OK", "ESRCH"}, answer


def read_all() -> None:
    """Read the table; it must always be one."""
    seen = list(proctracer.rows())
    assert seen == sorted(seen), seen
    (SYSFS / "processes").read_bytes()


class RealTime(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        with workload.listening():
            pass  # what that looks up is known before there is load
        self.working = mmap.mmap(-1, 1)  # shared with the children, as are the rounds
        self.load: list[Child] = []
        self.rounds: list[mmap.mmap] = []

    def start_load(
        self, act: Callable[[], object], priority: int = 0, processor: int | None = None
    ) -> Child:
        """Start a process that does something over and over until it is told to end.

        With a priority it is a real-time one, which waits between two rounds.
        """
        rounds = mmap.mmap(-1, 1)

        def keep_acting(link: Link) -> str:
            if processor is not None:
                os.sched_setaffinity(0, {processor})
            if priority:
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
            pause = 0.0
            while not select.select([link.incoming], [], [], pause)[0]:
                begun = time.monotonic()
                act()
                # It leaves half of the processor to others, however slow that is.
                pause = max(PERIOD, time.monotonic() - begun) if priority else 0.0
                rounds[0] = min(rounds[0] + self.working[0], ROUNDS)
            return "done"

        child = self.start(Child(keep_acting))
        self.load.append(child)
        self.rounds.append(rounds)
        return child

    def assert_a_wave_is_exact(self) -> None:
        """Have workers work, and see that each was counted exactly."""
        with workload.threads(WORKERS, STEPS) as pids:
            for pid in pids:
                workload.add(pid)
            self.working[0] = 1
            workload.go(WORKERS)
            self.working[0] = 0
            counted = [workload.counted(pid) for pid in pids]
        self.assertEqual(counted, WORKERS * [workload.expected(STEPS)])

    def test_tasks_that_are_preempted_and_moved_are_counted_exactly(self) -> None:
        self.monitored_sleeper()  # probes stay armed
        for processor in sorted(os.sched_getaffinity(0)):
            self.monitored(self.start_load(use_the_kernel, PRIORITY, processor))
        self.monitored(self.start_load(use_the_kernel))
        self.start_load(functools.partial(come_and_go, self.monitored_sleeper().pid))
        self.start_load(read_all)
        for _ in range(MAX_WAVES):
            self.assert_a_wave_is_exact()
            if all(rounds[0] == ROUNDS for rounds in self.rounds):
                break
        for child in self.load:
            child.tell()
            self.assertEqual(child.said(), "done")
        self.assertEqual([rounds[0] for rounds in self.rounds], len(self.load) * [ROUNDS])
