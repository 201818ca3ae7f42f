"""Whole programs that know nothing of tracer: what a run of each takes in states of the machine.

Taken is the processor time of all their processes, which in this guest is instructions. The
guest's clock would not do: it jumps while a program waits for a file.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .modules import BUILT

NANOSECONDS = 1_000_000_000
HEADERS = Path("/lib/modules", os.uname().release, "build")
# It waits for a line before it becomes the program.
HELD = ("sh", "-c", 'read -r _ && exec "$@"', "sh")

# Its processes run until they wait. Where the scheduler takes turns, what a call costs changes
# how often they do, and a run differs from the next by more than a state from another.
IN_TURN = ("chrt", "--fifo", "1")
HACKBENCH = ("hackbench", "--groups", "1", "--fds", "10", "--loops", "500")

# Version 0.19 does not end when its threads have done their operations, but then: it sleeps
# meanwhile, for a day if it is not told. In seconds, many times what the threads take.
MUTEX_ENDS = "600"

# Gets the PID of a program that is about to start.
Prepare = Callable[[int], object]


class ProgramError(Exception):
    """A program failed; the text is the end of what it said."""


@dataclass(frozen=True)
class Program:
    """A program that always does the same."""

    work: str
    command: Sequence[str]
    operations: int = 1  # that it does in a run
    unit: str = "instructions a run"
    batches: int = 3  # runs of it in a state, at most

    def run(self, prepare: Prepare) -> float:
        """Instructions an operation of one run. Raises ProgramError."""
        before = _of_children()
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*HELD, *self.command],
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tempfile.gettempdir(),
        ) as process:
            prepare(process.pid)
            said, _ = process.communicate("\n")
        if process.returncode != 0:
            raise ProgramError(f"{self.command[0]} failed: {said.strip()[-400:]}")
        return (_of_children() - before) * NANOSECONDS / self.operations


def _of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def stress_ng(stressor: str, operations: int, *options: str) -> Program:
    """A stressor of stress-ng, that does as many operations."""
    command = ["stress-ng", f"--{stressor}", "1", f"--{stressor}-ops", str(operations)]
    command += ["--no-rand-seed", "--quiet", *options]
    return Program(f"stress-ng-{stressor}", command, operations, "instructions a bogo-op")


@contextmanager
def programs() -> Iterator[list[Program]]:
    """All programs, and until the end of the block what one of them compiles."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(BUILT / "floor.c", folder)
        Path(folder, "Kbuild").write_text("obj-m := floor.o\n", encoding="ascii")
        # Everything is compiled in each run.
        anew = f"cd {folder} && rm -f *.o *.ko *.mod* .*.cmd modules.order Module.symvers"
        compile_it = ["sh", "-c", f"{anew} && exec make -C {HEADERS} M={folder} modules"]
        yield [
            stress_ng("pipe", 20_000),
            stress_ng("mutex", 20_000, "--timeout", MUTEX_ENDS),
            stress_ng("malloc", 10_000, "--malloc-max", "1024"),
            Program("hackbench", [*IN_TURN, *HACKBENCH]),
            Program("compile", compile_it, batches=2),
        ]
