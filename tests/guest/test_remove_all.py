"""All processes of an open file at once: removing them with a record each, and telling them."""

from __future__ import annotations

import os
from pathlib import Path

import device
import kprobes
import proctracer
import records
import waiting
from case import GuestTest
from processes import Child, Link

NO_PROCESS = 2**22 - 1


def fork_sleeper(link: Link) -> None:
    """Start a child that sleeps until the test is over, and tell its number."""
    link.receive()
    pid = os.fork()
    if pid == 0:
        link.receive()
    link.send(pid)
    link.receive()


def read_maps_when_told(link: Link) -> None:
    """Make some calls, and wait."""
    link.send("ready")
    link.receive()
    Path("/proc/self/maps").read_bytes()
    link.send("read")
    link.receive()


class OneFile(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.fd = self.open_device(os.O_RDWR | os.O_NONBLOCK)

    def added(self, child: Child) -> Child:
        records.add(self.fd, child.pid)
        return child

    def tree(self) -> tuple[Child, int]:
        """Give a process and its child that follows from it."""
        root = self.start(Child(fork_sleeper))
        records.add(self.fd, root.pid, tree=True)
        root.tell()
        return root, int(root.said())


class RemoveAll(OneFile):
    def test_each_leaves_a_record_that_says_it_runs(self) -> None:
        children = [self.added(self.sleeper()) for _ in range(3)]
        records.remove_all(self.fd)
        self.assertEqual(proctracer.rows(), {})
        found = records.read_all(self.fd)
        self.assertEqual({one.pid for one in found}, {child.pid for child in children})
        self.assertEqual({(one.flags, one.exit_status) for one in found}, {(records.RUNNING, 0)})

    def test_the_record_has_the_counters_of_the_row(self) -> None:
        child = self.start(Child(read_maps_when_told))
        child.said()
        self.added(child)
        child.tell()
        child.said()
        child.wait_parked()
        row = proctracer.row(child.pid)
        self.assertGreater(row.kmalloc, 0)
        records.remove_all(self.fd)
        (record,) = records.read_all(self.fd)
        self.assertEqual(record.counters, row)

    def test_it_can_be_added_again_and_counts_from_nought(self) -> None:
        child = self.added(self.sleeper())
        records.remove_all(self.fd)
        self.added(child)
        child.kill()
        child.reap()
        found = records.read_all(self.fd)
        self.assertEqual([one.flags for one in found], [records.RUNNING, 0])
        self.assertGreaterEqual(found[1].added_ns, found[0].ended_ns)

    def test_processes_of_other_files_stay(self) -> None:
        self.added(self.sleeper())
        with device.opened() as other:
            theirs = self.sleeper()
            records.add(other, theirs.pid)
            records.remove_all(self.fd)
            self.assertEqual(list(proctracer.rows()), [theirs.pid])

    def test_children_of_a_tree_go_with_it(self) -> None:
        root, child = self.tree()
        records.remove_all(self.fd)
        self.assertEqual(proctracer.rows(), {})
        flags = {one.pid: one.flags for one in records.read_all(self.fd)}
        self.assertEqual(flags, {root.pid: records.RUNNING, child: records.RUNNING | records.TREE})

    def test_a_file_without_processes(self) -> None:
        records.remove_all(self.fd)
        self.assertEqual(records.read_all(self.fd), [])

    def test_the_last_one_disarms_the_probes(self) -> None:
        self.added(self.sleeper())
        records.remove_all(self.fd)
        waiting.until(kprobes.all_disarmed, "the probes are disarmed")


class Has(OneFile):
    def test_what_was_added_through_it(self) -> None:
        child = self.sleeper()
        self.assertFalse(records.has(self.fd, child.pid))
        self.added(child)
        self.assertTrue(records.has(self.fd, child.pid))
        device.remove(child.pid)
        self.assertFalse(records.has(self.fd, child.pid))

    def test_what_was_added_through_another_file(self) -> None:
        self.assertFalse(records.has(self.fd, self.monitored_sleeper().pid))

    def test_what_follows_from_a_tree(self) -> None:
        _, child = self.tree()
        self.assertTrue(records.has(self.fd, child))

    def test_what_is_no_process(self) -> None:
        self.assertFalse(records.has(self.fd, NO_PROCESS))
        self.assert_outcome("EINVAL", records.ask_has, self.fd, 0)
