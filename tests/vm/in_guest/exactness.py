"""Run in a guest with the packages: tracerctl run beside ftrace, which counts the whole tree.

usage: exactness.py FACTS, with tests/guest in the share
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "guest"))

import ftrace  # noqa: E402
from outcomes import Facts, take  # noqa: E402
from proctracer import NAMES  # noqa: E402
from tree_ledger import LIFE_EVENTS, TreeLedger  # noqa: E402

GROUP = "tracer_adding"
# From the one to the other the module makes a process one that is monitored.
PROBES = (
    f"p:{GROUP}/inserts tracer_process_insert",
    f"r:{GROUP}/has_inserted tracer_process_insert",
)
REPORT = Path("/tmp/report.json")
TRIES = 3
OTHER_FRACTION = "the command did something while it was added, so nobody can say what is counted"


class CommandLedger(TreeLedger):
    """Counts for what tracerctl runs, from when the module has added its child."""

    def __init__(self, tracerctl: int) -> None:
        super().__init__(0, ftrace.kernel_has(ftrace.LARGE[0]))
        self._begun = True
        self._tracerctl = tracerctl
        self._inserting = False

    def follow(self, events: list[ftrace.Event]) -> None:
        """Take in events. Raises AssertionError if the command was not quiet when added."""
        for event in events:
            assert not (self._inserting and event.tid == self._root), OTHER_FRACTION
            super().follow([event])

    def _called(self, event: ftrace.Event) -> None:
        by_tracerctl = event.tid == self._tracerctl and event.in_task
        if event.name == "inserts":
            self._inserting = self._inserting or (by_tracerctl and not self.has_begun)
        elif event.name == "has_inserted":
            if by_tracerctl and self._inserting:
                self._inserting = False
                self._begin(self._root)
        elif event.name == "sched_process_fork" and by_tracerctl and not self._root:
            self._root = event.number("child_pid")
        else:
            super()._called(event)

    @property
    def has_begun(self) -> bool:
        """Whether the command has been added."""
        return self._root in self._running or self._root in self.of


@contextmanager
def probes() -> Iterator[list[str]]:
    """Events around the moment from which a process is monitored."""
    definitions = ftrace.TRACING / "kprobe_events"
    for probe in PROBES:
        ftrace.append_line(definitions, probe)
    try:
        yield [probe.split()[0].partition(":")[2] for probe in PROBES]
    finally:
        for probe in PROBES:
            ftrace.append_line(definitions, f"-:{probe.split()[0].partition(':')[2]}")


def compared(*command: str) -> Facts:
    """Run a command with tracerctl and give what both say of each process, by PID.

    It may be given a block of before the trace, and free it: of what size, nobody can say. Then
    nothing can be compared, and it is run again.
    """
    for _ in range(TRIES):
        facts = compared_once(*command)
        if not facts["unknown"]:
            break
    return facts


def compared_once(*command: str) -> Facts:
    """Do it once."""
    with probes() as adding, ftrace.tracing([*LIFE_EVENTS, *adding]) as trace:
        words = ["tracerctl", "run", "--json", "-o", str(REPORT), "--", *command]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as tracerctl:
            pass
        events = trace.stop()
    account = CommandLedger(tracerctl.pid)
    account.follow(events)
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    processes = report["processes"]
    return {
        "status": tracerctl.returncode,
        "report": report,
        "counted": {str(one["PID"]): {name: one[name] for name in NAMES} for one in processes},
        "ftrace": {str(pid): asdict(counters) for pid, counters in account.of.items()},
        "unknown": account.unknown,
        "failed large": account.failed_large,
        "events": len(events),
    }


def operations() -> Facts:
    """Known numbers of pipes, files and processes."""
    return compared("python3", f"{HERE}/operations.py", "/dev/shm")


def pipeline() -> Facts:
    """A pipeline of programs that read files."""
    return compared("sh", "-c", "ls -R /etc | sort | tail -n 3")


def script() -> Facts:
    """A script of short processes."""
    return compared("sh", f"{HERE}/many.sh", "40")


STEPS = (operations, pipeline, script)

if __name__ == "__main__":
    take(STEPS, Path(sys.argv[1]))
