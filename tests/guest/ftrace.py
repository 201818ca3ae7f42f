"""What ftrace sees: every event of a window, in one order for all processors, none lost.

Nothing here looks at module tracer. Raw events are taken rather than histograms: they exist on
every kernel, and the blocks of memory can be followed one by one afterwards.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TRACING = Path("/sys/kernel/tracing")
SWITCH = Path("/proc/sys/kernel/ftrace_enabled")
GROUP = "tracer_test"
INSTANCE = TRACING / "instances" / GROUP
BUFFER_KIB_PER_CPU = 49_152
# What an event is called, and the symbols of which a kernel has one.
CALLS = {
    "schedule": ["schedule"],
    "up": ["up"],
    "down_interruptible": ["down_interruptible"],
    "mutex_lock": ["mutex_lock", "mutex_lock_nested", "_mutex_lock"],
    "mutex_unlock": ["mutex_unlock", "_mutex_unlock"],
}
# kfree() takes blocks of any cache, some of which kmalloc() did not give.
MEMORY_EVENTS = ["kmalloc", "kmalloc_node", "kfree", "kmem_cache_alloc", "kmem_cache_alloc_node"]
# Entry points whose first argument is the size; kmalloc(0) fires no tracepoint.
SIZED = [
    "__kmalloc",
    "__kmalloc_node",
    "__kmalloc_track_caller",
    "__kmalloc_node_track_caller",
    "__kmalloc_noprof",
    "__kmalloc_node_noprof",
    "__kmalloc_node_track_caller_noprof",
]
# Before this release it calls one of the above, by "slab: Achieve better kmalloc caches
# randomization in kvmalloc".
KVMALLOC = "__kvmalloc_node_noprof"
KVMALLOC_ALLOCATES = (6, 15)
# Where these exist the kmalloc tracepoint fires twice for a large block.
LARGE = ["__kmalloc_large_noprof", "__kmalloc_large_node_noprof"]
# Letters of one column of the flags, and of no other: before 6.12 PREEMPT_RT has a column more.
IN_INTERRUPT = frozenset("hHsSzZ")
LINE = re.compile(
    r"\s*.+-(?P<tid>\d+)\s+\[\d+\]\s+(?P<flags>\S+)\s+\S+: (?P<name>\w+): ?(?P<text>.*)"
)


@dataclass(frozen=True)
class Event:
    """One event; `tid` is the thread that ran, which an interrupt may have borrowed."""

    name: str
    tid: int
    in_task: bool
    text: str

    def value(self, key: str) -> str:
        """Give the text after `key=`. Raises AttributeError if there is none."""
        found = re.search(rf"\b{key}=(\S+)", self.text)
        assert found, f"no {key} in {self.text!r}"
        return found.group(1)

    def number(self, key: str) -> int:
        """Give the decimal number after `key=`."""
        return int(self.value(key))

    @property
    def pointer(self) -> int:
        """The block's address; 0 for NULL, which some kernels print as a word."""
        text = self.value("ptr")
        return 0 if text == "(null)" else int(text, 16)


class LostEventsError(AssertionError):
    """The trace is not whole, so that it proves nothing."""


@functools.cache  # reading all symbols takes a second under emulation
def kernel_has(symbol: str) -> bool:
    """Say whether the kernel has a function of this name."""
    with Path("/proc/kallsyms").open(encoding="ascii") as symbols:
        return any(line.split()[2] == symbol for line in symbols)


def kernel_release() -> tuple[int, int]:
    """Give the first two numbers of the kernel's release."""
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int(minor)


def _definitions() -> list[str]:
    symbols = {line.split()[2] for line in Path("/proc/kallsyms").read_text().splitlines()}
    lines = [
        f"p:{GROUP}/{name} {symbol}"
        for name, served_by in CALLS.items()
        for symbol in served_by
        if symbol in symbols
    ]
    sized = [*SIZED, KVMALLOC] if kernel_release() >= KVMALLOC_ALLOCATES else SIZED
    lines += [f"p:{GROUP}/zero_{name} {name} size=$arg1:u64" for name in sized if name in symbols]
    lines += [f"p:{GROUP}/large_{name} {name} size=$arg1:u64" for name in LARGE if name in symbols]
    return lines


