"""What must not come out: addresses of the kernel, bytes that nobody wrote, lines in a log."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

import device
import ftrace
import identities
import processes
import proctracer
import records
from case import DEBUGFS, SYSFS, GuestTest
from identities import ALICE, BOB, CAP_PERFMON, CAP_SYS_PTRACE, becoming
from kmsg import KernelLog
from processes import Child, Link

# Hexadecimal, or one of the 20 digits that such a number has.
ADDRESS = re.compile(r"(?i)ffff[0-9a-f]{4,12}|\b18446[4-7]\d{14}\b")
LOWEST_ADDRESS = 0xFFFF << 48
VALUES = ("processes", "missed_samples", "unknown_blocks", "unfollowed", "engine")
UNTOUCHED = b"\xa5"
PR_SET_NAME = 15
ROUNDS = 3
QUIETLY = 1 << 1  # CAP_OPT_NOAUDIT of include/linux/security.h
ASKED = re.compile(r"capability=(\d+) options=(\d+)")
OUTCOMES = [
    *("OK", "EEXIST", "OK", "OK", "ESRCH"),
    *("EPERM", "EINVAL", "ENOTTY", "OK", "EINVAL"),
]


class Shown(GuestTest):
    def test_no_text_has_an_address_of_the_kernel(self) -> None:
        log = KernelLog()
        self.addCleanup(log.close)
        self.reload()
        self.monitored_sleeper()
        device.add(os.getpid())
        self.addCleanup(device.remove, os.getpid())
        paths = [proctracer.REPORT, DEBUGFS / "probes", DEBUGFS / "cpus"]
        paths += [SYSFS / name for name in VALUES]
        texts = {str(path): path.read_text(encoding="ascii") for path in paths}
        texts["log"] = "\n".join(log.of_tracer())
        for name, text in texts.items():
            with self.subTest(name):
                self.assertTrue(text)
                self.assertNotRegex(text, ADDRESS)


class Record(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.fd = self.open_device(os.O_RDWR)

    def end_one(self) -> None:
        """Leave a record of a process whose long name has become a short one."""

        def act(link: Link) -> None:
            link.send("ready")
            link.receive()
            libc = ctypes.CDLL(None)
            libc.prctl(PR_SET_NAME, b"fifteen letters")
            libc.prctl(PR_SET_NAME, b"x")
            os._exit(0)

        child = self.start(Child(act))
        child.said()
        records.add(self.fd, child.pid)
        child.tell()
        child.reap()

    def test_every_byte_of_it_belongs_to_a_field(self) -> None:
        self.end_one()
        (record,) = records.read(self.fd)  # strict on what follows the name
        self.assertEqual((record.comm, record.size), ("x", records.LAYOUT.size))

    def test_no_word_of_it_is_an_address_of_the_kernel(self) -> None:
        self.end_one()
        data = os.read(self.fd, 4096)
        self.assertEqual(len(data), records.LAYOUT.size)
        for word in struct.unpack(f"={len(data) // 8}Q", data):
            self.assertLess(word, LOWEST_ADDRESS)

    def test_nothing_is_written_behind_it(self) -> None:
        self.end_one()
        size = records.LAYOUT.size
        buffer = ctypes.create_string_buffer(UNTOUCHED * (2 * size - 1), 2 * size - 1)
        self.assertEqual(ctypes.CDLL(None).read(self.fd, buffer, len(buffer)), size)
        self.assertEqual(buffer.raw[size:], UNTOUCHED * (size - 1))


class Log(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.open_node_to_all()
        self.log = KernelLog()
        self.addCleanup(self.log.close)

    def test_no_request_of_a_user_leaves_a_line(self) -> None:
        own, other = self.sleeper(becoming(ALICE)), self.sleeper(becoming(BOB))

        def ask(fd: int) -> list[str]:
            asked: list[tuple[Callable[..., object], tuple[object, ...]]] = [
                (fcntl.ioctl, (fd, device.ADD_PROCESS, own.pid)),
                (fcntl.ioctl, (fd, device.ADD_PROCESS, own.pid)),
                (fcntl.ioctl, (fd, device.HAS_PROCESS, own.pid)),
                (fcntl.ioctl, (fd, device.REMOVE_PROCESS, own.pid)),
                (fcntl.ioctl, (fd, device.REMOVE_PROCESS, own.pid)),
                (fcntl.ioctl, (fd, device.ADD_TREE, other.pid)),
                (fcntl.ioctl, (fd, device.ADD_PROCESS, 0)),
                (fcntl.ioctl, (fd, device.HAS_PROCESS + 1, 0)),
                (fcntl.ioctl, (fd, device.REMOVE_ALL, 0)),
                (os.read, (fd, 1)),
            ]
            return [device.outcome(act, *arguments) for act, arguments in asked]

        def ask_as_user() -> list[list[str]]:
            identities.become(ALICE)
            with device.opened() as fd:
                return [ask(fd) for _ in range(ROUNDS)]

        self.assertEqual(processes.ask(ask_as_user), [OUTCOMES] * ROUNDS)
        self.assertEqual(self.log.of_tracer(), [])

    def test_reading_the_table_leaves_no_line(self) -> None:
        self.monitored_sleeper(becoming(BOB))

        def read_as_user() -> list[list[int]]:
            identities.become(ALICE)
            return [list(proctracer.rows()) for _ in range(ROUNDS)]

        before = len(self.log.lines())
        self.assertEqual(processes.ask(read_as_user), [[]] * ROUNDS)
        self.assertEqual([line for line in self.log.lines()[before:] if "tracer" in line], [])


@contextmanager
def capabilities_asked_for(tid: int) -> Iterator[Callable[[], set[tuple[int, int]]]]:
    """Watch which capabilities a thread is asked for, each with the options of the question."""
    definition = f"p:{ftrace.GROUP}/asked cap_capable capability=$arg3:u32 options=$arg4:u32"
    ftrace.append_line(ftrace.TRACING / "kprobe_events", definition)
    ftrace.INSTANCE.mkdir()
    event = ftrace.INSTANCE / "events" / ftrace.GROUP / "asked"

    def asked() -> set[tuple[int, int]]:
        trace = (ftrace.INSTANCE / "trace").read_text(encoding="ascii", errors="replace")
        return {(int(one), int(options)) for one, options in ASKED.findall(trace)}

    try:
        ftrace.write(event / "filter", f"common_pid == {tid}")
        ftrace.write(event / "enable", "1")
        yield asked
    finally:
        ftrace.write(event / "enable", "0")
        ftrace.INSTANCE.rmdir()
        ftrace.forget_probes(ftrace.GROUP)


class Audit(GuestTest):
    """A security module writes a line for each capability that is refused, unless asked quietly."""

    def test_capabilities_are_asked_for_quietly(self) -> None:
        self.open_node_to_all()
        other = self.monitored_sleeper(becoming(BOB))

        def act(link: Link) -> None:
            identities.become(ALICE)
            link.send("ready")
            link.receive()
            with device.opened() as fd:
                link.send(device.outcome(fcntl.ioctl, fd, device.ADD_PROCESS, other.pid))
            link.send(list(proctracer.rows()))

        child = self.start(Child(act))
        child.said()
        with capabilities_asked_for(child.pid) as asked:
            child.tell()
            self.assertEqual((child.said(), child.said()), ("EPERM", []))
            found = {one for one in asked() if one[0] in (CAP_PERFMON, CAP_SYS_PTRACE)}
        self.assertEqual(found, {(CAP_PERFMON, QUIETLY), (CAP_SYS_PTRACE, QUIETLY)})
