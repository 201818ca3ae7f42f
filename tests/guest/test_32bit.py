"""A 32-bit program on a 64-bit kernel."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import unittest
from pathlib import Path

import device
import proctracer
import records
import waiting
from case import GuestTest

PROGRAM = Path(__file__).parent / "ioctl32" / "ioctl32"


@unittest.skipUnless(os.uname().machine == "x86_64", "the 32-bit caller is written for x86")
class Caller32(GuestTest):
    def outcome(self, number: int, pid: int) -> str:
        """Make a request from a 32-bit program; give "OK" or the name of its errno."""
        done = subprocess.run([str(PROGRAM), str(number), str(pid)], check=False)
        return {0: "OK", **errno.errorcode}.get(done.returncode, f"exit {done.returncode}")

    def test_it_is_a_32_bit_program(self) -> None:
        self.assertEqual(PROGRAM.read_bytes()[4], 1)

    def test_it_adds_a_process(self) -> None:
        child = self.sleeper()
        self.assertEqual(self.outcome(device.ADD_PROCESS, child.pid), "OK")
        self.assertEqual(list(proctracer.rows()), [child.pid])

    def test_it_removes_a_process(self) -> None:
        child = self.monitored_sleeper()
        self.assertEqual(self.outcome(device.REMOVE_PROCESS, child.pid), "OK")
        self.assertEqual(proctracer.rows(), {})

    def test_it_is_told_what_is_wrong(self) -> None:
        child = self.monitored_sleeper()
        self.assertEqual(self.outcome(device.ADD_PROCESS, child.pid), "EEXIST")
        self.assertEqual(self.outcome(device.REMOVE_PROCESS, self.sleeper().pid), "ESRCH")

    def test_a_negative_number_is_no_pid(self) -> None:
        self.assertEqual(self.outcome(device.ADD_PROCESS, 2**32 - 1), "EINVAL")

    def test_another_request_is_unknown(self) -> None:
        self.assertEqual(self.outcome(device.HAS_PROCESS + 1, os.getpid()), "ENOTTY")

    def test_it_reads_the_same_records(self) -> None:
        child = self.sleeper()
        arguments = [device.ADD_TREE, child.pid, 4096]
        command = [str(PROGRAM), *map(str, arguments)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
            waiting.until(lambda: child.pid in proctracer.rows(), "it has added the process")
            child.kill()
            data, _ = reader.communicate()
        self.assertEqual(reader.returncode, 0)
        (record,) = records.parse(data)
        self.assertEqual((record.pid, record.ppid), (child.pid, os.getpid()))
        self.assertEqual(record.exit_status, int(signal.SIGKILL))

    def test_it_asks_whose_a_process_is_and_removes_all(self) -> None:
        child = self.monitored_sleeper()
        self.assertEqual(self.outcome(device.HAS_PROCESS, child.pid), "ESRCH")
        self.assertEqual(self.outcome(device.REMOVE_ALL, 0), "OK")
        self.assertEqual(list(proctracer.rows()), [child.pid])
