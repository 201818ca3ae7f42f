"""The states in which every work is measured: without tracer, with floors, with tracer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Callable

from .modules import ENGINES, floor, monitored, tracer
from .processes import Worker, sleepers

FLOORS = {
    "floor-kprobe": "kprobe",
    "floor-kretprobe-declines": "declines",
    "floor-kretprobe": "returns",
}


@dataclass(frozen=True)
class Setting:
    """What states are made of."""

    worker: Worker
    other: int  # PID of a process that sleeps
    symbols: Sequence[str]  # what tracer probes

    @property
    def this(self) -> Sequence[int]:
        """The processes whose calls are measured: one, but in the work of two both."""
        return (self.worker.pid, self.worker.partner)


@dataclass(frozen=True)
class State:
    """A state by name, and what brings it about for the length of a block."""

    name: str
    entered: Callable[[Setting], AbstractContextManager[None]]


def states(crowds: Sequence[int]) -> list[State]:
    """All states in order: those with many processes, which are ``crowds``, come last."""
    found = [State("baseline", lambda _: nullcontext())]
    found += [State(name, partial(_floor, kind)) for name, kind in FLOORS.items()]
    for engine in ENGINES:
        found += _with_tracer(engine)
    for crowd in crowds:
        for engine in ENGINES:
            name = f"tracer-{engine}-{crowd}-others"
            found.append(State(name, partial(_crowd, engine, crowd, this=False)))
            found.append(State(f"{name}-and-this", partial(_crowd, engine, crowd, this=True)))
    return found


def _with_tracer(engine: str) -> list[State]:
    made: dict[str, Callable[[Setting], AbstractContextManager[None]]] = {
        "idle": lambda _: tracer(engine),
        "other": lambda setting: _monitoring(engine, [setting.other]),
        "monitored": lambda setting: _monitoring(engine, setting.this),
        "after-last": lambda setting: _after_last(engine, setting.other),
    }
    return [State(f"tracer-{engine}-{name}", entered) for name, entered in made.items()]


def _floor(kind: str, setting: Setting) -> AbstractContextManager[None]:
    return floor(kind, setting.symbols)


@contextmanager
def _monitoring(engine: str, pids: Sequence[int]) -> Iterator[None]:
    with tracer(engine), monitored(pids):
        yield


@contextmanager
def _after_last(engine: str, pid: int) -> Iterator[None]:
    with tracer(engine):
        with monitored([pid]):
            pass
        yield


@contextmanager
def _crowd(engine: str, count: int, setting: Setting, *, this: bool) -> Iterator[None]:
    added = setting.this if this else ()
    with sleepers(count) as others, tracer(engine), monitored([*others, *added]):
        yield
