"""Trees under load: fork, exec and exit while others remove, read, close, and remove all.

Each fork is accounted for: it left a record, or somebody was told that he removed it.
"""

from __future__ import annotations

import functools
import os
import random
import time

import device
import kmodule
import kprobes
import proctracer
import records
import waiting
from case import SYSFS, GuestTest
from processes import Child, Link

FORKS = 60
GROWERS = 3
REMOVALS = 150
ROUNDS = 10
CLOSINGS = 7
LOADS = 3


def grow(forks: int, link: Link) -> None:
    """Fork children that end at once, run a program, or have a child themselves."""
    link.receive()
    chance = random.Random(os.getpid())
    pids = []
    for _ in range(forks):
        ends = chance.choice([end_at_once, run_a_program, have_a_child])
        pid = os.fork()
        if pid == 0:
            ends()
            os._exit(0)
        os.waitpid(pid, 0)
        pids.append(pid)
    link.send(pids)
    link.receive()


def end_at_once() -> None:
    """Do nothing."""


def run_a_program() -> None:
    """Become a program that ends."""
    os.execv("/bin/true", ["true"])


def have_a_child() -> None:
    """Leave a child behind, or see it end first."""
    os.fork()


def grow_for_ever(link: Link) -> None:
    """Fork until killed."""
    link.send("begun")
    while True:
        pid = os.fork()
        if pid == 0:
            have_a_child()
            os._exit(0)
        os.waitpid(pid, 0)


def remove_at_random(spared: list[int], link: Link) -> None:
    """Remove children of the trees; tell which of them the module says it removed."""
    link.receive()
    chance = random.Random(os.getpid())
    removed = []
    for _ in range(REMOVALS):
        pids = [pid for pid in proctracer.rows() if pid not in spared]
        if pids:
            pid = chance.choice(pids)
            answer = device.outcome(device.remove, pid)
            assert answer in {"OK", "ESRCH"}, answer
            removed += [pid] if answer == "OK" else []
    link.send(removed)


class TreeStorm(GuestTest):
    def growers(self, act: object = functools.partial(grow, FORKS)) -> list[Child]:
        """Give processes that are to fork."""
        assert callable(act)
        return [self.start(Child(act)) for _ in range(GROWERS)]

    def unfollowed(self) -> int:
        """Give how many processes of trees could not be followed."""
        return int((SYSFS / "unfollowed").read_text(encoding="ascii"))

    def test_each_fork_leaves_a_record_or_was_removed(self) -> None:
        unfollowed = self.unfollowed()
        with device.opened() as fd:
            growers = self.growers()
            spared = [child.pid for child in growers]
            removers = [
                self.start(Child(functools.partial(remove_at_random, spared))) for _ in range(2)
            ]
            for child in growers:
                records.add(fd, child.pid, tree=True)
            for child in [*growers, *removers]:
                child.tell()
            forked = {pid for child in growers for pid in child.said()}
            removed = {pid for child in removers for pid in child.said()}
            for child in growers:
                child.kill()
                child.reap()
            found = records.read_all(fd)
        self.assertEqual(sum(one.lost + one.unfollowed for one in found), 0)
        self.assertEqual(self.unfollowed(), unfollowed)
        self.assertEqual(proctracer.rows(), {})
        recorded = {one.pid for one in found}
        self.assertEqual(forked - recorded - removed, set())
        self.assertEqual(recorded & removed, set())
        self.assertEqual(len(recorded), len(found))

    def test_removing_all_leaves_none_of_a_tree_that_grows(self) -> None:
        self.reload("max_processes=1048576")  # to go through the table takes its time
        stays = self.monitored_sleeper()  # probes stay armed: rounds are short
        growers = self.growers(grow_for_ever)
        for child in growers:
            child.said()
        with device.opened() as fd:
            for _ in range(ROUNDS):
                for child in growers:
                    records.add(fd, child.pid, tree=True)
                self.assertTrue(records.read(fd))
                records.remove_all(fd)
                removed = time.monotonic_ns()
                os.set_blocking(fd, False)
                found = records.read_all(fd)  # all are there, also of those that were ending
                os.set_blocking(fd, True)
                self.assertEqual([one for one in found if one.ended_ns > removed], [])
                self.assertEqual(list(proctracer.rows()), [stays.pid])
        device.remove(stays.pid)
        waiting.until(kprobes.all_disarmed, "the probes are disarmed")

    def test_files_are_closed_while_their_trees_grow(self) -> None:
        growers = self.growers(grow_for_ever)
        for child in growers:
            child.said()
        for _ in range(CLOSINGS):
            for child in growers:
                with device.opened() as fd:
                    records.add(fd, child.pid, tree=True)
                    self.assertTrue(records.read(fd))
                device.remove(child.pid)
        waiting.until(lambda: not proctracer.rows(), "the last of the trees have ended")

    def test_unloading_while_trees_grow(self) -> None:
        growers = self.growers(grow_for_ever)
        for child in growers:
            child.said()
        for _ in range(LOADS):
            with device.opened() as fd:
                for child in growers:
                    records.add(fd, child.pid, tree=True)
                self.assertTrue(records.read(fd))
            kmodule.unload()
            kmodule.load()
            self.assertEqual(proctracer.rows(), {})
