"""Whose memory cgroup pays for what an open file keeps, and what happens at its limit."""

from __future__ import annotations

import fcntl
import os

import device
import footprint
import proctracer
import waiting
from case import SYSFS
from cgroups import CgroupTest
from processes import Child, Link, state
from test_crowd import be_a_crowd

FILES = 20
TREES = FILES * footprint.SPARES * footprint.of_process()  # bytes
ROOM = TREES // 4
OFFSPRING = 400  # of a tree: more than it has spares


def multiply(link: Link) -> None:
    """When told to, start OFFSPRING processes and tell their numbers."""
    link.send("ready")
    link.receive()
    be_a_crowd(link, OFFSPRING)


def unfollowed() -> int:
    """Give how many children of trees found no place or no memory."""
    return int((SYSFS / "unfollowed").read_text(encoding="ascii"))


class Paying(CgroupTest):
    """Files of the device were opened in one cgroup; who adds through them is in another by now."""

    def setUp(self) -> None:
        super().setUp()
        self.opener, self.other = self.group("opener"), self.group("other")

    def open_files(self, count: int) -> None:
        def act(link: Link) -> None:
            self.opener.enter()
            files = [os.open(device.NODE, os.O_RDWR) for _ in range(count)]
            self.other.enter()
            link.send("opened")
            while True:
                number, pids = link.receive()
                requests = zip(files, pids)
                link.send([device.outcome(fcntl.ioctl, fd, number, pid) for fd, pid in requests])

        self.holder = self.start(Child(act))
        self.holder.said()

    def trees_added(self, pids: list[int]) -> list[str]:
        """Add a tree through each of the files; give the outcomes."""
        self.holder.tell([device.ADD_TREE, pids])
        return list(self.holder.said())


class Charged(Paying):
    def test_who_opened_the_file_pays(self) -> None:
        self.open_files(FILES)
        pids = [self.sleeper().pid for _ in range(FILES)]
        before = [self.opener.charged(), self.other.charged()]
        self.assertEqual(self.trees_added(pids), ["OK"] * FILES)
        after = [self.opener.charged(), self.other.charged()]
        opener, other = (late - early for early, late in zip(before, after))
        self.assertGreater(opener, TREES // 2)
        self.assertLess(other, TREES // 10)

    def test_he_also_pays_for_what_a_tree_grows_to_whoever_forks(self) -> None:
        self.need_fine_sums()
        self.open_files(1)
        tree = self.start(Child(multiply))
        tree.said()
        self.assertEqual(self.trees_added([tree.pid]), ["OK"])
        before, missing = self.opener.charged(), unfollowed()
        tree.tell()
        tree.said()
        followed = OFFSPRING - (unfollowed() - missing)
        self.assertEqual(len(proctracer.rows()), 1 + followed)
        # The spares that were there have become processes, and half as many are there again.
        least = (followed - footprint.SPARES // 2) * footprint.of_process() * 9 // 10
        waiting.until(
            lambda: self.opener.charged() - before > least, f"{followed} children are paid for"
        )


class Limited(Paying):
    """The cgroup that pays has room for a quarter of the trees; a process of it looks on."""

    def setUp(self) -> None:
        super().setUp()
        self.bystander = self.sleeper(self.opener.enter)
        self.open_files(FILES)

    def assert_nobody_killed(self) -> None:
        self.assertEqual(self.opener.killed(), 0)
        self.assertEqual(state(self.bystander.pid), "S")

    def test_adding_fails_whole_and_nobody_is_killed_for_it(self) -> None:
        pids = [self.sleeper().pid for _ in range(FILES)]
        self.opener.leave_room(ROOM)
        outcomes = self.trees_added(pids)
        self.assert_nobody_killed()
        self.assertEqual(set(outcomes), {"OK", "ENOMEM"})
        added = [pid for pid, outcome in zip(pids, outcomes) if outcome == "OK"]
        self.assertEqual(list(proctracer.rows()), sorted(added))
        monitored = (SYSFS / "processes").read_text(encoding="ascii")
        self.assertEqual(int(monitored), len(added))
        self.opener.lift_limit()
        again = self.trees_added(pids)
        self.assertEqual(again, ["EEXIST" if pid in added else "OK" for pid in pids])

    def test_a_tree_grows_by_what_was_paid_for_and_counts_the_rest(self) -> None:
        tree = self.start(Child(multiply))
        tree.said()
        others = [self.sleeper().pid for _ in range(FILES - 1)]
        self.opener.leave_room(ROOM)
        outcomes = self.trees_added([tree.pid, *others])
        self.assertIn("ENOMEM", outcomes)
        missing = unfollowed()
        tree.tell()
        tree.said()
        self.assert_nobody_killed()
        missing = unfollowed() - missing
        self.assertGreater(missing, 0)
        self.assertEqual(len(proctracer.rows()), outcomes.count("OK") + OFFSPRING - missing)
