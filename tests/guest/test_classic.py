"""A program as the classic assignment's checker is: open, ioctl, helper threads, scanf."""

from __future__ import annotations

import fcntl
import os
from dataclasses import astuple

import proctracer
import workload
from case import GuestTest
from proctracer import Counters
from workload import Step

THREADS = 4
STEPS = [
    Step("kmalloc", 12, 256),
    Step("kmalloc", 7, 1000),
    Step("kfree", 11),
    Step("schedule", 23),
    Step("down", 5),
    Step("up", 3),
    Step("lock", 13),
]


class Classic(GuestTest):
    def test_a_checker_with_helper_threads_finds_exactly_its_numbers(self) -> None:
        fd = os.open("/dev/tracer", os.O_RDONLY)
        with workload.threads(THREADS, STEPS) as pids:
            for pid in pids:
                workload.note_own_calls(pid)
                self.assertEqual(fcntl.ioctl(fd, 1 << 30 | 4 << 16 | 1 << 8 | 42, pid), 0)
            workload.go(THREADS)
            with open("/proc/tracer", encoding="ascii") as report:  # noqa: PTH123  # as fopen(3)
                header = report.readline().split()
                lines = [[int(word) for word in line.split()] for line in report]
            own = {pid: workload.own_calls(pid) for pid in pids}
            for pid in pids:
                self.assertEqual(fcntl.ioctl(fd, 1 << 30 | 4 << 16 | 1 << 8 | 43, pid), 0)
        os.close(fd)
        self.assertEqual(header[0], "PID")
        self.assertEqual(len(header), 10)
        # PID, kmalloc, kfree, their bytes, sched, up, down, lock, unlock
        wanted = Counters(19, 11, 12 * 256 + 7 * 1000, 11 * 256, 23, 3, 5, 13, 13)
        self.assertEqual(lines, [[pid, *astuple(wanted + own[pid])] for pid in sorted(pids)])
        self.assertEqual(proctracer.rows(), {})
