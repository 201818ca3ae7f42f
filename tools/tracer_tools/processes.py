"""What /proc says of a process: its command, whose it is, where it comes from."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass

from tracer_tools.system import THIS_MACHINE, System, user_name

MAX_PID = 2**31 - 1
IDENTITY = re.compile(
    r"Name:\t(?P<command>[^\n]*)\n.*?\nState:\t(?P<state>.).*?\nPPid:\t(?P<parent>[0-9]+)\n"
    r".*?\nUid:\t(?P<uid>[0-9]+)\t",
    re.DOTALL,
)


@dataclass(frozen=True)
class Process:
    """A process or thread that exists; ``leader`` is the PID of the process it belongs to."""

    leader: int
    owner: str
    zombie: bool


def find_process(pid: int, system: System = THIS_MACHINE) -> Process | None:
    """Return what /proc knows of a PID or thread id; None if there is none or it is hidden."""
    try:
        text = system.read(f"/proc/{pid}/status")
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    try:
        leader, uid = int(fields["Tgid"]), int(fields["Uid"].split()[0])
        return Process(leader, user_name(uid), zombie=fields["State"].split()[0] == "Z")
    except (KeyError, IndexError, ValueError):
        return None


def command_name(pid: int, system: System = THIS_MACHINE) -> str | None:
    """Return a process's command name, at most 15 bytes; None if it has ended or is hidden.

    A process chooses its own name, so whatever could steer a terminal becomes ``?``.
    """
    try:
        raw = system.read(f"/proc/{pid}/comm")
    except OSError:
        return None
    return printable(raw.removesuffix("\n"))


def printable(text: str) -> str:
    """Return `text` with every character that does not print as itself replaced by ``?``."""
    return "".join(char if char.isprintable() else "?" for char in text)


@dataclass(frozen=True)
class Origin:
    """Where a process comes from."""

    parent: int
    """The PID of its parent now, 0 if that is not to be seen."""
    age: float
    """How many seconds ago it was created, to a clock tick (10 ms)."""


def origin(pid: int, system: System = THIS_MACHINE) -> Origin | None:
    """Return where a process comes from; None if it has ended or is hidden."""
    try:
        # The name in parentheses may hold blanks and parentheses.
        fields = system.read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        created = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return Origin(int(fields[1]), max(time.clock_gettime(time.CLOCK_BOOTTIME) - created, 0.0))
    except (OSError, IndexError, ValueError):
        return None


@dataclass(frozen=True)
class Identity:
    """By what a process is found: its command name, its real user id, and its parent's PID."""

    command: str
    uid: int
    parent: int


def identity(pid: int, system: System = THIS_MACHINE) -> Identity | None:
    """Return by what a process is found; None if it has ended, is a zombie or is hidden."""
    try:
        found = IDENTITY.match(system.read(f"/proc/{pid}/status"))
    except OSError:
        return None
    if found is None or found["state"] in "ZX":
        return None
    return Identity(printable(found["command"]), int(found["uid"]), int(found["parent"]))
