"""What the exporter itself takes, with 10, 1,000 and 10,000 processes.

    cd tools; ../.venv/bin/python -m tracer_lab.exporter_cost

The machine is made of files: a table, a cgroup and /proc/PID/status of that many processes. So it
is the exporter's own time; beside that the kernel takes some to write the table: see
docs/performance.md. Each case is a process of its own, whose memory is then its own, too.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from tracer_exporter.metrics import Page, Shown
from tracer_exporter.watch import Watch
from tracer_tools.finding import find
from tracer_tools.module import MODULE, VALUES
from tracer_tools.rules import Rule
from tracer_tools.system import System
from tracer_tools.table import COLUMNS, TABLE

SIZES = (10, 1000, 10_000)
GROUPS = 50
ROUNDS = 5
FIRST_PID = 100_000
STATUS = "Name:\tworker\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t{0}\nPid:\t{0}\nPPid:\t1\n"
STATUS += "TracerPid:\t0\nUid:\t1000\t1000\t1000\t1000\n"


class Files(System):
    """A machine made of files, whose module agrees to everything."""

    def write(self, name: str, text: str) -> None:
        """Put a file with this text at this absolute name."""
        file = self.path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="ascii")

    def ioctl(self, descriptor: int, request: int, argument: int) -> None:
        """Agree."""

    def open(self, name: str) -> int:  # noqa: ARG002 -- as it is called
        """Return a pipe that never has a record."""
        reader, _ = os.pipe()
        return reader


def populate(machine: Files, number: int) -> None:
    """Put a module, a table and processes there, in cgroups of `GROUPS` units."""
    machine.write(f"{MODULE}/initstate", "live\n")
    machine.write(f"{MODULE}/version", "1.0.0\n")
    for name, text in (("engine", "kretprobe"), ("missed_samples", "0"), ("unfollowed", "0")):
        machine.write(f"{VALUES}/{name}", f"{text}\n")
    pids = range(FIRST_PID, FIRST_PID + number)
    counts = "1234567 1234567 1234567890 1234567890 1234567 0 0 1234567 1234567"
    rows = [" ".join(COLUMNS), *(f"{pid} {counts}" for pid in pids), ""]
    machine.write(TABLE, "\n".join(rows))
    machine.write("/sys/fs/cgroup/cgroup.controllers", "cpu\n")
    for group in range(GROUPS):
        members = "".join(f"{pid}\n" for pid in pids if pid % GROUPS == group)
        machine.write(f"/sys/fs/cgroup/system.slice/unit{group}.service/cgroup.procs", members)
    for pid in pids:
        machine.write(f"/proc/{pid}/status", STATUS.format(pid))


def seconds(action: Callable[[], object]) -> float:
    """How much processor time an action takes, the least of some rounds."""
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        action()
        found.append(time.process_time() - begun)
    return min(found)


def measure(number: int) -> dict[str, float]:
    """What the exporter takes with so many processes: seconds, bytes."""
    by_unit = [Rule(f"unit{n}", "f.toml", 1, unit=f"unit{n}.service") for n in range(GROUPS)]
    by_user = [Rule("worker", "f.toml", 1, command="worker", user="1000")]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        machine = Files(Path(folder))
        populate(machine, number)
        watch = Watch(machine)
        watch.use(by_unit)
        watch.add(find(by_unit, machine).groups.items())
        plain, each = CollectorRegistry(), CollectorRegistry()
        plain.register(Page(watch.look, str))
        each.register(Page(watch.look, str, Shown(1000)))
        return {
            "processes": number,
            "find by unit": seconds(lambda: find(by_unit, machine)),
            "find by command": seconds(lambda: find(by_user, machine)),
            "scrape": seconds(lambda: generate_latest(plain)),
            "bytes": len(generate_latest(plain)),
            "bytes per process": len(generate_latest(each)),
            "peak memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }


def main() -> None:
    """Measure each size in a process of its own, and print a line of JSON for each."""
    if sys.argv[1:]:
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]))) + "\n")
        return
    for number in SIZES:
        subprocess.run([sys.executable, "-m", __spec__.name, str(number)], check=True)


if __name__ == "__main__":
    main()
