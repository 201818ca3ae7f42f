"""Run in a system that has booted: do what its users and its administrator do, one after another.

What each step finds goes to a file of JSON, step by step, for the host to judge.

usage: running_system.py FACTS NEWER STEP...
NEWER is a folder with .deb files of a newer version; the steps are those in STEPS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Callable

from looking import node, ran

HERE = Path(__file__).resolve().parent
NODE = Path("/dev/tracer")
MODULE = Path("/sys/module/tracer")
MEMBER, OUTSIDER = "alice", "bob"
PACKAGES = ("tracer-dkms", "tracer-tools")
Facts = dict[str, Any]


def as_user(user: str, command: str) -> Facts:
    """Run a shell command in a login session of that user."""
    return ran("runuser", "--login", user, "--command", command)


class Worker:
    """A process of a user, begun in a login session, that works when it is told to."""

    def __init__(self, user: str) -> None:
        command = f"exec python3 {HERE}/worker.py"
        self._login = subprocess.Popen(
            ["runuser", "--login", user, "--command", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = int(self._answer())

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._login.stdin is not None
        self._login.stdin.close()
        self._login.wait()

    def work(self) -> None:
        """Have it do its work once; return when it has."""
        assert self._login.stdin is not None
        self._login.stdin.write("work\n")
        self._login.stdin.flush()
        self._answer()

    def _answer(self) -> str:
        assert self._login.stdout is not None
        answer = self._login.stdout.readline()
        if not answer:
            raise RuntimeError(f"the worker has ended with {self._login.wait()}")
        return answer


def rows() -> list[list[int]]:
    """The rows of /proc/tracer as root sees them: PID and counters."""
    return [[int(cell) for cell in line.split()] for line in table().splitlines()[1:]]


def table() -> str:
    """The text of /proc/tracer; empty without the module."""
    file = Path("/proc/tracer")
    return file.read_text() if file.exists() else ""


def module() -> Facts:
    """Say which module is loaded; nothing if none is."""
    if not MODULE.exists():
        return {}
    names = ("version", "srcversion")
    return {name: (MODULE / name).read_text().strip() for name in names}


def check() -> dict[str, dict[str, str]]:
    """What tracer-check says, by the id of the check."""
    found = json.loads(ran("tracer-check", "--json")["output"])
    return {one["id"]: one for one in found["checks"]}


def boot() -> Facts:
    """What there is after the boot, before anybody has done anything."""
    return {
        "init": Path("/proc/1/comm").read_text().strip(),
        "state": ran("systemctl", "is-system-running")["output"].strip(),
        "failed units": ran("systemctl", "--failed", "--plain", "--no-legend")["output"],
        "load service": ran("systemctl", "show", "--property=Result", "systemd-modules-load")[
            "output"
        ],
        "module": module(),
        "node": node(NODE),
    }


def member() -> Facts:
    """A user of the group monitors a process of its own, and tries one of another user."""
    subprocess.run(["useradd", "--create-home", "--groups=tracer", MEMBER], check=True)
    subprocess.run(["useradd", "--create-home", OUTSIDER], check=True)
    with Worker(MEMBER) as own, Worker(OUTSIDER) as other:
        facts: Facts = {
            "pid": own.pid,
            "other pid": other.pid,
            "groups": as_user(MEMBER, "id --name --groups")["output"].split(),
            "add": as_user(MEMBER, f"tracerctl add {own.pid}"),
            "first list": as_user(MEMBER, "tracerctl list --json"),
        }
        own.work()
        facts["second list"] = as_user(MEMBER, "tracerctl list --json")
        facts["add of another's"] = as_user(MEMBER, f"tracerctl add {other.pid}")
        facts["list of the outsider"] = as_user(OUTSIDER, "tracerctl list --json")
        facts["remove"] = as_user(MEMBER, f"tracerctl remove {own.pid}")
        facts["last list"] = as_user(MEMBER, "tracerctl list --json")
    facts["tracer-check"] = as_user(MEMBER, "tracer-check")
    return facts


def outsider() -> Facts:
    """A user outside the group tries to monitor a process of its own."""
    with Worker(OUTSIDER) as own:
        return {
            "open": as_user(OUTSIDER, f"python3 -c 'import os; os.open(\"{NODE}\", os.O_RDONLY)'"),
            "add": as_user(OUTSIDER, f"tracerctl add {own.pid}"),
            "tracer-check": as_user(OUTSIDER, "tracer-check"),
        }


def upgrade() -> Facts:
    """Install the newer packages with apt."""
    files = sorted(str(deb) for deb in Path(sys.argv[2]).glob("*.deb"))
    return ran("apt-get", "install", "--yes", *files)


def upgrade_while_monitoring() -> Facts:
    """Upgrade while a process is monitored; then do what tracer-check asks for."""
    with Worker(MEMBER) as worker:
        facts: Facts = {
            "pid": worker.pid,
            "add": as_user(MEMBER, f"tracerctl add {worker.pid}"),
            "module before": module(),
            "rows before": rows(),
            "apt": upgrade(),
            "module after": module(),
            "rows after": rows(),
        }
        worker.work()
        facts["rows after work"] = rows()
        facts["check"] = check()
        facts["remove"] = as_user(MEMBER, f"tracerctl remove {worker.pid}")
    reload = facts["check"]["module-current"]["command"] or "echo none; false"
    facts["reload"] = ran("sh", "-c", reload.replace("sudo ", ""))
    facts["module after reload"] = module()
    facts["check after reload"] = check()
    return facts


def upgrade_while_idle() -> Facts:
    """Upgrade while the module is loaded, but not in use."""
    return {
        "apt": upgrade(),
        "module after": module(),
        "node": node(NODE),
        "check": check(),
    }


def purge_while_monitoring() -> Facts:
    """Purge the packages while a process is monitored, and look for what is left."""
    with Worker(MEMBER) as worker:
        facts: Facts = {
            "add": as_user(MEMBER, f"tracerctl add {worker.pid}"),
            "rows before": rows(),
            "apt": purge(),
            "module": module(),
        }
    return {**facts, **left()}


def purge_while_open() -> Facts:
    """The same while a program has /dev/tracer open; unload the module afterwards."""
    descriptor = os.open(NODE, os.O_RDONLY)
    facts = purge_while_monitoring()
    os.close(descriptor)
    return {"as long as it is open": facts, "unload": ran("rmmod", "tracer"), **left()}


def purge() -> Facts:
    """Purge the packages with apt."""
    return ran("apt-get", "purge", "--yes", *PACKAGES)


def left() -> Facts:
    """What of tracer is still there."""
    # The kernel's headers and pahole have tracers of their own.
    others = ("-not", "-path", "/usr/src/linux-*", "-not", "-name", "*ctracer*")
    found = ran("find", "/", "-xdev", "-name", "*tracer*", *others)
    return {
        "files": found["output"].splitlines(),
        "group": ran("getent", "group", "tracer")["status"] == 0,
        "groups of the member": as_user(MEMBER, "id --name --groups"),
        "dkms": ran("dkms", "status", "-m", "tracer")["output"],
        "modprobe": ran("modprobe", "--dry-run", "tracer"),
    }


STEPS: dict[str, Callable[[], Facts]] = {
    step.__name__: step
    for step in (
        boot,
        member,
        outsider,
        upgrade_while_monitoring,
        upgrade_while_idle,
        purge_while_monitoring,
        purge_while_open,
    )
}


def main() -> None:
    """Take the steps in order; what is written is complete up to the step that failed."""
    facts: Facts = {}
    for name in sys.argv[3:]:
        facts[name] = STEPS[name]()
        print(f"{uptime()} s: {name}", flush=True)
        Path(sys.argv[1]).write_text(json.dumps(facts, indent=1))


def uptime() -> str:
    """Seconds since the boot."""
    return Path("/proc/uptime").read_text().split()[0]


if __name__ == "__main__":
    main()
