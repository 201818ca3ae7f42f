"""What every test of the module starts from and must leave behind."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Callable

import device
import kmodule
import proctracer
import waiting
from processes import Child, sleeper

SYSFS = Path("/sys/class/misc/tracer")
DEBUGFS = Path("/sys/kernel/debug/tracer")


def always_ready() -> None:
    """Prepare nothing."""


def engine() -> str:
    """Say which engine the loaded module uses: kretprobe, or ftrace."""
    return (SYSFS / "engine").read_text(encoding="ascii").strip()


class GuestTest(unittest.TestCase):
    """Module tracer is loaded; nothing is monitored before a test, and nothing may be after."""

    maxDiff = None
    changes_the_kernel = False  # until the next boot, so that it comes after the others
    needs_faults = False  # of fault injection: run only where the kernel has it

    def setUp(self) -> None:
        if not kmodule.loaded():
            kmodule.load()
        self.addCleanup(self._assert_nothing_monitored)

    def _assert_nothing_monitored(self) -> None:
        if not kmodule.loaded():
            return
        try:
            waiting.until(lambda: not proctracer.rows(), "all that the test monitored has ended")
        except waiting.NeverCameTrueError:
            kmodule.unload()  # the next test is not to suffer
            raise

    def start(self, child: Child) -> Child:
        """Have a child ended and reaped when the test is over."""
        self.addCleanup(child.__exit__, None, None, None)
        return child

    def sleeper(self, prepare: Callable[[], object] = always_ready) -> Child:
        """Give a process that waits until the test is over."""
        return self.start(sleeper(prepare))

    def monitored(self, child: Child) -> Child:
        """Add a process."""
        device.add(child.pid)
        return child

    def monitored_sleeper(self, prepare: Callable[[], object] = always_ready) -> Child:
        """Give a process that waits and has a row."""
        return self.monitored(self.sleeper(prepare))

    def open_device(self, flags: int) -> int:
        """Give a file of the device that is closed when the test is over."""
        opened = device.opened(flags)
        self.addCleanup(opened.__exit__, None, None, None)
        return opened.__enter__()

    def open_node_to_all(self) -> None:
        """Let every user open the node until the test is over."""
        opened = device.open_to_all()
        opened.__enter__()
        self.addCleanup(opened.__exit__, None, None, None)

    def reload(self, *parameters: str) -> None:
        """Load the module anew with parameters, and as it was when the test is over."""
        self.addCleanup(self._reload)
        kmodule.unload()
        kmodule.load(*parameters)

    def _reload(self) -> None:
        if kmodule.loaded():
            kmodule.unload()
        kmodule.load()

    def assert_outcome(self, expected: str, act: Callable[..., object], *arguments: object) -> None:
        """Check that the call succeeds ("OK") or fails with the errno of that name."""
        self.assertEqual(device.outcome(act, *arguments), expected)

    def assert_adding(self, pid: int, expected: str) -> None:
        """Check what ADD of this number says."""
        self.assert_outcome(expected, device.add, pid)

    def assert_removing(self, pid: int, expected: str) -> None:
        """Check what REMOVE of this number says."""
        self.assert_outcome(expected, device.remove, pid)

    def await_rows_grow(self, pid: int) -> None:
        """Return once the process has called schedule() again."""
        before = proctracer.row(pid).sched
        waiting.until(lambda: proctracer.row(pid).sched > before, f"sched of {pid} grows")

    @staticmethod
    def missed() -> int:
        """Give how many samples the kernel could not take since the module was loaded."""
        return int((SYSFS / "missed_samples").read_text(encoding="ascii"))
