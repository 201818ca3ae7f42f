"""The last places of max_processes, which no member of the group can take."""

from __future__ import annotations

import os
import signal
from typing import Callable

import device
import identities
import processes
import proctracer
from case import SYSFS, GuestTest, always_ready
from identities import ALICE, CAP_SYS_PTRACE, becoming
from processes import Child, Link
from test_permissions import asked_as

PLACES = 32
FOR_EVERYBODY = 30  # the last sixteenth is reserved
CAP_SYS_RESOURCE = 24
GENERATIONS = 6  # of a tree, more than there are places


class Reserve(GuestTest):
    def with_places(self, count: int) -> None:
        """Let that many processes be monitored, and every user open the node."""
        self.reload(f"max_processes={count}")
        self.open_node_to_all()

    def sleepers_of_alice(self, count: int) -> list[int]:
        """Start that many processes of a user; give their PIDs."""
        return [self.sleeper(becoming(ALICE)).pid for _ in range(count)]


class Places(Reserve):
    def test_a_member_reaches_the_bound_and_root_still_can(self) -> None:
        self.with_places(PLACES)
        pids = self.sleepers_of_alice(PLACES + 1)
        reserve = PLACES - FOR_EVERYBODY
        self.assertEqual(
            self.added_by_alice(pids), ["OK"] * FOR_EVERYBODY + ["ENOSPC"] * (reserve + 1)
        )
        self.assertEqual(list(proctracer.rows()), sorted(pids[:FOR_EVERYBODY]))
        by_root = [device.outcome(device.add, pid) for pid in pids[FOR_EVERYBODY:]]
        self.assertEqual(by_root, ["OK"] * reserve + ["ENOSPC"])
        self.assertEqual(list(proctracer.rows()), sorted(pids[:PLACES]))

    @staticmethod
    def added_by_alice(pids: list[int]) -> list[str]:
        """Give the outcomes as she adds them, one after the other."""

        def add_all() -> list[str]:
            identities.become(ALICE)
            return [device.outcome(device.add, pid) for pid in pids]

        return list(processes.ask(add_all))

    def test_what_root_leaves_of_the_reserve_is_still_reserved(self) -> None:
        self.with_places(4)
        first, *others, one_more = self.sleepers_of_alice(5)
        for pid in (first, *others):
            device.add(pid)
        device.remove(others[-1])
        self.assertEqual(asked_as(becoming(ALICE), device.add, one_more), "ENOSPC")
        device.remove(first)
        self.assertEqual(asked_as(becoming(ALICE), device.add, one_more), "OK")

    def test_of_two_places_one_is_reserved(self) -> None:
        self.with_places(2)
        pids = self.sleepers_of_alice(2)
        self.assertEqual(self.added_by_alice(pids), ["OK", "ENOSPC"])
        self.assert_adding(pids[1], "OK")

    def test_the_only_place_is_for_everybody(self) -> None:
        self.with_places(1)
        pids = self.sleepers_of_alice(2)
        self.assertEqual(self.added_by_alice(pids), ["OK", "ENOSPC"])
        self.assert_adding(pids[1], "ENOSPC")


class Right(Reserve):
    """Who may take the last of two places."""

    def assert_last_place(self, become: Callable[[], None], expected: str) -> None:
        self.with_places(2)
        first, last = self.sleepers_of_alice(2)
        device.add(first)
        self.assertEqual(asked_as(become, device.add, last), expected)

    def test_who_may_exceed_limits(self) -> None:
        self.assert_last_place(
            lambda: identities.become_with_capability(ALICE, CAP_SYS_RESOURCE), "OK"
        )

    def test_who_may_monitor_everybody_may_not(self) -> None:
        self.assert_last_place(
            lambda: identities.become_with_capability(ALICE, CAP_SYS_PTRACE), "ENOSPC"
        )

    def test_root_of_an_own_user_namespace_may_not(self) -> None:
        def become() -> None:
            identities.become(ALICE)
            identities.unshare(identities.CLONE_NEWUSER)

        self.assert_last_place(become, "ENOSPC")


class Trees(Reserve):
    """A tree of GENERATIONS, each a child of the one before, where four can be monitored."""

    def grown(self, become: Callable[[], None]) -> None:
        """Have a tree of a user's processes grow that somebody has added."""
        self.with_places(4)
        tree = self.start(Child(self.grow))
        tree.said()
        self.assertEqual(asked_as(become, self.add_tree, tree.pid), "OK")
        tree.tell()
        self.assertEqual(tree.said(), "grown")

    @staticmethod
    def add_tree(pid: int) -> None:
        device.request(device.ADD_TREE, pid)

    @staticmethod
    def grow(link: Link) -> None:
        identities.become(ALICE)
        link.send("ready")
        link.receive()
        for _ in range(GENERATIONS - 1):
            if processes.fork_ending_with_parent():
                signal.pause()
        link.send("grown")
        signal.pause()

    def assert_monitored(self, count: int) -> None:
        """Check how many are, and that one child found no place; its own are not asked for."""
        self.assertEqual(len(proctracer.rows()), count)
        self.assertEqual((SYSFS / "unfollowed").read_text(encoding="ascii"), "1\n")

    def test_a_tree_of_a_member_leaves_the_reserve(self) -> None:
        self.grown(becoming(ALICE))
        self.assert_monitored(3)
        self.assert_adding(os.getpid(), "OK")
        device.remove(os.getpid())

    def test_a_tree_of_root_grows_into_the_reserve_whosoever_it_is(self) -> None:
        self.grown(always_ready)
        self.assert_monitored(4)
