"""Every allocation of every call made to fail in turn: it fails whole, or succeeds whole.

Run only where the kernel has fault injection. What leaks is found by kmemleak, afterwards.
"""

from __future__ import annotations

import lzma
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import device
import faults
import kmodule
import kprobes
import proctracer
import records
import waiting
import workload
from case import DEBUGFS, SYSFS, GuestTest
from faults import Attempt, Caller, Tally
from kmsg import KernelLog
from workload import Step

REFERENCES = Path("/sys/module/tracer/refcnt")
EXIT_STATUS = 7
# More than the end of a process allocates, which nobody can be asked for afterwards.
ALLOCATIONS_OF_EXIT = 32
ENOUGH = 3  # attempts that are amiss
WITHOUT_FTRACE = r"\bftrace_process_locs\+"


def number_in(path: Path) -> int:
    """Read a file that holds one number."""
    return int(path.read_text(encoding="ascii"))


class Faults(GuestTest):
    needs_faults = True

    def setUp(self) -> None:
        super().setUp()
        settings = faults.switched(faults.SETTINGS)
        settings.__enter__()
        self.addCleanup(settings.__exit__, None, None, None)
        self.caller = self.new_caller()

    def new_caller(self) -> Caller:
        caller = Caller()
        self.addCleanup(caller.__exit__, None, None, None)
        return caller

    def judge(
        self,
        what: str,
        attempts: Iterator[Attempt],
        check: Callable[[Attempt], object],
        *errnos: str,
    ) -> None:
        """Check attempts, each of which succeeds or fails with one of these errnos."""
        tally, amiss = Tally(what), []
        for attempt in attempts:
            tally.add(attempt)
            allowed = {"OK", *errnos} if attempt.failed else {"OK"}
            try:
                self.assertIn(attempt.outcome, allowed)
                check(attempt)
            except (AssertionError, OSError) as error:
                amiss.append(f"{attempt.nth} ({attempt.outcome}) of {attempt.stack}: {error}")
                if len(amiss) == ENOUGH:
                    break
        print(tally, flush=True)
        self.assertEqual(amiss, [])
        if errnos:  # else it may need no memory at all
            self.assertGreater(tally.tried, 0, "something was made to fail")

    def open_file(self) -> int:
        """Have the caller open the device."""
        return self.caller.open(device.NODE).result

    def adding(self, nth: int, pid: int, request: int = device.ADD_PROCESS) -> Attempt:
        """Add a process through a new file, which is closed again."""
        fd = self.open_file()
        attempt = self.caller.call(nth, faults.IOCTL, fd, request, pid)
        self.caller.close(fd)
        return attempt

    def assert_disarmed(self) -> None:
        waiting.until(kprobes.all_disarmed, "the probes are disarmed")

    def assert_monitored(self, *pids: int) -> None:
        """Check that these have a row, nobody else has, and the module counts as many."""
        self.assertEqual(list(proctracer.rows()), sorted(pids))
        self.assertEqual(number_in(SYSFS / "processes"), len(pids))

    def assert_counting(self) -> None:
        """Check that what is added now is counted, call for call."""
        with workload.threads(1, [Step("kmalloc", 101, 7)]) as (pid,):
            workload.add(pid)
            workload.go(1)
            self.assertEqual(workload.counted(pid).kmalloc, 101)


class Files(Faults):
    def test_opening_the_device_fails_whole(self) -> None:
        held = number_in(REFERENCES)
        attempts = faults.walk(lambda nth: self.caller.open(device.NODE, nth))

        def check(attempt: Attempt) -> None:
            self.assertEqual(number_in(REFERENCES), held + (attempt.outcome == "OK"))
            if attempt.outcome == "OK":
                self.caller.close(attempt.result)
            with device.opened():
                pass

        self.judge("open /dev/tracer", attempts, check, "ENOMEM", "EFAULT")

    def test_closing_the_device_needs_no_memory(self) -> None:
        held = number_in(REFERENCES)
        attempts = faults.walk(lambda nth: self.caller.close(self.open_file(), nth))

        def check(attempt: Attempt) -> None:
            self.assertEqual((attempt.outcome, number_in(REFERENCES)), ("OK", held))

        self.judge("close /dev/tracer", attempts, check)

    def test_opening_the_table_fails_whole(self) -> None:
        flags = os.O_RDONLY
        attempts = faults.walk(lambda nth: self.caller.open(proctracer.REPORT, nth, flags))

        def check(attempt: Attempt) -> None:
            if attempt.outcome == "OK":
                self.caller.close(attempt.result)
            self.assert_monitored()

        self.judge("open /proc/tracer", attempts, check, "ENOMEM", "EFAULT")

    def test_a_read_of_the_table_that_fails_can_be_repeated(self) -> None:
        pids = [self.monitored_sleeper().pid for _ in range(3)]
        size = 1 << 16
        fd = -1

        def read(nth: int) -> Attempt:
            nonlocal fd
            fd = self.caller.open(proctracer.REPORT, flags=os.O_RDONLY).result
            return self.caller.call(nth, faults.READ, fd, f":{size}", size)

        def check(attempt: Attempt) -> None:
            text = attempt.data
            while more := self.caller.call(0, faults.READ, fd, f":{size}", size).data:
                text += more
            self.caller.close(fd)
            self.assertEqual(list(proctracer.parse(text.decode())), sorted(pids))

        self.judge("read /proc/tracer", faults.walk(read), check, "ENOMEM", "EFAULT")


