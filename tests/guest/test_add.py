"""What TRACER_ADD_PROCESS answers, one thing wrong at a time."""

from __future__ import annotations

import os
import signal
import threading

import device
import processes
import proctracer
from case import GuestTest
from processes import Child, Link

BEYOND_EVERY_PID = 4_194_304
SMALL_LIMIT = 3


def echo(link: Link) -> None:
    """Say again what is said, to the end."""
    while True:
        link.send(link.receive())


class Add(GuestTest):
    def test_a_process_gets_a_row_of_zeros(self) -> None:
        child = self.sleeper()
        child.wait_parked()
        self.assert_adding(child.pid, "OK")
        self.assertEqual(proctracer.rows(), {child.pid: proctracer.Counters()})

    def test_zero_is_no_pid(self) -> None:
        self.assert_adding(0, "EINVAL")

    def test_a_negative_number_is_no_pid(self) -> None:
        self.assert_adding(-1, "EINVAL")

    def test_the_lowest_number_is_no_pid(self) -> None:
        self.assert_adding(-(2**31), "EINVAL")

    def test_a_thread_that_leads_no_process_is_refused(self) -> None:
        child = self.sleeper(threading.Thread(target=signal.pause, daemon=True).start)
        leader, other = processes.threads(child.pid)
        self.assertEqual(leader, child.pid)
        self.assert_adding(other, "EINVAL")

    def test_a_number_that_no_process_has(self) -> None:
        self.assert_adding(BEYOND_EVERY_PID, "ESRCH")

    def test_the_highest_number_is_a_number_that_no_process_has(self) -> None:
        self.assert_adding(2**31 - 1, "ESRCH")

    def test_a_zombie_has_ended(self) -> None:
        child = self.sleeper()
        child.kill()
        child.wait_zombie()
        self.assert_adding(child.pid, "ESRCH")

    def test_a_process_that_was_reaped_has_ended(self) -> None:
        child = self.sleeper()
        child.kill()
        child.reap()
        self.assert_adding(child.pid, "ESRCH")

    def test_a_monitored_process_exists_already(self) -> None:
        child = self.monitored_sleeper()
        self.assert_adding(child.pid, "EEXIST")
        self.assertEqual(list(proctracer.rows()), [child.pid])

    def test_adding_again_after_removing_starts_from_zero(self) -> None:
        child = self.monitored(self.start(Child(echo)))
        child.tell()
        child.said()
        self.assertNotEqual(proctracer.row(child.pid), proctracer.Counters())
        device.remove(child.pid)
        child.wait_parked()
        self.assert_adding(child.pid, "OK")
        self.assertEqual(proctracer.row(child.pid), proctracer.Counters())

    def test_the_limit_is_reached(self) -> None:
        self.reload(f"max_processes={SMALL_LIMIT}")
        children = [self.monitored_sleeper() for _ in range(SMALL_LIMIT)]
        one_more = self.sleeper()
        self.assert_adding(one_more.pid, "ENOSPC")
        self.assertEqual(list(proctracer.rows()), sorted(child.pid for child in children))

    def test_removing_makes_room_under_the_limit(self) -> None:
        self.reload(f"max_processes={SMALL_LIMIT}")
        children = [self.monitored_sleeper() for _ in range(SMALL_LIMIT)]
        device.remove(children[1].pid)
        self.assert_adding(self.sleeper().pid, "OK")

    def test_an_end_makes_room_under_the_limit(self) -> None:
        self.reload(f"max_processes={SMALL_LIMIT}")
        children = [self.monitored_sleeper() for _ in range(SMALL_LIMIT)]
        children[0].kill()
        children[0].wait_zombie()
        self.assert_adding(self.sleeper().pid, "OK")

    def test_at_the_limit_a_monitored_process_still_exists_already(self) -> None:
        self.reload("max_processes=1")
        child = self.monitored_sleeper()
        self.assert_adding(child.pid, "EEXIST")

    def test_init_can_be_monitored(self) -> None:
        self.assert_adding(1, "OK")
        self.assert_removing(1, "OK")

    def test_a_kernel_thread_can_be_monitored(self) -> None:
        self.assert_adding(2, "OK")
        self.assert_removing(2, "OK")

    def test_the_caller_can_be_monitored(self) -> None:
        self.assert_adding(os.getpid(), "OK")
        before = proctracer.row(os.getpid())
        after = proctracer.row(os.getpid())
        device.remove(os.getpid())
        self.assertGreater(after.kmalloc, before.kmalloc)

    def test_a_node_opened_read_only_is_enough(self) -> None:
        child = self.sleeper()
        device.request(device.ADD_PROCESS, child.pid, os.O_RDONLY)
        self.assertIn(child.pid, proctracer.rows())
        device.request(device.REMOVE_PROCESS, child.pid, os.O_RDONLY)
        self.assertEqual(proctracer.rows(), {})

    def test_closing_the_device_removes_nothing(self) -> None:
        child = self.sleeper()
        processes.ask(lambda: device.add(child.pid))
        self.assertIn(child.pid, proctracer.rows())
