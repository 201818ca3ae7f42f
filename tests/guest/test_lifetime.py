"""How long a process stays monitored, and which calls are its."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from pathlib import Path

import device
import processes
import proctracer
import waiting
from case import GuestTest
from processes import Child, Link

SYS_EXIT = 60 if os.uname().machine == "x86_64" else 93
READS = 211
LAST_PID = Path("/proc/sys/kernel/ns_last_pid")


def end_this_thread() -> None:
    """End the calling thread alone, as pthread_exit(3) does; Python goes on in the others."""
    ctypes.CDLL(None).syscall(SYS_EXIT, 0)


def outlive_leader(link: Link) -> None:
    """Answer from a second thread after the first has ended."""

    def answer() -> None:
        waiting.until(lambda: processes.state(os.getpid()) == "Z", "the leading thread has ended")
        link.send("leader ended")
        while link.receive() == "go":
            link.send("worked")
        os._exit(0)

    threading.Thread(target=answer).start()
    end_this_thread()


def read_often(link: Link) -> None:
    """Read a file of the kernel's, which costs an allocation or more each time."""
    link.receive()
    for _ in range(READS):
        Path("/proc/self/status").read_bytes()
    link.send("read")
    link.receive()


class End(GuestTest):
    def test_a_zombie_loses_its_row(self) -> None:
        child = self.monitored_sleeper()
        child.kill()
        child.wait_zombie()
        self.assertEqual(proctracer.rows(), {})

    def test_a_process_that_ends_by_itself_loses_its_row(self) -> None:
        child = self.monitored_sleeper()
        child.tell()
        child.wait_zombie()
        self.assertEqual(proctracer.rows(), {})

    def test_an_orphan_loses_its_row(self) -> None:
        def leave_an_orphan(link: Link) -> None:
            if os.fork() == 0:
                link.send(os.getpid())
                link.receive()
            os._exit(0)

        child = self.start(Child(leave_an_orphan))
        pid = child.said()
        device.add(pid)
        child.wait_zombie()
        child.tell()
        waiting.until(lambda: pid not in proctracer.rows(), "the orphan's row goes")

    def test_a_process_that_came_again_under_the_same_number_is_another(self) -> None:
        second = self.sleeper_of_a_number_that_was_monitored()
        self.assertEqual(proctracer.rows(), {})
        self.assert_removing(second.pid, "ESRCH")
        self.assert_adding(second.pid, "OK")

    def test_a_number_that_came_again_before_the_row_was_looked_at(self) -> None:
        for _ in range(5):
            second = self.sleeper_of_a_number_that_was_monitored()
            self.assert_adding(second.pid, "OK")
            device.remove(second.pid)

    def sleeper_of_a_number_that_was_monitored(self) -> Child:
        """Give a new process that has the number of one that is gone."""
        for _ in range(20):  # another task of the system may be quicker
            first = self.monitored_sleeper()
            first.kill()
            first.reap()
            for _ in range(5):  # the kernel may be late in giving it back
                LAST_PID.write_text(str(first.pid - 1), encoding="ascii")
                second = self.sleeper()
                if second.pid == first.pid:
                    return second
        return self.fail("no number came again")

    def test_a_number_comes_again_when_few_are_left(self) -> None:
        limit = Path("/proc/sys/kernel/pid_max")
        before = limit.read_text(encoding="ascii")
        self.addCleanup(limit.write_text, before, encoding="ascii")
        LAST_PID.write_text("400", encoding="ascii")  # below 300 no number is given twice
        first = self.monitored_sleeper()
        limit.write_text(str(first.pid + 20), encoding="ascii")
        first.kill()
        first.reap()
        for _ in range(int(limit.read_text(encoding="ascii"))):
            with processes.sleeper() as second:
                if second.pid == first.pid:
                    self.assertEqual(proctracer.rows(), {})
                    return
        self.fail(f"number {first.pid} did not come again")


