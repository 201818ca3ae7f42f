"""What a list of ftrace events says that the records of a whole tree must be.

Every process of the tree has one thread: when the threads of a process end together, no event
tells which of them was the last.
"""

from __future__ import annotations

from ftrace import Event
from ledger import BEGIN, Counts, Ledger
from proctracer import NAMES, Counters

LIFE_EVENTS = ["sched/sched_process_fork", "sched/sched_process_exit"]


class TreeLedger(Ledger):
    """Counts for each process of a tree, from the mark BEGIN or its creation to its end.

    `of` holds the counts by PID, once it has ended.
    """

    def __init__(self, root: int, large_fires_twice: bool) -> None:
        super().__init__(frozenset(), large_fires_twice)
        self._root = root
        self._running: dict[int, Counts] = {}
        self.of: dict[int, Counters] = {}

    def _marked(self, word: str) -> None:
        super()._marked(word)
        if word == BEGIN:
            self._begin(self._root)

    def _counts_for(self, event: Event) -> Counts | None:
        return self._running.get(event.tid) if event.in_task else None

    def _called(self, event: Event) -> None:
        if event.name == "sched_process_fork":
            if event.tid in self._running:
                self._begin(event.number("child_pid"))
        elif event.name == "sched_process_exit":
            self._end(event.tid)
        else:
            super()._called(event)

    def _begin(self, pid: int) -> None:
        self._running[pid] = dict.fromkeys(NAMES, 0)

    def _end(self, pid: int) -> None:
        counts = self._running.pop(pid, None)
        if counts is not None:
            self.of[pid] = Counters(**counts)
