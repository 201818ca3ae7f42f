"""A program of many threads for the demo: each reads the files of /etc again and again."""

from __future__ import annotations

import threading
from pathlib import Path

THREADS = 16


def read_for_ever() -> None:
    """Read whatever is readable, until the process is ended."""
    while True:
        for path in Path("/etc").rglob("*"):
            if path.is_file():
                path.read_bytes()


if __name__ == "__main__":
    for _ in range(THREADS):
        threading.Thread(target=read_for_ever).start()
