"""tracerctl with a device that is a pipe: for how commands are run, not for what is counted.

Every process counts as 2 calls of kmalloc and 1 of each other kind. What was added has a record
when it ends; of its descendants, which are known by a variable in their environment, only those
that still run when a command has ended, or when nothing is to be monitored any more.
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
from tracer_tools.device import ADD_TREE, DEVICE, HAS_PROCESS, REMOVE_ALL, REMOVE_PROCESS
from tracer_tools.module import VALUES
from tracer_tools.processes import command_name, find_process, origin
from tracer_tools.recording import cli as recording
from tracer_tools.records import IN_TREE, LAYOUT, RUNNING
from tracer_tools.system import System
from tracer_tools.table import COLUMNS, COUNTERS, TABLE

COUNTED = (2, *[1] * (len(COUNTERS) - 1))
TREE = "STAND_IN_TREE"


class StandIn(System):
    """This machine, but for the device and the table."""

    def __init__(self) -> None:
        super().__init__()
        self.writer = -1
        already = os.environ.get("STAND_IN_MONITORED", "").split()
        self.added: dict[int, int] = dict.fromkeys(map(int, already), time.monotonic_ns())
        self.recorded: set[int] = set()
        self.watched: set[int] = set()
        self.mark = f"{TREE}={os.environ.setdefault(TREE, str(os.getpid()))}"
        self.tree = False
        self.lock = threading.RLock()

    def read(self, name: str) -> str:
        if name == TABLE:
            counted = self.counted()
            rows = [" ".join(map(str, [pid, *counted])) for pid in self.monitored()]
            return "\n".join([" ".join(COLUMNS), *rows, ""])
        if name == f"{VALUES}/missed_samples":
            return os.environ.get("STAND_IN_MISSED", "0") if self.added else "0"
        if name == f"{VALUES}/unfollowed":
            return "0"
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
        number = self.refusal(request, argument)
        if number:
            raise OSError(number, os.strerror(number))
        if request == REMOVE_ALL:
            for pid in self.monitored():
                self.record(pid, 0, RUNNING)
        elif request == REMOVE_PROCESS:
            self.recorded.add(argument)
        elif request != HAS_PROCESS:
            self.tree = request == ADD_TREE
            self.added[argument] = time.monotonic_ns()
            if "STAND_IN_GARBAGE" in os.environ:
                os.write(self.writer, b"garbage")
            whence = origin(argument, self)
            if whence and whence.parent != os.getpid():
                self.watch(argument)
            else:
                self.watched.add(argument)  # by reap()
        self.close_if_done()

    def refusal(self, request: int, pid: int) -> int:
        """Return the errno that answers a request, or 0."""
        if request == REMOVE_ALL:
            return errno.ENOTTY if "STAND_IN_OLD" in os.environ else 0
        if request in {REMOVE_PROCESS, HAS_PROCESS}:
            return 0 if pid in self.monitored() else errno.ESRCH
        if pid in self.added:
            return errno.EEXIST
        if find_process(pid, self) is None:
            return errno.ESRCH
        return int(os.environ.get("STAND_IN_ERRNO", "0"))

    def monitored(self) -> list[int]:
        """Return what runs and was added or, with trees, descends from that; and has no record."""
        pids = sorted(int(file.name) for file in Path("/proc").iterdir() if file.name.isdigit())
        ours = [pid for pid in pids if pid in self.added or (self.tree and self.is_marked(pid))]
        return [pid for pid in ours if pid not in self.recorded and self.runs(pid)]

    def is_marked(self, pid: int) -> bool:
        try:
            text = self.path(f"/proc/{pid}/environ").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return self.mark in text.split("\0") and pid != os.getpid()

    def runs(self, pid: int) -> bool:
        process = find_process(pid, self)
        return process is not None and not process.zombie

    def reap(self, pid: int) -> int | None:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            for descendant in self.monitored():
                self.watch(descendant)
        status = super().reap(pid)
        if status is not None:
            self.record(pid, status)
            self.close_if_done()
        return status

    def watch(self, pid: int) -> None:
        """Have a record written when a process ends that is not our child."""
        self.watched.add(pid)
        threading.Thread(target=self.wait_for, args=[os.pidfd_open(pid), pid], daemon=True).start()

    def wait_for(self, descriptor: int, pid: int) -> None:
        select.select([descriptor], [], [])
        self.record(pid, 0)
        self.close_if_done()

    def record(self, pid: int, status: int, flags: int = 0) -> None:
        with self.lock:
            if self.writer < 0 or pid in self.recorded or not (pid in self.added or self.tree):
                return
            self.recorded.add(pid)
            ended = time.monotonic_ns()
            added = self.added.get(pid, ended - 10**9)
            flags |= 0 if pid in self.added else IN_TREE
            lost = int(os.environ.get("STAND_IN_LOST", "0"))
            name = (command_name(pid, self) or "name").encode()
            fields = (LAYOUT.size, flags, pid, 1, status, 0, lost, name, added, ended, 0)
            os.write(self.writer, LAYOUT.pack(*fields, *self.counted()))

    def close_if_done(self) -> None:
        with self.lock:
            left = self.watched - self.recorded or self.monitored()
            if self.writer >= 0 and self.added and not left:
                os.close(self.writer)
                self.writer = -1


if __name__ == "__main__":
    machine = StandIn()
    vars(cli)["run"] = partial(run, system=machine)
    vars(cli)["Top"] = partial(Top, system=machine)
    vars(cli)["attach"] = partial(attach, system=machine)
    vars(recording)["run"] = partial(run, system=machine)
    vars(recording)["attach"] = partial(attach, system=machine)
    sys.exit(cli.main())
