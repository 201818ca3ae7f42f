"""Run in a guest with the packages: attach to processes that run, and use the library.

usage: attaching.py FACTS
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import library
from outcomes import Facts, monitored, outcome, take, until

HERE = Path(__file__).resolve().parent
ATTACH = ("tracerctl", "attach")
NOBODY = "4194303"  # the largest PID there can be, which none has so soon after a boot


@contextmanager
def running(*command: str) -> Iterator[str]:
    """A process that runs until the end of the block: its PID."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            yield str(process.pid)
        finally:
            process.kill()


def toiling(calls: int = 10) -> list[str]:
    """The command of a process that works without end."""
    return ["python3", f"{HERE}/toils.py", str(calls)]


def timeout() -> Facts:
    """A process that runs on, for a while."""
    with running(*toiling()) as pid:
        done = outcome(*ATTACH, "--timeout", "1", pid)
        return {**done, "pid": int(pid), "alive": Path("/proc", pid).exists()}


def tree() -> Facts:
    """A process that starts others, for a while."""
    with running("sh", f"{HERE}/many.sh", "1000000") as pid:
        done = outcome(*ATTACH, "--json", "--tree", "--timeout", "2", pid)
        return {**done, "pid": int(pid)}


def intervals() -> Facts:
    """A process that runs on, again and again."""
    with running(*toiling()) as pid:
        done = outcome(*ATTACH, "--json", "--count", "3", "--interval", "0.5", pid)
        return {**done, "pid": int(pid)}


def tree_in_intervals() -> Facts:
    """A process that starts others, again and again."""
    with running("sh", f"{HERE}/many.sh", "1000000") as pid:
        done = outcome(*ATTACH, "--json", "--tree", "--count", "3", "--interval", "1", pid)
        return {**done, "pid": int(pid)}


def end() -> Facts:
    """A process that ends by itself."""
    with subprocess.Popen(
        ["python3", f"{HERE}/worker.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        with subprocess.Popen(
            [*ATTACH, "--json", str(worker.pid)], stdout=subprocess.PIPE, text=True
        ) as tracerctl:
            until(lambda: monitored() == [worker.pid], "the process is monitored")
            worker.communicate("work\nwork\n")
            out, _ = tracerctl.communicate()
    return {"status": tracerctl.returncode, "out": out, "pid": worker.pid}


def interrupted() -> Facts:
    """Ctrl-C."""
    with (
        running(*toiling()) as pid,
        subprocess.Popen([*ATTACH, "--csv", pid], stdout=subprocess.PIPE, text=True) as tracerctl,
    ):
        until(lambda: monitored() == [int(pid)], "the process is monitored")
        tracerctl.send_signal(signal.SIGINT)
        out, _ = tracerctl.communicate()
        return {"status": tracerctl.returncode, "out": out, "pid": int(pid)}


def refusals() -> Facts:
    """Processes that are not there, or are monitored already, alone and beside another."""
    with running(*toiling()) as pid:
        facts: Facts = {
            "unknown": outcome(*ATTACH, NOBODY),
            "no PID": outcome(*ATTACH, "none"),
            "one unknown": outcome(*ATTACH, "--csv", "--timeout", "0.5", NOBODY, pid),
            "add": outcome("tracerctl", "add", pid),
            "monitored": outcome(*ATTACH, pid),
            "left alone": monitored() == [int(pid)],
            "remove": outcome("tracerctl", "remove", pid),
        }
    return facts


STEPS = (
    timeout,
    tree,
    intervals,
    tree_in_intervals,
    end,
    interrupted,
    refusals,
    library.until_the_end,
    library.with_asyncio,
    library.all_removed,
)

if __name__ == "__main__":
    take(STEPS, Path(sys.argv[1]))
