"""What goes on beside the actors of a storm: exact work that is counted, and stress-ng."""

from __future__ import annotations

import collections
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import waiting
import workload
from processes import Child
from workload import Step

THREADS = 2
DEADLINE = 900.0  # seconds; the slowest machine is faster
# While they work they are no guests among all that goes on; while they wait they spin.
URGENT, IDLE = Step("nice", 1, 0), Step("nice", 1, 19)
PAUSE = Step("pause", 1)
STRESSORS = ("fork", "pipe", "mutex", "malloc", "sock")
FOLDER = Path("/tmp")  # it wants one that it can write to
METRICS = FOLDER / "stress-ng.yaml"


def portion(weight: int) -> list[Step]:
    """Give prime numbers of operations, those that hold no memory `weight` times."""
    return [
        URGENT,
        Step("kmalloc", 211, 97),
        Step("lock", 10_007 * weight),
        Step("krealloc_grow", 61, 71),
        Step("schedule", 3_001 * weight),
        Step("kfree", 263),
        Step("down", 4_001 * weight),
        Step("up", 4_003 * weight),
        Step("unlock", 5_003 * weight),
        Step("kfree_null", 5_009 * weight),
        IDLE,
    ]


# Sizes of slabs: what is given back is the same whether the table of blocks had room or not.
ROOM_OR_NOT = [
    URGENT,
    Step("kmalloc", 1_009, 96),
    Step("lock", 1_013),
    Step("kmalloc_const", 53, 8192),
    Step("schedule", 307),
    Step("kfree", 1_061),
    Step("down", 109),
    Step("up", 107),
    IDLE,
]


class Workers:
    """Tasks that are monitored, and work through a portion each time that they are told to."""

    def __init__(self, pids: Sequence[int], plan: Sequence[Step]) -> None:
        self.pids = frozenset(pids)
        self._plan = plan

    def begin(self) -> None:
        """Have them work through the next portion."""
        workload.control("go")

    def await_end(self, phase: str = "parked") -> None:
        """Return once all have: they are "parked" before the next portion, or "done"."""
        workload.await_phase(phase, len(self.pids), DEADLINE)

    def facts(self) -> dict[str, Any]:
        """Say what each counted after the last portion, and what was to be expected."""
        return {
            "expected": asdict(workload.expected(self._plan)),
            "counted": [asdict(workload.counted(pid)) for pid in sorted(self.pids)],
            "errors": [worker.error for worker in workload.workers()],
        }


@contextmanager
def monitored_workers(
    steps: Sequence[Step], portions: int = 1, threads: int = 1, *, process: bool = False
) -> Iterator[Workers]:
    """Give kernel threads, and if wanted a process, that are monitored and wait."""
    plan = [*steps, *([PAUSE, *steps] * (portions - 1))]
    with workload.threads_of([plan] * threads), ExitStack() as stack:
        if process:
            stack.enter_context(Child(lambda link: workload.work_here(plan)))
        workload.await_phase("parked", threads + process)
        pids = [worker.pid for worker in workload.workers()]
        for pid in pids:
            workload.add(pid)
        yield Workers(pids, plan)


@contextmanager
def stressed(tally: collections.Counter[str]) -> Iterator[list[int]]:
    """Run stress-ng until the end of the block; give its stressors, then add what they did."""
    words = ["stress-ng", "--timeout", "0", "--metrics-brief", "--yaml", str(METRICS)]
    words += ["--malloc-bytes", "32m", *(word for name in STRESSORS for word in (f"--{name}", "1"))]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=FOLDER) as process:
        try:
            waiting.until(lambda: len(children(process.pid)) == len(STRESSORS), "it stresses")
            yield children(process.pid)
        finally:
            process.terminate()
    assert process.returncode == 0, f"stress-ng ended with {process.returncode}"
    found = re.findall(r"stressor: (\w+)\n *bogo-ops: (\d+)", METRICS.read_text(encoding="ascii"))
    tally.update({f"stress-ng --{name}": int(number) for name, number in found})


def children(pid: int) -> list[int]:
    """Give the children of a process."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
