"""What a peer is to count, what it has counted, and whether that is what was to be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Callable

from .tool import PeerError

KMALLOC, KFREE = "kmalloc", "kfree"
# The functions that tracer counts, as debugfs names them there. What else it probes serves only
# its own table of blocks.
FUNCTIONS = (KMALLOC, KFREE, "schedule", "up", "down_interruptible", "mutex_lock", "mutex_unlock")
MEMORY = (KMALLOC, KFREE)
BYTES = {KMALLOC: "kmalloc_mem", KFREE: "kfree_mem"}  # what a peer calls them that sums bytes


@dataclass(frozen=True)
class Target:
    """What to count: these processes' calls of functions, each with the symbols that serve it."""

    pids: Sequence[int]
    symbols: Mapping[str, Sequence[str]]

    @property
    def all_symbols(self) -> list[str]:
        """The symbols of all functions."""
        return [symbol for served_by in self.symbols.values() for symbol in served_by]


@dataclass
class Session:
    """A peer that is attached.

    ``calls`` of each function, or bytes by the names of BYTES, are there when it is detached.
    """

    calls: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Peer:
    """A tool and a way to use it."""

    name: str
    attached: Callable[[Target], AbstractContextManager[Session]]
    functions: Sequence[str] = FUNCTIONS  # that it counts
    in_bytes: bool = False  # it sums the bytes of these, instead of calls


def symbols_of(probes: Mapping[str, str]) -> dict[str, list[str]]:
    """The symbols of each function, from the function of each symbol as tracer lists them.

    Raises PeerError if a function has none.
    """
    found = {name: [symbol for symbol, of in probes.items() if of == name] for name in FUNCTIONS}
    missing = [name for name, symbols in found.items() if not symbols]
    if missing:
        raise PeerError(f"tracer lists no probe of {', '.join(missing)}")
    return found


def judge(peer: str, session: Session, done: Mapping[str, int], *, monitored: bool) -> None:
    """See that a peer has counted what was done, or none of it if another process did it.

    ``done``: at least so many calls, or bytes, were there while the peer was attached.
    Raises PeerError if it counted less, or what it was not to count.
    """
    for name, least in done.items():
        counted = session.calls.get(name, 0)
        if monitored and counted < least:
            raise PeerError(f"{peer} counted {counted} of {least} in {name}")
        if not monitored and counted >= least:
            raise PeerError(f"{peer} counted {counted} in {name} of another process")
