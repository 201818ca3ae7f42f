"""The machine that facts come from: the one place that touches files, commands and ids.

Everything else asks a `System`, so a test can hand in another one.
"""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Debian leaves these out of a user's PATH, and modinfo, dkms and mokutil live there.
ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
COMMAND_SECONDS = 60


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit status and what it wrote."""

    status: int
    output: str
    errors: str = ""


@dataclass(frozen=True)
class Node:
    """A file's type and ownership; ``major`` and ``minor`` are 0 unless it is a device."""

    is_character_device: bool
    major: int
    minor: int
    owner: str
    group: str
    mode: int


@dataclass(frozen=True)
class User:
    """Who runs this program; ``groups`` are those in force, not those promised at next login."""

    uid: int
    name: str
    groups: frozenset[str]


class System:
    """The running machine, or a tree of files that stands for one."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def __repr__(self) -> str:
        return f"System({str(self._root)!r})"

    def path(self, name: str) -> Path:
        """Return where the absolute file name `name` is found."""
        return self._root / name.lstrip("/")

    def read(self, name: str) -> str:
        """Return a file's text, undecodable bytes replaced. Raises OSError."""
        return self.path(name).read_text(encoding="utf-8", errors="replace")

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, in no order. Raises OSError."""
        return os.listdir(self.path(folder))  # noqa: PTH208 -- of ten thousand, paths take long

    def folders(self, top: str) -> list[str]:
        """Return a folder and all below it, each before what is in it; none if it is not there."""
        root = str(self.path(top))
        return [top + folder[len(root) :] for folder, _, _ in os.walk(root)]

    def release(self) -> str:
        """Return the running kernel's release, as ``uname -r`` prints it."""
        return os.uname().release

    def pid(self) -> int:
        """Return the PID of this process."""
        return os.getpid()

    def open(self, name: str) -> int:
        """Open a device for requests and return its descriptor. Raises OSError."""
        return os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC)

    def ioctl(self, descriptor: int, request: int, argument: int) -> None:
        """Make a request of the device open as `descriptor`. Raises OSError."""
        fcntl.ioctl(descriptor, request, argument)

    def reap(self, pid: int) -> int | None:
        """Return the wait status of a child that has ended, None while it runs."""
        ended, status = os.waitpid(pid, os.WNOHANG)
        return status if ended else None

    def run(self, *command: str) -> Ran | None:
        """Run a command and wait for it; None if it is not installed or never ended."""
        environment = {**os.environ, "PATH": ADMIN_PATH, "LC_ALL": "C"}
        try:
            done = subprocess.run(  # noqa: S603 -- no shell, and PATH is the system's own
                command,
                capture_output=True,
                check=False,
                env=environment,
                errors="replace",
                stdin=subprocess.DEVNULL,
                text=True,
                timeout=COMMAND_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return Ran(done.returncode, done.stdout, done.stderr)

    def node(self, name: str) -> Node:
        """Return the facts of a file, not following a symbolic link. Raises OSError."""
        facts = self.path(name).lstat()
        return Node(
            is_character_device=stat.S_ISCHR(facts.st_mode),
            major=os.major(facts.st_rdev),
            minor=os.minor(facts.st_rdev),
            owner=user_name(facts.st_uid),
            group=group_name(facts.st_gid),
            mode=stat.S_IMODE(facts.st_mode),
        )

    def user(self) -> User:
        """Return who this process runs as."""
        groups = frozenset(group_name(gid) for gid in {os.getegid(), *os.getgroups()})
        return User(os.geteuid(), user_name(os.geteuid()), groups)

    def user_id(self, name: str) -> int | None:
        """Return the id of the user of that name; None if there is none."""
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            return None

    def group_members(self, group: str) -> frozenset[str] | None:
        """Return the users listed in `group`; None if there is no such group."""
        try:
            return frozenset(grp.getgrnam(group).gr_mem)
        except KeyError:
            return None


def user_name(uid: int) -> str:
    """Return the name of a user id, or its digits if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """Return the name of a group id, or its digits if it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


THIS_MACHINE = System()
