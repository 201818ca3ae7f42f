"""What /proc says of a process: its command, whose it is, who its parent is."""

from __future__ import annotations

from dataclasses import dataclass

from tracer_tools.system import THIS_MACHINE, System, user_name

MAX_PID = 2**31 - 1


@dataclass(frozen=True)
class Process:
    """A process or thread that exists.

    ``leader`` is the PID of the process it belongs to, ``parent`` that of its parent, 0 if hidden.
    """

    leader: int
    parent: int
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
        owner, zombie = user_name(int(fields["Uid"].split()[0])), fields["State"].split()[0] == "Z"
        return Process(int(fields["Tgid"]), int(fields["PPid"]), owner, zombie=zombie)
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
