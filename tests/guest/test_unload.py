"""Unloading: refused while the device is open, else always safe and without a trace."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import device
import kmodule
import kprobes
import processes
import proctracer
import workload
from case import DEBUGFS, SYSFS, GuestTest
from processes import Child, Link
from workload import Step

SLEEPERS = 2000


def sleep_in_many_threads(link: Link) -> None:
    """Have many threads sleep in schedule(), each having entered it when told to."""
    link.receive()
    threading.stack_size(131072)  # the least that the C library allows on arm64
    reader, _ = os.pipe()
    for _ in range(SLEEPERS):
        threading.Thread(target=os.read, args=(reader, 1), daemon=True).start()
    link.send("started")
    link.receive()


class Unload(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self._load_again)

    def _load_again(self) -> None:
        if not kmodule.loaded():
            kmodule.load()

    def assert_gone(self) -> None:
        """Check that nothing in the system is left of the module."""
        self.assertFalse(kmodule.loaded())
        for path in (device.NODE, proctracer.REPORT, SYSFS, DEBUGFS):
            self.assertFalse(path.exists(), path)
        misc = Path("/proc/misc").read_text(encoding="ascii")
        self.assertNotRegex(misc, r"(?m)^ *42 ")
        self.assertEqual((kprobes.kretprobes(), kprobes.traced()), ({}, set()))

    def test_unloading_is_refused_while_the_device_is_open(self) -> None:
        with device.opened():
            self.assert_outcome("EAGAIN", kmodule.unload)  # rmmod(8) says: in use
        self.assertTrue(kmodule.loaded())

    def test_unloading_leaves_nothing(self) -> None:
        kmodule.unload()
        self.assert_gone()

    def test_unloading_while_processes_are_monitored_leaves_nothing(self) -> None:
        children = [self.monitored_sleeper() for _ in range(5)]
        kmodule.unload()
        self.assert_gone()
        for child in children:
            child.tell()
            child.wait_zombie()

    def test_unloading_while_the_tables_are_open_leaves_nothing(self) -> None:
        child = self.monitored_sleeper()
        paths = [proctracer.REPORT, SYSFS / "processes"]
        files = [os.open(path, os.O_RDONLY) for path in paths]
        for fd in files:
            self.assertEqual(len(os.read(fd, 1)), 1)
        kmodule.unload()
        self.assert_gone()
        for fd in files:
            self.assertNotEqual(device.outcome(os.pread, fd, 10, 0), "OK")
            os.close(fd)
        self.assertTrue(processes.threads(child.pid))

    def test_loading_again_starts_with_nothing_monitored(self) -> None:
        child = self.monitored_sleeper()
        kmodule.unload()
        kmodule.load()
        self.assertEqual(proctracer.rows(), {})
        self.assert_adding(child.pid, "OK")

    def test_unloading_while_threads_sleep_in_probed_functions(self) -> None:
        child = self.monitored(self.start(Child(sleep_in_many_threads)))
        child.tell()
        child.said()
        child.wait_parked()
        self.assertGreaterEqual(proctracer.row(child.pid).sched, SLEEPERS)
        self.assertEqual(int((SYSFS / "missed_samples").read_text()), 0)
        kmodule.unload()
        self.assert_gone()
        child.tell()
        child.wait_zombie()

    def test_unloading_while_a_process_works(self) -> None:
        steps = [Step("kmalloc", 4001, 24), Step("kfree", 4001), Step("schedule", 100_003)]
        with workload.threads(2, steps) as pids:
            for pid in pids:
                device.add(pid)
            workload.control("go")
            kmodule.unload()
            workload.await_phase("done", 2)
        self.assert_gone()

    def test_loading_and_unloading_many_times(self) -> None:
        kmodule.unload()
        for _ in range(7):
            kmodule.load()
            kmodule.unload()
        self.assert_gone()
