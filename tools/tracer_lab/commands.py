"""Running programs of the host, and the one place that asks for root."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tracer_lab.errors import LabError

ENTER_ROOT = Path(__file__).with_name("enter_root.sh")
LINES_SHOWN = 25
SHARE = "/out"  # where a guest finds the folder that it shares with the host


def as_root(command: Sequence[str]) -> list[str]:
    """The command with sudo in front where this user is not root."""
    return list(command) if os.geteuid() == 0 else ["sudo", "--", *command]


def in_root(root: Path, command: Sequence[str], share: Path | None = None) -> list[str]:
    """The command, to be run as root inside the root file system ``root``.

    A folder of the host given as ``share`` is where a guest would find it, in SHARE; the
    command is then run as the owner of that folder.
    It has mounts and process numbers of its own, which the kernel takes away with its
    last process: nothing is left to unmount, whatever happens.
    """
    own = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    shared = "" if share is None else str(share)
    return as_root([*own, "sh", str(ENTER_ROOT), str(root), SHARE, shared, *command])


def run(
    command: Sequence[str],
    *,
    log: Path | None = None,
    stdin: str = "",
    cwd: Path | None = None,
    hint: str = "",
) -> str:
    """Run a command to its end and return its standard output.

    With ``log``, everything it prints goes to that file instead and nothing is returned.
    Raises LabError, with the last lines that it printed, if it cannot start or fails.
    """
    try:
        if log is None:
            done = subprocess.run(
                command, input=stdin, capture_output=True, text=True, check=False, cwd=cwd
            )
            printed = done.stdout + done.stderr
        else:
            with log.open("a") as sink:
                done = subprocess.run(
                    command,
                    input=stdin,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                    cwd=cwd,
                )
            printed = log.read_text(errors="replace")
    except FileNotFoundError as error:
        raise LabError(f"{command[0]}: no such command", "./bootstrap installs it") from error
    if done.returncode != 0:
        raise LabError(_failure(command, done.returncode, printed, log), hint)
    return "" if log is not None else str(done.stdout)


def _failure(command: Sequence[str], status: int, printed: str, log: Path | None) -> str:
    tail = "\n".join(f"  | {line}" for line in printed.splitlines()[-LINES_SHOWN:])
    where = f"\n  whole output: {log}" if log is not None else ""
    return f"exit status {status} from: {shlex.join(command)}\n{tail}{where}"
