"""A command that daemonises: what goes on is no child of anybody who knows of it.

usage: daemonise.py FILE
FILE gets the PID of the daemon, which then waits for a signal to kill it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def become_daemon(file: Path, ready: int) -> None:
    """Leave the session and the parent, then wait."""
    os.setsid()
    if os.fork() > 0:
        os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    file.write_text(str(os.getpid()), encoding="ascii")
    os.close(ready)
    signal.pause()


if __name__ == "__main__":
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        become_daemon(Path(sys.argv[1]), writer)
    os.close(writer)
    os.read(reader, 1)  # end of file: the daemon is one
    os.wait()
    print("daemon started")
