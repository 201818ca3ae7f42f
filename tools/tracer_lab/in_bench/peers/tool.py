"""Programs that count until they are interrupted, and say then what they have counted.

Nothing here waits for a time: the clock of the guest jumps when nobody computes.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

# As it exits, as a signal ends it, and as a shell puts that.
ENDS_OF_AN_INTERRUPTED = (0, -signal.SIGINT, 128 + signal.SIGINT)


class PeerError(Exception):
    """A peer cannot run here, or did not count; the text is one sentence that says why."""


class Tool:
    """A running program. What it prints has to be little: it is read while it is waited for."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name = name
        self._process = process
        self._said = ""

    def wait_for(self, word: str) -> None:
        """Return once it has printed a line with that word. Raises PeerError if it ends."""
        assert self._process.stdout is not None
        for line in iter(self._process.stdout.readline, ""):
            self._said += line
            if word in line:
                return
        raise self.ended()

    def interrupt(self) -> str:
        """End it as Ctrl-C does, and return all that it printed. Raises PeerError if it failed."""
        self._process.send_signal(signal.SIGINT)
        self._finish()
        if self._process.returncode not in ENDS_OF_AN_INTERRUPTED:
            raise self.ended()
        return self._said

    def ended(self) -> PeerError:
        """What to raise if it ends, which it is waited for, before it should."""
        self._finish()
        lines = [line.strip() for line in self._said.splitlines() if line.strip()]
        # The line in which it says what went wrong, if it does.
        errors = [line for line in lines if re.search("error", line, re.IGNORECASE)]
        said = (errors or lines or ["it said nothing"])[-1]
        return PeerError(f"{self._name} ended with status {self._process.returncode}: {said}")

    def _finish(self) -> None:
        if self._process.returncode is None:
            self._said += self._process.communicate()[0]


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str] | None = None, fds: Sequence[int] = ()
) -> Iterator[Tool]:
    """Run a program that gets those file descriptors, and is gone at the end of the block.

    Raises PeerError if there is no such program.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
            pass_fds=fds,
        )
    except FileNotFoundError as error:
        raise PeerError(f"there is no {command[0]} here") from error
    with process:
        try:
            yield Tool(command[0], process)
        finally:
            process.kill()
