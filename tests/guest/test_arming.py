"""Probes are armed while something is monitored, and only then."""

from __future__ import annotations

from pathlib import Path

import device
import ftrace
import kprobes
import proctracer
import waiting
import workload
from case import GuestTest, engine
from workload import Step


class SwitchedOff(GuestTest):
    """Where the kernel counts nothing, nothing is monitored rather than shown as zero."""

    def assert_busy_while_off(self, switch: Path) -> None:
        child = self.sleeper()
        self.addCleanup(switch.write_text, "1", encoding="ascii")
        if device.outcome(lambda: switch.write_text("0", encoding="ascii")) == "OK":
            self.assert_adding(child.pid, "EBUSY")
            self.assertEqual(proctracer.rows(), {})
        else:
            # 7.3 always refuses: "the ftrace_enabled file no longer disables ftrace"; and older
            # kernels do for tracer's sake.
            self.assertEqual(switch, ftrace.SWITCH)
            if engine() != "ftrace":
                self.assertGreaterEqual(ftrace.kernel_release(), (7, 0))
        switch.write_text("1", encoding="ascii")
        self.assert_counting()

    def assert_counting(self) -> None:
        with workload.threads(1, [Step("kmalloc", 101, 7)]) as (pid,):
            workload.add(pid)
            workload.go(1)
            self.assertEqual(workload.counted(pid).kmalloc, 101)

    def test_kprobes_are_switched_off(self) -> None:
        self.assert_busy_while_off(kprobes.SWITCH)

    def test_function_tracing_is_switched_off(self) -> None:
        if kprobes.through_ftrace():
            self.assert_busy_while_off(ftrace.SWITCH)
            return
        # Breakpoints, as on arm64, have no need of it.
        self.addCleanup(ftrace.SWITCH.write_text, "1", encoding="ascii")
        ftrace.SWITCH.write_text("0", encoding="ascii")
        self.assert_counting()


class Arming(GuestTest):
    def assert_armed(self) -> None:
        """Check that every probe is armed by now."""
        self.assertEqual(set(kprobes.armed_says_tracer().values()), {True})
        self.assert_kernel_agrees()

    def assert_disarmed(self) -> None:
        """Check that every probe is disarmed soon: the end of a process is not the place for it."""
        waiting.until(kprobes.all_disarmed, "the probes are disarmed")
        self.assert_kernel_agrees()

    def assert_kernel_agrees(self) -> None:
        tracer, ways = kprobes.armed_says_tracer(), kprobes.by_what()
        kernel = kprobes.armed_says_kernel()
        known = {symbol: armed for symbol, armed in tracer.items() if ways[symbol] != "tracepoint"}
        self.assertEqual({symbol: kernel[symbol] for symbol in known}, known)

    def test_nothing_monitored_nothing_armed(self) -> None:
        self.assert_disarmed()

    def test_every_probe_is_registered_with_the_kernel(self) -> None:
        ways = kprobes.by_what()
        self.assertGreaterEqual(len(ways), 13)
        ours = {symbol for symbol, by in ways.items() if by == "kretprobe"}
        self.assertEqual(set(kprobes.kretprobes()), ours)
        if engine() == "kretprobe":
            self.assertEqual(ours, set(ways))

    def test_the_first_process_arms(self) -> None:
        self.monitored_sleeper()
        self.assert_armed()

    def test_removing_the_last_process_disarms(self) -> None:
        first, second = self.monitored_sleeper(), self.monitored_sleeper()
        device.remove(first.pid)
        self.assert_armed()
        device.remove(second.pid)
        self.assert_disarmed()

    def test_the_end_of_the_last_process_disarms(self) -> None:
        child = self.monitored_sleeper()
        self.assert_armed()
        child.kill()
        child.wait_zombie()
        self.assert_disarmed()

    def test_arming_again_counts_again(self) -> None:
        for _ in range(3):
            child = self.monitored_sleeper()
            self.assert_armed()
            child.tell()
            child.wait_zombie()
            self.assertEqual(proctracer.rows(), {})
            self.assert_disarmed()

    def test_adding_at_once_after_the_last_end_counts(self) -> None:
        for _ in range(5):
            last = self.monitored_sleeper()
            next_one = self.sleeper()
            last.kill()
            last.wait_zombie()
            device.add(next_one.pid)
            self.assert_armed()
            device.remove(next_one.pid)

    def test_a_task_that_never_schedules_by_itself_holds_up_nobody(self) -> None:
        """To take an ops from ftrace would wait for such a task, with the lock of ADD held."""
        with workload.threads(1, [Step("pause_rudely", 1)]):
            workload.control("go")
            workload.await_phase("parked", 1)
            for _ in range(3):
                child = self.monitored_sleeper()
                self.assertEqual(set(kprobes.armed_says_tracer().values()), {True})
                device.remove(child.pid)
                # The kernel's own list has those of the workload, too.
                self.assertEqual(set(kprobes.armed_says_tracer().values()), {False})
