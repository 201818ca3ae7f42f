"""Events of ftrace on the entry of functions, which ftrace's triggers and perf both count."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .counting import Target
from .tool import PeerError

TRACING = Path("/sys/kernel/tracing")
GROUP = "tracer_bench"
PREFIX = "call_of_"  # perf takes the name "up" for modifiers of an event


def event_names(target: Target) -> dict[str, str]:
    """The function of each event, by the event's name."""
    return {
        f"{PREFIX}{symbol}": function
        for function, symbols in target.symbols.items()
        for symbol in symbols
    }


@contextmanager
def defined(target: Target) -> Iterator[dict[str, str]]:
    """With an event on each symbol until the end of the block, which gets ``event_names``.

    Raises PeerError if the kernel refuses one.
    """
    names = event_names(target)
    made: list[str] = []
    try:
        for name in names:
            _change(f"p:{GROUP}/{name} {name[len(PREFIX) :]}")
            made.append(name)
        yield names
    finally:
        for name in made:
            _change(f"-:{GROUP}/{name}")


def _change(line: str) -> None:
    # Opened in any other way the file forgets the events that it holds.
    fd = os.open(TRACING / "kprobe_events", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, f"{line}\n".encode())
    except OSError as error:
        raise PeerError(f"the kernel does not take the event '{line}': {error.strerror}") from error
    finally:
        os.close(fd)
