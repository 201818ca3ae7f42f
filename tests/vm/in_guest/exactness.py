"""Run in a guest with the packages: tracerctl run, and record, beside ftrace, of whole trees.

usage: exactness.py FACTS, with tests/guest in the share
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
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
RECORDING = Path("/tmp/recording.ndjson")
RUN = ("tracerctl", "run", "--json", "-o", str(REPORT), "--")
RECORD = ("tracerctl", "record", "--interval", "0.2", "-o", str(RECORDING), "--")
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


def reported() -> Facts:
    """What tracerctl run said."""
    report: Facts = json.loads(REPORT.read_text(encoding="utf-8"))
    return report


def recorded() -> Facts:
    """What tracerctl record wrote, as run would say it, and the sums of the intervals by PID."""
    lines = [json.loads(line) for line in RECORDING.read_text(encoding="utf-8").splitlines()]
    *_, end = lines
    sums: dict[str, dict[str, int]] = {}
    for line in lines:
        if line["type"] == "interval":
            summed = sums.setdefault(str(line["PID"]), dict.fromkeys(NAMES, 0))
            for name in NAMES:
                summed[name] += line[name]
    return {
        **{name: end[name] for name in ("lost", "missed", "unfollowed")},
        "total": {name: end[name] for name in NAMES},
        "processes": [line for line in lines if line["type"] == "total"],
        "intervals": sums,
    }


def compared(tracerctl: Sequence[str], said: Callable[[], Facts], *command: str) -> Facts:
    """Run a command with tracerctl and give what both say of each process, by PID.

    ``said`` gives what tracerctl said.
    It may be given a block of before the trace, and free it: of what size, nobody can say. Then
    nothing can be compared, and it is run again.
    """
    for _ in range(TRIES):
        facts = compared_once([*tracerctl, *command], said)
        if not facts["unknown"]:
            break
    return facts


def compared_once(words: Sequence[str], said: Callable[[], Facts]) -> Facts:
    """Do it once."""
    with probes() as adding, ftrace.tracing([*LIFE_EVENTS, *adding]) as trace:
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as tracerctl:
            pass
        events = trace.stop()
    account = CommandLedger(tracerctl.pid)
    account.follow(events)
    report = said()
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
    return compared(RUN, reported, "python3", f"{HERE}/operations.py", "/dev/shm")


def pipeline() -> Facts:
    """A pipeline of programs that read files."""
    return compared(RUN, reported, "sh", "-c", "ls -R /etc | sort | tail -n 3")


def script() -> Facts:
    """A script of short processes."""
    return compared(RUN, reported, "sh", f"{HERE}/many.sh", "40")


def recording() -> Facts:
    """The same script, recorded."""
    return compared(RECORD, recorded, "sh", f"{HERE}/many.sh", "40")


STEPS = (operations, pipeline, script, recording)

if __name__ == "__main__":
    take(STEPS, Path(sys.argv[1]))
