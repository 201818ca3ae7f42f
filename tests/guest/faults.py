"""System calls whose nth allocation, or copy from or to the user, fails: one after the other.

The kernel writes the stack of most of these failures to its log, so it is known what failed.
"""

from __future__ import annotations

import collections
import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Callable, Union

from kmsg import KernelLog, injected_in

PROGRAM = Path(__file__).parent / "fail_nth" / "fail_nth"
DEBUG = Path("/sys/kernel/debug")
# Those that may sleep fail, too, and each says where: with "2" the stack.
SETTINGS = {
    "failslab/ignore-gfp-wait": "N",
    "failslab/verbose": "2",
    "fail_page_alloc/ignore-gfp-wait": "N",
    "fail_page_alloc/min-order": "0",
    "fail_page_alloc/verbose": "2",
    "fail_usercopy/verbose": "2",
}
# Of x86-64, the only architecture with a cell that has fault injection.
READ, CLOSE, IOCTL, FORK, WAIT4, DELETE_MODULE, EXIT_GROUP, OPENAT, FINIT_MODULE = (
    *(0, 3, 16, 57, 61, 176, 231),
    *(257, 313),
)
AT_FDCWD = -100
# After so many failures in a row whose stacks were known, as each of a few hundred equal objects
# has, only one of so many more is tried until a stack is new again.
PATIENCE = 24
STRIDE = 61
Argument = Union[int, str]  # =TEXT is handed over by its address, :SIZE makes a buffer


@contextmanager
def switched(settings: dict[str, str]) -> Iterator[None]:
    """Have files of debugfs say this until the end of the block."""
    before = {name: (DEBUG / name).read_text(encoding="ascii").strip() for name in settings}
    try:
        for name, value in settings.items():
            (DEBUG / name).write_text(value, encoding="ascii")
        yield
    finally:
        for name, value in before.items():
            (DEBUG / name).write_text(value, encoding="ascii")


@dataclass(frozen=True)
class Attempt:
    """A system call of which something was to fail."""

    nth: int
    result: int
    outcome: str  # "OK", or the name of the errno
    failed: bool  # something was made to fail in it
    stack: tuple[str, ...]  # of that, the innermost first; empty where the kernel is silent
    data: bytes  # what a read(2) gave

    @property
    def is_ours(self) -> bool:
        """Whether code of module tracer asked for what failed."""
        return any("[tracer]" in frame for frame in self.stack)


def stack_of(injected: list[str]) -> tuple[str, ...]:
    """Give the functions of one failure as the kernel writes them, but for their sizes."""
    frames = [line.split() for line in injected if line.startswith(" ") and "+0x" in line]
    sure = [words for words in frames if words[0] != "?"]
    return tuple(" ".join([words[0].partition("/")[0], *words[1:]]) for words in sure)


class Caller:
    """A process that makes system calls, any of which may have its nth allocation fail."""

    def __init__(self) -> None:
        self._log = KernelLog()
        self._seen = 0  # lines of it
        # Not from the host's file system: 9p goes astray where a process ends without memory.
        self._folder = tempfile.TemporaryDirectory()
        program = shutil.copy(PROGRAM, self._folder.name)
        self._program = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._program.pid
        self.call(0, CLOSE, -1)  # answered when it is ready

    def __enter__(self) -> Caller:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._program.kill()
        self._program.communicate()
        self._folder.cleanup()
        self._log.close()

    def call(self, nth: int, number: int, *arguments: Argument) -> Attempt:
        """Make a system call; nothing fails if `nth` is 0.

        Raises EOFError when the program has ended, which is what the call may be for.
        """
        assert self._program.stdin
        assert self._program.stdout
        print(nth, number, *arguments, file=self._program.stdin, flush=True)
        answer = self._program.stdout.readline().split()
        if not answer:
            raise EOFError("the program has ended")
        result, error, left = map(int, answer[:3])
        return Attempt(
            nth,
            result,
            errno.errorcode[error] if result < 0 else "OK",
            bool(nth) and left == 0,
            self._stack(),
            bytes.fromhex("".join(answer[3:])),
        )

    def open(self, path: Path, nth: int = 0, flags: int = os.O_RDWR | os.O_NONBLOCK) -> Attempt:
        """Open a file; the result is its descriptor."""
        return self.call(nth, OPENAT, AT_FDCWD, f"={path}", flags)

    def close(self, fd: int, nth: int = 0) -> Attempt:
        """Close a file."""
        return self.call(nth, CLOSE, fd)

    def ended(self) -> int:
        """Wait for the end of the program; give its exit status."""
        return self._program.wait()

    def _stack(self) -> tuple[str, ...]:
        lines = self._log.lines()
        injected, _ = injected_in(lines[self._seen :])
        self._seen = len(lines)
        KernelLog.keep_up()
        return stack_of(injected[-1]) if injected else ()


def walk(act: Callable[[int], Attempt]) -> Iterator[Attempt]:
    """Give a call with its first, second, third... allocation failing, until it has no more.

    The last attempt given is the one in which nothing failed.
    """
    known: set[tuple[str, ...]] = set()
    nth, before, patience, singly_to = 1, 0, 0, 0
    while True:
        attempt = act(nth)
        if not attempt.failed and nth == before + 1:
            yield attempt
            return
        is_new = not attempt.failed or attempt.stack not in known
        if is_new and nth > before + 1:
            # Where it began is somewhere in between; what this one did is judged, too.
            yield attempt
            singly_to, nth, patience = nth, before + 1, 0
            continue
        yield attempt
        known.add(attempt.stack)
        patience = 0 if is_new else patience + 1
        before = nth
        nth += STRIDE if patience >= PATIENCE and nth >= singly_to else 1


@dataclass
class Tally:
    """What a walk came to, for people."""

    what: str
    tried: int = 0
    reached: int = 0  # allocations of the call
    stacks: set[tuple[str, ...]] = field(default_factory=set)
    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    ours: int = 0
    silent: int = 0  # of which the kernel wrote no stack

    def add(self, attempt: Attempt) -> None:
        """Take in an attempt."""
        if not attempt.failed:
            return
        self.tried += 1
        self.reached = max(self.reached, attempt.nth)
        self.stacks.add(attempt.stack)
        self.outcomes[attempt.outcome] += 1
        self.ours += attempt.is_ours
        self.silent += not attempt.stack

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        return (
            f"faults: {self.what}: {self.tried} of {self.reached} made to fail, {self.ours} within "
            f"tracer, {self.silent} silently, {len(self.stacks)} stacks: {outcomes}"
        )
