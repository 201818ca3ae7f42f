"""tracerctl with a device that is a pipe: for how commands are run, not for what is counted.

Every process counts as 2 calls of kmalloc and 1 of each other kind. A record is written when
tracerctl itself takes notice of the end of a child; those that others wait for have none.
"""

from __future__ import annotations

import errno
import os
import select
import sys
import threading
import time
from functools import partial
from pathlib import Path

from tracer_tools.ctl import cli
from tracer_tools.ctl.attach import attach
from tracer_tools.ctl.live import Top
from tracer_tools.ctl.run import run
from tracer_tools.device import DEVICE, REMOVE_PROCESS
from tracer_tools.module import VALUES
from tracer_tools.processes import origin
from tracer_tools.records import IN_TREE, LAYOUT
from tracer_tools.system import System
from tracer_tools.table import COLUMNS, COUNTERS, TABLE

COUNTED = (2, *[1] * (len(COUNTERS) - 1))


class StandIn(System):
    """This machine, but for the device and the table."""

    def __init__(self) -> None:
        super().__init__()
        self.writer = -1
        already = os.environ.get("STAND_IN_MONITORED", "").split()
        self.added: dict[int, int] = dict.fromkeys(map(int, already), time.monotonic_ns())
        self.removed: set[int] = set()
        self.tree = False
        self.lock = threading.Lock()

    def read(self, name: str) -> str:
        if name == TABLE:
            counted = self.counted()
            pids = filter(self.runs, sorted(self.alive()))
            rows = [" ".join(map(str, [pid, *counted])) for pid in pids]
            return "\n".join([" ".join(COLUMNS), *rows, ""])
        if name == f"{VALUES}/missed_samples":
            return os.environ.get("STAND_IN_MISSED", "0") if self.added else "0"
        return super().read(name)

    def counted(self) -> list[int]:
        """Return what each process has counted: more over time, if that is wanted."""
        times = int(time.monotonic() * 1000) if "STAND_IN_GROWS" in os.environ else 1
        return [number * times for number in COUNTED]

    def open(self, name: str) -> int:
        if name != DEVICE or "STAND_IN_CLOSED" in os.environ:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        reader, self.writer = os.pipe()
        return reader

    def ioctl(self, descriptor: int, request: int, argument: int) -> None:
        number = int(os.environ.get("STAND_IN_ERRNO", "0"))
        if request == REMOVE_PROCESS:
            number = 0 if argument in self.alive() else errno.ESRCH
        elif argument in self.added:
            number = errno.EEXIST
        if number:
            raise OSError(number, os.strerror(number))
        if request == REMOVE_PROCESS:
            self.removed.add(argument)
        else:
            os.kill(argument, 0)
            self.added[argument] = time.monotonic_ns()
            if "STAND_IN_GARBAGE" in os.environ:
                os.write(self.writer, b"garbage")
            self.tree = request & 0xFF == 44
            whence = origin(argument, self)
            if whence and whence.parent != os.getpid():
                threading.Thread(target=self.wait_for, args=[argument], daemon=True).start()
        self.close_if_done()

    def alive(self) -> set[int]:
        """Return what has no record yet of what was added and, with trees, descends from us."""
        found = {int(file.name) for file in Path("/proc").iterdir() if file.name.isdigit()}
        found = {pid for pid in found if self.added.keys() & self.ancestry(pid)}
        return found - self.removed

    def ancestry(self, pid: int) -> set[int]:
        """Return the process, and its ancestors if there are trees; orphans come from any."""
        pids = [pid]
        while self.tree and pids[-1] > 1 and (whence := origin(pids[-1], self)):
            pids.append(whence.parent)
        orphan = os.getpid() in pids and pid != os.getpid() and pid not in self.added
        return {*pids, *(self.added if orphan else [])}

    def runs(self, pid: int) -> bool:
        try:
            return super().read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    def reap(self) -> list[tuple[int, int]]:
        ended = super().reap()
        for pid, status in ended:
            self.record(pid, status)
        self.close_if_done()
        return ended

    def wait_for(self, pid: int) -> None:
        """Write the record of a process that is not our child."""
        descriptor = os.pidfd_open(pid)
        select.select([descriptor], [], [])
        if pid not in self.removed:
            self.record(pid, 0)
            self.close_if_done()

    def record(self, pid: int, status: int) -> None:
        if self.writer < 0 or pid in self.removed or not (pid in self.added or self.tree):
            return
        added, ended = self.added.get(pid, time.monotonic_ns() - 10**9), time.monotonic_ns()
        flags = 0 if pid in self.added else IN_TREE
        lost = int(os.environ.get("STAND_IN_LOST", "0"))
        fields = (LAYOUT.size, flags, pid, 1, status, 0, lost, b"name", added, ended, 0, *COUNTED)
        os.write(self.writer, LAYOUT.pack(*fields))
        self.removed.add(pid)

    def close_if_done(self) -> None:
        with self.lock:
            if self.writer >= 0 and not self.alive():
                os.close(self.writer)
                self.writer = -1


if __name__ == "__main__":
    machine = StandIn()
    vars(cli)["run"] = partial(run, system=machine)
    vars(cli)["Top"] = partial(Top, system=machine)
    vars(cli)["attach"] = partial(attach, system=machine)
    sys.exit(cli.main())
