"""Run in a system that has booted with the exporter's package: what the service does there.

usage: exporter.py FACTS, with tests/guest in the share
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "guest"))

import ftrace  # noqa: E402
from looking import ran  # noqa: E402
from outcomes import DEADLINE, Facts, monitored, take, until  # noqa: E402
from proctracer import NAMES  # noqa: E402
from tree_ledger import LIFE_EVENTS, TreeLedger  # noqa: E402

SERVICE = "prometheus-tracer-exporter"
PAGE = "http://127.0.0.1:10042/metrics"
UNIT = Path("/etc/systemd/system/watched.service")
RULES = Path("/etc/tracer/monitor.d")
GATE = Path("/run/watched")
RESTARTS = 10
CHILDREN = 5
STORM = 400
SAMPLE = re.compile(r"(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)")
# The metrics in the order of the columns.
METRICS = (
    "kmalloc_calls",
    "kfree_calls",
    "kmalloc_bytes",
    "kfree_bytes",
    "schedule_calls",
    "semaphore_up_calls",
    "semaphore_down_calls",
    "mutex_lock_calls",
    "mutex_unlock_calls",
)
# It waits to be told so, does its work and ends; systemd starts it again.
SERVICE_FILE = f"""\
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c 'read go < {GATE}; exec sh {HERE}/many.sh "$$go"'
Restart=always
RestartSec=50ms
"""
GROUP = "tracer_adding"
PROBES = (
    f"p:{GROUP}/adds tracer_monitor_add nr=$arg2:s32",
    f"p:{GROUP}/inserts tracer_process_insert",
    f"r:{GROUP}/has_inserted tracer_process_insert",
)


class GroupLedger(TreeLedger):
    """Counts for what the exporter adds, each process from when the module has inserted it."""

    def __init__(self, exporter: int) -> None:
        super().__init__(0, ftrace.kernel_has(ftrace.LARGE[0]))
        self._begun = True
        self._exporter = exporter
        self._adding = 0
        self._inserting = False
        self.added: list[int] = []
        self.disturbed: list[str] = []

    def follow(self, events: list[ftrace.Event]) -> None:
        """Take in events; what a process does while it is added nobody can say the count of."""
        for event in events:
            if self._inserting and event.tid == self._adding:
                self.disturbed.append(f"{event.tid}: {event.name}")
            super().follow([event])

    def _called(self, event: ftrace.Event) -> None:
        by_exporter = event.tid == self._exporter and event.in_task
        if event.name == "adds":
            self._adding = event.number("nr") if by_exporter else self._adding
        elif event.name == "inserts":
            self._inserting = self._inserting or by_exporter
        elif event.name == "has_inserted":
            if by_exporter:
                self._inserting = False
                self.added.append(self._adding)
                self._begin(self._adding)
        else:
            super()._called(event)

    def total(self) -> dict[str, int]:
        """Return the sum over all processes that have ended."""
        return {name: sum(getattr(one, name) for one in self.of.values()) for name in NAMES}


@contextmanager
def probes() -> Iterator[list[str]]:
    """Events around the moment from which a process is monitored."""
    for probe in PROBES:
        ftrace.append_line(ftrace.TRACING / "kprobe_events", probe)
    try:
        yield [probe.split()[0].partition(":")[2] for probe in PROBES]
    finally:
        ftrace.forget_probes(GROUP)


def text() -> str:
    """The page, as Prometheus gets it."""
    with urllib.request.urlopen(PAGE, timeout=DEADLINE) as answer:
        return str(answer.read().decode())


def page() -> dict[str, float]:
    """The values of the page: by name, and in brackets what labels say."""
    found = {}
    for line in text().splitlines():
        sample = SAMPLE.fullmatch(line)
        if sample:
            labels = f"[{sample['labels']}]" if sample["labels"] else ""
            found[sample["name"] + labels] = float(sample["value"])
    return found


def total(values: dict[str, float], group: str = "watched") -> dict[str, int]:
    """The nine totals of a group, by the names of the columns."""
    found = [values[f'tracer_{name}_total[group="{group}"]'] for name in METRICS]
    return dict(zip(NAMES, map(int, found)))


def processes(group: str = "watched") -> float:
    """How many processes of a group are monitored."""
    return page().get(f'tracer_group_processes[group="{group}"]', -1)


def answers() -> bool:
    """Whether the page is there."""
    try:
        text()
    except OSError:
        return False
    return True


def systemctl(*arguments: str) -> Facts:
    """Have systemd do something, and say how that went."""
    return ran("systemctl", *arguments)


def main_pid(unit: str) -> int:
    """The main process of a unit, 0 if it has none."""
    found = systemctl("show", "--property=MainPID", "--value", unit)
    return int(found["output"])


def journal() -> str:
    """What the exporter has said since the boot."""
    return str(ran("journalctl", "--boot", "--output=cat", f"--unit={SERVICE}")["output"])


def service() -> Facts:
    """How the service runs, just installed."""
    until(answers, "the exporter answers")
    status = Path(f"/proc/{main_pid(SERVICE)}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return {
        "state": systemctl("is-active", SERVICE)["output"].strip(),
        "enabled": systemctl("is-enabled", SERVICE)["output"].strip(),
        "user": int(fields["Uid"].split()[0]),
        "capabilities": {name: fields[name].strip() for name in ("CapPrm", "CapEff", "CapBnd")},
        "security": ran("systemd-analyze", "security", "--no-pager", SERVICE)["output"],
        "page": text(),
        "tracer-check": ran("tracer-check")["status"],
    }


def rules() -> Facts:
    """A rule for a unit, beside a file with a fault."""
    subprocess.run(["mkfifo", str(GATE)], check=True)
    UNIT.write_text(SERVICE_FILE)
    (RULES / "watched.toml").write_text('[watched]\nunit = "watched.service"\n')
    (RULES / "bad.toml").write_text('[bad]\nunit = "watched.service"\ncomand = "x"\n')
    systemctl("daemon-reload")
    reload = systemctl("reload", SERVICE)
    until(lambda: processes() == 0, "the group is there")
    check = ran("tracerctl", "rules", "check")
    return {"reload": reload, "journal": journal(), "check": check, "page": text()}


def one_round(children: int) -> None:
    """Have the unit work once, after it has been found."""
    until(lambda: main_pid(UNIT.name) in monitored(), "the exporter has found the unit")
    pid = main_pid(UNIT.name)
    GATE.write_text(f"{children}\n")
    until(lambda: main_pid(UNIT.name) not in (0, pid), "systemd has started it again")


def restarts() -> Facts:
    """A unit that is restarted ten times, beside ftrace."""
    before = total(page())
    exporter = main_pid(SERVICE)
    with probes() as adding, ftrace.tracing([*LIFE_EVENTS, *adding]) as trace:
        systemctl("start", UNIT.name)
        for _ in range(RESTARTS):
            one_round(CHILDREN)
        until(lambda: main_pid(UNIT.name) in monitored(), "the exporter has found the last one")
        systemctl("stop", UNIT.name)
        until(lambda: not monitored(), "the last one has ended")
        events = trace.stop()
    account = GroupLedger(exporter)
    account.follow(events)
    values = page()
    return {
        "before": before,
        "after": total(values),
        "ftrace": account.total(),
        "added": len(account.added),
        "ended": len(account.of),
        "disturbed": account.disturbed,
        "unknown": account.unknown,
        "events": len(events),
        "lost": values["tracer_lost_records_total"],
        "missed": values["tracer_missed_samples_total"],
    }


def storm() -> Facts:
    """Processes that come and go faster than anybody looks, and a page read meanwhile."""
    systemctl("start", UNIT.name)
    until(lambda: main_pid(UNIT.name) in monitored(), "the exporter has found the unit")
    pid = main_pid(UNIT.name)
    GATE.write_text(f"{STORM}\n")
    seen = []
    end = time.monotonic() + 10 * DEADLINE
    while main_pid(UNIT.name) == pid:
        assert time.monotonic() < end
        seen.append(total(page()))
    systemctl("stop", UNIT.name)
    until(lambda: not monitored(), "all have ended")
    values = page()
    seen.append(total(values))
    shrunk = [
        (first, second)
        for first, second in zip(seen, seen[1:])
        if any(second[name] < first[name] for name in NAMES)
    ]
    return {
        "looks": len(seen),
        "shrunk": shrunk,
        "first": seen[0],
        "last": seen[-1],
        "lost": values["tracer_lost_records_total"],
        "unfollowed": values["tracer_unfollowed_processes_total"],
    }


def module() -> Facts:
    """The module goes while nothing is monitored, and comes back."""
    before = total(page())
    until(lambda: ran("modprobe", "-r", "tracer")["status"] == 0, "the module can be unloaded")
    systemctl("start", UNIT.name)
    without = page()
    time.sleep(3)  # the exporter must not have it loaded again, in three of its intervals
    gone = not Path("/sys/module/tracer").exists()
    load = ran("modprobe", "tracer")
    until(lambda: processes() == 1, "the exporter has found the unit")
    held = ran("modprobe", "-r", "tracer")
    one_round(1)
    after = page()
    return {
        "before": before,
        "without": total(without),
        "up without": without["tracer_up"],
        "stays away": gone,
        "load": load,
        "held": held,
        "after": total(after),
        "up": after["tracer_up"],
        "journal": journal(),
    }


def second() -> Facts:
    """A second exporter."""
    found = ran(SERVICE, "--listen", "127.0.0.1:10043")
    return {**found, "pid": main_pid(SERVICE), "up": page()["tracer_up"]}


def killed() -> Facts:
    """The exporter is killed while it monitors something."""
    until(lambda: main_pid(UNIT.name) in monitored(), "the exporter has found the unit")
    pid = main_pid(SERVICE)
    os.kill(pid, signal.SIGKILL)
    until(lambda: main_pid(SERVICE) not in (0, pid), "systemd has started it again")
    until(answers, "the exporter answers")
    until(lambda: processes() == 1, "the exporter has taken the unit over")
    one_round(1)
    return {"total": total(page()), "journal": journal()}


def end() -> Facts:
    """The service is stopped while it monitors something."""
    until(lambda: processes() == 1, "the exporter has found the unit")
    stop = systemctl("stop", SERVICE)
    rows = monitored()
    unload = ran("modprobe", "-r", "tracer")
    ran("modprobe", "tracer")
    systemctl("stop", UNIT.name)
    return {"stop": stop, "rows": rows, "unload": unload, "journal": journal()}


STEPS = (service, rules, restarts, storm, module, second, killed, end)

if __name__ == "__main__":
    take(STEPS, Path(sys.argv[1]))
