"""The states in which every work is measured: without tracer, with floors, with tracer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Callable

from .modules import ENGINES, floor, monitored, tracer
from .processes import Worker

FLOORS = {
    "floor-ftrace": "ftrace",
    "floor-kprobe": "kprobe",
    "floor-kretprobe-declines": "declines",
    "floor-kretprobe": "returns",
}


@dataclass(frozen=True)
class Setting:
    """What states are made of."""

    worker: Worker
    other: int  # PID of a process that sleeps
    symbols: Mapping[str, str]  # what tracer probes, and the function that each serves

    @property
    def this(self) -> Sequence[int]:
        """The processes whose calls are measured: one, but in the work of two both."""
        return (self.worker.pid, self.worker.partner)


@dataclass(frozen=True)
class State:
    """A state by name, and what brings it about for the length of a block."""

    name: str
    entered: Callable[[Setting], AbstractContextManager[None]]


def states() -> list[State]:
    """The states with few processes, in order."""
    found = [State("baseline", lambda _: nullcontext())]
    found += [State(name, partial(_floor, kind)) for name, kind in FLOORS.items()]
    for engine in ENGINES:
        found += _with_tracer(engine)
    return found


def crowd_states(others: Sequence[int]) -> list[State]:
    """The states in which so many other processes are monitored."""
    found = []
    for engine in ENGINES:
        name = f"tracer-{engine}-{len(others)}-others"
        found.append(State(name, partial(_many, engine, others, this=False)))
        found.append(State(f"{name}-and-this", partial(_many, engine, others, this=True)))
    return found


def _with_tracer(engine: str) -> list[State]:
    made: dict[str, Callable[[Setting], AbstractContextManager[None]]] = {
        "idle": lambda _: tracer(engine),
        "other": lambda setting: monitoring(engine, [setting.other]),
        "monitored": lambda setting: monitoring(engine, setting.this),
        "after-last": lambda setting: _after_last(engine, setting.other),
    }
    return [State(f"tracer-{engine}-{name}", entered) for name, entered in made.items()]


def _floor(kind: str, setting: Setting) -> AbstractContextManager[None]:
    return floor(kind, setting.symbols)


@contextmanager
def monitoring(engine: str, pids: Sequence[int]) -> Iterator[None]:
    """With tracer loaded, and those processes monitored, until the end of the block."""
    with tracer(engine), monitored(pids):
        yield


@contextmanager
def _after_last(engine: str, pid: int) -> Iterator[None]:
    with tracer(engine):
        with monitored([pid]):
            pass
        yield


def _many(
    engine: str, others: Sequence[int], setting: Setting, *, this: bool
) -> AbstractContextManager[None]:
    return monitoring(engine, [*others, *(setting.this if this else ())])
