"""PID namespaces: numbers are those of the caller and of the reader."""

from __future__ import annotations

import os
import signal
from typing import Callable

import device
import identities
import processes
import proctracer
import waiting
from case import GuestTest
from processes import Child, Link


def in_new_pid_namespace(act: Callable[[Link], object]) -> Callable[[Link], None]:
    """Give a child that makes a PID namespace and has `act` run in it as process 1."""

    def make(link: Link) -> None:
        identities.unshare(identities.CLONE_NEWPID)
        with Child(act) as first:
            link.send(first.pid)
            while True:
                first.tell(link.receive())
                link.send(first.said())

    return make


def obey(link: Link) -> None:
    """Live inside and do what is said: add, remove, rows, fork, end."""
    inner: dict[str, int] = {}
    while True:
        verb, number = link.receive()
        if verb == "add":
            link.send(device.outcome(device.add, number))
        elif verb == "remove":
            link.send(device.outcome(device.remove, number))
        elif verb == "rows":
            link.send(list(proctracer.rows()))
        elif verb == "fork":
            inner["child"] = processes.sleeper().pid
            link.send(inner["child"])
        elif verb == "pid":
            link.send(os.getpid())


class PidNamespace(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.outer = self.start(Child(in_new_pid_namespace(obey)))
        self.first = int(self.outer.said())

    def inside(self, verb: str, number: int = 0) -> object:
        """Have process 1 of the namespace do something."""
        self.outer.tell([verb, number])
        return self.outer.said()

    def test_the_namespace_is_a_new_one(self) -> None:
        self.assertEqual(self.inside("pid"), 1)
        self.assertNotEqual(self.first, 1)

    def test_a_pid_is_the_callers_number(self) -> None:
        self.assertEqual(self.inside("add", 1), "OK")
        self.assertEqual(list(proctracer.rows()), [self.first])

    def test_a_row_has_the_readers_number(self) -> None:
        device.add(self.first)
        self.assertEqual(self.inside("rows"), [1])

    def test_a_process_outside_has_no_row_inside(self) -> None:
        device.add(self.sleeper().pid)
        device.add(self.first)
        self.assertEqual(self.inside("rows"), [1])

    def test_a_process_outside_has_no_number_inside(self) -> None:
        outside = self.sleeper()
        self.assertEqual(self.inside("add", outside.pid), "ESRCH")
        self.assertEqual(self.inside("remove", outside.pid), "ESRCH")

    def test_what_was_added_outside_is_removed_inside(self) -> None:
        device.add(self.first)
        self.assertEqual(self.inside("remove", 1), "OK")
        self.assertEqual(proctracer.rows(), {})

    def test_rows_inside_are_in_the_order_of_the_numbers_inside(self) -> None:
        children = [int(str(self.inside("fork"))) for _ in range(3)]
        for number in [children[1], 1, children[2], children[0]]:
            self.assertEqual(self.inside("add", number), "OK")
        self.assertEqual(self.inside("rows"), [1, *children])

    def test_the_end_of_a_namespace_takes_all_its_rows(self) -> None:
        for number in [1, int(str(self.inside("fork")))]:
            self.inside("add", number)
        self.assertEqual(len(proctracer.rows()), 2)
        os.kill(self.first, signal.SIGKILL)
        waiting.until(lambda: processes.state(self.first) == "Z", "process 1 is a zombie")
        self.assertEqual(proctracer.rows(), {})
