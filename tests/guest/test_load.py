"""Loading: one line in the log, or fails whole with one line."""

from __future__ import annotations

import device
import ftrace
import kmodule
import kprobes
import proctracer
from case import DEBUGFS, SYSFS, GuestTest
from kmsg import KernelLog


class Load(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        kmodule.unload()
        self.addCleanup(self._reload)
        self.log = KernelLog()
        self.addCleanup(self.log.close)

    def assert_fails_whole(self, *parameters: str) -> str:
        """Check that the load fails and leaves nothing; give the line that it logged."""
        with self.assertRaises(kmodule.LoadError):
            kmodule.load(*parameters)
        self.assertFalse(kmodule.loaded())
        for path in (proctracer.REPORT, SYSFS, DEBUGFS):
            self.assertFalse(path.exists(), path)
        self.assertEqual((kprobes.kretprobes(), kprobes.traced()), ({}, set()))
        lines = self.log.of_tracer()
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def test_a_load_logs_one_line(self) -> None:
        kmodule.load()
        self.assertEqual(len(self.log.of_tracer()), 1, self.log.of_tracer())

    def test_an_unload_logs_nothing(self) -> None:
        kmodule.load()
        kmodule.unload()
        self.assertEqual(len(self.log.of_tracer()), 1, self.log.of_tracer())

    def test_a_taken_minor_makes_the_load_fail_whole(self) -> None:
        kmodule.load_built("tracer_minor42")
        try:
            line = self.assert_fails_whole()
        finally:
            kmodule.unload("tracer_minor42")
        self.assertIn("42", line)
        kmodule.load()

    def test_a_load_while_kprobes_are_switched_off(self) -> None:
        """Adding is refused then; so is a load that has to try out what the kernel does."""
        self.addCleanup(kprobes.SWITCH.write_text, "1", encoding="ascii")
        kprobes.SWITCH.write_text("0", encoding="ascii")
        if ftrace.kernel_has(ftrace.KVMALLOC):
            self.assertIn("switched off", self.assert_fails_whole())
        else:
            kmodule.load()
            self.assert_adding(self.sleeper().pid, "EBUSY")

    def test_a_load_by_ftrace_while_ftrace_is_switched_off_is_refused(self) -> None:
        self.addCleanup(ftrace.SWITCH.write_text, "1", encoding="ascii")
        if device.outcome(lambda: ftrace.SWITCH.write_text("0", encoding="ascii")) == "OK":
            self.assertIn("ftrace", self.assert_fails_whole("engine=ftrace"))
        else:
            self.assertGreaterEqual(ftrace.kernel_release(), (7, 0))

    def test_an_engine_that_there_is_not_is_refused(self) -> None:
        line = self.assert_fails_whole("engine=perf")
        self.assertIn("give kretprobe or ftrace", line)

    def test_a_limit_of_zero_is_refused(self) -> None:
        self.assertIn("max_processes", self.assert_fails_whole("max_processes=0"))

    def test_a_limit_beyond_all_bounds_is_refused(self) -> None:
        self.assertIn("max_processes", self.assert_fails_whole("max_processes=4294967295"))

    def test_a_table_of_no_blocks_is_refused(self) -> None:
        self.assertIn("tracked_blocks", self.assert_fails_whole("tracked_blocks=0"))
