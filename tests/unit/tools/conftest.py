"""A machine made of files, for the logic of the tools; it says nothing about the module."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tracer_tools.system import Node, Ran, System, User
from tracer_tools.table import COLUMNS

RELEASE = "6.1.0-50-amd64"


class Machine(System):
    """A tree of files below a folder, with given answers for everything that is not a file."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root = root
        self.kernel = RELEASE
        self.who = User(1000, "ada", frozenset({"ada"}))
        self.members: frozenset[str] | None = frozenset()
        self.tracer_node = Node(
            is_character_device=True, major=10, minor=42, owner="root", group="tracer", mode=0o660
        )
        self.commands: dict[tuple[str, ...], Ran] = {}
        self.open_errno = 0
        self.answers: list[int] = []
        """The errno of each coming request, 0 for success; requests after the last succeed."""

    def write(self, name: str, text: str) -> None:
        """Put a file with this text at this absolute name."""
        file = self.path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def load_module(self) -> None:
        """Put the files there that a loaded module shows."""
        self.write("/sys/module/tracer/initstate", "live\n")
        self.write("/sys/module/tracer/parameters/max_processes", "16384\n")
        self.write("/sys/module/tracer/parameters/tracked_blocks", "262144\n")
        for name in ("processes", "missed_samples", "unknown_blocks", "unfollowed"):
            self.write(f"/sys/class/misc/tracer/{name}", "0\n")
        self.write("/dev/tracer", "")
        self.write("/proc/tracer", " ".join(COLUMNS) + "\n")

    def add_process(
        self, pid: int, *, leader: int | None = None, uid: int = 0, state: str = "S (sleeping)"
    ) -> None:
        """Put a process or thread into /proc."""
        ids = "\t".join([str(uid)] * 4)
        facts = f"Name:\tcat\nState:\t{state}\nTgid:\t{leader or pid}\nUid:\t{ids}\n"
        self.write(f"/proc/{pid}/status", facts)

    def answer(self, command: str, output: str = "", status: int = 0, errors: str = "") -> None:
        """Say what a command prints and how it ends; all others are not installed."""
        self.commands[tuple(command.split())] = Ran(status, output, errors)

    def release(self) -> str:
        return self.kernel

    def pid(self) -> int:
        return 77

    def open_fails_with(self, number: int) -> None:
        """Let every coming attempt to open a device fail with this errno."""
        self.open_errno = number

    def open(self, name: str) -> int:
        if self.open_errno:
            raise OSError(self.open_errno, os.strerror(self.open_errno), name)
        return super().open(name)

    def ioctl(self, descriptor: int, request: int, argument: int) -> None:
        number = self.answers.pop(0) if self.answers else 0
        if number:
            raise OSError(number, os.strerror(number))

    def run(self, *command: str) -> Ran | None:
        return self.commands.get(command)

    def node(self, name: str) -> Node:
        self.path(name).lstat()
        return self.tracer_node

    def user(self) -> User:
        return self.who

    def group_members(self, group: str) -> frozenset[str] | None:
        return self.members


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine with nothing on it but a Debian."""
    made = Machine(tmp_path)
    made.write("/etc/os-release", "ID=debian\n")
    return made
