"""ftrace as the independent count of whole trees: every record must be equal, in every column."""

from __future__ import annotations

import os
from pathlib import Path

import device
import ftrace
import ledger
import records
import tree_ledger
from case import GuestTest
from processes import Child, Link
from proctracer import Counters

PIPES = 31
FILES = 17


def script(commands: str) -> None:
    """Become a shell that runs these commands."""
    os.execv("/bin/sh", ["sh", "-c", commands])


def use_pipes_and_files() -> None:
    """Make pipes and files in a process of their own, and in one of its children."""
    os.fork()
    for _ in range(PIPES):
        reader, writer = os.pipe()
        os.write(writer, bytes(4096))
        os.read(reader, 4096)
        os.close(reader)
        os.close(writer)
    for number in range(FILES):
        path = Path(f"/dev/shm/{os.getpid()}-{number}")
        path.write_bytes(bytes(number * 101))
        path.unlink()


def leave_an_orphan() -> None:
    """Fork twice, so that the grandchild works on when its parent has ended."""
    if os.fork() == 0 and os.fork() == 0:
        Path("/proc/self/maps").read_bytes()


class TreeAgreement(GuestTest):
    def assert_agrees(self, work: object) -> dict[int, Counters]:
        """Check every column of every record; give ftrace's counts by PID."""

        def act(link: Link) -> None:
            link.send("ready")
            link.receive()
            os.close(fd)
            assert callable(work)
            work()
            os._exit(0)

        missed = self.missed()
        with ftrace.tracing(tree_ledger.LIFE_EVENTS) as trace, device.opened() as fd:
            child = self.start(Child(act))
            child.said()
            child.wait_parked()
            trace.mark(ledger.BEGIN)
            records.add(fd, child.pid, tree=True)
            child.tell()
            found = records.read_all(fd)
            events = trace.stop()
        account = tree_ledger.TreeLedger(child.pid, ftrace.kernel_has(ftrace.LARGE[0]))
        account.follow(events)
        self.assertEqual(account.unknown, [], "blocks that were there before the trace")
        self.assertEqual(account.failed_large, 0, "a large allocation failed")
        self.assertEqual({record.pid: record.counters for record in found}, account.of)
        self.assertEqual(len(found), len(account.of), "a process has two records")
        self.assertEqual({(one.lost, one.unfollowed) for one in found}, {(0, 0)})
        self.assertEqual(self.missed(), missed)
        return account.of

    def test_processes_that_use_pipes_and_files(self) -> None:
        of = self.assert_agrees(use_pipes_and_files)
        self.assertEqual(len(of), 2)
        for counters in of.values():
            self.assertGreater(counters.kmalloc, PIPES)

    def test_an_orphan(self) -> None:
        self.assertEqual(len(self.assert_agrees(leave_an_orphan)), 3)

    def test_a_pipeline_of_a_shell(self) -> None:
        of = self.assert_agrees(lambda: script("ls -R /etc | sort | tail -n 3 > /dev/null"))
        self.assertEqual(len(of), 4)

    def test_a_script_of_many_short_processes(self) -> None:
        commands = "i=0; while [ $i -lt 40 ]; do /bin/true; i=$((i+1)); done"
        self.assertEqual(len(self.assert_agrees(lambda: script(commands))), 41)

    def test_a_tree_whose_processes_are_killed(self) -> None:
        of = self.assert_agrees(
            lambda: script("cat /dev/zero > /dev/null & kill -9 $!; wait; true")
        )
        self.assertEqual(len(of), 2)
