"""A thousand processes at once."""

from __future__ import annotations

import functools
import os

import device
import processes
import proctracer
from case import SYSFS, GuestTest
from processes import Child, Link

CROWD = 1100


def be_a_crowd(link: Link, count: int = CROWD) -> None:
    """Start many processes and tell their numbers; when told to, end them."""
    pids = [processes.fork_idle() for _ in range(count)]
    link.send(pids)
    try:
        link.receive()
    finally:
        processes.end(pids)


def come_and_go(pids: list[int], link: Link) -> None:
    """Remove processes and add them again, over and over, until it is said to stop."""
    link.send("coming")
    os.set_blocking(link.incoming, False)
    while device.outcome(os.read, link.incoming, 1) == "EAGAIN":
        for pid in pids:
            device.remove(pid)
        for pid in pids:
            device.add(pid)


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
            text = b"".join(proctracer.pieces(size)).decode("ascii")
            seen = list(proctracer.parse(text))
            self.assertEqual(stay - set(seen), set(), "lost")
            self.assertEqual(seen, sorted(seen), "out of order")
        comer.tell()
        comer.wait_zombie()
