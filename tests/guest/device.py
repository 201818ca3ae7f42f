"""The requests of /dev/tracer, each on a file opened for it alone."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

NODE = Path("/dev/tracer")
ADD_PROCESS = 0x4004012A
REMOVE_PROCESS = 0x4004012B
ADD_TREE = 0x4004012C
REMOVE_ALL = 0x0000012D
HAS_PROCESS = 0x4004012E


@contextmanager
def opened(flags: int = os.O_RDWR) -> Iterator[int]:
    """Give a file descriptor of the device. Raises OSError if it cannot be opened."""
    fd = os.open(NODE, flags | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def request(number: int, argument: int, flags: int = os.O_RDWR) -> None:
    """Make one request. Raises OSError with the errno of the driver."""
    with opened(flags) as fd:
        fcntl.ioctl(fd, number, argument)


def add(pid: int) -> None:
    """Have the process monitored. Raises OSError."""
    request(ADD_PROCESS, pid)


def remove(pid: int) -> None:
    """Have the process monitored no more. Raises OSError."""
    request(REMOVE_PROCESS, pid)


def outcome(act: Callable[..., object], *arguments: object) -> str:
    """Give "OK" or the name of the errno that the call fails with, such as "EPERM"."""
    try:
        act(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "OK"


def settle() -> None:
    """Return once udev has given the node its owner and mode, also just after a load."""
    subprocess.run(["udevadm", "settle"], check=True)


@contextmanager
def open_to_all() -> Iterator[None]:
    """Let every user open the node, so that the driver's own rule is what is tested."""
    settle()
    mode = NODE.stat().st_mode & 0o7777
    NODE.chmod(0o666)
    try:
        yield
    finally:
        NODE.chmod(mode)
