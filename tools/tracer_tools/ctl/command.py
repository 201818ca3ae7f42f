"""The command that `tracerctl run` runs: started when all is ready, and its end imitated."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tracer_tools.ctl.signals import held_back
from tracer_tools.errors import TracerError

NOT_EXECUTABLE, NOT_FOUND = 126, 127
ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})
PR_SET_DUMPABLE = 4
INTERRUPTS = frozenset({signal.SIGINT, signal.SIGQUIT})
PASSED_ON = frozenset({signal.SIGTERM, signal.SIGHUP})
Dispositions = Mapping[signal.Signals, Any]
"""Of signals, as signal.getsignal() returned them."""
HELD_BACK = {*INTERRUPTS, *PASSED_ON, signal.SIGCHLD}
# Python ignores these for itself.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


class NotStartedError(TracerError):
    """The command could not be executed; `status` is what a shell would exit with."""

    def __init__(self, command: str, number: int) -> None:
        super().__init__(f"cannot run {command!r}: {os.strerror(number)}")
        found = number not in ABSENT
        self.status = NOT_EXECUTABLE if found else NOT_FOUND


@dataclass
class Command:
    """A child of this process that is to become the command, and waits for that."""

    arguments: Sequence[str]
    pid: int
    _go: int
    _refusal: int
    status: int | None = None
    """Its wait status, once it has ended."""

    def release(self) -> None:
        """Let it become the command. Raises NotStartedError."""
        with suppress(BrokenPipeError):  # a signal has killed it
            os.write(self._go, b"!")
        os.close(self._go)
        refusal = os.read(self._refusal, 16)
        os.close(self._refusal)
        if refusal:
            _, self.status = os.waitpid(self.pid, 0)
            raise NotStartedError(self.arguments[0], int(refusal))

    def abandon(self) -> None:
        """Let it end without becoming the command."""
        os.close(self._go)
        os.close(self._refusal)
        _, self.status = os.waitpid(self.pid, 0)

    def kill(self, number: int) -> None:
        """Send it a signal, unless it has ended or has become another user's."""
        if self.status is None:
            with suppress(PermissionError):
                os.kill(self.pid, number)


def prepare(arguments: Sequence[str], dispositions: Dispositions) -> Command:
    """Fork the child that is to become the command, with these dispositions of signals.

    Raises NotStartedError if there is no such file, TracerError if no process can be made.
    """
    paths = candidates(arguments[0])
    go, refusal = os.pipe(), os.pipe()
    with held_back(HELD_BACK) as blocked:
        try:
            pid = os.fork()
        except OSError as error:
            raise TracerError(f"cannot fork: {error.strerror}") from error
        if pid == 0:
            Child(paths, arguments, dispositions, blocked).become(go, refusal[1])
    os.close(go[0])
    os.close(refusal[1])
    return Command(arguments, pid, go[1], refusal[0])


def candidates(name: str) -> list[str]:
    """Return the files that a command can mean, in the order of PATH. Raises NotStartedError."""
    if "/" in name:
        return [name]
    found = [str(Path(folder) / name) for folder in os.get_exec_path()] if name else []
    there = [path for path in found if os.path.exists(path)]  # noqa: PTH110 -- Path.exists raises
    if not there:
        raise NotStartedError(name, errno.ENOENT)
    return there


@dataclass(frozen=True)
class Child:
    """The new process, on its way to the command: the files it can be, and what it inherits."""

    paths: Sequence[str]
    arguments: Sequence[str]
    dispositions: Dispositions
    blocked: set[int]

    def become(self, go: tuple[int, int], refusal: int) -> NoReturn:
        """Wait for the word on the pipe `go`, then become the command; never return."""
        try:
            os.close(go[1])
            for number, disposition in self.dispositions.items():
                signal.signal(number, disposition)
            for number in IGNORED_BY_PYTHON:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, self.blocked)
            if os.read(go[0], 1):
                os.write(refusal, str(execute(self.paths, self.arguments)).encode())
        finally:
            os._exit(NOT_FOUND)


def execute(paths: Sequence[str], arguments: Sequence[str]) -> int:
    """Become the first of the files that lets itself be executed; else return an errno.

    As execvp(3): a file that is no program is given to the shell, and of several errors that one
    is told which says more than that a file is not there.
    """
    told = errno.ENOENT
    for path in paths:
        try:
            os.execv(path, list(arguments))  # noqa: S606 -- what the user asked for
        except OSError as error:
            number = error.errno or errno.EIO
        if number == errno.ENOEXEC:
            with suppress(OSError):
                os.execv("/bin/sh", ["sh", path, *arguments[1:]])  # noqa: S606 -- as execvp(3) does
        if told in ABSENT:
            told = number
        if number not in {*ABSENT, errno.EACCES}:
            break
    return told


def end_alike(status: int) -> int:
    """Return the exit status for a wait status, or die of the same signal, without a core."""
    number = status & 0x7F
    if number == 0:
        return status >> 8 & 0xFF
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # A core that goes to a program knows no limit.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0)
    if number not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return 128 + number  # the first process of a container survives signals
