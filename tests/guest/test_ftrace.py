"""ftrace as the independent count: every column must be equal, with no tolerance at all.

A child stands still in read(2) while ftrace and tracer are switched on, works, and stands still
again while they are read: nothing that it does falls between the two.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import tempfile
import threading
from pathlib import Path
from typing import Callable

import device
import ftrace
import ledger
import proctracer
import workload
from case import GuestTest
from processes import Child, Link
from workload import Step

SIOCSIFFLAGS = 0x8914
IFF_UP = 1

Work = Callable[[], None]
READINGS = 50


def walk_files() -> None:
    """Walk through a tree of files and look at each."""
    for folder, _, names in os.walk("/usr/lib/python3"):
        for name in names:
            os.lstat(os.path.join(folder, name))  # noqa: PTH118  # Path costs a guest seconds


def use_pipes() -> None:
    """Make pipes, fill them and empty them."""
    for size in (1, 100, 4096, 10_000):
        for _ in range(53):
            reader, writer = os.pipe()
            os.write(writer, bytes(size))
            os.read(reader, size)
            os.close(reader)
            os.close(writer)


def use_sockets() -> None:
    """Send over local and loopback sockets, small and large."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for size in (1, 1000, 9000, 30_000):
            one, other = socket.socketpair(socket.AF_UNIX, kind)
            with one, other:
                for _ in range(23):
                    one.send(bytes(size))
                    other.recv(size)


def call_every_entry_point() -> None:
    """Go through every public way to kmalloc(), with every kind of size."""
    for name in workload.ALLOCATES:
        sizes = [size for size in workload.SIZES if size or name != "kstrdup"]
        frees = Step("kfree", 7 * len(sizes))
        workload.work_now([*(Step(name, 7, size) for size in sizes), frees])


def bring_loopback_up() -> None:
    """Set the flag of interface lo that ifconfig(8) calls UP."""
    with socket.socket() as any_socket:
        request = struct.pack("16sh22x", b"lo", IFF_UP)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def use_loopback() -> None:
    """Send over the loopback network, where a softirq of the sender's receives."""
    bring_loopback_up()
    server = socket.create_server(("127.0.0.1", 0))
    one = socket.create_connection(server.getsockname())
    other, _ = server.accept()
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server, one, other, receiver, sender:
        for size in (1, 1000, 30_000) * 17:
            one.sendall(bytes(size))
            other.recv(size, socket.MSG_WAITALL)
        receiver.bind(("127.0.0.1", 0))
        for size in (1, 1000, 9000) * 17:
            sender.sendto(bytes(size), receiver.getsockname())
            receiver.recv(size)


def write_files() -> None:
    """Write, read, rename and delete files, and map one."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    for number in range(97):
        path = folder / f"file-{number}"
        path.write_bytes(bytes(number * 101))
        path.read_bytes()
        os.setxattr(path, "trusted.tracer", bytes(number))
        path.rename(folder / f"renamed-{number}")
    shutil.rmtree(folder)


def read_kernel_files() -> None:
    """Read files that the kernel makes up, which takes buffers of all sizes."""
    for name in ("status", "maps", "mounts", "smaps", "stat", "environ", "limits"):
        for _ in range(11):
            Path("/proc/self", name).read_bytes()
    Path("/proc/kallsyms").read_bytes()
    for path in Path("/sys/class/net/lo").iterdir():
        if path.is_file() and os.access(path, os.R_OK):
            device.outcome(path.read_bytes)


def in_threads(work: Work, link: Link) -> None:
    """Do the work in several threads that begin together and stand still together at the end."""
    count = 4
    begin, end = threading.Barrier(count + 1), threading.Barrier(count + 1)
    tids: list[int] = []

    def live() -> None:
        tids.append(threading.get_native_id())
        begin.wait()
        work()
        end.wait()

    threads = [threading.Thread(target=live) for _ in range(count)]
    for thread in threads:
        thread.start()
    while len(tids) < count:
        pass
    link.send("ready")
    link.receive()
    begin.wait()
    end.wait()
    for thread in threads:
        thread.join()
    link.send(tids)
    link.receive()


def in_new_threads(work: Work, link: Link) -> None:
    """Do the work in threads that are born and end while it is counted."""
    tids: list[int] = []

    def live() -> None:
        tids.append(threading.get_native_id())
        work()

    link.send("ready")
    link.receive()
    for _ in range(5):
        threads = [threading.Thread(target=live) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    link.send(tids)
    link.receive()


def alone(work: Work, link: Link) -> None:
    """Do the work in the one thread of the process."""
    link.send("ready")
    link.receive()
    work()
    link.send([])
    link.receive()


class Agreement(GuestTest):
    def assert_agrees(self, work: Work, how: Callable[[Work, Link], None] = alone) -> ledger.Ledger:
        """Check all columns; give the account for more to be said of it."""
        missed = self.missed()
        with ftrace.tracing() as trace:
            child = self.start(Child(lambda link: how(work, link)))
            child.said()
            child.wait_parked()
            trace.mark(ledger.BEGIN)
            device.add(child.pid)
            child.tell()
            tids: set[int] = {child.pid, *child.said()}
            child.wait_parked()
            rows = []
            for number in range(READINGS):
                trace.mark(f"reading {number}")
                rows.append(proctracer.row(child.pid))
                trace.mark(f"read {number}")
            device.remove(child.pid)
            events = trace.stop()
        account = ledger.Ledger(tids, ftrace.kernel_has(ftrace.LARGE[0]))
        account.follow(events)
        self.assertEqual(account.unknown, [], "blocks that were there before the trace")
        self.assertEqual(account.failed_large, 0, "a large allocation failed")
        quiet = self.first_quiet(account)
        self.assertEqual(rows[quiet], account.at[f"reading {quiet}"])
        self.assertGreater(rows[quiet].kmalloc, 100)
        self.assertEqual(self.missed(), missed)
        return account

    def first_quiet(self, account: ledger.Ledger) -> int:
        """Which reading met a process that did nothing, also no thread of it that is ending."""
        for number in range(READINGS):
            if account.at[f"reading {number}"] == account.at[f"read {number}"]:
                return number
        raise self.failureException("the process never stood still while it was read")

    def test_a_file_walk(self) -> None:
        self.assert_agrees(walk_files)

    def test_pipes(self) -> None:
        self.assert_agrees(use_pipes)

    def test_sockets(self) -> None:
        self.assert_agrees(use_sockets)

    def test_a_loopback_network_whose_packets_are_received_in_interrupts(self) -> None:
        account = self.assert_agrees(use_loopback)
        self.assertGreater(account.borrowed, 0)

    def test_every_entry_point_of_kmalloc(self) -> None:
        with workload.listening():
            account = self.assert_agrees(call_every_entry_point)
        calls = 7 * sum(len(workload.sizes_of(name)) for name in workload.ALLOCATES)
        self.assertGreaterEqual(account.counters.kmalloc, calls)

    def test_file_writes(self) -> None:
        self.assert_agrees(write_files)

    def test_files_that_the_kernel_makes_up(self) -> None:
        self.assert_agrees(read_kernel_files)

    def test_file_writes_in_several_threads(self) -> None:
        self.assert_agrees(write_files, in_threads)

    def test_sockets_in_threads_that_come_and_go(self) -> None:
        self.assert_agrees(use_sockets, in_new_threads)
