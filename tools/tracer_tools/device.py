"""/dev/tracer: which processes are monitored, and what became of them."""

from __future__ import annotations

import errno
import os
import select
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Callable, final

from tracer_tools import refusals
from tracer_tools.errors import RequestError
from tracer_tools.processes import MAX_PID
from tracer_tools.records import Record, parse_records
from tracer_tools.system import THIS_MACHINE, System
from tracer_tools.table import Row, snapshot

DEVICE = "/dev/tracer"
MAJOR, MINOR = 10, 42
# _IOW(_IOC_WRITE, 42, pid_t) and so on, as tracer.h has them. The PID is the argument itself.
ADD_PROCESS = 0x4004012A
REMOVE_PROCESS = 0x4004012B
ADD_TREE = 0x4004012C
REMOVE_ALL = 0x0000012D
HAS_PROCESS = 0x4004012E
READ_BYTES = 65536


@final
class Tracer:
    """/dev/tracer, held open; to be used in a ``with`` statement.

    Processes are added through it, and records of those that have ended are read from it. Closing
    it stops no monitoring: a process stays monitored until it is removed or ends; but the record
    of its end is then nobody's. The module cannot be unloaded while a Tracer is open.

    With asyncio: ``loop.add_reader(tracer.fileno(), callback)``, where the callback goes through
    ``tracer.ended(wait=False)`` and removes the reader once ``tracer.all_ended()``.

    Every method but `close` raises ValueError if the Tracer is closed.
    """

    def __init__(self, system: System = THIS_MACHINE) -> None:
        """Open the device. Raises DeviceError, whose hint says what mends it.

        `system` is where the device and all facts come from: another one is for tests.
        """
        self._system = system
        self._unread: deque[Record] = deque()
        try:
            self._descriptor = system.open(DEVICE)
        except OSError as error:
            raise refusals.no_device(DEVICE, error, system) from error

    def __enter__(self) -> Tracer:
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

    def fileno(self) -> int:
        """Return the descriptor, which is readable when a record waits, and when none ever will."""
        if self._descriptor < 0:
            raise ValueError("this Tracer is closed")
        return self._descriptor

    def add(self, pid: int, *, tree: bool = False) -> None:
        """Start to monitor a process, all its threads together, with all counters at 0.

        `pid` is the process in the caller's PID namespace, 1 to 2**31 - 1. With `tree`, every
        process that descends from it from then on is added when it is created.

        Raises RequestError with errno EINVAL (not a PID, or a thread that leads no process),
        ESRCH (no such process, or it has ended), EPERM (not the caller's to monitor), EEXIST
        (monitored already), ENOSPC (the limit is reached, of which the last sixteenth is for
        callers with CAP_SYS_RESOURCE), EBUSY (kprobes are off) or ENOMEM.
        """
        self._request(ADD_TREE if tree else ADD_PROCESS, pid, refusals.not_added)

    def remove(self, pid: int) -> None:
        """Stop to monitor a process; its row and its counters are gone, and it gets no record.

        `pid` is as for `add`. Raises RequestError with errno EINVAL, ESRCH (not monitored) or
        EPERM.
        """
        self._request(REMOVE_PROCESS, pid, refusals.not_removed)

    def remove_all(self) -> None:
        """Stop to monitor every process that was added here or descends from a tree of these.

        Each leaves a record with its counters up to that moment, whose `Record.running` is true.
        Raises DeviceError if the module is an older one.
        """
        try:
            self._system.ioctl(self.fileno(), REMOVE_ALL, 0)
        except OSError as error:
            raise refusals.not_understood(DEVICE, error) from error

    def has(self, pid: int) -> bool:
        """Return whether a process is monitored, and was added here or descends from a tree.

        `pid` is as for `add`. Raises RequestError with errno EINVAL or EPERM.
        """
        try:
            self._request(HAS_PROCESS, pid, refusals.refused)
        except RequestError as error:
            if error.errno == errno.ESRCH:
                return False
            raise
        return True

    def snapshot(self) -> list[Row]:
        """Return the row of every monitored process that the caller may see, whoever added it.

        `has` tells those that were added here from others. Raises DeviceError, FormatError.
        """
        return snapshot(self._system)

    def ended(self, *, wait: bool = True) -> Iterator[Record]:
        """Yield a record for each process added here, or of a tree, that has ended since.

        And for each that `remove_all` has removed. They come in the order in which they ended.
        With `wait`, this waits for the next one, and stops when none of these processes is left;
        without, it yields those that wait now. The kernel keeps 4096; what is lost if more wait,
        `Record.lost` says.

        Raises DeviceError if the device cannot be read, and FormatError.
        """
        while self._unread or self._read(wait=wait):
            yield self._unread.popleft()

    def all_ended(self) -> bool:
        """Return whether no process added here is monitored any more and no record waits."""
        return not self._unread and self._events() == select.POLLHUP

    def _read(self, *, wait: bool) -> bool:
        """Read records; return False if there is none (now, or any more)."""
        if not wait and not self._events() & select.POLLIN:
            return False
        try:
            data = os.read(self.fileno(), READ_BYTES)
        except OSError as error:
            raise refusals.no_records(DEVICE, error) from error
        self._unread.extend(parse_records(data))
        return bool(self._unread)

    def _events(self) -> int:
        """Return what poll(2) says of the device now."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        ready = poll.poll(0)
        return ready[0][1] if ready else 0

    def _request(
        self, request: int, pid: int, explain: Callable[[int, int, System], RequestError]
    ) -> None:
        if not 0 < pid <= MAX_PID:
            raise refusals.no_pid(pid)
        try:
            self._system.ioctl(self.fileno(), request, pid)
        except OSError as error:
            if error.errno == errno.ENOTTY:
                raise refusals.not_understood(DEVICE, error) from error
            raise explain(pid, error.errno or errno.EIO, self._system) from error


def add(pid: int, *, tree: bool = False) -> None:
    """Start to monitor a process. Raises DeviceError, and RequestError as `Tracer.add`."""
    with Tracer() as tracer:
        tracer.add(pid, tree=tree)


def remove(pid: int) -> None:
    """Stop to monitor a process. Raises DeviceError, and RequestError as `Tracer.remove`."""
    with Tracer() as tracer:
        tracer.remove(pid)
