"""A module that is no module: processes with counts, tables and records, one step at a time.

It keeps the promises of the real one on which the exporter relies: the row of a process goes before
its record comes, and its number is free only after that. Whether the real module keeps them is for
the tests in guests.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tracer_tools.device import (
    ADD_PROCESS,
    ADD_TREE,
    DEVICE,
    HAS_PROCESS,
    REMOVE_ALL,
    REMOVE_PROCESS,
)
from tracer_tools.module import MODULE, VALUES
from tracer_tools.records import IN_TREE, LAYOUT, RUNNING, WITHHELD
from tracer_tools.system import System
from tracer_tools.table import COLUMNS, COUNTERS, TABLE

STEP = (2, 3, 5, 7, 11, 13, 17, 19, 23)
PIPE_BYTES = 1 << 20


@dataclass(eq=False)
class Session:
    """An open file: a pipe, whose writer is closed while nothing is left to be told."""

    reader: int
    writer: int = -1
    alive: int = 0
    lost: int = 0


@dataclass(eq=False)
class Process:
    """A process, and what it counted while it was monitored, if it ever was."""

    pid: int
    session: Session | None = None
    is_tree: bool = False
    is_child: bool = False
    withheld: bool = False
    steps: int = 0
    added_ns: int = 0
    ended_ns: int = 0

    @property
    def counts(self) -> list[int]:
        return [step * self.steps for step in STEP]


@dataclass
class Told:
    """What was asked of the module, for tests to look at."""

    added: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)


class Module(System):
    """A machine with such a module."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.processes: dict[int, Process] = {}
        self.rows: dict[int, Process] = {}
        self.ending: dict[int, Process] = {}
        self.sessions: dict[int, Session] = {}
        self.told = Told()
        self.refusals: dict[int, int] = {}
        self.end_when_asked: set[int] = set()
        self.when_added: Callable[[int, Process], None] = lambda _descriptor, _process: None
        self.before_table: list[Callable[[], None]] = []
        self.after_table: list[Callable[[], None]] = []
        self.load()

    def put(self, name: str, text: str) -> None:
        file = self.path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def load(self) -> None:
        self.put(f"{MODULE}/initstate", "live\n")
        self.put(f"{MODULE}/version", "1.2.3\n")
        self.put(f"{MODULE}/parameters/max_processes", "16384\n")
        self.put(f"{VALUES}/engine", "kretprobe\n")
        self.put(f"{VALUES}/missed_samples", "0\n")
        self.put(f"{VALUES}/unfollowed", "0\n")

    def unload(self) -> None:
        self.path(f"{MODULE}/initstate").unlink()
        self.rows.clear()
        for process in self.processes.values():
            process.session = None

    # What processes do.

    def spawn(self, pid: int) -> None:
        self.processes[pid] = Process(pid)

    def fork(self, parent: int, pid: int) -> None:
        self.spawn(pid)
        above = self.rows.get(parent)
        if above is not None and above.is_tree:
            assert above.session is not None
            self._monitor(self.processes[pid], above.session, tree=True)
            self.processes[pid].is_child = True

    def count(self, pid: int, steps: int = 1) -> None:
        if pid in self.rows:
            self.rows[pid].steps += steps

    def unlink(self, pid: int) -> None:
        """End a process up to where its row has gone."""
        process = self.processes[pid]
        self.ending[pid] = process
        self.rows.pop(pid, None)
        process.ended_ns = time.monotonic_ns()

    def queue(self, pid: int, *, lose: bool = False) -> None:
        """End it altogether."""
        process = self.ending.pop(pid)
        del self.processes[pid]
        if process.session is not None:
            self._record(process, 0, lose=lose)

    def exit(self, pid: int, *, lose: bool = False) -> None:
        self.unlink(pid)
        self.queue(pid, lose=lose)

    # What the module does.

    def read(self, name: str) -> str:
        if name != TABLE:
            return super().read(name)
        if not self.path(f"{MODULE}/initstate").exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        for action in self.before_table:
            action()
        rows = [f"{pid} {' '.join(map(str, one.counts))}" for pid, one in sorted(self.rows.items())]
        for action in self.after_table:
            action()
        return "\n".join([" ".join(COLUMNS), *rows, ""])

    def open(self, name: str) -> int:
        assert name == DEVICE
        reader, writer = os.pipe()
        os.close(writer)  # at end of file, as an open file without processes is
        self.sessions[reader] = Session(reader)
        return reader

    def ioctl(self, descriptor: int, request: int, argument: int) -> None:
        number = self._do(self.sessions[descriptor], descriptor, request, argument)
        if number:
            raise OSError(number, os.strerror(number))

    def _do(self, session: Session, descriptor: int, request: int, pid: int) -> int:
        if request == REMOVE_ALL:
            self._remove_all(session)
            return 0
        if request == HAS_PROCESS and pid in self.end_when_asked:
            self.end_when_asked.remove(pid)
            self.exit(pid)
        row = self.rows.get(pid)
        if request == HAS_PROCESS:
            return 0 if row is not None and row.session is session else errno.ESRCH
        if request == REMOVE_PROCESS:
            return self.remove(pid)
        assert request in {ADD_PROCESS, ADD_TREE}
        return self._add(session, descriptor, pid, tree=request == ADD_TREE)

    def _remove_all(self, session: Session) -> None:
        for one in [one for one in self.rows.values() if one.session is session]:
            del self.rows[one.pid]
            one.ended_ns = time.monotonic_ns()
            self._record(one, RUNNING)
            one.session = None

    def _add(self, session: Session, descriptor: int, pid: int, *, tree: bool) -> int:
        if pid not in self.processes or pid in self.ending:
            return errno.ESRCH
        if pid in self.rows:
            return errno.EEXIST
        if pid in self.refusals:
            return self.refusals[pid]
        # What it counted before is nobody's any more.
        self.processes[pid] = Process(pid)
        self._monitor(self.processes[pid], session, tree=tree)
        self.told.added.append(pid)
        self.when_added(descriptor, self.processes[pid])
        return 0

    def remove(self, pid: int) -> int:
        row = self.rows.pop(pid, None)
        if row is None:
            return errno.ESRCH
        assert row.session is not None
        self._leave(row.session)
        row.session = None
        self.told.removed.append(pid)
        return 0

    def _monitor(self, process: Process, session: Session, *, tree: bool) -> None:
        process.session, process.is_tree = session, tree
        process.added_ns = time.monotonic_ns()
        self.rows[process.pid] = process
        if session.writer < 0 and session.reader in self.sessions:
            session.writer = os.open(f"/proc/self/fd/{session.reader}", os.O_WRONLY)
        session.alive += 1

    def _record(self, process: Process, flags: int, *, lose: bool = False) -> None:
        session = process.session
        assert session is not None
        session.lost += lose
        if not lose:
            flags |= IN_TREE if process.is_child else 0
            flags |= WITHHELD if process.withheld else 0
            counts = [0] * len(COUNTERS) if process.withheld else process.counts
            times = (process.added_ns, process.ended_ns, 0)
            fields = (LAYOUT.size, flags, process.pid, 1, 0, 0, session.lost, b"name", *times)
            session.lost = 0
            if session.writer >= 0:
                os.write(session.writer, LAYOUT.pack(*fields, *counts))
        self._leave(session)

    def _leave(self, session: Session) -> None:
        session.alive -= 1
        if session.alive == 0 and session.writer >= 0:
            os.close(session.writer)
            session.writer = -1

    def another_program(self) -> int:
        """Open the device as another program, and return the descriptor."""
        return self.open(DEVICE)


assert len(STEP) == len(COUNTERS)
