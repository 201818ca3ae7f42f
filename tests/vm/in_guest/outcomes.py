"""What becomes of commands in a guest, and of steps made of them: facts for the host to judge."""

from __future__ import annotations

import json
import subprocess
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

Facts = dict[str, Any]
DEADLINE = 60.0  # seconds; it ends a broken run and measures nothing


def outcome(*command: str, stderr: int = subprocess.PIPE) -> Facts:
    """Run a command: its exit status, negative for a signal, and what it printed where."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
    )
    return {"status": done.returncode, "out": done.stdout, "err": done.stderr}


def monitored() -> list[int]:
    """The PIDs in /proc/tracer."""
    lines = Path("/proc/tracer").read_text(encoding="ascii").splitlines()[1:]
    return [int(line.split()[0]) for line in lines]


def until(condition: Callable[[], bool], what: str) -> None:
    """Return once `condition` holds. Raises AssertionError if it never does."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"it never came true that {what}"
        time.sleep(0.02)


def take(steps: Sequence[Callable[[], Facts]], facts: Path) -> None:
    """Take each step, and write what it found; of one that fails, the traceback.

    With what each found goes what it left monitored.
    """
    found: dict[str, Facts] = {}
    for step in steps:
        try:
            found[step.__name__] = step()
        except Exception:  # noqa: BLE001 -- the other steps are judged all the same
            found[step.__name__] = {"failed": traceback.format_exc()}
        found[step.__name__]["left"] = monitored()
        facts.write_text(json.dumps(found, indent=1), encoding="utf-8")
