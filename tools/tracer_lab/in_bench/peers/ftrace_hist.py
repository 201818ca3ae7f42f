"""ftrace's histograms: a trigger an event, with the PID for its key and filtered by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .counting import Session, Target
from .kprobe_events import GROUP, TRACING, defined
from .tool import PeerError

EVENTS = TRACING / "events" / GROUP
HITS = re.compile(r"hitcount:\s+(\d+)")


@contextmanager
def attached(target: Target) -> Iterator[Session]:
    """Count until the end of the block. The kernel has it all once a write returns."""
    session = Session()
    with defined(target) as events, ExitStack() as triggers:
        for event in events:
            triggers.enter_context(_triggered(EVENTS / event / "trigger", trigger(target)))
        yield session
        for event, function in events.items():
            hits = parse_hist((EVENTS / event / "hist").read_text(encoding="ascii"))
            session.calls[function] = session.calls.get(function, 0) + hits


def trigger(target: Target) -> str:
    """What is written into the file ``trigger`` of an event."""
    ours = " || ".join(f"common_pid == {pid}" for pid in target.pids)
    return f"hist:keys=common_pid if {ours}"


@contextmanager
def _triggered(file: Path, what: str) -> Iterator[None]:
    try:
        file.write_text(f"{what}\n", encoding="ascii")
    except OSError as error:
        raise PeerError(f"the kernel does not take '{what}': {error.strerror}") from error
    try:
        yield
    finally:
        file.write_text(f"!{what}\n", encoding="ascii")


def parse_hist(text: str) -> int:
    """The sum of the hits in a file ``hist``."""
    return sum(int(hits) for hits in HITS.findall(text))
