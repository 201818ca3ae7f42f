"""perf stat, attached to processes: on events on the entry of functions, and on tracepoints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from .counting import KFREE, KMALLOC, Session, Target
from .kprobe_events import GROUP, TRACING, defined
from .tool import PeerError, Tool, running

KMEM = TRACING / "events" / "kmem"
# Before 6.1 what names a node has a tracepoint of its own.
TRACEPOINTS = {"kmalloc": KMALLOC, "kmalloc_node": KMALLOC, "kfree": KFREE}
ENABLED = b"ack\n"  # what it answers
NEVER_RAN = "<not counted>"  # what it says of processes that slept all the time


@contextmanager
def attached_to_kprobes(target: Target) -> Iterator[Session]:
    """Count the events of all functions until the end of the block."""
    with defined(target) as names:
        events = {f"{GROUP}:{name}": function for name, function in names.items()}
        with attached(target, events) as session:
            yield session


@contextmanager
def attached_to_tracepoints(target: Target) -> Iterator[Session]:
    """Count kmalloc and kfree, but not their bytes, by the kernel's tracepoints."""
    found = {f"kmem:{name}": of for name, of in TRACEPOINTS.items() if (KMEM / name).is_dir()}
    with attached(target, found) as session:
        yield session


@contextmanager
def attached(target: Target, events: Mapping[str, str]) -> Iterator[Session]:
    """Count events until the end of the block; ``events`` has the function that each belongs to."""
    session = Session()
    with _switched_on(target, events) as tool:
        yield session
        for event, count in parse_counts(tool.interrupt()).items():
            function = events[event]
            session.calls[function] = session.calls.get(function, 0) + count


@contextmanager
def _switched_on(target: Target, events: Iterable[str]) -> Iterator[Tool]:
    """Run perf, which starts with its events off, and says when it has switched them on."""
    control, orders = os.pipe()
    answers, acknowledge = os.pipe()
    command = ["perf", "stat", "-x", ",", "--delay=-1", f"--control=fd:{control},{acknowledge}"]
    command += ["-e", ",".join(events), "-p", ",".join(map(str, target.pids))]
    with ExitStack() as ours:
        ours.callback(os.close, orders)
        ours.callback(os.close, answers)
        with ExitStack() as given:
            given.callback(os.close, control)
            given.callback(os.close, acknowledge)
            tool = ours.enter_context(running(command, fds=(control, acknowledge)))
        try:
            os.write(orders, b"enable\n")
        except BrokenPipeError:
            raise tool.ended() from None
        if not os.read(answers, len(ENABLED)):
            raise tool.ended()
        yield tool


def parse_counts(text: str) -> dict[str, int]:
    """The count of each event in what ``perf stat -x,`` prints. Raises PeerError."""
    found = {}
    for line in text.splitlines():
        count, _, event, *_ = [*line.split(","), "", "", ""]
        if ":" not in event:
            continue
        if not count.isdigit() and count != NEVER_RAN:
            raise PeerError(f"perf says of {event}: {count}")
        found[event] = 0 if count == NEVER_RAN else int(count)
    return found
