"""What TRACER_REMOVE_PROCESS answers, and every request that is neither."""

from __future__ import annotations

import fcntl
import os
import signal
import threading

import device
import processes
import proctracer
from case import GuestTest

BEYOND_EVERY_PID = 4_194_304


class Remove(GuestTest):
    def test_a_monitored_process_loses_its_row(self) -> None:
        stays = self.monitored_sleeper()
        goes = self.monitored_sleeper()
        self.assert_removing(goes.pid, "OK")
        self.assertEqual(list(proctracer.rows()), [stays.pid])

    def test_zero_is_no_pid(self) -> None:
        self.assert_removing(0, "EINVAL")

    def test_a_negative_number_is_no_pid(self) -> None:
        self.assert_removing(-1, "EINVAL")

    def test_a_thread_that_leads_no_process_is_refused(self) -> None:
        child = self.monitored_sleeper(threading.Thread(target=signal.pause, daemon=True).start)
        other = processes.threads(child.pid)[1]
        self.assert_removing(other, "EINVAL")
        self.assertIn(child.pid, proctracer.rows())

    def test_a_process_that_is_not_monitored(self) -> None:
        self.assert_removing(self.sleeper().pid, "ESRCH")

    def test_a_process_is_removed_only_once(self) -> None:
        child = self.monitored_sleeper()
        device.remove(child.pid)
        self.assert_removing(child.pid, "ESRCH")

    def test_a_number_that_no_process_has(self) -> None:
        self.assert_removing(BEYOND_EVERY_PID, "ESRCH")

    def test_a_zombie_is_monitored_no_more(self) -> None:
        child = self.monitored_sleeper()
        child.kill()
        child.wait_zombie()
        self.assert_removing(child.pid, "ESRCH")


class OtherRequests(GuestTest):
    def assert_no_such_request(self, number: int) -> None:
        pid = os.getpid()
        self.assert_outcome("ENOTTY", device.request, number, pid)
        self.assertEqual(proctracer.rows(), {})

    def test_the_next_number_is_unknown(self) -> None:
        self.assert_no_such_request(device.REMOVE_PROCESS + 2)

    def test_the_number_before_is_unknown(self) -> None:
        self.assert_no_such_request(device.ADD_PROCESS - 1)

    def test_the_right_number_with_another_size_is_unknown(self) -> None:
        self.assert_no_such_request(0x4008012A)

    def test_the_right_number_with_another_type_is_unknown(self) -> None:
        self.assert_no_such_request(0x4004022A)

    def test_the_right_number_with_the_other_direction_is_unknown(self) -> None:
        self.assert_no_such_request(0x8004012A)

    def test_a_bare_number_is_unknown(self) -> None:
        self.assert_no_such_request(42)

    def test_a_terminal_request_is_unknown(self) -> None:
        with device.opened() as fd:
            self.assertFalse(os.isatty(fd))
            self.assert_outcome("ENOTTY", fcntl.ioctl, fd, 0x5401, bytes(64))
