"""What Prometheus reads: the metrics, made anew from the state of the watch for each reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tracer_exporter.ledger import Counts
from tracer_exporter.state import State
from tracer_tools.listing import UNKNOWN

# In the order of the columns of /proc/tracer: what the name of the metric ends with, and its help.
COUNTED = (
    ("kmalloc_calls", "Calls of kmalloc, by any of its entry points."),
    ("kfree_calls", "Calls of kfree, kfree(NULL) included."),
    ("kmalloc_bytes", "Bytes requested by the calls of kmalloc that returned memory."),
    ("kfree_bytes", "Bytes given back by kfree."),
    ("schedule_calls", "Calls of schedule."),
    ("semaphore_up_calls", "Calls of up."),
    ("semaphore_down_calls", "Calls of down_interruptible."),
    ("mutex_lock_calls", "Calls of mutex_lock."),
    ("mutex_unlock_calls", "Calls of mutex_unlock."),
)
SERIES_A_PROCESS = len(COUNTED)


@dataclass
class Shown:
    """Which processes have series of their own, of `most` at a time: who came first stays."""

    most: int
    dropped: int = 0
    _shown: set[int] = field(default_factory=set)
    _refused: set[int] = field(default_factory=set)

    def choose(self, pids: Iterable[int]) -> set[int]:
        """Return those of the processes that are to be shown, and count the series of others."""
        living = set(pids)
        waiting = sorted(living - self._shown)
        room = self.most - len(self._shown & living)
        self._shown = (self._shown & living) | set(waiting[:room])
        refused = set(waiting[room:])
        self.dropped += SERIES_A_PROCESS * len(refused - self._refused)
        self._refused = refused
        return self._shown


@dataclass(eq=False)
class Page(Collector):
    """The metrics, as prometheus_client collects them.

    read: gives the state, each time. command: the command name of a process. shown: which
    processes have series of their own; None for none.
    """

    read: Callable[[], State]
    command: Callable[[int], str | None]
    shown: Shown | None = None

    def describe(self) -> Iterable[Metric]:
        """Return nothing: prometheus_client need not collect to know that nothing is doubled."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics as they are now."""
        state = self.read()
        yield gauge("up", "Whether the module is loaded and could be read.", not state.trouble)
        if state.module is not None:
            version, engine = state.module
            info = InfoMetricFamily("tracer_module", "The loaded module.")
            info.add_metric([], {"version": version, "engine": engine})
            yield info
        groups = [([name], counts) for name, counts in sorted(state.totals.items())]
        yield from counters("tracer", "", ["group"], groups)
        processes = GaugeMetricFamily(
            "tracer_group_processes", "Processes that are monitored now.", labels=["group"]
        )
        for name, number in sorted(state.processes.items()):
            processes.add_metric([name], number)
        yield processes
        yield counter("missed_samples", "Calls that the kernel could not report.", state.missed)
        yield counter(
            "lost_records", "Processes that ended too fast to be read to their end.", state.lost
        )
        yield counter(
            "unfollowed_processes", "Processes that could not be followed.", state.unfollowed
        )
        if self.shown is not None:
            yield from self._of_processes(state, self.shown)

    def _of_processes(self, state: State, shown: Shown) -> Iterator[Metric]:
        """Yield what each process has counted, of as many as may be shown."""
        chosen = shown.choose(pid for pid, _, _ in state.living)
        processes = [
            ([group, str(pid), self.command(pid) or UNKNOWN], counts)
            for pid, group, counts in sorted(state.living)
            if pid in chosen
        ]
        text = "Of one process that runs, since it was found: "
        yield from counters("tracer_process", text, ["group", "pid", "command"], processes)
        yield counter(
            "series_dropped",
            "Series of processes that were not shown, as too many are monitored.",
            shown.dropped,
        )


def gauge(name: str, text: str, value: float) -> Metric:
    """Return a gauge without labels."""
    return GaugeMetricFamily(f"tracer_{name}", text, value=value)


def counter(name: str, text: str, value: int) -> Metric:
    """Return a counter without labels; its name gets ``_total`` at its end."""
    return CounterMetricFamily(f"tracer_{name}", text, value=value)


def counters(
    prefix: str, text: str, labels: Sequence[str], counted: Sequence[tuple[list[str], Counts]]
) -> Iterator[Metric]:
    """Yield the nine counters of whatever has labels and counts."""
    for index, (name, what) in enumerate(COUNTED):
        family = CounterMetricFamily(f"{prefix}_{name}", text + what, labels=labels)
        for values, counts in counted:
            family.add_metric(values, counts[index])
        yield family
