"""The words of the bench: which works and states there are, and how people call them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ENGINES = ("kretprobe", "ftrace")
BASELINE = "baseline"


class Whose(Enum):
    """Who brings a state about."""

    NOBODY = "the machine alone"
    OURS = "tracer"
    FLOOR = "floors"
    PEER = "peers"


@dataclass(frozen=True)
class Work:
    """What is done again and again while it is measured."""

    name: str
    label: str
    calls: int = 0  # of probed functions in an iteration, where the bench's module does it
    pair: bool = False  # kmalloc and kfree, of which the cost is told together

    @property
    def divisor(self) -> int:
        """What a figure of an iteration is divided by to be told: by call, by pair, as it is."""
        return 1 if self.pair or not self.calls else self.calls


@dataclass(frozen=True)
class State:
    """How the machine was while a work was measured."""

    name: str
    tool: str  # what was there
    whose: Whose
    counted: str = ""  # whom it counts, seen from the process that is measured


MUTEX = Work("mutex", "mutex", 2)
COUNT_ONLY = (MUTEX, Work("semaphore", "up, down", 2), Work("schedule", "schedule", 1))
KMALLOC = (
    Work("kmalloc64", "kmalloc 64", 2, pair=True),
    Work("kmalloc-variable", "kmalloc n", 2, pair=True),
)
CALLS = (*COUNT_ONLY, *KMALLOC)
PIPE = Work("pipe", "pipe")
PROGRAMS = ("stress-ng-pipe", "stress-ng-mutex", "stress-ng-malloc", "hackbench", "compile")
ROWS = (1, 1000, 10000)
READ_TRACER, READ_STAT = "read-proc-tracer", "read-pid-stat"  # with -ROWS behind
REQUESTS = {
    "load": "load",
    "first-add": "first ADD",
    "add": "ADD",
    "remove": "REMOVE",
    "last-remove": "last REMOVE",
    "unload": "unload",
}
MEMORY = {"memory-per-process": "a monitored process", "memory-tables": "the tables"}

OTHER, THIS = "another", "this"
OF_TRACER = {
    "idle": "none",
    "other": OTHER,
    "monitored": THIS,
    "1000-others": "1,000",
    "1000-others-and-this": "1,000, this",
    "10000-others": "10,000",
    "10000-others-and-this": "10,000, this",
    "after-last": "none again",
}
FLOORS = {
    "floor-ftrace": "ftrace_ops, empty",
    "floor-kprobe": "kprobe, empty",
    "floor-kretprobe-declines": "kretprobe, declining",
    "floor-kretprobe": "kretprobe, empty",
}
PEERS = {
    "bpftrace-fentry": "bpftrace, fentry",
    "bpftrace-fentry-sum": "bpftrace, sum",
    "bpftrace-kprobe": "bpftrace, kprobe",
    "bpftrace-kretprobe": "bpftrace, kretprobe",
    "bpftrace-kmem": "bpftrace, kmem",
    "ftrace-hist": "ftrace, hist",
    "perf-kprobe": "perf, kprobe",
    "perf-tracepoint": "perf, tracepoint",
    "systemtap": "SystemTap",
}
KMEM_ALONE = {PEERS[name] for name in ("bpftrace-kmem", "perf-tracepoint")}


def of_tracer(engine: str, state: str) -> str:
    """The name of a state of tracer with that engine."""
    return f"tracer-{engine}-{state}"


def _states() -> tuple[State, ...]:
    ours = [
        State(of_tracer(engine, name), f"tracer, {engine}", Whose.OURS, counted)
        for engine in ENGINES
        for name, counted in OF_TRACER.items()
    ]
    floors = [State(name, tool, Whose.FLOOR) for name, tool in FLOORS.items()]
    peers = [
        State(f"{name}-{when}", tool, Whose.PEER, counted)
        for name, tool in PEERS.items()
        for when, counted in (("other", OTHER), ("monitored", THIS))
    ]
    return (State(BASELINE, "no module", Whose.NOBODY), *ours, *floors, *peers)


STATES = {state.name: state for state in _states()}
