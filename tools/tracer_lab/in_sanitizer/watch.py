"""Run a command on a kernel with sanitizers, and ask these afterwards what they have found.

usage: watch.py REPORT COMMAND...

REPORT gets a line for whatever is amiss, and "end" as its last line; the exit status is that of
the command. Blocks that are leaked before the command starts do not count. When it has ended,
every module is unloaded before leaks are searched for. Needs the standard library alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

LEAKS = Path("/sys/kernel/debug/kmemleak")
RACES = Path("/sys/kernel/debug/kcsan")
LOCKS = Path("/proc/lockdep_stats")
MODULES = Path("/proc/modules")
# kmemleak takes no younger block for a leak, and none whose content changed since the last scan.
SECONDS_TO_AGE = 6
END = "end"


def search_for_leaks() -> None:
    """Have kmemleak look twice at blocks of an age. Raises OSError where it has given up."""
    for _ in range(2):
        time.sleep(SECONDS_TO_AGE)
        LEAKS.write_text("scan", encoding="ascii")


def forget_leaks() -> None:
    """Have kmemleak leave out from now on what it takes for a leak already."""
    search_for_leaks()
    LEAKS.write_text("clear", encoding="ascii")


def leaks() -> Iterator[str]:
    """Give what kmemleak takes for a leak."""
    try:
        search_for_leaks()
    except OSError as error:
        yield f"kmemleak has given up: {error.strerror}"
        return
    yield from LEAKS.read_text(encoding="utf-8", errors="replace").splitlines()


def unload_modules() -> Iterator[str]:
    """Unload every module; give what hinders that."""
    for line in MODULES.read_text(encoding="ascii").splitlines():
        name = line.split()[0]
        done = subprocess.run(["rmmod", name], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            yield f"{name} was not unloaded: {done.stderr.strip()}"


def idle(locks: str, races: str) -> Iterator[str]:
    """Give which of the sanitizers with these statistics no longer look at anything.

    Empty statistics are those of one that the kernel does not have.
    """
    if locks and not re.search(r"^ *debug_locks: +1$", locks, re.MULTILINE):
        yield "lockdep has turned itself off: see the kernel log"
    if races and not re.search(r"^enabled: 1$", races, re.MULTILINE):
        yield "KCSAN is turned off"
    if races and not re.search(r"^setup_watchpoints: [1-9]", races, re.MULTILINE):
        yield "KCSAN has watched nothing"


def amiss() -> Iterator[str]:
    """Give all that is amiss when the command has ended."""
    locks, races = (path.read_text() if path.exists() else "" for path in (LOCKS, RACES))
    yield from idle(locks, races)
    if not any(path.exists() for path in (LOCKS, RACES, LEAKS)):
        yield "the kernel has no sanitizers, or debugfs is not mounted"
    yield from unload_modules()
    if LEAKS.exists():
        yield from leaks()


def main(report: Path, command: list[str]) -> int:
    """Run the command and write the report; the exit status of the command."""
    if LEAKS.exists():
        forget_leaks()
    status = subprocess.run(command, check=False).returncode
    report.write_text("\n".join([*amiss(), END]) + "\n", encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
