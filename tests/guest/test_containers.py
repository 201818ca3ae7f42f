"""Root of a container: of a user namespace and a PID namespace that a user has made."""

from __future__ import annotations

import os
from typing import Callable

import device
import identities
import processes
import proctracer
from case import GuestTest
from identities import ALICE, BOB, becoming
from processes import Child, Link


def start_bob(_: int) -> int:
    """Start a process of another user of the container, that waits; give its number in there."""
    return processes.sleeper(lambda: os.setresuid(1, 1, 1)).pid


def open_node() -> None:
    """Open the device and close it. Raises OSError."""
    with device.opened():
        pass


DEEDS: dict[str, Callable[[int], object]] = {
    "add": lambda number: device.outcome(device.add, number),
    "remove": lambda number: device.outcome(device.remove, number),
    "open": lambda _: device.outcome(open_node),
    "rows": lambda _: list(proctracer.rows()),
    "start bob": start_bob,
    "ids": lambda _: [os.getpid(), *os.getresuid()],
}


def obey(link: Link) -> None:
    """Be process 1 of the container and do what is said."""
    while True:
        verb, number = link.receive()
        link.send(DEEDS[verb](number))


def contain(link: Link) -> None:
    """As a user make namespaces, and when their users are mapped hand on what process 1 is told."""
    identities.become(ALICE)
    identities.unshare(identities.CLONE_NEWUSER | identities.CLONE_NEWPID)
    link.send("unshared")
    link.receive()
    with Child(obey) as first:
        while True:
            first.tell(link.receive())
            link.send(first.said())


class Container(GuestTest):
    """The node is open to all, as a container that was given it sees it."""

    def setUp(self) -> None:
        super().setUp()
        self.open_node_to_all()
        self.container = self.start(Child(contain))
        self.assertEqual(self.container.said(), "unshared")
        identities.map_users(self.container.pid, f"0 {ALICE} 1\n1 {BOB} 1\n")
        self.container.tell()

    def inside(self, verb: str, number: int = 0) -> object:
        """Have root of the container do something."""
        self.container.tell([verb, number])
        return self.container.said()

    def test_its_root_is_process_1_and_user_0_in_there(self) -> None:
        self.assertEqual(self.inside("ids"), [1, 0, 0, 0])

    def test_its_root_may_monitor_its_other_users(self) -> None:
        number = int(str(self.inside("start bob")))
        self.assertEqual(self.inside("add", number), "OK")
        self.assertEqual(self.inside("rows"), [number])
        self.assertEqual(self.inside("remove", number), "OK")

    def test_its_root_finds_nobody_outside(self) -> None:
        for become in (becoming(ALICE), becoming(BOB), becoming(0)):
            outside = self.sleeper(become)
            self.assertEqual(self.inside("add", outside.pid), "ESRCH")
            self.assertEqual(self.inside("remove", outside.pid), "ESRCH")

    def test_its_root_sees_no_row_of_outside(self) -> None:
        for become in (becoming(ALICE), becoming(BOB), becoming(0)):
            self.monitored_sleeper(become)
        self.assertEqual(self.inside("rows"), [])

    def test_being_root_in_there_does_not_open_the_node(self) -> None:
        device.NODE.chmod(0o660)
        self.assertEqual(self.inside("open"), "EACCES")
