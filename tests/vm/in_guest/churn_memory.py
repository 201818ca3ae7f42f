"""What the kernel holds of the kinds of memory that tracer takes, and whether it has grown."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SLABS = Path("/sys/kernel/slab")
DEADLINE = 120.0  # seconds; RCU and work items are done long before
PAUSE = 0.2
# The names of the caches that kmalloc() takes from, and that of struct pid, which may be merged
# with one of them.
CACHES = re.compile(r"kmalloc-|pid ")  # how their lines of slabinfo begin
TOTALS = {"slab": "SUnreclaim", "per CPU": "Percpu", "vmalloc": "VmallocUsed"}


@dataclass(frozen=True)
class Level:
    """What is in use: objects of each cache, and bytes of each kind of memory."""

    objects: dict[str, int]
    totals: dict[str, int]

    def as_facts(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Bounds:
    """By how much each may differ between two moments at which the same processes live."""

    objects: int  # in a cache
    totals: dict[str, int]  # bytes


def level() -> Level:
    """Give what is in use, when all that can be given back at once has been."""
    Path("/proc/sys/vm/drop_caches").write_text("2", encoding="ascii")
    lines = Path("/proc/slabinfo").read_text(encoding="ascii").splitlines()[2:]
    names = [line.split()[0] for line in lines if CACHES.match(line)]
    for name in names:
        # What processors keep for themselves counts as used until then.
        (SLABS / name / "shrink").write_text("1", encoding="ascii")
    text = Path("/proc/slabinfo").read_text(encoding="ascii")
    words = [line.split() for line in text.splitlines()[2:] if CACHES.match(line)]
    return Level({name: int(used) for name, used, *_ in words}, _totals())


def _totals() -> dict[str, int]:
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    found = re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)
    kib = {name: int(number) for name, number in found}
    return {what: kib[name] << 10 for what, name in TOTALS.items()}


def growth(before: Level, after: Level, bounds: Bounds) -> list[str]:
    """Name what has grown by more than its bound."""
    found = []
    for name, used in after.objects.items():
        more = used - before.objects.get(name, 0)
        if more > bounds.objects:
            found.append(f"{name}: {more} objects more")
    for name, used in after.totals.items():
        more = used - before.totals[name]
        if more > bounds.totals[name]:
            found.append(f"{name}: {more} bytes more")
    return found


def settled(before: Level, bounds: Bounds) -> tuple[Level, list[str]]:
    """Give the level once it is within bounds, or else at the deadline, and what has grown then."""
    end = time.monotonic() + DEADLINE
    while True:
        now = level()
        grown = growth(before, now, bounds)
        if not grown or time.monotonic() > end:
            return now, grown
        time.sleep(PAUSE)
