"""Whole trees: every process that descends from one, from its first instruction."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
from pathlib import Path

import device
import kmodule
import processes
import proctracer
import records
import waiting
from case import SYSFS, GuestTest
from processes import Child, Link

SHORT_LIVED = 200
SYS_CLONE = 56 if os.uname().machine == "x86_64" else 220
CLONE_PARENT = 0x8000


def fork_and_wait(act: object = None) -> int:
    """Start a child that ends at once, or after `act`, and wait for it; give its PID."""
    pid = os.fork()
    if pid == 0:
        if callable(act):
            act()
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def clone_sibling() -> None:
    """Start a process that is a child of this one's parent, and ends at once."""
    flags = CLONE_PARENT | signal.SIGCHLD
    if ctypes.CDLL(None).syscall(SYS_CLONE, flags, 0, 0, 0, 0) == 0:
        os._exit(0)


class Trees(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.fd = os.open(device.NODE, os.O_RDWR | os.O_CLOEXEC)
        self.addCleanup(self.close)

    def close(self) -> None:
        """Close the file that the test has added through."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def tree(self, act: object) -> Child:
        """Give a process that calls act(link) when told; it and its descendants are added."""

        fd = self.fd

        def wait_first(link: Link) -> object:
            os.close(fd)  # or the module could not be unloaded
            link.send("ready")
            link.receive()
            assert callable(act)
            return act(link)

        child = self.start(Child(wait_first))
        child.said()
        records.add(self.fd, child.pid, tree=True)
        return child

    def test_a_child_has_a_row_before_its_first_instruction(self) -> None:
        def read_own_row() -> None:
            os._exit(0 if os.getpid() in proctracer.rows() else 1)

        def act(link: Link) -> int:
            pid = os.fork()
            if pid == 0:
                read_own_row()
            return os.WEXITSTATUS(os.waitpid(pid, 0)[1])

        child = self.tree(act)
        child.tell()
        self.assertEqual(child.said(), 0)

    def test_every_descendant_leaves_a_record(self) -> None:
        def act(link: Link) -> list[int]:
            return [fork_and_wait() for _ in range(SHORT_LIVED)]

        child = self.tree(act)
        child.tell()
        pids = child.said()
        child.reap()
        found = records.read_all(self.fd)
        self.assertEqual([record.pid for record in found], [*pids, child.pid])
        self.assertEqual({record.flags for record in found[:-1]}, {records.TREE})
        self.assertEqual({record.ppid for record in found[:-1]}, {child.pid})
        self.assertEqual(found[-1].flags, 0)
        self.assertEqual({(record.lost, record.unfollowed) for record in found}, {(0, 0)})

    def test_grandchildren_of_a_double_fork_are_followed(self) -> None:
        def act(link: Link) -> int:
            incoming, outgoing = os.pipe()

            def leave_an_orphan() -> None:
                if os.fork() == 0:
                    os.setsid()
                    waiting.until(lambda: os.getppid() != parent, "the parent has ended")
                    os.write(outgoing, str(os.getpid()).encode())
                    os._exit(0)

            parent = -1
            pid = os.fork()
            if pid == 0:
                parent = os.getpid()
                leave_an_orphan()
                os._exit(0)
            os.waitpid(pid, 0)
            return int(os.read(incoming, 16))

        child = self.tree(act)
        child.tell()
        orphan = child.said()
        child.reap()
        found = {record.pid: record for record in records.read_all(self.fd)}
        self.assertEqual(len(found), 3)
        self.assertIn(found[orphan].ppid, found)

    def test_a_child_that_is_given_to_the_parent_is_followed(self) -> None:
        child = self.tree(lambda link: fork_and_wait(clone_sibling))
        child.tell()
        parent = child.said()
        child.reap()
        found = {record.pid: record for record in records.read_all(self.fd)}
        (sibling,) = set(found) - {parent, child.pid}
        self.assertEqual(found[sibling].ppid, child.pid)

    def test_a_thread_is_no_process_of_its_own(self) -> None:
        def act(link: Link) -> None:
            threads = [threading.Thread(target=os.sched_yield) for _ in range(7)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        child = self.tree(act)
        child.tell()
        child.reap()
        (record,) = records.read_all(self.fd)
        self.assertEqual((record.pid, record.unfollowed), (child.pid, 0))

    def test_what_was_there_before_is_not_followed(self) -> None:
        def act(link: Link) -> None:
            ends_with_parent, held = os.pipe()
            elder = os.fork()
            if elder == 0:
                os.close(held)
                os.read(ends_with_parent, 1)
                os._exit(0)
            link.send(elder)
            link.receive()
            link.send(fork_and_wait())

        child = self.start(Child(act))
        elder = child.said()
        records.add(self.fd, child.pid, tree=True)
        self.assertNotIn(elder, proctracer.rows())
        child.tell()
        younger = child.said()
        self.assertNotEqual(younger, elder)
        child.kill()
        child.reap()
        self.assertEqual([record.pid for record in records.read_all(self.fd)], [younger, child.pid])

    def test_removing_a_process_leaves_the_rest_of_its_tree(self) -> None:
        def act(link: Link) -> None:
            pid = os.fork()
            if pid == 0:
                link.receive()
                fork_and_wait()
                os._exit(0)
            link.send(pid)
            os.waitpid(pid, 0)

        root = self.tree(act)
        root.tell()
        branch = root.said()
        device.remove(root.pid)
        root.tell()
        root.reap()
        self.assertEqual(len(records.read_all(self.fd)), 2)
        self.assertNotIn(branch, proctracer.rows())

    def test_a_tree_grows_on_when_the_file_is_closed(self) -> None:
        def act(link: Link) -> object:
            link.send("ready")
            link.receive()
            return processes.ask(lambda: os.getpid() in proctracer.rows())

        child = self.start(Child(act))
        child.said()
        with device.opened() as other:
            records.add(other, child.pid, tree=True)
        child.tell()
        self.assertTrue(child.said())

    def test_what_exceeds_max_processes_is_counted_as_not_followed(self) -> None:
        os.close(self.fd)
        self.reload("max_processes=3")
        self.fd = os.open(device.NODE, os.O_RDWR | os.O_CLOEXEC)
        self.addCleanup(self.close)  # before the module is loaded anew

        def act(link: Link) -> None:
            incoming, outgoing = os.pipe()
            pids = []
            for _ in range(5):
                pid = os.fork()
                if pid == 0:
                    os.close(outgoing)
                    os.read(incoming, 1)
                    os._exit(0)
                pids.append(pid)
            link.send("forked")
            link.receive()
            os.close(outgoing)
            for pid in pids:
                os.waitpid(pid, 0)

        child = self.tree(act)
        child.tell()
        child.said()
        self.assertEqual(len(proctracer.rows()), 3)
        self.assertEqual((SYSFS / "unfollowed").read_text(), "3\n")
        child.tell()
        child.reap()
        found = records.read_all(self.fd)
        self.assertEqual([record.unfollowed for record in found], [3, 0, 0])

    def test_adding_a_tree_obeys_the_rules_of_adding(self) -> None:
        self.assert_outcome("EINVAL", lambda: records.add(self.fd, -1, tree=True))
        self.assert_outcome("ESRCH", lambda: records.add(self.fd, 2**22 - 1, tree=True))
        child = self.monitored_sleeper()
        self.assert_outcome("EEXIST", lambda: records.add(self.fd, child.pid, tree=True))

    def test_a_bounded_fork_bomb_is_followed_or_counted(self) -> None:
        generations = 7

        def bomb(link: Link) -> int:
            for _ in range(generations):
                os.fork()
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.wait()
            return 0

        def act(link: Link) -> int:
            pid = os.fork()
            if pid == 0:
                bomb(link)
                os._exit(0)
            os.waitpid(pid, 0)
            return 0

        before = int((SYSFS / "unfollowed").read_text())
        child = self.tree(act)
        child.tell()
        child.said()
        child.reap()
        found = records.read_all(self.fd)
        unfollowed = sum(record.unfollowed for record in found)
        self.assertEqual(unfollowed, int((SYSFS / "unfollowed").read_text()) - before)
        if not unfollowed:
            self.assertEqual(len(found), 2**generations + 1)

    def test_unloading_while_a_tree_grows(self) -> None:
        def act(link: Link) -> None:
            while True:
                fork_and_wait()

        child = self.tree(act)
        child.tell()
        waiting.until(lambda: bool(records.read(self.fd)), "the tree grows")
        self.close()
        kmodule.unload()
        child.kill()
        kmodule.load()

    def test_removing_the_root_while_it_forks(self) -> None:
        def act(link: Link) -> None:
            while Path("/proc/tracer").exists():
                fork_and_wait()

        for _ in range(20):
            child = self.tree(act)
            child.tell()
            waiting.until(lambda pid=child.pid: proctracer.row(pid).sched > 0, "it works")  # type: ignore[misc]
            device.remove(child.pid)
            records.read_all(self.fd)
            child.kill()
