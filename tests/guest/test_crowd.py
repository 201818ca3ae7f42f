"""A thousand processes at once."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator

import device
import processes
import proctracer
from case import SYSFS, GuestTest
from processes import Child, Link

CROWD = 1100


def fork_idle() -> int:
    """Start a process that does nothing until it is killed, or its parent ends."""
    pid = processes.fork_ending_with_parent()
    if pid == 0:
        while True:
            signal.pause()
    return pid


def be_a_crowd(link: Link) -> None:
    """Start many processes and tell their numbers."""
    pids = [fork_idle() for _ in range(CROWD)]
    link.send(pids)
    try:
        link.receive()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


def come_and_go(pids: list[int], link: Link) -> None:
    """Remove processes and add them again, over and over, until it is said to stop."""
    link.send("coming")
    os.set_blocking(link.incoming, False)
    while device.outcome(os.read, link.incoming, 1) == "EAGAIN":
        for pid in pids:
            device.remove(pid)
        for pid in pids:
            device.add(pid)


def read_slowly(size: int) -> Iterator[bytes]:
    """Read the report in small pieces."""
    fd = os.open(proctracer.REPORT, os.O_RDONLY)
    try:
        while True:
            piece = os.read(fd, size)
            if not piece:
                return
            yield piece
    finally:
        os.close(fd)


class Crowd(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.crowd = self.start(Child(be_a_crowd))
        self.pids: list[int] = self.crowd.said()
        for pid in self.pids:
            device.add(pid)

    def test_each_of_a_thousand_has_its_row_until_its_end(self) -> None:
        self.assertEqual(list(proctracer.rows()), sorted(self.pids))
        self.assertEqual(int((SYSFS / "processes").read_text()), CROWD)
        self.crowd.tell()
        self.crowd.wait_zombie()
        self.assertEqual(proctracer.rows(), {})
        self.assertEqual(int((SYSFS / "processes").read_text()), 0)

    def test_small_reads_lose_and_repeat_nobody_while_others_come_and_go(self) -> None:
        fickle = self.pids[::11]
        stay = set(self.pids) - set(fickle)
        comer = self.start(Child(functools.partial(come_and_go, fickle)))
        comer.said()
        self.assertEqual(len(stay), 1000)
        for size in (97, 1024, 4096):
            text = b"".join(read_slowly(size)).decode("ascii")
            seen = list(proctracer.parse(text))
            self.assertEqual(stay - set(seen), set(), "lost")
            self.assertEqual(seen, sorted(seen), "out of order")
        comer.tell()
        comer.wait_zombie()