def write(path: Path, text: str) -> None:
    """Write one of the files of tracing. Raises OSError."""
    path.write_text(text, encoding="ascii")


def append_line(path: Path, line: str) -> None:
    """Add a line to a file of definitions. Raises OSError."""
    # Opened in any other way the file forgets what it holds, or refuses to be sought.
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, f"{line}\n".encode("ascii"))
    finally:
        os.close(fd)


def _define_probes() -> None:
    for line in _definitions():
        append_line(TRACING / "kprobe_events", line)


def forget_probes(group: str) -> None:
    """Take away the kprobe events of a group, which are switched off."""
    for line in (TRACING / "kprobe_events").read_text(encoding="ascii").splitlines():
        name = line.split()[0].partition(":")[2]
        if name.startswith(f"{group}/"):
            append_line(TRACING / "kprobe_events", f"-:{name}")


def _set_up(others: Iterable[str]) -> None:
    write(INSTANCE / "trace_clock", "counter")  # one order for all processors
    write(INSTANCE / "buffer_size_kb", str(BUFFER_KIB_PER_CPU))
    write(INSTANCE / "options" / "overwrite", "0")
    hash_pointers = INSTANCE / "options" / "hash-ptr"
    if hash_pointers.exists():
        write(hash_pointers, "0")
    for name in MEMORY_EVENTS:
        event = INSTANCE / "events" / "kmem" / name
        if event.is_dir():
            write(event / "enable", "1")
    for name in others:
        write(INSTANCE / "events" / name / "enable", "1")
    for event in (INSTANCE / "events" / GROUP).glob("zero_*"):
        write(event / "filter", "size == 0")
    write(INSTANCE / "events" / GROUP / "enable", "1")


@contextmanager
def tracing(others: Iterable[str] = ()) -> Iterator[Trace]:
    """Trace the whole system from here to `Trace.stop`; other events such as "sched/..." too."""
    _define_probes()
    INSTANCE.mkdir()
    try:
        _set_up(others)
        yield Trace()
    finally:
        write(INSTANCE / "tracing_on", "0")
        write(INSTANCE / "events" / "enable", "0")
        INSTANCE.rmdir()
        forget_probes(GROUP)


class Trace:
    """A trace that runs."""

    def mark(self, word: str) -> None:
        """Put a word among the events."""
        write(INSTANCE / "trace_marker", word)

    def stop(self) -> list[Event]:
        """Give every event in order. Raises LostEventsError if one is missing."""
        write(INSTANCE / "tracing_on", "0")
        self._check_whole()
        with (INSTANCE / "trace").open(encoding="ascii", errors="replace") as file:
            return parse(file)

    @staticmethod
    def _check_whole() -> None:
        for path in (INSTANCE / "per_cpu").glob("cpu*/stats"):
            lines = path.read_text(encoding="ascii").splitlines()
            stats: dict[str, str] = dict(line.split(": ", 1) for line in lines)
            for key in ("overrun", "commit overrun", "dropped events"):
                if stats[key] != "0":
                    raise LostEventsError(f"{path.parent.name}: {key} {stats[key]}")
        for line in (TRACING / "kprobe_profile").read_text(encoding="ascii").splitlines():
            name, _, missed = line.split()
            if missed != "0":
                raise LostEventsError(f"ftrace missed {missed} hits of {name}")


def parse(lines: Iterable[str]) -> list[Event]:
    """Give the events of a trace."""
    return [_parse(line) for line in lines if not line.startswith("#")]


def _parse(line: str) -> Event:
    found = LINE.fullmatch(line.rstrip("\n"))
    if not found:
        raise LostEventsError(f"not a line of a trace: {line!r}")
    in_task = not IN_INTERRUPT.intersection(found["flags"])
    return Event(found["name"], int(found["tid"]), in_task, found["text"])
