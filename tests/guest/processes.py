"""Processes for the tests: forked, told what to do by pipe, and always cleaned up."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Callable

import waiting

READ_SYSCALL = "0" if os.uname().machine == "x86_64" else "63"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class ChildFailedError(Exception):
    """The function of a child raised something; the text is its traceback."""


class Link:
    """One end of a two-way line between a test and its child; values travel as JSON."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming = incoming
        self.outgoing = outgoing

    def send(self, value: object) -> None:
        """Hand a value to the other end."""
        os.write(self.outgoing, json.dumps(value).encode() + b"\n")

    def receive(self) -> Any:  # noqa: ANN401  # whatever JSON can carry
        """Wait for a value. Raises EOFError when the other end is gone."""
        line = b""
        while not line.endswith(b"\n"):
            piece = os.read(self.incoming, 1)
            if not piece:
                raise EOFError("the other end is gone")
            line += piece
        return json.loads(line)

    def close(self) -> None:
        """Close both directions; a child that waits gets EOFError."""
        os.close(self.incoming)
        os.close(self.outgoing)


class Child:
    """A fork of this process that runs `act(link)`; killed and reaped on leaving the context."""

    def __init__(self, act: Callable[[Link], object]) -> None:
        down, up = os.pipe(), os.pipe()
        sys.stdout.flush()
        self.pid = fork_ending_with_parent()
        if self.pid == 0:
            os.close(down[1])
            os.close(up[0])
            _be_child(act, Link(down[0], up[1]))
        os.close(down[0])
        os.close(up[1])
        self.link = Link(up[0], down[1])
        self._reaped = False

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self.reap()
        self.link.close()

    def kill(self) -> None:
        """End it, unless it was reaped already."""
        if not self._reaped:
            os.kill(self.pid, signal.SIGKILL)

    def wait_zombie(self) -> None:
        """Return once it has ended; it is left a zombie."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def reap(self) -> None:
        """Wait for its end and let go of its PID."""
        if not self._reaped:
            os.waitpid(self.pid, 0)
            self._reaped = True

    def said(self) -> Any:  # noqa: ANN401  # whatever JSON can carry
        """Wait for what it sends next, or returns. Raises ChildFailedError."""
        value = self.link.receive()
        if isinstance(value, dict) and "failed" in value:
            raise ChildFailedError(value["failed"])
        return value

    def tell(self, value: object = "go") -> None:
        """Hand it a value."""
        self.link.send(value)

    def wait_parked(self) -> None:
        """Return once each of its threads is off the processor, the first one in read(2)."""
        waiting.until(self._parked, f"process {self.pid} sits still")

    def _parked(self) -> bool:
        calls = {tid: _system_call(self.pid, tid) for tid in threads(self.pid)}
        return calls.get(self.pid) == READ_SYSCALL and "running" not in calls.values()


def _be_child(act: Callable[[Link], object], link: Link) -> None:
    status = 1
    try:
        link.send(act(link))
        status = 0
    except EOFError:
        pass  # the test is over
    except BaseException:  # noqa: BLE001  # it is reported, whatever it is
        link.send({"failed": traceback.format_exc()})
    finally:
        os._exit(status)


def fork_ending_with_parent() -> int:
    """Fork as os.fork() does; the child is killed when its parent ends before it."""
    pid = os.fork()
    if pid == 0:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return pid


def fork_idle() -> int:
    """Start a process that does nothing until it is killed, or its parent ends."""
    pid = fork_ending_with_parent()
    if pid == 0:
        while True:
            signal.pause()
    return pid


def end(pids: list[int]) -> None:
    """Kill children and wait for their ends."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)


def _system_call(pid: int, tid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/task/{tid}/syscall").read_text(encoding="ascii")
    except OSError:
        return "running"
    return text.split()[0]


def state(pid: int) -> str:
    """Give the state letter of a process, as in ps(1)."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2][0]


def threads(pid: int) -> list[int]:
    """Give the thread ids of a process that runs, in ascending order."""
    return sorted(int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir())


def sleeper(prepare: Callable[[], object] = lambda: None) -> Child:
    """Start a process that makes itself ready by `prepare` and then waits to be told to end."""

    def act(link: Link) -> None:
        prepare()
        link.send("ready")
        link.receive()

    child = Child(act)
    try:
        child.said()
    except BaseException:
        child.__exit__(None, None, None)
        raise
    return child


def ask(act: Callable[[], object]) -> Any:  # noqa: ANN401  # whatever JSON can carry
    """Run `act` in a process of its own and give what it returns. Raises ChildFailedError."""
    with Child(lambda link: act()) as child:
        return child.said()
