"""Run in a guest with the packages: measure commands in every way that users do.

usage: measuring.py FACTS
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from outcomes import Facts, outcome, take, until

HERE = Path(__file__).resolve().parent
RUN = ("tracerctl", "run")
MEMBER, OUTSIDER = "alice", "bob"  # of the group tracer, and not
REPORT = "/tmp/report"
SEVERAL = "ls / > /dev/null; ls -R /etc > /dev/null; exit 7"  # three processes with the shell


def run(*words: str) -> Facts:
    """Have tracerctl run a command, with the report in REPORT: how it went, and the report."""
    Path(REPORT).unlink(missing_ok=True)
    done = outcome(*RUN, "-o", REPORT, *words)
    return {**done, "report": Path(REPORT).read_text(encoding="utf-8")}


def bash(script: str) -> Facts:
    """Run a line of bash."""
    return outcome("bash", "-c", script)


def statuses() -> Facts:
    """Commands that exit with each status."""
    done = {str(number): outcome(*RUN, "sh", "-c", f"exit {number}") for number in (0, 125, 126)}
    return {**done, "127": outcome(*RUN, "--", "sh", "-c", "exit 127")}


def deaths() -> Facts:
    """Commands that signals kill."""
    return {name: outcome(*RUN, "sh", "-c", f"kill -{name} $$") for name in ("TERM", "KILL")}


def refusals() -> Facts:
    """What is no command, or cannot be reported on."""
    return {
        "absent": outcome(*RUN, "--", "no-such-command"),
        "not executable": outcome(*RUN, "--", "/etc/passwd"),
        "no command": outcome(*RUN),
        "unwritable": outcome(*RUN, "-o", "/no/such/folder/file", "--", "echo", "printed"),
        "within": outcome(*RUN, "-o", REPORT, *RUN, "echo", "printed"),
    }


def reports() -> Facts:
    """The report in each format."""
    several = ("--", "sh", "-c", SEVERAL)
    return {
        "table": outcome(*RUN, "--sort", "kmalloc", *several),
        "json": run("--json", *several),
        "csv": run("--csv", "--sort", "sched", *several),
        "per second": run("--json", "--per-second", *several),
        "no follow": run("--json", "--no-follow", *several),
    }


def pipes() -> Facts:
    """Pipelines whose reader goes early, and reports that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    unread = outcome(*RUN, "--", "sh", "-c", "echo printed; exit 3", stderr=writer)
    os.close(writer)
    return {
        "head": bash('tracerctl run -- seq 100000 | head -1; echo "${PIPESTATUS[*]}"'),
        "to nowhere": bash("tracerctl run -- sh -c 'echo printed; exit 7' 2> /dev/null"),
        "unread report": unread,
    }


def closed_streams() -> Facts:
    """The command finds closed what tracerctl found closed."""
    look = "test -e /proc/self/fd/{0} && exit 8; exit 5"
    return {
        str(number): bash(f"tracerctl run -o {REPORT} sh -c '{look.format(number)}' {number}>&-")
        for number in range(3)
    }


def users() -> Facts:
    """Root by sudo, a member of the group by sudo and by itself, and an outsider."""
    Path("/etc/sudoers.d/member").write_text(f"{MEMBER} ALL=(ALL) NOPASSWD: ALL\n", "ascii")
    who = (*RUN, "--json", "--", "id", "-un")
    line = "tracerctl run --json -- "
    return {
        "sudo": outcome("sudo", *who),
        "sudo -u": outcome("sudo", "-u", MEMBER, *who),
        "member": outcome("runuser", "--login", MEMBER, "--command", line + "id -un"),
        "member's sudo": outcome(
            *("runuser", "--login", MEMBER, "--command"), line + "sh -c 'sudo -n id -un; id -un'"
        ),
        "outsider": outcome("runuser", "--login", OUTSIDER, "--command", line + "id -un"),
    }


def daemon() -> Facts:
    """A command that leaves a daemon behind."""
    file = Path("/tmp/daemon.pid")
    facts = run("--json", "--", "python3", f"{HERE}/daemonise.py", str(file))
    pid = int(file.read_text(encoding="ascii"))
    alive = Path(f"/proc/{pid}").exists()
    os.kill(pid, signal.SIGKILL)
    return {**facts, "pid": pid, "alive": alive}


def terminated() -> Facts:
    """SIGTERM to tracerctl."""
    ready = Path("/tmp/ready")
    words = ("python3", f"{HERE}/endures.py", "SIGTERM", str(ready))
    with subprocess.Popen(
        [*RUN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tracerctl:
        until(ready.exists, "the command is ready")
        tracerctl.terminate()
        out, err = tracerctl.communicate()
    return {"status": tracerctl.returncode, "out": out, "err": err}


def many() -> Facts:
    """A script of 200 short processes."""
    return run("--json", "--", "sh", f"{HERE}/many.sh", "200")


STEPS = (
    statuses,
    deaths,
    refusals,
    reports,
    pipes,
    closed_streams,
    users,
    daemon,
    terminated,
    many,
)

if __name__ == "__main__":
    take(STEPS, Path(sys.argv[1]))
