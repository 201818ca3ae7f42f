"""Run in each system of the fleet: have the exporter watch a unit, and obey the host.

The host puts orders into the folder orders of the share, and gets an answer to each in answers.
usage: member.py SHARE
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SERVICE = "prometheus-tracer-exporter"
FIFO = Path("/run/worker")
UNIT = Path("/etc/systemd/system/worker.service")
UNIT_FILE = f"[Service]\nExecStart=/usr/bin/python3 {HERE}/worker.py {FIFO}\n"
RULE = '[worker]\nunit = "worker.service"\n'
ADDRESS, MASK = "10.0.2.15", "255.255.255.0"  # as QEMU's own network has them
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
IFF_UP = 0x1
DEADLINE = 120.0


def until(condition: Any, what: str) -> None:  # noqa: ANN401 -- a function of nothing
    """Return once `condition` holds. Raises AssertionError if it never does."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"it never came true that {what}"
        time.sleep(0.05)


def bring_network_up() -> None:
    """Give the machine's card its address; a minimal system has no program for that."""

    def cards() -> list[str]:
        # Others, such as the loopback, are no devices.
        return [path.parent.name for path in Path("/sys/class/net").glob("*/device")]

    until(cards, "there is a network card")
    name = cards()[0].encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, address in ((SIOCSIFADDR, ADDRESS), (SIOCSIFNETMASK, MASK)):
            raw = struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, request, raw)
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", name, IFF_UP))
    for file in ("/proc/net/dev", "/proc/net/route", "/proc/net/fib_trie"):
        print(Path(file).read_text(), flush=True)  # for who looks for what went wrong


def rows() -> dict[int, dict[str, int]]:
    """The table: the counters of each process."""
    head, *lines = Path("/proc/tracer").read_text(encoding="ascii").splitlines()
    table = [[int(word) for word in line.split()] for line in lines]
    return {row[0]: dict(zip(head.split()[1:], row[1:])) for row in table}


def worker() -> int:
    """The PID of the unit's process."""
    show = ["systemctl", "show", "--property=MainPID", "--value", "worker.service"]
    return int(subprocess.run(show, capture_output=True, check=True, text=True).stdout)


def sleeps() -> bool:
    """Whether the worker waits for its FIFO."""
    return Path(f"/proc/{worker()}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def set_up() -> None:
    """Have the exporter watch the worker, and be heard outside of the machine."""
    bring_network_up()
    os.mkfifo(FIFO)
    UNIT.write_text(UNIT_FILE)
    Path("/etc/tracer/monitor.d/worker.toml").write_text(RULE)
    Path("/etc/tracer/exporter.conf").write_text('ARGS="--listen 0.0.0.0:10042"\n')
    for words in (["daemon-reload"], ["restart", SERVICE], ["start", "worker.service"]):
        subprocess.run(["systemctl", *words], check=True)
    until(lambda: worker() in rows(), "the exporter has found the worker")


def work(operations: int) -> dict[str, int]:
    """Have the worker do operations, and give its row when it sleeps again."""
    before = rows()[worker()]["lock"]
    if operations:
        FIFO.write_text(str(operations))
        until(lambda: rows()[worker()]["lock"] > before + operations and sleeps(), "it has worked")
    until(sleeps, "the worker sleeps")
    return rows()[worker()]


def obey(share: Path) -> None:
    """Do what the host orders until that is to end: a number of operations, or -1."""
    number = 0
    while True:
        order, answer = share / "orders" / str(number), share / "answers" / str(number)
        while not order.exists():
            time.sleep(0.2)
        operations = int(order.read_text())
        found = {} if operations < 0 else work(operations)
        answer.with_suffix(".unfinished").write_text(json.dumps(found))
        answer.with_suffix(".unfinished").rename(answer)
        if operations < 0:
            return
        number += 1


if __name__ == "__main__":
    set_up()
    obey(Path(sys.argv[1]))
