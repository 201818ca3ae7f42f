"""The states of the peers: each attached to another process, and to those that are measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from .peers.catalogue import PEERS
from .peers.counting import BYTES, KFREE, KMALLOC, Peer, Target, judge, symbols_of
from .processes import Worker
from .states import Setting, State

PROOF = 1000  # calls that a peer is shown at the end, to see whether it counts
BLOCK = 64  # bytes that it is shown of each of them, if it sums these
SHOWN = {
    "mutex": ("mutex_lock", "mutex_unlock"),
    "kmalloc64": (KMALLOC, KFREE),
    "semaphore": ("up", "down_interruptible"),
    "schedule": ("schedule",),
}


def peer_states() -> list[State]:
    """All states of peers."""
    return [
        State(f"{peer.name}-{when}", partial(_attached, peer, monitored=monitored))
        for peer in PEERS
        for when, monitored in (("other", False), ("monitored", True))
    ]


@contextmanager
def _attached(peer: Peer, setting: Setting, *, monitored: bool) -> Iterator[None]:
    pids: Sequence[int] = setting.this if monitored else (setting.other,)
    symbols = symbols_of(setting.symbols)
    target = Target(pids, {function: symbols[function] for function in peer.functions})
    with peer.attached(target) as session:
        yield
        done = _show(setting.worker, peer)
    judge(peer.name, session, done, monitored=monitored)


def _show(worker: Worker, peer: Peer) -> dict[str, int]:
    """Have the worker call all that the peer counts; how much it is to have counted of each."""
    done: dict[str, int] = {}
    for work, functions in SHOWN.items():
        worker.ask(f"kernel {work} {PROOF}")
        shown = [name for name in functions if name in peer.functions]
        if peer.in_bytes:
            done.update({BYTES[name]: PROOF * BLOCK for name in shown})
        else:
            done.update(dict.fromkeys(shown, PROOF))
    return done
