"""The part of the pictures that runs in the guest: terminals and a recording, of the real module.

usage: pictures.py FOLDER
"""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import signal
import struct
import subprocess
import sys
import termios
from contextlib import ExitStack, suppress
from pathlib import Path

from show import HERE, send, start_all

WIDTH, HEIGHT = 100, 24
RUN = "tracerctl run -- sh -c 'for i in 1 2 3; do /bin/true; done; exit 7'"
TOP = "tracerctl top --sort kmalloc --delay 2 --iterations 7"
RECORD = f"tracerctl record --interval 0.5 -o %s -- make --silent -j2 -C {HERE}/build"


def on_a_terminal(command: str, file: Path) -> None:
    """Run a command on a terminal, and keep all that it writes there."""
    pid, terminal = pty.fork()
    if pid == 0:
        size = struct.pack("HHHH", HEIGHT, WIDTH, 0, 0)
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        settings = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        os.execvpe("sh", ["sh", "-c", command], {**os.environ, **settings})  # noqa: S606
    written = b""
    with suppress(OSError):  # how a terminal says that nobody has it open any more
        while True:
            written += os.read(terminal, 65536)
    os.waitpid(pid, 0)
    file.write_bytes(written)


def main(folder: Path) -> None:
    """Write a file for each picture into a folder."""
    on_a_terminal(RUN, folder / "run.terminal")
    with ExitStack() as cleanup:
        running = start_all(cleanup)
        subprocess.run(["tracerctl", "add", *(str(each.pid) for each in running)], check=True)
        send(running, signal.SIGCONT)
        on_a_terminal(TOP, folder / "top.terminal")
    subprocess.run(shlex.split(RECORD % (folder / "recording.ndjson")), check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