class Requests(Faults):
    def test_the_first_add_fails_whole_and_disarms(self) -> None:
        child = self.sleeper()
        attempts = faults.walk(lambda nth: self.adding(nth, child.pid))

        def check(attempt: Attempt) -> None:
            if attempt.outcome != "OK":
                self.assert_monitored()
                self.assert_disarmed()
                self.assert_adding(child.pid, "OK")
            self.assert_monitored(child.pid)
            self.assertEqual(set(kprobes.armed_says_tracer().values()), {True})
            device.remove(child.pid)
            self.assert_monitored()
            self.assert_disarmed()

        self.judge("ADD, the first one", attempts, check, "ENOMEM")
        self.assert_counting()

    def add_beside(self, what: str, request: int) -> None:
        other, child = self.monitored_sleeper(), self.sleeper()
        attempts = faults.walk(lambda nth: self.adding(nth, child.pid, request))

        def check(attempt: Attempt) -> None:
            if attempt.outcome != "OK":
                self.assert_monitored(other.pid)
                self.assert_adding(child.pid, "OK")
            self.assert_monitored(other.pid, child.pid)
            device.remove(child.pid)

        self.judge(what, attempts, check, "ENOMEM")
        self.assert_counting()

    def test_adding_another_process_fails_whole(self) -> None:
        self.add_beside("ADD beside others", device.ADD_PROCESS)

    def test_adding_a_tree_fails_whole(self) -> None:
        self.add_beside("ADD_TREE", device.ADD_TREE)

    def end_by(self, what: str, request: int) -> None:
        """Have one process added, and monitored no more by a request that needs no memory."""
        child = self.sleeper()

        def act(nth: int) -> Attempt:
            fd = self.open_file()
            self.caller.call(0, faults.IOCTL, fd, device.ADD_PROCESS, child.pid)
            argument = child.pid if request == device.REMOVE_PROCESS else 0
            attempt = self.caller.call(nth, faults.IOCTL, fd, request, argument)
            self.caller.close(fd)
            return attempt

        def check(attempt: Attempt) -> None:
            self.assertEqual(attempt.outcome, "OK")
            self.assert_monitored()
            self.assert_disarmed()

        self.judge(what, faults.walk(act), check)
        self.assert_counting()

    def test_removing_the_last_process_needs_no_memory(self) -> None:
        self.end_by("REMOVE of the last one", device.REMOVE_PROCESS)

    def test_removing_all_needs_no_memory(self) -> None:
        self.end_by("REMOVE_ALL", device.REMOVE_ALL)


class Trees(Faults):
    def setUp(self) -> None:
        super().setUp()
        self.fd = self.open_device(os.O_RDWR | os.O_NONBLOCK)
        records.add(self.fd, self.caller.pid, tree=True)

    def end(self, pid: int) -> None:
        """End a child of the caller and have it reaped."""
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.caller.call(0, faults.WAIT4, pid, 0, 0, 0).result, pid)

    def assert_ended(self, pid: int, status: int) -> None:
        """Check that the one record that waits is of this process, and nothing was lost."""
        (record,) = records.read(self.fd)
        self.assertEqual((record.pid, record.exit_status), (pid, status))
        self.assertEqual((record.lost, record.unfollowed), (0, 0))

    def test_a_child_of_a_tree_is_followed_or_is_not_there(self) -> None:
        missing = number_in(SYSFS / "unfollowed")
        attempts = faults.walk(lambda nth: self.caller.call(nth, faults.FORK))

        def check(attempt: Attempt) -> None:
            if attempt.outcome == "OK":
                self.assert_monitored(self.caller.pid, attempt.result)
                self.end(attempt.result)
                self.assert_ended(attempt.result, signal.SIGKILL)
            self.assert_monitored(self.caller.pid)

        self.judge("fork in a tree", attempts, check, "ENOMEM", "EAGAIN")
        self.assertEqual(number_in(SYSFS / "unfollowed"), missing)

    def test_a_process_leaves_its_record_when_there_is_no_memory(self) -> None:
        records.remove_all(self.fd)
        records.read(self.fd)
        for nth in range(1, ALLOCATIONS_OF_EXIT + 1):
            with Caller() as caller:
                records.add(self.fd, caller.pid)
                with self.assertRaises(EOFError):
                    caller.call(nth, faults.EXIT_GROUP, EXIT_STATUS)
                self.assertEqual(caller.ended(), EXIT_STATUS)
                self.assert_ended(caller.pid, EXIT_STATUS << 8)
        self.assert_monitored()


