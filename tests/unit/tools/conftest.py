"""What the tests of the tools share; none of it says anything about the module.

A machine made of files is for their logic, and tracerctl with a pipe for the device for how it
deals with processes that are real.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Container, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Callable

import pytest

from tracer_tools.system import Node, Ran, System, User
from tracer_tools.table import COLUMNS

RELEASE = "6.1.0-50-amd64"
HERE = Path(__file__).resolve().parent

AwaitState = Callable[[int, Container[str]], None]


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


class Tracerctl:
    """tracerctl as stand_in.py has it: run to its end, or started and listened to."""

    command = (sys.executable, str(HERE / "stand_in.py"))
    patience = 60
    """The seconds after which what was waited for will not come."""

    def __init__(self) -> None:
        self.environment = {**os.environ, "PYTHONPATH": str(HERE.parents[2] / "tools")}

    def call(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        **settings: Any,  # noqa: ANN401 -- of subprocess
    ) -> subprocess.CompletedProcess[str]:
        """Run tracerctl to its end."""
        return subprocess.run(
            [*self.command, *arguments],
            check=False,
            env={**self.environment, **(environment or {})},
            text=True,
            timeout=self.patience,
            **{"capture_output": True, **settings},
        )

    def run(
        self,
        *arguments: str,
        **settings: Any,  # noqa: ANN401 -- of subprocess
    ) -> subprocess.CompletedProcess[str]:
        """Run tracerctl run to its end."""
        return self.call("run", *arguments, **settings)

    def sh(
        self,
        script: str,
        *options: str,
        **settings: Any,  # noqa: ANN401 -- of subprocess
    ) -> subprocess.CompletedProcess[str]:
        """Run a script of the shell below tracerctl run."""
        return self.run(*options, "--", "sh", "-c", script, **settings)

    @contextmanager
    def started(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        **settings: Any,  # noqa: ANN401 -- of subprocess
    ) -> Iterator[subprocess.Popen[str]]:
        """Start tracerctl as a job of its own; and stop it."""
        process = subprocess.Popen(
            [*self.command, *arguments],
            env={**self.environment, **(environment or {})},
            preexec_fn=os.setpgrp,  # noqa: PLW1509 -- the tests have no threads
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **settings,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def started_sh(
        self,
        script: str,
        *options: str,
        **settings: Any,  # noqa: ANN401 -- of subprocess
    ) -> AbstractContextManager[subprocess.Popen[str]]:
        """Start a script of the shell below tracerctl run, as started() does."""
        return self.started("run", *options, "--", "sh", "-c", script, **settings)

    def next_line(self, process: subprocess.Popen[str]) -> str:
        """Wait for the next line that a process prints, and read nothing after it."""
        assert process.stdout is not None
        descriptor, line = process.stdout.fileno(), b""
        end = time.monotonic() + self.patience
        # What a buffer held already, select() would not see.
        while not line.endswith(b"\n"):
            left = max(0.0, end - time.monotonic())
            assert select.select([descriptor], [], [], left)[0], f"no line came after {line!r}"
            byte = os.read(descriptor, 1)
            assert byte, f"the output ended with {line!r}"
            line += byte
        return line.decode().rstrip("\n")


@pytest.fixture
def tracerctl() -> Tracerctl:
    return Tracerctl()


def state(pid: int) -> str:
    """Return the state of a process as /proc has it, "" if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


@pytest.fixture
def await_state() -> AwaitState:
    """Return a function that waits until a process is in one of the states, "" if it is gone."""

    def wait(pid: int, wanted: Container[str]) -> None:
        end = time.monotonic() + Tracerctl.patience
        while state(pid) not in wanted:
            assert time.monotonic() < end, f"{pid} is {state(pid)!r}, not in {wanted!r}"
            time.sleep(0.01)

    return wait
