"""The kernel refuses to probe a symbol, each in turn: to load or to add fails whole."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import device
import ftrace
import kmodule
import kprobes
import proctracer
import refusing
import waiting
import workload
from case import DEBUGFS, SYSFS, GuestTest, engine
from kmsg import KernelLog
from refusing import Refusal
from workload import Step

# Where an ops of the engine ftrace rests.
IDLE = "never_called [tracer]"
# Those of processes, and one that both engines listen to.
TRACEPOINTS = ("sched_process_fork", "sched_process_exit", "kfree")
FEW = 3


class Refused(GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.ways = kprobes.by_what()
        self.engine = engine()
        self.log = KernelLog()
        self.addCleanup(self.log.close)
        self.addCleanup(self._load_unless_loaded)

    def _load_unless_loaded(self) -> None:
        if not kmodule.loaded():
            kmodule.load()

    @contextmanager
    def refusing(self, function: str) -> Iterator[Refusal]:
        """Have a function refuse what it is told to; afterwards tracer works as before."""
        with refusing.by(function) as refusal:
            yield refusal
        self._load_unless_loaded()
        self.assertEqual(kprobes.by_what(), self.ways)
        with workload.threads(1, [Step("kmalloc", 101, 7)]) as (pid,):
            workload.add(pid)
            self.assertEqual(set(kprobes.armed_says_tracer().values()), {True})
            workload.go(1)
            self.assertEqual(workload.counted(pid).kmalloc, 101)

    def symbols(self, way: str) -> list[str]:
        """Give the symbols that are probed in that way."""
        return [symbol for symbol, by in self.ways.items() if by == way]

    def setting_filters(self) -> str:
        """Give the function that sets all addresses of an ops, where the kernel has one."""
        several = "ftrace_set_filter_ips"
        return several if ftrace.kernel_has(several) else "ftrace_set_filter_ip"


class Load(Refused):
    def assert_fails_whole(self, function: str) -> str:
        """Check that a load fails and leaves nothing; give the one line that it logged."""
        before = len(self.log.of_tracer())
        with self.assertRaises(kmodule.LoadError):
            kmodule.load()
        self.assertFalse(kmodule.loaded())
        for path in (proctracer.REPORT, SYSFS, DEBUGFS):
            self.assertFalse(path.exists(), path)
        self.assertLessEqual({*kprobes.kretprobes(), *kprobes.traced()}, {function})
        lines = self.log.of_tracer()[before:]
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def assert_each_refused(self, function: str, symbols: list[str]) -> None:
        kmodule.unload()
        with self.refusing(function) as refusal:
            for symbol in symbols:
                with self.subTest(f"{function} of {symbol}"):
                    refusal.tell(symbol)
                    self.assertRegex(self.assert_fails_whole(function), rf"\b{symbol}\b.*-22")
                    refusal.tell(symbol, errno.ENOMEM)
                    self.assertRegex(self.assert_fails_whole(function), rf"\b{symbol}\b")
            refusal.rest()

    def test_each_symbol_that_gets_a_return_probe_is_refused_in_turn(self) -> None:
        self.assert_each_refused("register_kretprobe", self.symbols("kretprobe"))

    def test_each_symbol_that_gets_a_probe_is_refused_in_turn(self) -> None:
        """That is what a return probe is made of, and what finds where ftrace calls from."""
        heads = [*self.symbols("ftrace"), *self.symbols("kretprobe")]
        self.assert_each_refused("register_kprobe", heads)

    def test_a_function_whose_only_symbol_the_kernel_does_not_have(self) -> None:
        kmodule.unload()
        with self.refusing("register_kprobe") as refusal:
            refusal.tell("up", errno.ENOENT)
            self.assertIn("serves up", self.assert_fails_whole("register_kprobe"))
            refusal.rest()

    def test_a_place_to_rest_is_refused(self) -> None:
        function = "register_kprobe"
        kmodule.unload()
        with self.refusing(function) as refusal:
            refusal.tell(IDLE)
            if self.engine == "ftrace":
                self.assertIn("ftrace", self.assert_fails_whole(function))
            else:
                kmodule.load()
                self.assertEqual(refusal.left(), refusing.FOR_EVER)
            refusal.rest()


class Arming(Refused):
    def assert_each_refused(self, function: str, symbols: list[str]) -> None:
        """Check that ADD fails whole when it needs one of these, and works afterwards."""
        child = self.sleeper()
        with self.refusing(function) as refusal:
            for symbol in symbols:
                with self.subTest(f"{function} of {symbol}"):
                    refusal.tell(symbol, errno.ENOMEM)
                    self.assert_adding(child.pid, "ENOMEM")
                    self.assertLess(refusal.left(), refusing.FOR_EVER)
                    self.assertEqual(proctracer.rows(), {})
                    self.assert_disarmed()
            refusal.rest()
            self.assert_adding(child.pid, "OK")
            device.remove(child.pid)
        self.assertEqual(self.log.of_tracer(), [])

    def assert_disarmed(self) -> None:
        waiting.until(kprobes.all_disarmed, "the probes are disarmed")

    def test_each_probe_is_refused_to_be_armed_in_turn(self) -> None:
        self.assert_each_refused("enable_kprobe", self.symbols("kretprobe"))

    def test_each_tracepoint_is_refused_in_turn(self) -> None:
        self.assert_each_refused("tracepoint_probe_register", list(TRACEPOINTS))

    def test_the_functions_of_ftrace_are_refused(self) -> None:
        first = self.symbols("ftrace")[:1]
        self.assert_each_refused(self.setting_filters(), first)

    def disarming(self) -> list[tuple[str, str]]:
        """Give what disarms, and what it is asked for then: first, last and at rest."""
        probes = self.symbols("kretprobe")
        ways = [("disable_kprobe", probe) for probe in (probes[0], probes[-1])]
        return ways + ([("ftrace_set_filter_ip", IDLE)] if self.engine == "ftrace" else [])

    def test_what_cannot_be_disarmed_yet_is_disarmed_later(self) -> None:
        child = self.sleeper()
        for function, symbol in self.disarming():
            with self.subTest(f"{function} of {symbol}"), self.refusing(function) as refusal:
                self.assert_adding(child.pid, "OK")
                refusal.tell(symbol, errno.ENOMEM, FEW)
                self.assert_removing(child.pid, "OK")
                self.assertEqual(proctracer.rows(), {})
                self.assert_disarmed()
                self.assertEqual(refusal.left(), 0)

    def test_what_cannot_be_disarmed_yet_holds_up_an_unload(self) -> None:
        child = self.sleeper()
        for function, symbol in self.disarming():
            with self.subTest(f"{function} of {symbol}"), self.refusing(function) as refusal:
                self.assert_adding(child.pid, "OK")
                refusal.tell(symbol, errno.ENOMEM, FEW)
                kmodule.unload()
                self.assertEqual(refusal.left(), 0)
                self.assertLessEqual({*kprobes.kretprobes(), *kprobes.traced()}, {function})