class Records(Faults):
    def test_a_read_of_a_record_that_fails_loses_none(self) -> None:
        size = records.LAYOUT.size
        ended = 0
        fd = self.open_file()

        def act(nth: int) -> Attempt:
            nonlocal ended
            with_record = self.sleeper()
            ended = with_record.pid
            self.caller.call(0, faults.IOCTL, fd, device.ADD_PROCESS, ended)
            with_record.kill()
            with_record.wait_zombie()
            return self.caller.call(nth, faults.READ, fd, f":{size}", size)

        def check(attempt: Attempt) -> None:
            again = self.caller.call(0, faults.READ, fd, f":{size}", size)
            (record,) = records.parse(attempt.data or again.data)
            self.assertEqual((record.pid, record.lost), (ended, 0))

        self.judge("read /dev/tracer", faults.walk(act), check, "EFAULT")


class Modules(Faults):
    """Loading and unloading, by system calls of their own."""

    def setUp(self) -> None:
        super().setUp()
        self.log = KernelLog()
        self.addCleanup(self.log.close)
        self.addCleanup(self._load_again)
        self.file = self.caller.open(self.plain_file(), flags=os.O_RDONLY).result
        kmodule.unload()

    def _load_again(self) -> None:
        if kmodule.loaded():
            kmodule.unload()
        kmodule.load()

    def plain_file(self) -> Path:
        """Give the file of the module that is installed, unpacked if need be."""
        command = ["modinfo", "--field=filename", "tracer"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        path = Path(done.stdout.strip())
        if path.suffix != ".xz":
            return path
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        unpacked = folder / path.stem
        unpacked.write_bytes(lzma.decompress(path.read_bytes()))
        return unpacked

    def assert_gone(self) -> None:
        """Check that nothing in the system is left of the module."""
        self.assertFalse(kmodule.loaded())
        for path in (proctracer.REPORT, SYSFS, DEBUGFS, device.NODE):
            self.assertFalse(path.exists(), path)
        misc = Path("/proc/misc").read_text(encoding="ascii")
        self.assertNotRegex(misc, r"(?m)^ *42 ")
        self.assertEqual((kprobes.kretprobes(), kprobes.traced()), ({}, set()))

    def assert_whole(self) -> None:
        """Check that the module can be used. Of debugfs the kernel says that it may be missing."""
        self.assert_monitored()
        misc = Path("/proc/misc").read_text(encoding="ascii")
        self.assertRegex(misc, r"(?m)^ *42 tracer$")

    def load(self, nth: int, engine: str) -> Attempt:
        return self.caller.call(nth, faults.FINIT_MODULE, self.file, f"=engine={engine}", 0)

    def load_by(self, engine: str) -> None:
        attempts = faults.walk(lambda nth: self.load(nth, engine))
        said = 0  # lines that were read

        def check(attempt: Attempt) -> None:
            nonlocal said
            lines = self.log.of_tracer()[said:]
            said += len(lines)
            if attempt.outcome == "ENOTSUP":
                # There the kernel goes on without ftrace in the module, which that engine needs.
                self.assertRegex(" ".join(attempt.stack), WITHOUT_FTRACE)
                self.assertEqual(engine, "ftrace")
            if attempt.outcome == "OK":
                self.assert_whole()
                kmodule.unload()
            elif attempt.is_ours:
                self.assertEqual(len(lines), 1, "it says why")
            else:
                self.assertLessEqual(len(lines), 1, lines)
            self.assert_gone()

        self.judge(f"load by {engine}", attempts, check, "ENOMEM", "EFAULT", "ENOTSUP")
        kmodule.load(f"engine={engine}")
        self.assert_counting()

    def test_loading_by_kretprobes_fails_whole(self) -> None:
        self.load_by("kretprobe")

    def test_loading_by_ftrace_fails_whole(self) -> None:
        self.load_by("ftrace")

    def unload_of(self, engine: str) -> None:
        child = self.sleeper()

        def act(nth: int) -> Attempt:
            self.load(0, engine)
            device.add(child.pid)
            return self.caller.call(nth, faults.DELETE_MODULE, "=tracer", os.O_NONBLOCK)

        def check(attempt: Attempt) -> None:
            if attempt.outcome != "OK":  # it could not read the name
                self.assert_monitored(child.pid)
                kmodule.unload()
            self.assert_gone()

        self.judge(f"unload of {engine}", faults.walk(act), check, "EFAULT")

    def test_unloading_with_kretprobes_needs_no_memory(self) -> None:
        self.unload_of("kretprobe")

    def test_unloading_with_ftrace_needs_no_memory(self) -> None:
        self.unload_of("ftrace")
