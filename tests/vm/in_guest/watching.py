"""Run in a guest with the packages and tmux: use tracerctl on a terminal, as a user does.

usage: watching.py FACTS
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outcomes import Facts, monitored, outcome, take, until
from terminal import Terminal, status_of

HERE = Path(__file__).resolve().parent
STATUS = Path("/tmp/status")
PLAIN = ("vt100", "NO_COLOR=1")  # a terminal without colour
COLOURED = ("tmux-256color",)
TOP = "tracerctl top --delay 0.5"


@contextmanager
def toiling(*calls: int) -> Iterator[list[int]]:
    """Processes that work, monitored, the first the least."""
    workers = [
        subprocess.Popen(
            ["python3", f"{HERE}/toils.py", str(number)], stdout=subprocess.PIPE, text=True
        )
        for number in calls
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        pids = [worker.pid for worker in workers]
        subprocess.run(["tracerctl", "add", *map(str, pids)], check=True)
        yield pids
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        until(lambda: not monitored(), "nothing is monitored")


def interrupted() -> Facts:
    """Ctrl-C for a command that dies of it."""
    with Terminal("interrupted", *PLAIN) as terminal:
        terminal.line("tracerctl run -- sh -c 'echo begun; exec cat'")
        terminal.sees("\nbegun")
        terminal.keys("C-c")
        picture = terminal.sees("COMMAND", "total", "\nready>")
        return {"picture": picture, "status": status_of(terminal, STATUS)}


def interrupted_in_script() -> Facts:
    """Ctrl-C ends a loop of the shell only if tracerctl has died of the signal."""
    with Terminal("script", *PLAIN) as terminal:
        terminal.line("bash -c 'for n in 1 2 3; do tracerctl run sh -c \"echo begun; cat\"; done'")
        terminal.sees("\nbegun")
        terminal.keys("C-c")
        return {"picture": terminal.sees("COMMAND", "total", "\nready>")}


def outlasting() -> Facts:
    """Ctrl-C for a command that takes it and goes on to an end of its own."""
    ready = Path("/tmp/outlasting")
    with Terminal("outlasting", *PLAIN) as terminal:
        terminal.line(f"tracerctl run -- python3 {HERE}/endures.py SIGINT {ready}")
        until(ready.exists, "the command is ready")
        terminal.keys("C-c")
        picture = terminal.sees("COMMAND", "total", "\nready>")
        return {"picture": picture, "status": status_of(terminal, STATUS)}


def stopped() -> Facts:
    """Ctrl-Z, then fg, in a shell with job control."""
    with Terminal("stopped", *PLAIN) as terminal:
        terminal.line("tracerctl run -- sh -c 'echo begun; cat; exit 3'")
        terminal.sees("\nbegun")
        terminal.keys("C-z")
        stopped = terminal.sees("Stopped", "\nready>")
        terminal.line("fg")
        terminal.line("typed text")
        terminal.sees("typed text\ntyped text")
        terminal.keys("C-d")
        picture = terminal.sees("COMMAND", "total")
        return {"stopped": stopped, "picture": picture, "status": status_of(terminal, STATUS)}


def top_by_keys() -> Facts:
    """Every key of top, in black and white, and sizes that change."""
    facts: Facts = {}
    with toiling(10, 100) as (lazy, busy), Terminal("keys", *PLAIN) as terminal:
        facts.update(pids=[lazy, busy])
        terminal.line(TOP)
        terminal.sees("2 monitored", "by kmalloc")
        facts["first"] = terminal.sees(str(lazy), str(busy), "█")
        facts["first with escapes"] = terminal.picture("-e")
        for _ in range(4):
            terminal.keys("s")
        facts["by sched"] = terminal.sees("per second, by sched")
        terminal.keys("t")
        facts["totals"] = terminal.sees("total, by sched")
        terminal.keys("p")
        facts["paused"] = terminal.sees("PAUSED")
        terminal.keys("r")
        terminal.sees("PID to remove: _")
        terminal.keys(*str(lazy))
        facts["question"] = terminal.sees(f"PID to remove: {lazy}_")
        terminal.keys("Enter")
        until(lambda: monitored() == [busy], "the process is removed")
        facts["paused after removal"] = terminal.sees("PAUSED", "q quit")
        terminal.keys("p")
        facts["removed"] = terminal.sees("1 monitored")
        terminal.keys("a", *str(lazy), "Enter")
        facts["added"] = terminal.sees("2 monitored")
        terminal.keys("a", *str(lazy), "Enter")
        facts["added again"] = terminal.sees("monitored already")
        facts.update(sizes_of(terminal))
        terminal.keys("q")
        facts["after"] = terminal.sees("\nready>")
        facts["status"] = status_of(terminal, STATUS)
    return facts


def sizes_of(terminal: Terminal) -> Facts:
    """What top shows after the terminal has become smaller, larger, and as it was."""
    facts: Facts = {}
    for width, height in ((60, 8), (120, 40), (80, 24)):
        terminal.resize(width, height)

        def fits(height: int = height) -> bool:
            lines = terminal.picture().splitlines()
            return len(lines) == height and lines[0] != "" and lines[-1] != ""

        until(fits, f"the table fills {width}x{height}")
        facts[f"{width}x{height}"] = terminal.picture()
    return facts


def top_in_colour() -> Facts:
    """Top on a terminal with colours, with escape sequences, until nothing is monitored."""
    with Terminal("colour", *COLOURED) as terminal:
        with toiling(10, 100):
            terminal.line(f"{TOP} --exit-when-empty --sort sched")
            terminal.sees("2 monitored", "by sched")
            until(lambda: "█" in terminal.picture(), "there is a trend")
            picture, coloured = terminal.picture(), terminal.picture("-e")
        after = terminal.sees("\nready>")
        status = status_of(terminal, STATUS)
    return {"picture": picture, "coloured": coloured, "after": after, "status": status}


def top_in_batch() -> Facts:
    """Two tables for a pipe."""
    with toiling(10, 100) as pids:
        return {"pids": pids, **outcome("tracerctl", "top", "-b", "-n", "2", "-d", "0.5")}


def top_of_nothing() -> Facts:
    """Nothing to watch, and no terminal."""
    return {
        "empty": outcome("tracerctl", "top", "-b", "--exit-when-empty"),
        "no terminal": outcome("tracerctl", "top"),
    }


STEPS = (
    interrupted,
    interrupted_in_script,
    outlasting,
    stopped,
    top_by_keys,
    top_in_colour,
    top_in_batch,
    top_of_nothing,
)

if __name__ == "__main__":
    os.environ.pop("TMUX", None)
    take(STEPS, Path(sys.argv[1]))
