"""/dev/tracer: which processes are monitored."""

from __future__ import annotations

import errno
import os
from types import TracebackType
from typing import Callable, final

from tracer_tools import refusals
from tracer_tools.errors import RequestError
from tracer_tools.processes import MAX_PID
from tracer_tools.system import THIS_MACHINE, System

DEVICE = "/dev/tracer"
MAJOR, MINOR = 10, 42
# _IOW(_IOC_WRITE, 42, pid_t) and 43, as tracer.h has them. The PID is the argument itself.
ADD_PROCESS = 0x4004012A
REMOVE_PROCESS = 0x4004012B


@final
class Device:
    """/dev/tracer, held open; to be used in a ``with`` statement.

    Closing it stops no monitoring: a process stays monitored until it is removed or ends.
    The module cannot be unloaded while a Device is open.
    """

    def __init__(self, system: System = THIS_MACHINE) -> None:
        """Open the device. Raises DeviceError, whose hint says what mends it."""
        self._system = system
        try:
            self._descriptor = system.open(DEVICE)
        except OSError as error:
            raise refusals.no_device(DEVICE, error, system) from error

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the device; closing it again does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def add(self, pid: int) -> None:
        """Start to monitor a process, all its threads together, with all counters at 0.

        `pid` is the process in the caller's PID namespace, 1 to 2**31 - 1.

        Raises RequestError with errno EINVAL (not a PID, or a thread that leads no process),
        ESRCH (no such process, or it has ended), EPERM (not the caller's to monitor), EEXIST
        (monitored already), ENOSPC (the limit is reached) or ENOMEM.
        """
        self._request(ADD_PROCESS, pid, refusals.not_added)

    def remove(self, pid: int) -> None:
        """Stop to monitor a process; its row and its counters are gone.

        `pid` is as for `add`. Raises RequestError with errno EINVAL, ESRCH (not monitored) or
        EPERM.
        """
        self._request(REMOVE_PROCESS, pid, refusals.not_removed)

    def _request(
        self, request: int, pid: int, explain: Callable[[int, int, System], RequestError]
    ) -> None:
        if not 0 < pid <= MAX_PID:
            raise refusals.no_pid(pid)
        try:
            self._system.ioctl(self._descriptor, request, pid)
        except OSError as error:
            raise explain(pid, error.errno or errno.EIO, self._system) from error


def add(pid: int) -> None:
    """Start to monitor a process. Raises DeviceError, and RequestError as `Device.add`."""
    with Device() as device:
        device.add(pid)


def remove(pid: int) -> None:
    """Stop to monitor a process. Raises DeviceError, and RequestError as `Device.remove`."""
    with Device() as device:
        device.remove(pid)
