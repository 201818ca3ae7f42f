"""Signals as something that poll(2) can wait for."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Callable

Handlers = Mapping[signal.Signals, Callable[[], None]]


def nothing() -> None:
    """Do nothing: the signal is to interrupt a wait, or to be survived."""


@contextmanager
def handled(handlers: Handlers) -> Iterator[int]:
    """Handle signals meanwhile; give a descriptor that is readable after one has been handled."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    woken = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {number: signal.getsignal(number) for number in handlers}
    try:
        for number, handle in handlers.items():
            signal.signal(number, lambda _number, _frame, handle=handle: handle())  # type: ignore[misc]
        yield reader
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken)
        os.close(reader)
        os.close(writer)


@contextmanager
def held_back(numbers: Iterable[int]) -> Iterator[set[int]]:
    """Block signals meanwhile; give those that were blocked before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield {int(number) for number in before}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def wait_for(descriptors: Mapping[int, int], wake: int, seconds: float | None) -> None:
    """Wait until a descriptor has one of its events, a signal came, or the time is over."""
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    for descriptor, events in descriptors.items():
        poll.register(descriptor, events)
    poll.poll(None if seconds is None else max(seconds, 0) * 1000)
    with suppress(BlockingIOError):
        os.read(wake, 65536)
