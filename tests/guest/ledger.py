"""What a list of ftrace events says that tracer's counters must be."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ftrace import Event, kernel_has
from proctracer import NAMES, Counters

BEGIN = "begin"
LARGEST_SLAB = 8192
SLABS = (8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, LARGEST_SLAB)
CALL_COLUMNS = {
    "schedule": "sched",
    "up": "up",
    "down_interruptible": "down",
    "mutex_lock": "lock",
    "mutex_unlock": "unlock",
    "kfree": "kfree",
}
ZERO_SIZE_POINTER = 16
Counts = dict[str, int]


def usable(event: Event) -> int:
    """Give what ksize() says of a new block. KASAN's zones around it are in bytes_alloc alone."""
    given, requested = event.number("bytes_alloc"), event.number("bytes_req")
    if requested > LARGEST_SLAB or not kernel_has("kasan_report"):
        return given
    if event.name.startswith("kmem_cache"):
        return requested
    return next(size for size in SLABS if requested <= size)


class Ledger:
    """Follows every block of the system by its address, and counts for some threads.

    `at` holds the counts at each mark of the trace.
    `unknown` holds the addresses that these threads freed and that nobody was seen to allocate;
    `borrowed` is the number of events of interrupts on their processors, which are not theirs.
    """

    def __init__(self, threads: AbstractSet[int], large_fires_twice: bool) -> None:
        self._threads = threads
        self._large_fires_twice = large_fires_twice
        self._begun = False
        self._prices: dict[int, int] = {}
        self._counts = dict.fromkeys(NAMES, 0)
        self.unknown: list[int] = []
        self.failed_large = 0
        self.borrowed = 0
        self.at: dict[str, Counters] = {}

    @property
    def counters(self) -> Counters:
        """The counts so far."""
        return Counters(**self._counts)

    def follow(self, events: list[Event]) -> None:
        """Take in events, in their order."""
        for event in events:
            if self._begun and event.tid in self._threads and not event.in_task:
                self.borrowed += 1
            if event.name == "tracing_mark_write":
                self._marked(event.text.strip())
            elif event.name in ("kmalloc", "kmalloc_node"):
                self._allocated(event)
            elif event.name in ("kmem_cache_alloc", "kmem_cache_alloc_node"):
                self._prices[event.pointer] = usable(event)
            elif event.name == "kfree":
                self._freed(event)
            else:
                self._called(event)

    def _marked(self, word: str) -> None:
        self._begun = self._begun or word == BEGIN
        self.at[word] = self.counters

    def _counts_for(self, event: Event) -> Counts | None:
        """Give the counts that an event goes to; None if it is nobody's."""
        mine = self._begun and event.in_task and event.tid in self._threads
        return self._counts if mine else None

    def _called(self, event: Event) -> None:
        counts = self._counts_for(event)
        if counts is None:
            return
        if event.name.startswith("zero_"):
            counts["kmalloc"] += 1
        elif event.name.startswith("large_"):
            counts["kmalloc"] += 1
            counts["kmalloc_mem"] += event.number("size")
        else:
            counts[CALL_COLUMNS[event.name]] += 1

    def _allocated(self, event: Event) -> None:
        pointer, requested = event.pointer, event.number("bytes_req")
        counts = self._counts_for(event)
        if pointer:
            price = usable(event) if counts is None else requested
            self._prices[pointer] = price
        if counts is None:
            return
        if requested > LARGEST_SLAB and self._large_fires_twice:
            self.failed_large += not pointer
            return
        counts["kmalloc"] += 1
        counts["kmalloc_mem"] += requested if pointer else 0

    def _freed(self, event: Event) -> None:
        pointer = event.pointer
        price: int | None = self._prices.pop(pointer, None)
        if pointer in (0, ZERO_SIZE_POINTER):
            price = 0
        counts = self._counts_for(event)
        if counts is None:
            return
        counts["kfree"] += 1
        if price is None:
            self.unknown.append(pointer)
        else:
            counts["kfree_mem"] += price