class Exec(GuestTest):
    def exec_shell(self, link: Link) -> None:
        os.dup2(link.incoming, 0)
        os.dup2(link.outgoing, 1)
        os.execv("/bin/sh", ["sh", "-c", 'while read line; do echo "$line"; done'])

    def assert_still_counted(self, child: Child) -> None:
        child.wait_parked()
        before = proctracer.row(child.pid)
        child.tell()
        self.assertEqual(child.said(), "go")
        child.wait_parked()
        self.assertGreater(proctracer.row(child.pid).sched, before.sched)

    def test_a_process_stays_monitored_through_exec(self) -> None:
        def act(link: Link) -> None:
            link.receive()
            self.exec_shell(link)

        child = self.start(Child(act))
        child.wait_parked()
        self.monitored(child)
        self.assertEqual(proctracer.row(child.pid), proctracer.Counters())
        child.tell()
        child.tell("shell")
        self.assertEqual(child.said(), "shell")
        self.assert_still_counted(child)

    def test_a_process_stays_monitored_when_another_thread_calls_exec(self) -> None:
        def act(link: Link) -> None:
            link.receive()
            threading.Thread(target=self.exec_shell, args=(link,)).start()
            signal.pause()

        child = self.monitored(self.start(Child(act)))
        child.tell()
        child.tell("shell")
        self.assertEqual(child.said(), "shell")
        self.assertEqual(processes.threads(child.pid), [child.pid])
        self.assert_still_counted(child)

    def test_exec_keeps_what_was_counted_before(self) -> None:
        def act(link: Link) -> None:
            for _ in range(101):
                link.send(link.receive())
            self.exec_shell(link)

        child = self.monitored(self.start(Child(act)))
        for _ in range(101):
            child.tell()
            child.said()
        before = proctracer.row(child.pid)
        child.tell("shell")
        self.assertEqual(child.said(), "shell")
        self.assertGreaterEqual(proctracer.row(child.pid).kmalloc, before.kmalloc)
        self.assertGreaterEqual(before.sched, 1)


class Threads(GuestTest):
    def test_a_process_stays_monitored_after_its_leading_thread_ended(self) -> None:
        def act(link: Link) -> None:
            link.receive()
            outlive_leader(link)

        child = self.monitored(self.start(Child(act)))
        child.tell()
        self.assertEqual(child.said(), "leader ended")
        before = proctracer.row(child.pid)
        child.tell()
        self.assertEqual(child.said(), "worked")
        self.assertGreater(proctracer.row(child.pid).lock, before.lock)
        child.tell("end")
        child.wait_zombie()
        self.assertEqual(proctracer.rows(), {})

    def test_a_process_whose_leading_thread_ended_has_not_ended(self) -> None:
        child = self.start(Child(outlive_leader))
        self.assertEqual(child.said(), "leader ended")
        self.assert_adding(child.pid, "OK")
        before = proctracer.row(child.pid)
        child.tell()
        self.assertEqual(child.said(), "worked")
        self.assertGreater(proctracer.row(child.pid).lock, before.lock)
        self.assert_removing(child.pid, "OK")

    def test_a_thread_that_ends_takes_nothing_along(self) -> None:
        def act(link: Link) -> None:
            while link.receive() == "go":
                thread = threading.Thread(target=lambda: list(Path("/proc/self/fd").iterdir()))
                thread.start()
                thread.join()
                link.send("joined")

        child = self.monitored(self.start(Child(act)))
        last = proctracer.Counters()
        for _ in range(7):
            child.tell()
            child.said()
            child.wait_parked()
            now = proctracer.row(child.pid)
            for name in proctracer.NAMES:
                self.assertGreaterEqual(getattr(now, name), getattr(last, name), name)
            self.assertGreater(now.kmalloc, last.kmalloc)
            last = now


class Fork(GuestTest):
    def test_a_forked_child_is_not_monitored(self) -> None:
        def fork(link: Link) -> None:
            link.receive()
            with processes.sleeper() as child:
                link.send(child.pid)
                link.receive()

        parent = self.monitored(self.start(Child(fork)))
        parent.tell()
        child = parent.said()
        self.assertEqual(list(proctracer.rows()), [parent.pid])
        self.assert_removing(child, "ESRCH")

    def test_what_a_child_does_is_not_its_parents(self) -> None:
        def fork(link: Link) -> None:
            with Child(read_often) as child:
                link.send(child.pid)
                link.receive()
                child.tell()
                link.send(child.said())
                link.receive()

        parent = self.start(Child(fork))
        child = parent.said()
        device.add(child)
        device.add(parent.pid)
        parent.tell()
        self.assertEqual(parent.said(), "read")
        self.assertGreaterEqual(proctracer.row(child).kmalloc, READS)
        self.assertLess(proctracer.row(parent.pid).kmalloc, READS)
