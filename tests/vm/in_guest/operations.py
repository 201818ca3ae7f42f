"""A program with known numbers of operations, in a tree of processes of one thread each.

usage: operations.py FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PIPES, FILES, CHILDREN = 101, 53, 7  # of each process: pipes and files


def work(folder: Path) -> None:
    """Use pipes, and files of many sizes."""
    for number in range(PIPES):
        reader, writer = os.pipe()
        os.write(writer, bytes(number + 1))
        os.read(reader, number + 1)
        os.close(reader)
        os.close(writer)
    for number in range(FILES):
        path = folder / f"{os.getpid()}-{number}"
        path.write_bytes(bytes(number * 997))
        path.read_bytes()
        path.unlink()


if __name__ == "__main__":
    for _ in range(CHILDREN):
        if os.fork() == 0:
            work(Path(sys.argv[1]))
            os._exit(0)
    work(Path(sys.argv[1]))
    for _ in range(CHILDREN):
        os.wait()
