"""What the exporter is told at its start."""

from __future__ import annotations

import argparse
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from tracer_tools.ctl.options import count_argument
from tracer_tools.rules import FOLDER

MOST_PROCESSES = 10_000
ADDRESS = re.compile(
    r"(?:\[(?P<six>[0-9a-fA-F:.%a-z]+)\]|(?P<four>[^:\[\]]+)):(?P<port>[0-9]{1,5})"
)


@dataclass(frozen=True)
class Address:
    """Where readers find the page."""

    host: str
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        """Whether it is an address of IPv6."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Options:
    """The arguments of the command.

    interval: seconds between two looks for processes. per_process: how many processes have series
    of their own, None for none. textfile: the file that is written, in place of listening.
    """

    listen: Address = Address("127.0.0.1", 10042)
    interval: float = 1.0
    per_process: int | None = None
    textfile: Path | None = None
    rules: str = FOLDER


def address_argument(text: str) -> Address:
    """Return the address that an argument names; raise ArgumentTypeError if it names none."""
    found = ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 65536:
        example = "127.0.0.1:10042 or [::1]:10042"
        raise argparse.ArgumentTypeError(f"{text!r} is no address with a port: give {example}")
    return Address(found["six"] or found["four"], int(found["port"]))


def most_argument(text: str) -> int:
    """Return how many processes an argument allows; raise ArgumentTypeError if none."""
    number = count_argument(text)
    if number > MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text} is too many: give {MOST_PROCESSES} at most")
    return number


def textfile_argument(text: str) -> Path:
    """Return the file that an argument names; raise ArgumentTypeError if node-exporter skips it."""
    file = Path(text)
    if file.suffix != ".prom":
        raise argparse.ArgumentTypeError(
            f"{text!r}: node-exporter only reads names ending in .prom"
        )
    return file
