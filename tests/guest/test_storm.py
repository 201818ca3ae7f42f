"""Many at once: adding, removing, ending, reading and unloading, for a bounded number of rounds."""

from __future__ import annotations

import functools
import os
import random
import signal
from pathlib import Path
from typing import Callable

import device
import kmodule
import kprobes
import processes
import proctracer
import waiting
from case import SYSFS, GuestTest
from processes import Child, Link

TARGETS = 3
ROUNDS = 150
FEW_ROUNDS = 7
EXPECTED = {"OK", "EEXIST", "ESRCH"}


def be_targets(link: Link) -> None:
    """Keep processes that end at any moment and are started anew; tell their first numbers."""
    pids = [processes.fork_ending_with_parent() or _work_until_killed() for _ in range(TARGETS)]
    link.send(pids)
    link.receive()
    processes.end(pids)


def _work_until_killed() -> int:
    while True:
        Path("/proc/self/status").read_bytes()


def add_and_remove(pids: list[int], rounds: int, link: Link) -> None:
    """Add and remove processes at random; every answer must be one that can be."""
    link.receive()
    chance = random.Random(os.getpid())
    for _ in range(rounds):
        act, pid = chance.choice([device.add, device.remove]), chance.choice(pids)
        answer = device.outcome(act, pid)
        assert answer in EXPECTED, answer
    link.send("done")


def start_and_end(rounds: int, link: Link) -> None:
    """Add processes that end at the same time as they are added."""
    link.receive()
    for _ in range(rounds):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        answer = device.outcome(device.add, pid)
        assert answer in EXPECTED, answer
        os.waitpid(pid, 0)
    link.send("done")


def read(link: Link) -> None:
    """Read the table; it must always be one."""
    link.receive()
    for _ in range(ROUNDS):
        seen = list(proctracer.rows())
        assert seen == sorted(seen), seen
        (SYSFS / "processes").read_bytes()
    link.send("done")


def has_no_row(pid: int) -> bool:
    """Say whether a process is not in the table."""
    return pid not in proctracer.rows()


class Storm(GuestTest):
    def run_storm(self, actors: list[Callable[[Link], None]]) -> None:
        """Have all act at once, each to its end."""
        children = [self.start(Child(actor)) for actor in actors]
        for child in children:
            child.tell()
        for child in children:
            self.assertEqual(child.said(), "done")
        for child in children:
            child.wait_zombie()

    def targets(self) -> tuple[Child, list[int]]:
        """Give processes that work, and the parent that they end with."""
        parent = self.start(Child(be_targets))
        return parent, parent.said()

    def assert_only(self, pids: list[int]) -> None:
        """Check that no row of the dead is left."""
        self.assertEqual(list(proctracer.rows()), pids)
        self.assertEqual(int((SYSFS / "processes").read_text(encoding="ascii")), len(pids))

    def test_adding_and_removing_the_same_processes_from_several_sides(self) -> None:
        stays = self.monitored_sleeper()  # probes stay armed: rounds are short
        _, pids = self.targets()
        side = functools.partial(add_and_remove, pids, ROUNDS)
        self.run_storm([side, side, side, read])
        for pid in pids:
            self.assertIn(device.outcome(device.remove, pid), EXPECTED)
        self.assert_only([stays.pid])

    def test_adding_processes_while_they_end(self) -> None:
        stays = self.monitored_sleeper()
        side = functools.partial(start_and_end, ROUNDS)
        self.run_storm([side, side, read])
        self.assert_only([stays.pid])

    def test_probes_are_armed_and_disarmed_by_many_at_once(self) -> None:
        parent, pids = self.targets()
        self.run_storm(
            [
                functools.partial(add_and_remove, pids[:1], FEW_ROUNDS),
                functools.partial(add_and_remove, pids[:1], FEW_ROUNDS),
                functools.partial(start_and_end, FEW_ROUNDS),
            ]
        )
        parent.kill()
        parent.wait_zombie()
        waiting.until(functools.partial(has_no_row, pids[0]), "the dead has no row")
        self.assert_only([])
        waiting.until(kprobes.all_disarmed, "the probes are disarmed")

    def test_loading_and_unloading_while_processes_work_and_end(self) -> None:
        _, pids = self.targets()
        for number in range(TARGETS):
            for pid in pids:
                device.add(pid)
            victim = pids.pop()
            os.kill(victim, signal.SIGKILL)
            if number % 2:
                waiting.until(functools.partial(has_no_row, victim), "the dead has no row")
            kmodule.unload()
            kmodule.load()
            self.assertEqual(proctracer.rows(), {})
