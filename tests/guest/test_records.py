"""What read(2) on the device tells of processes that have ended."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import device
import identities
import processes
import proctracer
import records
import waiting
from case import GuestTest
from processes import Child, Link

YIELDS = 103
PR_SET_NAME = 15


def yield_and_exit(status: int) -> Child:
    """Give a process that, when told, yields often, names itself and exits with that status."""

    def act(link: Link) -> None:
        link.send("ready")
        link.receive()
        for _ in range(YIELDS):
            os.sched_yield()
        ctypes.CDLL(None).prctl(PR_SET_NAME, b"all done")
        os._exit(status)

    child = Child(act)
    child.said()
    return child


class Records(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.fd = self.open_device(os.O_RDWR | os.O_NONBLOCK)

    def added(self, child: Child, fd: int = -1) -> Child:
        records.add(self.fd if fd < 0 else fd, child.pid)
        return child

    def wait_for_records(self) -> None:
        """Sleep in read(2) from here on."""
        fcntl.fcntl(self.fd, fcntl.F_SETFL, 0)

    def test_the_record_says_who_ended_and_how(self) -> None:
        before = time.monotonic_ns()
        child = self.added(self.start(yield_and_exit(7)))
        added = time.monotonic_ns()
        child.tell()
        child.reap()
        (record,) = records.read_all(self.fd)
        self.assertEqual(
            (record.pid, record.ppid, record.comm, record.flags),
            (child.pid, os.getpid(), "all done", 0),
        )
        self.assertEqual(os.WEXITSTATUS(record.exit_status), 7)
        self.assertEqual((record.lost, record.unfollowed, record.missed), (0, 0, 0))
        times = [before, record.added_ns, added, record.ended_ns, time.monotonic_ns()]
        self.assertEqual(times, sorted(times))

    def test_its_counters_are_the_last_ones_of_the_row(self) -> None:
        child = self.added(self.sleeper())
        child.wait_parked()
        last = proctracer.row(child.pid)
        child.kill()
        child.reap()
        (record,) = records.read_all(self.fd)
        for name in proctracer.NAMES:
            self.assertGreaterEqual(getattr(record.counters, name), getattr(last, name), name)

    def test_every_yield_is_in_it(self) -> None:
        child = self.added(self.start(yield_and_exit(0)))
        child.wait_parked()
        before = proctracer.row(child.pid).sched
        child.tell()
        child.reap()
        (record,) = records.read_all(self.fd)
        self.assertGreaterEqual(record.counters.sched - before, YIELDS)

    def test_a_signal_that_killed_it_is_its_status(self) -> None:
        child = self.added(self.sleeper())
        child.kill()
        child.reap()
        (record,) = records.read_all(self.fd)
        self.assertEqual(record.exit_status, int(signal.SIGKILL))

    def test_records_come_in_the_order_of_the_ends(self) -> None:
        children = [self.added(self.sleeper()) for _ in range(5)]
        for child in reversed(children):
            child.kill()
            child.reap()
        found = [record.pid for record in records.read_all(self.fd)]
        self.assertEqual(found, [child.pid for child in reversed(children)])

    def test_a_removed_process_has_no_record(self) -> None:
        child = self.added(self.sleeper())
        device.remove(child.pid)
        child.kill()
        child.reap()
        self.assertEqual(records.read_all(self.fd), [])

    def test_a_record_goes_to_the_file_that_added_the_process(self) -> None:
        with device.opened() as other:
            child = self.added(self.sleeper(), other)
            child.kill()
            child.reap()
            self.assertEqual(records.read_all(self.fd), [])
            self.assertEqual([record.pid for record in records.read_all(other)], [child.pid])

    def test_a_file_without_processes_is_at_its_end(self) -> None:
        self.assertEqual(records.read(self.fd), [])
        self.assertEqual(records.events(self.fd), {"HUP"})

    def test_nothing_waits_while_the_process_runs(self) -> None:
        child = self.added(self.sleeper())
        self.assert_outcome("EAGAIN", records.read, self.fd)
        self.assertEqual(records.events(self.fd), set())
        child.kill()
        child.reap()
        self.assertEqual(records.events(self.fd), {"IN"})
        self.assertEqual(len(records.read(self.fd)), 1)
        self.assertEqual(records.events(self.fd), {"HUP"})

    def test_a_buffer_that_holds_no_record_is_refused_and_nothing_lost(self) -> None:
        child = self.added(self.sleeper())
        child.kill()
        child.reap()
        self.assert_outcome("EINVAL", os.read, self.fd, records.LAYOUT.size - 1)
        self.assert_outcome("EINVAL", os.read, self.fd, 0)
        self.assertEqual(len(records.parse(os.read(self.fd, 2 * records.LAYOUT.size - 1))), 1)

    def test_a_bad_address_is_refused_and_nothing_lost(self) -> None:
        child = self.added(self.sleeper())
        child.kill()
        child.reap()
        libc = ctypes.CDLL(None, use_errno=True)
        libc.read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
        self.assertEqual(libc.read(self.fd, 8, 4096), -1)
        self.assertEqual(ctypes.get_errno(), 14)  # EFAULT
        self.assertEqual(len(records.read_all(self.fd)), 1)

    def test_a_reader_waits_for_the_end(self) -> None:
        child = self.added(self.sleeper())
        self.wait_for_records()
        found: list[records.Record] = []
        reader = threading.Thread(target=lambda: found.extend(records.read(self.fd)))
        reader.start()
        waiting.until(lambda: "read" in self.stacks(), "the reader sleeps in read(2)")
        child.kill()
        reader.join()
        self.assertEqual([record.pid for record in found], [child.pid])

    def stacks(self) -> str:
        """Name the system call of each other thread of this process."""
        calls = []
        for tid in processes.threads(os.getpid())[1:]:
            text = Path(f"/proc/self/task/{tid}/syscall").read_text(encoding="ascii")
            calls.append("read" if text.split()[0] == processes.READ_SYSCALL else "other")
        return " ".join(calls)

    def test_a_reader_is_woken_when_the_last_process_is_removed(self) -> None:
        child = self.added(self.sleeper())
        self.wait_for_records()
        ends: list[bytes] = []
        reader = threading.Thread(target=lambda: ends.append(os.read(self.fd, 4096)))
        reader.start()
        waiting.until(lambda: "read" in self.stacks(), "the reader sleeps in read(2)")
        device.remove(child.pid)
        reader.join()
        self.assertEqual(ends, [b""])

    def test_epoll_tells_of_a_record_once_it_is_edge_triggered(self) -> None:
        children = [self.added(self.sleeper()) for _ in range(2)]
        with select.epoll() as epoll:
            epoll.register(self.fd, select.EPOLLIN | select.EPOLLET)
            self.assertEqual(epoll.poll(0), [])
            for child in children:
                child.kill()
                child.reap()
                self.assertTrue(epoll.poll(60)[0][1] & select.EPOLLIN)
        self.assertEqual(len(records.read_all(self.fd)), 2)

    def test_closing_leaves_the_processes_monitored(self) -> None:
        with device.opened() as other:
            child = self.added(self.sleeper(), other)
        self.assertIn(child.pid, proctracer.rows())
        child.kill()
        child.reap()
        self.assertEqual(proctracer.rows(), {})

    def test_a_file_keeps_what_fits_and_counts_the_rest(self) -> None:
        beyond = 37
        amount = records.WAITING_AT_MOST + beyond
        # A shell is small, and forks fast.
        loop = f"i=1; while [ $i -lt {amount} ]; do (:); i=$((i+1)); done"

        def act(link: Link) -> None:
            link.send("ready")
            link.receive()
            os.execv("/bin/sh", ["sh", "-c", loop])

        child = self.start(Child(act))
        child.said()
        records.add(self.fd, child.pid, tree=True)
        child.tell()
        child.reap()
        found = records.read_all(self.fd)
        self.assertEqual(len(found), records.WAITING_AT_MOST)
        self.assertEqual(found[0].lost, beyond)
        self.assertEqual({record.lost for record in found[1:]}, {0})

    def test_numbers_are_those_of_the_readers_namespace(self) -> None:
        child = self.added(self.sleeper())
        child.kill()
        child.reap()

        def read_here() -> list[int]:
            (record,) = records.read(self.fd)
            return [record.pid, record.ppid]

        def in_another_namespace() -> list[int]:
            identities.unshare(identities.CLONE_NEWPID)
            return list(processes.ask(read_here))

        self.assertEqual(processes.ask(in_another_namespace), [0, 0])


class OfAnotherUser(GuestTest):
    """A process that becomes another user's while a user monitors it."""

    def setUp(self) -> None:
        super().setUp()
        self.open_node_to_all()

    def records_of(self, *command: str, capability: int = -1) -> list[list[int]]:
        """Tell flags, calls and end of each process of a tree that a user adds before it is run."""

        def as_user() -> list[list[int]]:
            if capability < 0:
                identities.become(identities.ALICE)
            else:
                identities.become_with_capability(identities.ALICE, capability)
            start = os.pipe()
            with device.opened() as fd:
                pid = os.fork()
                if pid == 0:
                    os.read(start[0], 1)
                    os.execv(command[0], command)
                records.add(fd, pid, tree=True)
                os.write(start[1], b".")
                return [
                    [one.flags, one.counters.kmalloc, one.exit_status]
                    for one in records.read_all(fd)
                ]

        return list(processes.ask(as_user))

    def test_counts_of_a_set_user_id_program_are_withheld(self) -> None:
        self.assertEqual(self.records_of("/bin/su", "--help"), [[records.WITHHELD, 0, 0]])

    def test_counts_of_what_it_starts_are_withheld(self) -> None:
        shell = self.set_user_id_shell()
        found = self.records_of(shell, "-p", "-c", "/bin/true; true")
        self.assertEqual(found, [[records.TREE | records.WITHHELD, 0, 0], [records.WITHHELD, 0, 0]])

    def test_how_both_ended_is_withheld_too(self) -> None:
        command = [self.set_user_id_shell(), "-p", "-c", "/bin/false; exit 7"]
        self.assertEqual([status for *_, status in self.records_of(*command)], [0, 0])
        seen = self.records_of(*command, capability=identities.CAP_PERFMON)
        self.assertEqual([status for *_, status in seen], [1 << 8, 7 << 8])

    def set_user_id_shell(self) -> str:
        """Give a shell that runs as root, whoever runs it."""
        folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.addCleanup(folder.rmdir)
        subprocess.run(["mount", "-t", "tmpfs", "none", str(folder)], check=True)
        self.addCleanup(subprocess.run, ["umount", str(folder)], check=True)
        folder.chmod(0o755)
        shell = folder / "sh"
        shutil.copy("/bin/sh", shell)
        shell.chmod(0o4755)
        return str(shell)

    def test_counts_of_another_program_are_not(self) -> None:
        ((flags, calls, _),) = self.records_of("/bin/ls", "--help")
        self.assertEqual(flags, 0)
        self.assertTrue(calls)

    def test_who_may_monitor_everybody_gets_them_all(self) -> None:
        ((flags, calls, _),) = self.records_of(
            "/bin/su", "--help", capability=identities.CAP_PERFMON
        )
        self.assertEqual(flags, 0)
        self.assertTrue(calls)
